package pebblekv

import (
	"bytes"
	"cmp"
	"slices"
	"sort"
)

// readSet is what a serializable transaction has read of its snapshot: single
// keys, there or not, and ranges as far as they were read. A range is the general
// form; a key is the range that holds nothing else.
//
// It is bounded: over bytesMax, reads that lie close together count as one range,
// which costs its transaction a conflict that may be false, and never an anomaly.
type readSet struct {
	spans    []span
	settled  int // as many of the spans, the first, are in order and apart from each other.
	bytes    int
	bytesMax int
}

// span is the keys in [lo, hi), which are the door's. A nil hi is open. The bytes
// are never changed.
type span struct{ lo, hi []byte }

// spanBytes is about what a span costs besides its keys.
const spanBytes = 64

// settleMin is how many new spans are let lie before they are put in order.
const settleMin = 64

func (s span) size() int { return len(s.lo) + len(s.hi) + spanBytes }

func (s span) has(key []byte) bool {
	return bytes.Compare(s.lo, key) <= 0 && (s.hi == nil || bytes.Compare(key, s.hi) < 0)
}

// reaches tells whether nothing lies between s and what begins at lo.
func (s span) reaches(lo []byte) bool { return s.hi == nil || bytes.Compare(lo, s.hi) <= 0 }

// key adds one key, which is copied.
func (r *readSet) key(key []byte) {
	if n := len(r.spans); n > 0 && r.spans[n-1].has(key) {
		return // read again, or behind a scan.
	}
	hi := after(key)
	r.add(span{lo: hi[:len(key):len(key)], hi: hi})
}

// after is the first key behind key, in fresh bytes.
func after(key []byte) []byte {
	next := make([]byte, len(key)+1)
	copy(next, key)
	return next
}

// add takes a span over.
func (r *readSet) add(s span) {
	if s.hi != nil && bytes.Compare(s.lo, s.hi) >= 0 {
		return
	}
	r.spans = append(r.spans, s)
	r.bytes += s.size()
	if r.bytes > r.bytesMax {
		r.settle()
		r.shrink()
	} else if len(r.spans)-r.settled > max(settleMin, r.settled) {
		r.settle()
	}
}

// reset forgets all.
func (r *readSet) reset() { *r = readSet{bytesMax: r.bytesMax} }

// settle puts the spans in order, and makes one of those that touch.
func (r *readSet) settle() {
	if r.settled == len(r.spans) {
		return
	}
	slices.SortFunc(r.spans, func(a, b span) int { return bytes.Compare(a.lo, b.lo) })
	r.join(make([]bool, len(r.spans)))
}

// join makes one span of neighbours that touch, or between which closed says that
// the gap goes: the one behind the span of the same index. The spans must be in order.
func (r *readSet) join(closed []bool) {
	into, size := 0, 0
	for at := 0; at < len(r.spans); at++ {
		s := r.spans[at]
		for at+1 < len(r.spans) && (closed[at] || s.reaches(r.spans[at+1].lo)) {
			at++
			s.hi = later(s.hi, r.spans[at].hi)
		}
		r.spans[into] = s
		into++
		size += s.size()
	}
	clear(r.spans[into:])
	r.spans = r.spans[:into]
	r.settled, r.bytes = into, size
}

// later is the upper bound that lies further up.
func later(a, b []byte) []byte {
	if a == nil || b == nil {
		return nil
	}
	if bytes.Compare(a, b) < 0 {
		return b
	}
	return a
}

// shrink closes gaps until half of the memory is free. Keys of one index begin
// alike, and so do those of neighbouring values: the gaps between what has the
// longest beginning in common go first, and those between two collections last.
func (r *readSet) shrink() {
	for r.bytes > r.bytesMax/2 && len(r.spans) > 1 {
		gaps := make([]gap, len(r.spans)-1)
		for i := range gaps {
			gaps[i] = gap{i, common(r.spans[i].hi, r.spans[i+1].lo)}
		}
		slices.SortFunc(gaps, func(a, b gap) int { return cmp.Or(cmp.Compare(b.common, a.common), cmp.Compare(a.at, b.at)) })
		closed := make([]bool, len(r.spans))
		for _, g := range gaps[:(len(gaps)+1)/2] {
			closed[g.at] = true
		}
		r.join(closed)
	}
}

// gap is what lies between a span and the next.
type gap struct{ at, common int }

// common is how many bytes a and b begin with alike.
func common(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}

// hit returns the first of keys, which ascend, that was read, or nil. The set
// must be settled.
func (r *readSet) hit(keys [][]byte) []byte {
	if len(keys) > len(r.spans) {
		for _, s := range r.spans {
			at := sort.Search(len(keys), func(i int) bool { return bytes.Compare(keys[i], s.lo) >= 0 })
			if at < len(keys) && s.has(keys[at]) {
				return keys[at]
			}
		}
		return nil
	}
	for _, key := range keys {
		at := sort.Search(len(r.spans), func(i int) bool { return bytes.Compare(r.spans[i].lo, key) > 0 }) - 1
		if at >= 0 && r.spans[at].has(key) {
			return key
		}
	}
	return nil
}

// meets tells whether a part of [lo, hi) was read. The set must be settled.
func (r *readSet) meets(lo, hi []byte) bool {
	at := sort.Search(len(r.spans), func(i int) bool {
		return r.spans[i].hi == nil || bytes.Compare(r.spans[i].hi, lo) > 0
	})
	return at < len(r.spans) && (hi == nil || bytes.Compare(r.spans[at].lo, hi) < 0)
}
