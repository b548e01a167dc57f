package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"sort"
	"testing"
	"time"
)

const limit = 20 * time.Second

// recorded gives excerpts of real histories, one lock of one round each.
func recorded(t *testing.T) map[string][]event {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.jsonl")
	if err != nil || len(paths) == 0 {
		t.Fatal("no recorded histories", err)
	}
	histories := map[string][]event{}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rounds, err := readRounds(bytes.NewReader(text))
		if err != nil {
			t.Fatal(path, err)
		}
		histories[filepath.Base(path)] = rounds[0]
	}
	return histories
}

func accepts(t *testing.T, events []event) bool {
	t.Helper()
	sort.SliceStable(events, func(a, b int) bool { return events[a].At < events[b].At })
	verdicts, err := judge([][]event{events}, limit)
	if err != nil {
		t.Fatal(err)
	}
	return len(verdicts[0].rejected) == 0
}

func TestAcceptsRecordedHistories(t *testing.T) {
	for name, events := range recorded(t) {
		if !accepts(t, events) {
			t.Errorf("%s: rejected", name)
		}
	}
}

// TestRejectsInjectedErrors puts one error at a time into each place of a recorded history where it is possible.
func TestRejectsInjectedErrors(t *testing.T) {
	histories := recorded(t)
	for what, inject := range injections {
		total := 0
		for name, events := range histories {
			injected, missed := 0, 0
			for place := 0; ; place++ {
				wrong, ok := inject(copyOf(t, events), place)
				if !ok {
					break
				}
				if wrong == nil {
					continue
				}
				injected++
				if accepts(t, wrong) {
					missed++
					t.Errorf("%s: %s at place %d: accepted", name, what, place)
				}
			}
			t.Logf("%s: %s: %d of %d rejected", name, what, injected-missed, injected)
			total += injected
		}
		if total == 0 {
			t.Errorf("%s: possible at no place", what)
		}
	}
}

func TestRejectsTwoHoldersWithoutALossOfState(t *testing.T) {
	events := recorded(t)["fair-single.jsonl"]
	for index := range events {
		events[index].StateLost = nil
	}
	if accepts(t, events) {
		t.Error("accepted")
	}
}

// The events with an error at this place: nil if it is not possible there, false after the last place.
type injection func(events []event, place int) ([]event, bool)

var injections = map[string]injection{
	"two tokens swapped":               swapTokens,
	"a token repeated":                 repeatToken,
	"a second holder":                  addHolder,
	"a section that ends too late":     extendSection,
	"a stale write accepted":           addStaleWrite,
	"a valid write refused":            refuseWrite,
	"a lock that is granted too early": killHolder,
}

// swapTokens swaps those of two callers, of which one was inside before the other one asked.
func swapTokens(events []event, place int) ([]event, bool) {
	r, s, ok := sectionAt(events, place)
	if !ok || place == 0 || !r.isOrdered() {
		return nil, ok && r.isOrdered()
	}
	before := r.sections[s.enter.Name][place-1]
	if r.reads(s) || r.reads(before) || r.isOff(s) || r.isOff(before) {
		return nil, true
	}
	swapped := map[string]int64{s.enter.Caller: before.enter.Token, before.enter.Caller: s.enter.Token}
	return withTokens(events, swapped), true
}

func repeatToken(events []event, place int) ([]event, bool) {
	r, s, ok := sectionAt(events, place)
	if !ok || place == 0 {
		return nil, ok
	}
	before := r.sections[s.enter.Name][place-1]
	if r.reads(s) || r.reads(before) {
		return nil, true
	}
	return withTokens(events, map[string]int64{s.enter.Caller: before.enter.Token}), true
}

// addHolder lets one more caller take all permits in the middle of a section.
func addHolder(events []event, place int) ([]event, bool) {
	r, s, ok := sectionAt(events, place)
	if !ok || r.isOff(s) {
		return nil, ok
	}
	middle := (s.enter.At + r.validUntil(s)) / 2
	return append(events, sectionOf(r, s.enter.Name, middle, r.largestToken()+1)...), true
}

// extendSection lets a caller leave after one has entered that does not fit in beside it.
func extendSection(events []event, place int) ([]event, bool) {
	r, s, ok := sectionAt(events, place)
	if !ok {
		return nil, false
	}
	next := r.nextWithout(s)
	if next == nil || r.isOff(s) || r.loses(s, next) {
		return nil, true
	}
	later := next.enter.At + 0.001
	for index := range events {
		each := &events[index]
		if each.Caller != s.enter.Caller {
			continue
		}
		if each.Type == "leave" {
			each.At = later
		} else if each.Type == "released" {
			each.At = later + 0.001
		}
	}
	return events, true
}

