package main

import (
	"fmt"
	"math"

	"github.com/anishathalye/porcupine"
)

// blockSize is how many tokens a process reserves at most for the callers that it hands its lock to.
const blockSize = 64

// operationsOf gives the operations on one lock, with the times between which each took effect.
func (r *round) operationsOf(name string) []porcupine.Operation {
	var ops []porcupine.Operation
	add := func(op input, from, to float64) {
		ops = append(ops, porcupine.Operation{
			ClientId: len(ops), Input: op, Call: nanoseconds(from), Return: nanoseconds(math.Max(from, to)),
		})
	}
	refusals := r.refusalsOf(name)
	// Where tokens have no order, an early grant and a late end explain nothing but a refusal. Elsewhere one time is enough, which
	// saves the search through all subsets of the callers that wait.
	needsSpan := func(from, to float64) bool {
		if r.isOrdered() {
			return true
		}
		for _, each := range refusals {
			if each.meets(from, to) {
				return true
			}
		}
		return false
	}
	known := map[int64]bool{}
	for _, s := range r.sections[name] {
		known[s.enter.Token] = known[s.enter.Token] || !r.reads(s)
	}
	for _, s := range r.sections[name] {
		want := s.attempt.want
		lost := r.lostFrom(s)
		op := input{
			action: acquire, caller: want.Caller, id: s.id, take: want.Take, token: s.enter.Token,
			reads: r.reads(s), entered: s.enter.At, mayBeOff: lost <= s.enter.At,
		}
		op.reserved = op.mayBeOff && r.hasReserved(s)
		op.mayLag = op.reserved || op.reads && r.hasLossBefore(name, s.enter.At)
		op.unknown = op.reads && !known[op.token] && r.hasUnknownWriter(name, s.enter.At)
		asked := want.At
		if !needsSpan(asked, s.enter.At) {
			asked = s.enter.At
		}
		add(op, asked, s.enter.At)
		if !op.mayBeOff {
			over := math.Max(asked, math.Min(r.validUntil(s), lost))
			free := r.freeAt(s)
			if !needsSpan(over, free) {
				free = over
			}
			add(input{action: end, caller: want.Caller, id: s.id}, over, free)
		}
	}
	for _, each := range r.writes[name] {
		s := r.sectionOf(each)
		lost := r.lostFrom(s)
		valid := lost > s.enter.At && each.At < math.Min(r.validUntil(s), lost)
		op := input{action: write, caller: each.Caller, id: s.id, token: each.Token, accepted: each.Accepted, valid: valid}
		add(op, each.At, each.At)
	}
	for _, refusal := range refusals {
		add(input{action: refuse, caller: refusal.caller, take: refusal.take}, refusal.from, refusal.to)
	}
	return ops
}

func nanoseconds(ms float64) int64 { return int64(math.Round(ms * 1e6)) }

// isOrdered tells whether tokens say who came later; several holders of a semaphore have theirs in no order.
func (r *round) isOrdered() bool { return r.begin.Permits == 1 || r.begin.Readers }

func (r *round) reads(s *section) bool {
	return r.begin.Readers && s.attempt.want.Take < r.begin.Permits
}

// hasReserved tells whether the token may be one of those that a hold of the same process had reserved.
func (r *round) hasReserved(s *section) bool {
	for _, other := range r.sections[s.enter.Name] {
		ahead := s.enter.Token - other.enter.Token
		if ahead > 0 && ahead < blockSize && other.attempt.want.Process == s.attempt.want.Process {
			return true
		}
	}
	return false
}

func (r *round) hasLossBefore(name string, at float64) bool {
	for _, each := range r.losses {
		if each.hits(name) && each.from <= at {
			return true
		}
	}
	return false
}

// hasUnknownWriter tells whether a writer without a section had asked: it may have been granted the lock, and a token.
func (r *round) hasUnknownWriter(name string, before float64) bool {
	for _, caller := range r.callers {
		a := r.attempts[caller]
		if a.asksFor(name) && a.want.At <= before && a.want.Take == r.begin.Permits && a.sections[name] == nil && !a.isRefused() {
			return true
		}
	}
	return false
}

func (a *attempt) asksFor(name string) bool {
	for _, each := range a.want.Names {
		if each == name {
			return true
		}
	}
	return false
}

const anyProcess = ""

type refusal struct {
	span
	caller  string
	process string
	take    int
}

// refusalsOf gives the refusals that only a holder in the history can explain. An attempt without a section may hold the lock
// until a lease after its error, and a caller that waits in the same process is served first; where waiters have places on the
// servers, one in any process. Refusals during either are left out. In a quorum two attempts may refuse each other.
func (r *round) refusalsOf(name string) []refusal {
	if len(r.begin.Topology) >= 6 && r.begin.Topology[:6] == "quorum" {
		return nil
	}
	var refusals []refusal
	others := map[string][]span{}
	for _, caller := range r.callers {
		a := r.attempts[caller]
		if !a.asksFor(name) {
			continue
		}
		if !a.isRefused() {
			queue := a.want.Process
			if r.begin.Places || a.sections[name] == nil {
				queue = anyProcess
			}
			others[queue] = append(others[queue], r.undecided(a, name))
			continue
		}
		one := refusal{span{a.want.At, a.failed.At}, caller, a.want.Process, a.want.Take}
		// Callers of one process share the answer of the first one's request.
		for _, each := range refusals {
			if each.process == one.process && each.to >= one.from && each.from < one.from {
				one.from = each.from
			}
		}
		refusals = append(refusals, one)
	}
	var judged []refusal
	for _, each := range refusals {
		if !meetsAny(each.span, others[anyProcess]) && !meetsAny(each.span, others[each.process]) && !meetsAny(each.span, r.unjudged) {
			judged = append(judged, each)
		}
	}
	return judged
}

// undecided is when the attempt waited, or may have held the lock without a section.
func (r *round) undecided(a *attempt, name string) span {
	if s := a.sections[name]; s != nil {
		return span{a.want.At, s.enter.At}
	}
	answered := a.answeredAt()
	if killed, ok := r.killed[a.want.Process]; ok {
		answered = math.Min(answered, killed)
	}
	return span{a.want.At, math.Min(answered, r.end) + r.leaseOf(a)}
}

func meetsAny(one span, others []span) bool {
	for _, each := range others {
		if each.meets(one.from, one.to) {
			return true
		}
	}
	return false
}

// repeated gives two callers with one token, which no order of events explains.
func (r *round) repeated(name string) string {
	seen := map[int64]string{}
	for _, s := range r.sections[name] {
		if r.reads(s) {
			continue
		}
		if other, ok := seen[s.enter.Token]; ok {
			return fmt.Sprintf("%s has the token of %s: %d", s.enter.Caller, other, s.enter.Token)
		}
		seen[s.enter.Token] = s.enter.Caller
	}
	return ""
}
