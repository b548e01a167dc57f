package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
)

// event is one line of a history; ../faults/history.ts says what each means. Times are in ms.
type event struct {
	At          float64  `json:"at"`
	Type        string   `json:"type"`
	Topology    string   `json:"topology,omitempty"`
	Kind        string   `json:"kind,omitempty"`
	Seed        int64    `json:"seed,omitempty"`
	LeaseMs     float64  `json:"leaseMs,omitempty"`
	Tokens      bool     `json:"tokens,omitempty"`
	Permits     int      `json:"permits,omitempty"`
	Readers     bool     `json:"readers,omitempty"`
	Places      bool     `json:"places,omitempty"`
	Process     string   `json:"process,omitempty"`
	Caller      string   `json:"caller,omitempty"`
	Names       []string `json:"names,omitempty"`
	Wait        *float64 `json:"wait,omitempty"`
	Lease       any      `json:"lease,omitempty"`
	HoldAtLeast float64  `json:"holdAtLeast,omitempty"`
	Take        int      `json:"take,omitempty"`
	Name        string   `json:"name,omitempty"`
	Token       int64    `json:"token,omitempty"`
	Remaining   *float64 `json:"remaining,omitempty"`
	Seq         int      `json:"seq,omitempty"`
	Accepted    bool     `json:"accepted,omitempty"`
	Outcome     string   `json:"outcome,omitempty"`
	Code        string   `json:"code,omitempty"`
	ID          string   `json:"id,omitempty"`
	StateLost   any      `json:"stateLost,omitempty"`
	GraceMs     *float64 `json:"graceMs,omitempty"`
}

type span struct{ from, to float64 }

func (s span) meets(from, to float64) bool { return s.from <= to && s.to >= from }

// attempt is one call for a lock, or for several at once.
type attempt struct {
	want     event
	sections map[string]*section
	failed   *event
}

// section is one caller's time under one name.
type section struct {
	id       int
	attempt  *attempt
	enter    event
	looks    []event // with `enter` and `leave`, in order
	lost     *event
	leave    *event
	released *event
}

// round is one run of the fault suite: servers of one topology, locks of one kind.
type round struct {
	begin    event
	end      float64
	callers  []string // in the order of their calls
	attempts map[string]*attempt
	sections map[string][]*section
	writes   map[string][]event
	killed   map[string]float64
	losses   []loss
	unjudged []span // when a lock may look taken although no caller has it
}

type loss struct {
	span
	names any // "all", or a list
}

func (l loss) hits(name string) bool {
	if names, ok := l.names.([]any); ok {
		for _, each := range names {
			if each == name {
				return true
			}
		}
		return false
	}
	return l.names == "all"
}

func readRounds(source io.Reader) ([][]event, error) {
	var rounds [][]event
	lines := bufio.NewScanner(source)
	lines.Buffer(nil, 1<<24)
	for number := 1; lines.Scan(); number++ {
		var next event
		if err := json.Unmarshal(lines.Bytes(), &next); err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if next.Type == "begin" {
			rounds = append(rounds, nil)
		}
		if len(rounds) == 0 {
			return nil, fmt.Errorf("line %d: a history begins with a \"begin\" event", number)
		}
		last := len(rounds) - 1
		rounds[last] = append(rounds[last], next)
	}
	return rounds, lines.Err()
}

func newRound(events []event) (*round, error) {
	last := events[len(events)-1]
	if last.Type != "end" {
		return nil, fmt.Errorf("seed %d: the history has no end", events[0].Seed)
	}
	r := &round{
		begin:    events[0],
		end:      last.At,
		attempts: map[string]*attempt{},
		sections: map[string][]*section{},
		writes:   map[string][]event{},
		killed:   map[string]float64{},
	}
	if !r.begin.Tokens {
		return nil, fmt.Errorf("seed %d: the history has no fencing tokens", r.begin.Seed)
	}
	if r.begin.Permits == 0 {
		r.begin.Permits = 1
	}
	for _, next := range events[1:] {
		if err := r.add(next); err != nil {
			return nil, fmt.Errorf("seed %d: %w", r.begin.Seed, err)
		}
	}
	r.addFaults(events)
	return r, nil
}

func (r *round) add(next event) error {
	switch next.Type {
	case "want":
		if next.Take == 0 {
			next.Take = 1
		}
		r.callers = append(r.callers, next.Caller)
		r.attempts[next.Caller] = &attempt{want: next, sections: map[string]*section{}}
	case "failed":
		if a := r.attempts[next.Caller]; a != nil {
			a.failed = &next
		}
	case "enter":
		a := r.attempts[next.Caller]
		if a == nil || a.sections[next.Name] != nil {
			return fmt.Errorf("%s enters %q twice, or never asked", next.Caller, next.Name)
		}
		s := &section{id: len(r.sections[next.Name]), attempt: a, enter: next, looks: []event{next}}
		a.sections[next.Name] = s
		r.sections[next.Name] = append(r.sections[next.Name], s)
	case "look", "lost", "leave", "released":
		s := r.sectionOf(next)
		if s == nil {
			return fmt.Errorf("%s: %q of a caller that is not inside", next.Caller, next.Type)
		}
		s.follow(next)
	case "write":
		if r.sectionOf(next) == nil {
			return fmt.Errorf("%s writes and has never entered %q", next.Caller, next.Name)
		}
		r.writes[next.Name] = append(r.writes[next.Name], next)
	case "killed":
		r.killed[next.Process] = next.At
	}
	return nil
}