// addStaleWrite accepts a write of a caller after that of the next one.
func addStaleWrite(events []event, place int) ([]event, bool) {
	r, s, ok := sectionAt(events, place)
	if !ok || !r.isOrdered() {
		return nil, ok && r.isOrdered()
	}
	for _, each := range r.writes[s.enter.Name] {
		if each.Accepted && each.Token > s.enter.Token {
			stale := event{At: each.At + 0.001, Type: "write", Caller: s.enter.Caller, Name: s.enter.Name}
			stale.Token, stale.Accepted = s.enter.Token, true
			return append(events, stale), true
		}
	}
	return nil, true
}

func refuseWrite(events []event, place int) ([]event, bool) {
	if place == len(events) {
		return nil, false
	}
	if events[place].Type != "write" || !events[place].Accepted {
		return nil, true
	}
	events[place].Accepted = false
	return events, true
}

// killHolder lets a caller never leave, so that it has the lock until its lease ends, and another one enters before.
func killHolder(events []event, place int) ([]event, bool) {
	r, s, ok := sectionAt(events, place)
	if !ok {
		return nil, false
	}
	next := r.nextWithout(s)
	if next == nil || r.isOff(s) || r.loses(s, next) || next.enter.At > s.enter.At+*s.enter.Remaining {
		return nil, true
	}
	var rest []event
	for _, each := range events {
		if each.Caller != s.enter.Caller || (each.Type != "leave" && each.Type != "released") {
			rest = append(rest, each)
		}
	}
	return append(rest, event{At: s.leave.At, Type: "killed", Process: s.attempt.want.Process}), true
}

// nextWithout gives the next section that must not overlap.
func (r *round) nextWithout(s *section) *section {
	sections := r.sections[s.enter.Name]
	for _, next := range sections[s.id+1:] {
		if s.attempt.want.Take+next.attempt.want.Take > r.begin.Permits {
			return next
		}
	}
	return nil
}

// isOff tells whether the caller may have lost its lock.
func (r *round) isOff(s *section) bool {
	return r.lostFrom(s) < r.end || s.lost != nil || s.leave == nil || *s.leave.Remaining <= 0 || r.validUntil(s) <= s.enter.At
}

// loses tells whether a fault may have taken the lock of one caller before the next one entered, or the next one's.
func (r *round) loses(s, next *section) bool {
	if r.lostFrom(next) < r.end {
		return true
	}
	for _, each := range r.losses {
		if each.meets(s.enter.At, next.enter.At) {
			return true
		}
	}
	return false
}

func (r *round) largestToken() int64 {
	var largest int64
	for _, sections := range r.sections {
		for _, s := range sections {
			if s.enter.Token > largest {
				largest = s.enter.Token
			}
		}
	}
	return largest
}

func sectionAt(events []event, place int) (*round, *section, bool) {
	r, err := newRound(events)
	if err != nil {
		panic(err)
	}
	for _, name := range r.names() {
		if place < len(r.sections[name]) {
			return r, r.sections[name][place], true
		}
	}
	return r, nil, false
}

// sectionOf gives a short section that takes everything.
func sectionOf(r *round, name string, at float64, token int64) []event {
	wait, left := 100.0, 500.0
	want := event{At: at - 0.0002, Type: "want", Process: "w", Caller: "injected", Names: []string{name}, Wait: &wait, Lease: 600.0, Take: r.begin.Permits}
	enter := event{At: at - 0.0001, Type: "enter", Caller: "injected", Name: name, Token: token, Remaining: &left}
	leave := event{At: at, Type: "leave", Caller: "injected", Name: name, Remaining: &left}
	released := event{At: at + 0.0001, Type: "released", Caller: "injected", Name: name, Outcome: "released"}
	return []event{want, enter, leave, released}
}

func withTokens(events []event, tokens map[string]int64) []event {
	for index := range events {
		if token, ok := tokens[events[index].Caller]; ok && events[index].Token != 0 {
			events[index].Token = token
		}
	}
	return events
}

