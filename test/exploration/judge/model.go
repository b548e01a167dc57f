package main

import (
	"fmt"
	"math"
	"sort"

	"github.com/anishathalye/porcupine"
)

type action string

const (
	acquire action = "acquire"
	end     action = "end" // released, or lost
	refuse  action = "refuse"
	write   action = "write"
)

// input is what an operation did, with its result.
type input struct {
	action action
	caller string
	id     int // of the section
	take   int // permits
	token  int64

	// acquire
	reads    bool    // one of several readers
	entered  float64 // ms
	mayBeOff bool    // a fault may have removed the lock before the caller entered: it excludes no other one
	reserved bool    // its token may have been reserved by its process before that fault
	mayLag   bool    // its token may be smaller than one that was granted before
	unknown  bool    // has the token of a writer that never entered, as far as the history tells

	// write
	valid    bool // while the caller could rely on its lock
	accepted bool
}

type holder struct{ id, take int }

// state is that of one lock and of the resource that it guards.
type state struct {
	holders []holder // in the order of their grants
	inUse   int
	last    int64   // the largest token that was granted
	granted int     // how often, as far as the holders must come in the order of their tokens
	lastAt  float64 // when its holder entered, in ms
	written int64   // the largest token that has written
}

// newModel is a lock with fencing tokens and a resource that compares them:
//   - A caller gets the lock only while enough permits are free, with a larger token than any before. A reader has the largest
//     token that was reserved with the last writer's. Semaphores have no order of tokens.
//   - A caller is refused only while too few permits are free.
//   - While a caller can rely on its lock, it writes as one of the holders.
//   - The resource accepts a write exactly if no larger token has written.
func newModel(r *round, name string, ops []porcupine.Operation) porcupine.Model {
	permits := r.begin.Permits
	ordered := r.isOrdered()
	tokens := tokensOf(ops)
	lostSince := func(from, to float64) bool {
		for _, each := range r.losses {
			if each.hits(name) && each.meets(from, to) {
				return true
			}
		}
		return false
	}
	return porcupine.Model{
		Init: func() interface{} { return state{} },
		Step: func(before, in, _ interface{}) (bool, interface{}) {
			s, op := before.(state), in.(input)
			switch op.action {
			case acquire:
				if ordered {
					switch {
					case op.reads && op.token == s.last, !op.reads && op.token > s.last:
					case op.reads && op.token > s.last && (s.last == 0 || op.token < s.last+blockSize || op.unknown):
					case op.reads && op.token < s.last && lostSince(s.lastAt, op.entered):
					case !op.reads && op.reserved:
					default:
						return false, s
					}
					if op.token > s.last {
						// Only for speed: an order that skips a smaller token comes to nothing.
						if s.granted < tokens.count[s.last] || tokens.next(s.last) < op.token {
							return false, s
						}
						s.last, s.lastAt, s.granted = op.token, op.entered, 0
					}
					if op.token == s.last && !op.mayLag {
						s.granted++
					}
				}
				if op.mayBeOff {
					return true, s
				}
				return s.inUse+op.take <= permits, s.with(holder{op.id, op.take})
			case end:
				return s.has(op.id), s.without(op.id)
			case refuse:
				return s.inUse+op.take > permits, s
			default:
				if op.valid && !s.has(op.id) {
					return false, s
				}
				if !ordered {
					return op.accepted, s
				}
				if op.accepted != (op.token >= s.written) {
					return false, s
				}
				if op.accepted {
					s.written = op.token
				}
				return true, s
			}
		},
		Equal: func(a, b interface{}) bool { return a.(state).equals(b.(state)) },
		Hash:  func(s interface{}) uint64 { return s.(state).hash() },
		DescribeOperation: func(in, _ interface{}) string {
			return in.(input).String()
		},
		DescribeState: func(s interface{}) string {
			each := s.(state)
			return fmt.Sprintf("%d holders, %d permits in use, last token %d", len(each.holders), each.inUse, each.last)
		},
	}
}

// tokenList has the tokens that must be granted in their order, and how often each is.
type tokenList struct {
	sorted []int64
	count  map[int64]int
}

func tokensOf(ops []porcupine.Operation) tokenList {
	list := tokenList{count: map[int64]int{}}
	for _, each := range ops {
		op := each.Input.(input)
		if op.action != acquire || op.mayLag {
			continue
		}
		if list.count[op.token] == 0 {
			list.sorted = append(list.sorted, op.token)
		}
		list.count[op.token]++
	}
	sort.Slice(list.sorted, func(a, b int) bool { return list.sorted[a] < list.sorted[b] })
	return list
}

// next is the smallest token larger than this one.
func (list tokenList) next(token int64) int64 {
	index := sort.Search(len(list.sorted), func(index int) bool { return list.sorted[index] > token })
	if index == len(list.sorted) {
		return math.MaxInt64
	}
	return list.sorted[index]
}

func (op input) String() string {
	switch op.action {
	case write:
		return fmt.Sprintf("%s writes, token %d, accepted: %t", op.caller, op.token, op.accepted)
	case acquire:
		return fmt.Sprintf("%s acquires %d, token %d", op.caller, op.take, op.token)
	case refuse:
		return fmt.Sprintf("%s is refused", op.caller)
	default:
		return fmt.Sprintf("%s has released or lost it", op.caller)
	}
}

func (s state) has(id int) bool {
	for _, each := range s.holders {
		if each.id == id {
			return true
		}
	}
	return false
}

func (s state) with(added holder) state {
	s.holders = append(s.holders[:len(s.holders):len(s.holders)], added)
	s.inUse += added.take
	return s
}

func (s state) without(id int) state {
	var rest []holder
	for _, each := range s.holders {
		if each.id == id {
			s.inUse -= each.take
		} else {
			rest = append(rest, each)
		}
	}
	s.holders = rest
	return s
}

// equals: the order of the grants does not matter.
func (s state) equals(other state) bool {
	if s.last != other.last || s.lastAt != other.lastAt || s.granted != other.granted || s.written != other.written || len(s.holders) != len(other.holders) {
		return false
	}
	for _, each := range s.holders {
		if !other.has(each.id) {
			return false
		}
	}
	return true
}

func (s state) hash() uint64 {
	hash := uint64(s.last)*31 + uint64(s.written)
	for _, each := range s.holders {
		hash += uint64(each.id+1) * 0x9e3779b97f4a7c15
	}
	return hash
}
