package pebblekv

import (
	"bytes"
	"math/bits"
	"slices"
)

// overlay is the ordered map of one transaction's own writes: a skip list whose
// nodes are never removed, each with its versions, newest first. A scan reads the
// versions that were there when it began, a savepoint is a length of the undo
// log. It is used under the transaction's mutex.
type overlay struct {
	head   node
	last   [heightMax]*node // the rightmost node of each level, so that ascending keys append.
	height int
	nodes  uint64

	seq     uint64 // of the newest write; never goes back, also when it is undone.
	barrier uint64 // a scan or savepoint has seen versions up to here: they stay as they are.
	undo    []undo
	bytes   int // as Size tells.
	deletes int // writes that deleted, undone ones too.

	floor int // no savepoint lies above this place of the undo log.

	checks []check
	adds   []addition
}

const (
	heightMax = 16

	// opBytes is about what an entry costs in a batch besides key and value.
	opBytes = 8
)

type node struct {
	key   []byte
	top   *version // nil: nothing written here (any more).
	first version  // the first version's memory.
	prev  *node
	next  *node
	tower []*node // next on the levels above the lowest.
}

type version struct {
	seq    uint64
	value  []byte // nil: deleted.
	stamps []int
	prev   *version
}

// check is a key that must not be committed by others, or a range of them.
type check struct {
	key   []byte
	upper []byte // of a range that begins at key; nil for the key alone.
}

// addition is a counter and what is added to it.
type addition struct {
	key   []byte
	delta int64
	undo  int // the place of its newest entry in the undo log, if that still stands.
}

// undo takes one write back: a node's newest version; or a delta of adds[add];
// or, if add is negative, the last check.
type undo struct {
	node  *node
	add   int
	delta int64
}

func newOverlay() *overlay {
	o := &overlay{height: 1}
	o.head.tower = make([]*node, heightMax-1)
	for i := range o.last {
		o.last[i] = &o.head
	}
	return o
}

func (n *node) nextAt(level int) *node {
	if level == 0 {
		return n.next
	}
	return n.tower[level-1]
}

func (n *node) setNext(level int, next *node) {
	if level == 0 {
		n.next = next
		return
	}
	n.tower[level-1] = next
}

// at is the version that a scan begun at seq sees, or nil.
func (n *node) at(seq uint64) *version {
	v := n.top
	for v != nil && v.seq > seq {
		v = v.prev
	}
	return v
}

// seekGE returns the first node at or after key, or nil. It leaves the nodes
// before it in path, if that is not nil.
func (o *overlay) seekGE(key []byte, path *[heightMax]*node) *node {
	at := &o.head
	for level := o.height - 1; level >= 0; level-- {
		for next := at.nextAt(level); next != nil && bytes.Compare(next.key, key) < 0; next = at.nextAt(level) {
			at = next
		}
		if path != nil {
			path[level] = at
		}
	}
	return at.next
}

// seekLT returns the last node before key, or nil; a nil key is past all.
func (o *overlay) seekLT(key []byte) *node {
	var n *node
	if key == nil {
		n = o.last[0]
	} else if next := o.seekGE(key, nil); next != nil {
		n = next.prev
	} else {
		n = o.last[0]
	}
	if n == &o.head {
		return nil
	}
	return n
}

// get returns the newest version of a key, or nil.
func (o *overlay) get(key []byte) *version {
	if n := o.seekGE(key, nil); n != nil && bytes.Equal(n.key, key) {
		return n.top
	}
	return nil
}

// node returns the key's node, made if need be.
func (o *overlay) node(key []byte) *node {
	var path [heightMax]*node
	if tail := o.last[0]; tail != &o.head && bytes.Compare(tail.key, key) < 0 {
		path = o.last
	} else if n := o.seekGE(key, &path); n != nil && bytes.Equal(n.key, key) {
		return n
	}
	height := o.throwHeight()
	for ; o.height < height; o.height++ {
		path[o.height] = &o.head
	}
	n := &node{key: bytes.Clone(key)}
	if height > 1 {
		n.tower = make([]*node, height-1)
	}
	for level := range height {
		next := path[level].nextAt(level)
		n.setNext(level, next)
		path[level].setNext(level, n)
		if next == nil {
			o.last[level] = n
		}
	}
	n.prev = path[0]
	if n.next != nil {
		n.next.prev = n
	}
	return n
}

