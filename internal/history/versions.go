package history

import (
	"fmt"
	"maps"
	"slices"
)

// key is all that was written to one key, and the order in which it was.
type key struct {
	name    string
	list    bool
	writes  []write
	byValue map[int64]int // places in writes.
	at      map[int64]int // version number to place in writes, as far as known.

	// contested are transactions that must have written the version that another
	// one has: both built on the one before.
	contested []pair

	told map[int64]bool // values of which something wrong was told.
}

type pair struct{ winner, loser int }

// write is one write to a key.
type write struct {
	txn   int
	value int64
	last  bool  // its transaction's last to the key.
	pos   int64 // which version it made; 0 if nobody knows.
}

// view is what a transaction saw of a key, without its own writes: the first n
// versions.
type view struct {
	key   *key
	n     int64
	value int64   // the n-th, if that was shown.
	list  []int64 // all n, of a list.
}

// newHistory indexes who wrote what.
func newHistory(txns []Txn, level Level) (*history, error) {
	h := &history{
		txns: txns, level: level, keys: map[string]*key{},
		reads: make([][]view, len(txns)), in: make([]bool, len(txns)),
	}
	for i, t := range txns {
		h.in[i] = t.Outcome == Committed
		last := map[*key]int{}
		for _, op := range t.Ops {
			k := h.key(op.Key)
			k.list = k.list || op.Kind == Append || len(op.List) > 0
			if op.Kind == Read {
				continue
			}
			if op.Value != 0 {
				if _, twice := k.byValue[op.Value]; twice {
					return nil, fmt.Errorf("not a history: %d is written to %s twice", op.Value, op.Key)
				}
				k.byValue[op.Value] = len(k.writes)
			}
			last[k] = len(k.writes)
			k.writes = append(k.writes, write{txn: i, value: op.Value})
		}
		for k, w := range last {
			k.writes[w].last = true
		}
	}
	h.names = slices.Sorted(maps.Keys(h.keys))
	return h, nil
}

func (h *history) key(name string) *key {
	k := h.keys[name]
	if k == nil {
		k = &key{name: name, byValue: map[int64]int{}, at: map[int64]int{}, told: map[int64]bool{}}
		h.keys[name] = k
	}
	return k
}

// settleUnknown counts a transaction of unknown outcome as committed if somebody
// has seen a write of it.
func (h *history) settleUnknown() {
	seen := func(k *key, value int64) {
		if w, ok := k.byValue[value]; ok && h.txns[k.writes[w].txn].Outcome == Unknown {
			h.in[k.writes[w].txn] = true
		}
	}
	for _, views := range h.reads {
		for _, v := range views {
			seen(v.key, v.value)
			for _, value := range v.list {
				seen(v.key, value)
			}
		}
	}
}

// orderVersions finds out which write made which version: from what was seen, and
// then from what must follow for those who read a key before they wrote it.
func (h *history) orderVersions() {
	byKey := map[*key][]int{} // who saw it.
	for t, views := range h.reads {
		for _, v := range views {
			byKey[v.key] = append(byKey[v.key], t)
		}
	}
	for _, name := range h.names {
		k := h.keys[name]
		views := make([]seenBy, 0, len(byKey[k]))
		for _, t := range byKey[k] {
			for _, v := range h.reads[t] {
				if v.key == k {
					views = append(views, seenBy{v, t})
				}
			}
		}
		if k.list {
			h.orderList(k, views)
		} else {
			h.orderRegister(k, views)
		}
		h.infer(k, views)
		h.intermediate(k, views)
	}
}

type seenBy struct {
	view
	txn int
}

// orderList takes the longest list that was read for the order, of which every
// other must be a beginning.
func (h *history) orderList(k *key, views []seenBy) {
	var longest seenBy
	for _, v := range views {
		if len(v.list) > len(longest.list) {
			longest = v
		}
	}
	for i, value := range longest.list {
		h.place(k, longest.txn, int64(i+1), value)
	}
	for _, v := range views {
		if n := len(v.list); !slices.Equal(v.list, longest.list[:n]) {
			h.report(OutOfOrder, fmt.Sprintf("of %s, %s read %v and %s read %v", k.name, h.name(v.txn), v.list, h.name(longest.txn), longest.list), v.txn, longest.txn)
		}
	}
}