func (s *section) follow(next event) {
	switch next.Type {
	case "look":
		s.looks = append(s.looks, next)
	case "leave":
		s.looks = append(s.looks, next)
		s.leave = &next
	case "lost":
		if s.lost == nil {
			s.lost = &next
		}
	case "released":
		s.released = &next
	}
}

func (r *round) sectionOf(next event) *section {
	if a := r.attempts[next.Caller]; a != nil {
		return a.sections[next.Name]
	}
	return nil
}

// addFaults notes when locks may have been lost, and when refusals are not judged: requests that were held up and orphaned
// leases are over two leases and 3 s after a fault, places of waiters that are gone 5 s later.
func (r *round) addFaults(events []event) {
	recovery := 2*r.begin.LeaseMs + 3_000
	if r.begin.Permits > 1 || r.begin.Places {
		recovery += 5_000
	}
	ends := map[string]float64{}
	for _, each := range events {
		if each.Type == "healed" {
			ends[each.ID] = each.At
		}
	}
	for _, each := range events {
		if each.Type != "fault" {
			continue
		}
		to, ok := ends[each.ID]
		if !ok {
			to = r.end
		}
		switch {
		case each.GraceMs == nil:
			r.unjudged = append(r.unjudged, span{each.At, to + recovery})
		case *each.GraceMs > 0:
			r.unjudged = append(r.unjudged, span{each.At, to})
		}
		if each.StateLost != nil {
			r.losses = append(r.losses, loss{span{each.At, to}, each.StateLost})
		}
	}
}

// leaseOf is the length of the attempt's lease in ms.
func (r *round) leaseOf(a *attempt) float64 {
	if fixed, ok := a.want.Lease.(float64); ok {
		return fixed
	}
	return r.begin.LeaseMs
}

// answeredAt is when the caller got its lock, or an error; infinite if it got neither.
func (a *attempt) answeredAt() float64 {
	if a.failed != nil {
		return a.failed.At
	}
	if len(a.sections) < len(a.want.Names) {
		return math.Inf(1)
	}
	at := 0.0
	for _, s := range a.sections {
		at = math.Max(at, s.enter.At)
	}
	return at
}

// isRefused tells whether the caller did not wait and was told that the lock is busy.
func (a *attempt) isRefused() bool {
	return a.want.Wait != nil && *a.want.Wait == 0 && len(a.want.Names) == 1 && a.failed != nil && a.failed.Code == "LOCK_BUSY"
}

// deadline is the end of the lease as the section last knew it.
func (s *section) deadline() float64 {
	deadline := math.Inf(1)
	for _, look := range s.looks {
		switch {
		case look.Remaining == nil:
			deadline = math.Inf(1)
		case *look.Remaining > 0:
			deadline = look.At + *look.Remaining
		default:
			deadline = math.Min(deadline, look.At)
		}
	}
	return deadline
}

// validUntil is how long the caller could rely on its lock: until it left, its signal aborted or its lease ended. A lock
// outlives the process that is killed under it until the end of its lease.
func (r *round) validUntil(s *section) float64 {
	until := math.Min(s.deadline(), r.end)
	if s.leave != nil {
		until = math.Min(until, s.leave.At)
	}
	if s.lost != nil {
		until = math.Min(until, s.lost.At)
	}
	return until
}

// storedAt is the last moment for which the lease shows that the servers had the lock: when the request was sent that the
// remaining time is counted from.
func (r *round) storedAt(s *section) float64 {
	stored := math.Inf(-1)
	lease := r.leaseOf(s.attempt)
	for _, look := range s.looks {
		if look.Remaining != nil && *look.Remaining > 0 {
			stored = math.Max(stored, look.At-math.Max(0, lease-*look.Remaining))
		}
	}
	if math.IsInf(stored, -1) {
		return s.attempt.want.At
	}
	return stored
}

// lostFrom is the earliest moment at which a fault may have removed the lock while the caller relied on it; infinite if
// there was no such fault. A renewal shows that the lock outlived a fault only a lease after it: until then a former master
// may have confirmed it.
func (r *round) lostFrom(s *section) float64 {
	stored, until := r.storedAt(s), r.validUntil(s)
	from := math.Inf(1)
	for _, each := range r.losses {
		to := each.to
		if s.enter.At <= to {
			to += r.begin.LeaseMs
		}
		if each.hits(s.enter.Name) && each.from <= until && stored <= to {
			from = math.Min(from, each.from)
		}
	}
	return from
}

// freeAt is when the servers have certainly ended the lock: its release was confirmed, or the longest lease is over.
func (r *round) freeAt(s *section) float64 {
	if s.released != nil && s.released.Outcome == "released" {
		return math.Max(s.released.At, s.enter.At+s.attempt.want.HoldAtLeast)
	}
	last := r.end
	if s.leave != nil {
		last = s.leave.At
	} else if killed, ok := r.killed[s.attempt.want.Process]; ok {
		last = killed
	}
	free := last + r.leaseOf(s.attempt)
	if deadline := s.deadline(); !math.IsInf(deadline, 1) {
		free = math.Max(free, deadline)
	}
	return free
}