func copyOf(t *testing.T, events []event) []event {
	t.Helper()
	var copied []event
	text, err := json.Marshal(events)
	if err == nil {
		err = json.Unmarshal(text, &copied)
	}
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

// history tells what happens to one lock, "a", of which no process holds more than is told.
type history struct{ events []event }

func start(permits int) *history {
	begin := event{At: 0, Type: "begin", Topology: "single", Kind: "exclusive", LeaseMs: 1_000, Tokens: true, Permits: permits}
	return &history{[]event{begin}}
}

func (h *history) add(more ...event) *history {
	h.events = append(h.events, more...)
	return h
}

func (h *history) section(caller string, token int64, want, enter, leave float64) *history {
	left, rest := 900.0, math.Max(0, 900-(leave-enter))
	return h.ask(caller, want).add(
		event{At: enter, Type: "enter", Caller: caller, Name: "a", Token: token, Remaining: &left},
		event{At: enter + 0.1, Type: "write", Caller: caller, Name: "a", Token: token, Accepted: true},
		event{At: leave, Type: "leave", Caller: caller, Name: "a", Remaining: &rest},
		event{At: leave + 1, Type: "released", Caller: caller, Name: "a", Outcome: "released"},
	)
}

// look shows a lease that was renewed 100 ms ago.
func (h *history) look(caller string, at float64) *history {
	left := 900.0
	return h.add(event{At: at, Type: "look", Caller: caller, Name: "a", Remaining: &left})
}

func (h *history) ask(caller string, at float64) *history {
	wait := 0.0
	return h.add(event{At: at, Type: "want", Process: caller, Caller: caller, Names: []string{"a"}, Wait: &wait, Lease: 1_000.0})
}

func (h *history) fails(caller, code string, at float64) *history {
	return h.add(event{At: at, Type: "failed", Caller: caller, Code: code})
}

func (h *history) fault(from, to float64, stateLost any) *history {
	return h.add(event{At: from, Type: "fault", ID: "f", StateLost: stateLost}, event{At: to, Type: "healed", ID: "f"})
}

func TestStories(t *testing.T) {
	for what, each := range map[string]struct {
		story    *history
		accepted bool
	}{
		"one after another":           {start(1).section("x", 1, 10, 20, 30).section("y", 2, 10, 32, 40), true},
		"two at once":                 {start(1).section("x", 1, 10, 20, 30).section("y", 2, 10, 29, 40), false},
		"two of two at once":          {start(2).section("x", 2, 10, 20, 30).section("y", 1, 10, 29, 40), true},
		"three of two at once":        {start(2).section("x", 1, 10, 20, 30).section("y", 2, 10, 29, 40).section("z", 3, 10, 29.5, 40), false},
		"two at once, a loss":         {start(1).section("x", 1, 10, 20, 300).fault(100, 110, "all").section("y", 2, 120, 130, 400), true},
		"confirmed by the old master": {start(1).section("x", 1, 10, 20, 1_600).look("x", 250).fault(100, 110, "all").section("y", 2, 300, 310, 400), true},
		"confirmed a lease later":     {start(1).section("x", 1, 10, 20, 1_600).look("x", 1_500).fault(100, 110, "all").section("y", 2, 300, 310, 400), false},
		"a loss of another lock":      {start(1).section("x", 1, 10, 20, 300).fault(100, 110, []any{"b"}).section("y", 2, 120, 130, 400), false},
		"two at once, no loss":        {start(1).section("x", 1, 10, 20, 300).fault(100, 110, nil).section("y", 2, 120, 130, 400), false},
		"two at once, later loss":     {start(1).section("x", 1, 10, 20, 300).fault(350, 360, "all").section("y", 2, 120, 130, 200), false},
		"a smaller token, a loss":     {start(1).section("x", 2, 10, 20, 30).fault(100, 110, "all").section("y", 1, 120, 130, 140), false},

		"refused beside a holder":     {start(1).section("x", 1, 10, 20, 30).ask("y", 25).fails("y", "LOCK_BUSY", 26), true},
		"refused while it is free":    {start(1).section("x", 1, 10, 20, 30).ask("y", 40).fails("y", "LOCK_BUSY", 50), false},
		"refused after an unknown":    {start(1).ask("x", 10).fails("x", "LOCK_UNAVAILABLE", 20).ask("y", 40).fails("y", "LOCK_BUSY", 50), true},
		"refused long after that":     {start(1).ask("x", 10).fails("x", "LOCK_UNAVAILABLE", 20).ask("y", 4_000).fails("y", "LOCK_BUSY", 4_010).section("z", 1, 5_000, 5_010, 5_020), false},
		"not granted, then unknown":   {start(1).section("x", 1, 10, 20, 30).ask("y", 22).fails("y", "LOCK_UNAVAILABLE", 25).section("z", 2, 31, 32, 33), true},
		"refused after a failed node": {start(1).fault(10, 20, nil).ask("y", 40).fails("y", "LOCK_BUSY", 50).section("z", 1, 60, 70, 80), true},
	} {
		last := 0.0
		for _, event := range each.story.events {
			last = math.Max(last, event.At)
		}
		if accepted := accepts(t, each.story.add(event{At: last + 1, Type: "end"}).events); accepted != each.accepted {
			t.Errorf("%s: accepted %t", what, accepted)
		}
	}
}
