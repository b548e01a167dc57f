package main

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// verdict is about all rounds of one topology and kind.
type verdict struct {
	title      string
	rounds     int
	partitions int
	counts     map[action]int
	// off is how many sections a fault may have taken the lock from before they began: only their tokens are judged.
	off      int
	seconds  float64
	rejected []string
}

func (v *verdict) String() string {
	total := 0
	for _, count := range v.counts {
		total += count
	}
	word := "accepted"
	if len(v.rejected) > 0 {
		word = "REJECTED"
	}
	lines := []string{fmt.Sprintf(
		"%s: %s, %d operations (%d acquired, %d released or lost, %d refused, %d writes) in %d partitions of %d rounds, %d sections over a loss of state, %.2f s",
		v.title, word, total, v.counts[acquire], v.counts[end], v.counts[refuse], v.counts[write], v.partitions, v.rounds, v.off, v.seconds,
	)}
	return strings.Join(append(lines, v.rejected...), "\n")
}

// judge checks the history of each lock in each round, a partition, on its own.
func judge(rounds [][]event, timeout time.Duration) ([]*verdict, error) {
	var verdicts []*verdict
	byTitle := map[string]*verdict{}
	for _, events := range rounds {
		r, err := newRound(events)
		if err != nil {
			return nil, err
		}
		title := fmt.Sprintf("%s, %s", r.begin.Topology, r.begin.Kind)
		v := byTitle[title]
		if v == nil {
			v = &verdict{title: title, counts: map[action]int{}}
			byTitle[title] = v
			verdicts = append(verdicts, v)
		}
		v.rounds++
		began := time.Now()
		for _, name := range r.names() {
			v.check(r, name, timeout)
		}
		v.seconds += time.Since(began).Seconds()
	}
	return verdicts, nil
}

func (r *round) names() []string {
	var names []string
	for name := range r.sections {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func (v *verdict) check(r *round, name string, timeout time.Duration) {
	ops := r.operationsOf(name)
	v.partitions++
	for _, op := range ops {
		in := op.Input.(input)
		v.counts[in.action]++
		if in.mayBeOff {
			v.off++
		}
	}
	reject := func(why string) {
		v.rejected = append(v.rejected, fmt.Sprintf("  seed %d, %q: %s", r.begin.Seed, name, why))
	}
	if why := r.repeated(name); why != "" {
		reject(why)
		return
	}
	model := newModel(r, name, ops)
	switch porcupine.CheckOperationsTimeout(model, ops, timeout) {
	case porcupine.Illegal:
		// Slower: it keeps the longest order found for each operation.
		_, info := porcupine.CheckOperationsVerbose(model, ops, timeout)
		reject(explain(ops, info))
	case porcupine.Unknown:
		reject("not decided in time")
	}
}

const shown = 6

// explain shows where the longest order of operations that the model allows ends, and what comes next.
func explain(ops []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var longest []porcupine.Operation
	for _, each := range info.PartialLinearizationsOperations()[0] {
		if len(each) > len(longest) {
			longest = each
		}
	}
	done := map[int]bool{}
	for _, op := range longest {
		done[op.ClientId] = true
	}
	lines := []string{fmt.Sprintf("no order of the operations is possible; %d of %d in order, the last of them:", len(longest), len(ops))}
	start := len(longest) - shown
	if start < 0 {
		start = 0
	}
	for _, op := range longest[start:] {
		lines = append(lines, line(op))
	}
	rest := make([]porcupine.Operation, 0, len(ops)-len(longest))
	for _, op := range ops {
		if !done[op.ClientId] {
			rest = append(rest, op)
		}
	}
	sort.Slice(rest, func(a, b int) bool { return rest[a].Return < rest[b].Return })
	lines = append(lines, "    none of these can be next:")
	for index := 0; index < shown && index < len(rest); index++ {
		lines = append(lines, line(rest[index]))
	}
	return strings.Join(lines, "\n")
}

func line(op porcupine.Operation) string {
	return fmt.Sprintf("      %.3f to %.3f ms: %v", float64(op.Call)/1e6, float64(op.Return)/1e6, op.Input)
}
