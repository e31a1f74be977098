package history

import (
	"fmt"
	"slices"
	"sort"
)

// seeing is what one transaction has seen of one key, and written to it, so far.
type seeing struct {
	own  []int64
	seen bool
	view view
}

// readAll takes each transaction's own writes out of what it read, and finds the
// transactions that contradict themselves.
func (h *history) readAll() {
	for t := range h.txns {
		state := map[*key]*seeing{}
		var order []*seeing
		for _, op := range h.txns[t].Ops {
			k := h.keys[op.Key]
			s := state[k]
			if s == nil {
				s = &seeing{view: view{key: k}}
				state[k] = s
				order = append(order, s)
			}
			if op.Kind != Read {
				s.own = append(s.own, op.Value)
			}
			if op.Kind == Read || op.N > 0 {
				h.see(t, op, s)
			}
		}
		for _, s := range order {
			if s.seen {
				h.reads[t] = append(h.reads[t], s.view)
			}
		}
	}
}

// see takes in an operation's answer.
func (h *history) see(t int, op Op, s *seeing) {
	v := view{key: s.view.key, n: op.N - int64(len(s.own))}
	contradicts := func(why string) {
		h.report(Internal, fmt.Sprintf("%s %s %s: it %s", h.name(t), op.Kind, op.Key, why), t)
	}
	switch {
	case v.key.list:
		n := len(op.List) - len(s.own)
		if n < 0 || !slices.Equal(op.List[n:], s.own) {
			contradicts(fmt.Sprintf("read %v after it had appended %v", op.List, s.own))
			return
		}
		v.n, v.list = int64(n), op.List[:n]
		for _, value := range v.list {
			if w, ok := v.key.byValue[value]; ok && v.key.writes[w].txn == t {
				contradicts(fmt.Sprintf("read %v, with its own %d in a place that is not its", op.List, value))
				return
			}
		}
	case v.n < 0:
		contradicts(fmt.Sprintf("saw %d writes after %d of its own", op.N, len(s.own)))
		return
	case op.Kind == Read && len(s.own) == 0:
		v.value = op.Value
		if w, ok := v.key.byValue[op.Value]; ok && v.key.writes[w].txn == t {
			contradicts(fmt.Sprintf("read its own %d before it wrote it", op.Value))
			return
		}
	case op.Kind == Read && op.Value != s.own[len(s.own)-1]:
		contradicts(fmt.Sprintf("read %d after it had written %d", op.Value, s.own[len(s.own)-1]))
		return
	}
	if !s.seen {
		s.seen, s.view = true, v
		return
	}
	if s.view.n != v.n || !slices.Equal(s.view.list, v.list) || s.view.value != v.value && s.view.value*v.value != 0 {
		contradicts(fmt.Sprintf("saw %d writes of others (%d %v) after %d (%d %v)", v.n, v.value, v.list, s.view.n, s.view.value, s.view.list))
		return
	}
	s.view.value = max(s.view.value, v.value)
}

// countWrites compares the counters that were read with how many writes had been
// acknowledged before, and how many had been asked for.
func (h *history) countWrites() {
	acked, asked := map[*key][]int64{}, map[*key][]int64{}
	for _, name := range h.names {
		k := h.keys[name]
		for _, w := range k.writes {
			t := h.txns[w.txn]
			if t.Outcome == Committed && t.End > 0 {
				acked[k] = append(acked[k], t.End)
			}
			if t.Outcome != Aborted {
				asked[k] = append(asked[k], h.mayAppear(w.txn))
			}
		}
		slices.Sort(acked[k])
		slices.Sort(asked[k])
	}
	for r, views := range h.reads {
		t := h.txns[r]
		until := h.mustHaveRead(r)
		for _, v := range views {
			if v.key.list {
				continue
			}
			if least := before(acked[v.key], t.Begin); v.n < least {
				h.report(LostWrite, fmt.Sprintf("%s saw %d writes of %s, and %d had been acknowledged before it began", h.name(r), v.n, v.key.name, least), r)
			}
			if most := before(asked[v.key], until) - h.ownAmong(r, v.key, until); v.n > most {
				h.report(AppliedTwice, fmt.Sprintf("%s saw %d writes of %s, and only %d had been asked for", h.name(r), v.n, v.key.name, most), r)
			}
		}
	}
}

// mayAppear is when a transaction's writes may be seen at the earliest, and
// mustHaveRead when its reads had been done at the latest: see addPoints.
func (h *history) mayAppear(t int) int64 {
	if h.levelOf(t) == Serializable {
		return h.txns[t].Begin
	}
	return max(h.txns[t].Begin, h.txns[t].Commit)
}

func (h *history) mustHaveRead(t int) int64 {
	hi := h.txns[t].First
	if h.txns[t].Outcome != Aborted && h.levelOf(t) == Serializable {
		hi = h.txns[t].End
	}
	if hi == 0 {
		return never
	}
	return hi
}

// ownAmong is how many of the writes asked for before 'until' are a reader's own.
func (h *history) ownAmong(t int, k *key, until int64) (n int64) {
	if h.txns[t].Outcome == Aborted || h.mayAppear(t) >= until {
		return 0
	}
	for _, w := range k.writes {
		if w.txn == t {
			n++
		}
	}
	return n
}

// before counts the sorted times that are less than t.
func before(times []int64, t int64) int64 {
	return int64(sort.Search(len(times), func(i int) bool { return times[i] >= t }))
}