// orderRegister goes by the counter that is read beside the value.
func (h *history) orderRegister(k *key, views []seenBy) {
	for _, v := range views {
		if v.value != 0 && v.n > 0 {
			h.place(k, v.txn, v.n, v.value)
		}
	}
}

// place says that a reader saw value as version pos of a key. What is wrong with a
// value is told once, and not for each of its readers.
func (h *history) place(k *key, reader int, pos, value int64) {
	wrong := func(c Class, text string, txns ...int) {
		if !k.told[value] {
			k.told[value] = true
			h.report(c, text, txns...)
		}
	}
	i, ok := k.byValue[value]
	if !ok {
		wrong(Unwritten, fmt.Sprintf("%s read %d from %s, which nobody wrote", h.name(reader), value, k.name), reader)
		return
	}
	w := &k.writes[i]
	if !h.in[w.txn] {
		wrong(G1a, fmt.Sprintf("%s read %d from %s, which %s wrote, which aborted", h.name(reader), value, k.name, h.name(w.txn)), reader, w.txn)
		return
	}
	other, taken := k.at[pos]
	switch {
	case w.pos != 0 && w.pos != pos:
		wrong(AppliedTwice, fmt.Sprintf("%s's write %d to %s is its version %d and its version %d (read by %s)", h.name(w.txn), value, k.name, w.pos, pos, h.name(reader)), w.txn, reader)
	case taken && other != i:
		wrong(OutOfOrder, fmt.Sprintf("version %d of %s was %d and is %d (read by %s)", pos, k.name, k.writes[other].value, value, h.name(reader)), w.txn, k.writes[other].txn, reader)
	default:
		w.pos, k.at[pos] = pos, i
	}
}

// infer numbers writes that nobody read. A transaction's writes follow at once on
// what it saw of the key, or on each other. If somebody else is there, an update is
// lost; whoever is not known to be there is not seen by the graph, and told here.
func (h *history) infer(k *key, views []seenBy) {
	saw := map[int]int64{}
	for _, v := range views {
		saw[v.txn] = v.n
	}
	for i := 0; i < len(k.writes); {
		group := k.writes[i:]
		txn, n := group[0].txn, 0
		for n < len(group) && group[n].txn == txn {
			n++
		}
		if h.in[txn] {
			h.inferGroup(k, i, group[:n], saw)
		}
		i += n
	}
}

// inferGroup is infer for one transaction's writes, which stand from place at on.
func (h *history) inferGroup(k *key, at int, group []write, saw map[int]int64) {
	txn := group[0].txn
	before, read := saw[txn]
	for i := 0; i < len(group) && !read && before == 0; i++ {
		if group[i].pos != 0 {
			before = group[i].pos - int64(i+1)
			break
		}
		if i == len(group)-1 {
			return // nothing is known of them.
		}
	}
	for i := range group {
		want := before + int64(i+1)
		other, taken := k.at[want]
		switch {
		case group[i].pos == want:
		case group[i].pos != 0 || want < 1:
			if !h.known(k, before, group[i].pos, txn) {
				h.report(LostUpdate, fmt.Sprintf("%s's write to %s after %d others is version %d", h.name(txn), k.name, before, group[i].pos), txn)
			}
		case taken:
			k.contested = append(k.contested, pair{winner: k.writes[other].txn, loser: txn})
			return
		default:
			group[i].pos, k.at[want] = want, at+i
		}
	}
}

// known tells whether another transaction is known to have written a version
// after 'after' and before 'until'.
func (h *history) known(k *key, after, until int64, txn int) bool {
	for pos := after + 1; pos < until; pos++ {
		if i, ok := k.at[pos]; ok && k.writes[i].txn != txn {
			return true
		}
	}
	return false
}

// intermediate finds reads of what its writer went on to overwrite.
func (h *history) intermediate(k *key, views []seenBy) {
	for _, v := range views {
		i, known := k.at[v.n]
		if !known {
			continue
		}
		if w := k.writes[i]; w.txn != v.txn && !w.last {
			h.report(G1b, fmt.Sprintf("%s saw %d writes of %s, the last %s's, but not all of that one's", h.name(v.txn), v.n, k.name, h.name(w.txn)), v.txn, w.txn)
		}
	}
}