// throwHeight is 1 three times out of four, and so on. The dice are a counter put
// through a mixer: chance matters here only for balance.
func (o *overlay) throwHeight() int {
	o.nodes++
	x := o.nodes * 0x9e3779b97f4a7c15
	x ^= x >> 32
	x *= 0xd6e8feb86659fd93
	x ^= x >> 32
	return min(heightMax, 1+bits.TrailingZeros64(x|1<<63)/2)
}

// write puts a version on top of the key's; a nil value deletes.
func (o *overlay) write(key, value []byte, stamps []int) {
	n := o.node(key)
	o.seq++
	if value == nil {
		o.deletes++
	}
	v := n.top
	if v != nil && v.seq > o.barrier {
		// Nobody can have seen it, and no savepoint lies between.
		o.bytes += len(value) - len(v.value)
		if value == nil {
			v.value = nil
		} else {
			v.value = append(v.value[:0], value...)
		}
		v.seq, v.stamps = o.seq, stamps
		return
	}
	if v == nil {
		o.bytes += len(key) + len(value) + opBytes
		v = &n.first
		if v.seq != 0 {
			v = &version{} // an iterator may still stand on the one that was undone.
		}
	} else {
		o.bytes += len(value) - len(v.value)
		v = &version{prev: v}
	}
	if value != nil {
		v.value = bytes.Clone(value)
	}
	v.seq, v.stamps = o.seq, stamps
	n.top = v
	o.undo = append(o.undo, undo{node: n})
}

func (o *overlay) check(key, upper []byte) {
	o.checks = append(o.checks, check{bytes.Clone(key), bytes.Clone(upper)})
	o.undo = append(o.undo, undo{add: -1})
}

func (o *overlay) add(key []byte, delta int64) {
	at := slices.IndexFunc(o.adds, func(a addition) bool { return bytes.Equal(a.key, key) }) // few: two for a collection.
	if at < 0 {
		at = len(o.adds)
		o.adds = append(o.adds, addition{key: bytes.Clone(key), undo: -1})
	}
	a := &o.adds[at]
	a.delta += delta
	if a.undo >= o.floor && a.undo < len(o.undo) && o.undo[a.undo].isAdd(at) {
		o.undo[a.undo].delta += delta // no savepoint between: they go together.
		return
	}
	a.undo = len(o.undo)
	o.undo = append(o.undo, undo{add: at, delta: delta})
}

func (u *undo) isAdd(at int) bool { return u.node == nil && u.add == at }

// savepoint is the present's place in the undo log.
func (o *overlay) savepoint() int {
	o.barrier, o.floor = o.seq, len(o.undo)
	return o.floor
}

// rollbackTo undoes what was done since savepoint returned place.
func (o *overlay) rollbackTo(place int) {
	for i := len(o.undo) - 1; i >= place; i-- {
		switch u := &o.undo[i]; {
		case u.node != nil:
			o.pop(u.node)
		case u.add >= 0:
			o.adds[u.add].delta -= u.delta
		default:
			o.checks = o.checks[:len(o.checks)-1]
		}
		o.undo[i] = undo{}
	}
	o.undo = o.undo[:place]
	o.floor = min(o.floor, place)
}

func (o *overlay) pop(n *node) {
	v := n.top
	n.top = v.prev
	o.bytes -= len(v.value)
	if n.top != nil {
		o.bytes += len(n.top.value)
		return
	}
	o.bytes -= len(n.key) + opBytes
}

// wrote tells whether a commit would write something.
func (o *overlay) wrote() bool {
	if o == nil {
		return false
	}
	for n := o.head.next; n != nil; n = n.next {
		if n.top != nil {
			return true
		}
	}
	return slices.ContainsFunc(o.adds, func(a addition) bool { return a.delta != 0 })
}
