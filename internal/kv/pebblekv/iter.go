package pebblekv

import (
	"bytes"
	"context"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pandodb/pando/internal/kv"
)

// stepsPerCheck is how many keys a scan passes between two looks at its context.
const stepsPerCheck = 128

// iterator merges the snapshot's keys with the overlay's; where both have a key,
// the overlay's version hides the snapshot's, and a deleted one hides both.
type iterator struct {
	tx   *txn
	ctx  context.Context
	base *pebble.Iterator // stored keys within the bounds.
	own  *overlay         // nil if nothing was written before the scan.
	seq  uint64           // versions of the overlay up to here are seen.

	lower, upper []byte // as the door has them; upper may be nil.
	reverse      bool
	keysOnly     bool

	from []byte // where the stretch began that was read since the last Seek; its lower bound, or of a reverse scan its upper.

	started, done  bool
	baseOK         bool  // base stands on a key not yet passed.
	node           *node // of the overlay, not yet passed; nil if there is none.
	onBase, onNode bool  // which of them the current key is from: one or both.

	key, value []byte
	steps      int
	err        error
	next, prev *iterator // of the transaction's open iterators.
	closed     bool
}

// Next implements kv.Iterator.
func (it *iterator) Next() bool {
	it.tx.mu.Lock()
	defer it.tx.mu.Unlock()
	if !it.usable() {
		return false
	}
	if !it.started {
		it.started = true
		it.start()
	} else {
		it.pass()
	}
	return it.settle()
}

// Seek implements kv.Iterator.
func (it *iterator) Seek(key []byte) bool {
	it.tx.mu.Lock()
	defer it.tx.mu.Unlock()
	if !it.usable() {
		return false
	}
	if it.started && !it.isAhead(key) {
		return true // at or past it already.
	}
	if !it.started && !it.isWithin(key) {
		// A place before the range: begin at its beginning.
		it.started = true
		it.start()
		return it.settle()
	}
	it.noteTo(it.key)
	it.started, it.key = true, nil
	it.noteSeek(key)
	stored := storedKey(make([]byte, 0, len(key)+2), key)
	if it.reverse {
		it.baseOK = it.base.SeekLT(append(stored, 0)) // the last key up to and with key.
		it.node = nil
		if it.own != nil {
			it.node = it.own.seekLT(stored[1 : len(key)+2])
		}
	} else {
		it.baseOK = it.base.SeekGE(stored)
		it.node = nil
		if it.own != nil {
			it.node = it.own.seekGE(key, nil)
		}
	}
	return it.settle()
}

// usable tells whether the iterator can move at all.
func (it *iterator) usable() bool {
	switch {
	case it.closed:
		if it.err == nil {
			it.err = kv.ErrClosed
		}
		return false
	case it.err != nil || it.done:
		return false
	}
	if it.steps++; it.steps%stepsPerCheck == 1 {
		if it.err = it.ctx.Err(); it.err != nil {
			it.noteEnd()
			it.drop()
			return false
		}
	}
	return true
}

// isAhead tells whether key lies past the current key in the scan's direction.
func (it *iterator) isAhead(key []byte) bool {
	c := bytes.Compare(key, it.key)
	return c > 0 && !it.reverse || c < 0 && it.reverse
}

// isWithin is false if key lies before the first place of the scan.
func (it *iterator) isWithin(key []byte) bool {
	if it.reverse {
		return it.upper == nil || bytes.Compare(key, it.upper) < 0
	}
	return bytes.Compare(key, it.lower) >= 0
}

func (it *iterator) start() {
	if it.reverse {
		it.from = it.upper
		it.baseOK = it.base.Last()
		if it.own != nil {
			it.node = it.own.seekLT(it.upper)
		}
		return
	}
	it.from = it.lower
	it.baseOK = it.base.First()
	if it.own != nil {
		it.node = it.own.seekGE(it.lower, nil)
	}
}

// pass moves what the current key came from past it.
func (it *iterator) pass() {
	if it.onBase {
		if it.reverse {
			it.baseOK = it.base.Prev()
		} else {
			it.baseOK = it.base.Next()
		}
	}
	if it.onNode {
		it.node = it.beyond(it.node)
	}
}

// beyond is the node after n in the scan's direction.
func (it *iterator) beyond(n *node) *node {
	if !it.reverse {
		return n.next
	}
	if n.prev == &it.own.head {
		return nil
	}
	return n.prev
}

// settle finds the next key from where both sides stand.
func (it *iterator) settle() bool {
	for {
		v := it.ownVersion()
		if !it.baseOK && v == nil {
			return it.end()
		}
		it.choose(v != nil)
		if it.onNode && v.value == nil {
			it.pass() // deleted here.
			continue
		}
		if it.onNode {
			it.key, it.value = it.node.key, v.value
			return true
		}
		it.key, it.value = it.base.Key()[1:], nil
		if !it.keysOnly {
			if it.value = it.base.Value(); it.base.Error() != nil {
				return it.end()
			}
		}
		return true
	}
}

// ownVersion skips nodes that the scan does not see, and returns the version of
// the one that it stops at, nil past the end.
func (it *iterator) ownVersion() *version {
	for n := it.node; n != nil; n = it.beyond(n) {
		if it.reverse && bytes.Compare(n.key, it.lower) < 0 ||
			!it.reverse && it.upper != nil && bytes.Compare(n.key, it.upper) >= 0 {
			break
		}
		if v := n.at(it.seq); v != nil {
			it.node = n
			return v
		}
	}
	it.node = nil
	return nil
}

func (it *iterator) choose(haveNode bool) {
	switch {
	case !haveNode:
		it.onBase, it.onNode = true, false
	case !it.baseOK:
		it.onBase, it.onNode = false, true
	default:
		c := bytes.Compare(it.base.Key()[1:], it.node.key)
		if it.reverse {
			c = -c
		}
		it.onBase, it.onNode = c <= 0, c >= 0
	}
}

func (it *iterator) end() bool {
	it.err = it.base.Error()
	it.noteEnd()
	it.drop()
	return false
}

// noteSeek begins a new stretch at key, which is the first place of it.
func (it *iterator) noteSeek(key []byte) {
	switch {
	case it.tx.reads == nil:
	case it.reverse:
		it.from = after(key)
	default:
		it.from = bytes.Clone(key)
	}
}

// noteTo counts as read what was passed since the scan began or was moved: up to
// key, with it. Nothing was if key is nil.
func (it *iterator) noteTo(key []byte) {
	switch {
	case it.tx.reads == nil || key == nil:
	case it.reverse:
		it.tx.reads.set.add(span{lo: bytes.Clone(key), hi: it.from})
	default:
		it.tx.reads.set.add(span{lo: it.from, hi: after(key)})
	}
}

// noteEnd counts as read all from there on to the end of the scan.
func (it *iterator) noteEnd() {
	switch {
	case it.tx.reads == nil || !it.started:
	case it.reverse:
		it.tx.reads.set.add(span{lo: it.lower, hi: it.from})
	default:
		it.tx.reads.set.add(span{lo: it.from, hi: it.upper})
	}
}

func (it *iterator) drop() { it.done, it.key, it.value = true, nil, nil }

// Key implements kv.Iterator.
func (it *iterator) Key() []byte { return it.key }

// Value implements kv.Iterator.
func (it *iterator) Value() []byte { return it.value }

// Err implements kv.Iterator.
func (it *iterator) Err() error {
	it.tx.mu.Lock()
	defer it.tx.mu.Unlock()
	return it.err
}

// Close implements kv.Iterator. Closing twice is harmless.
func (it *iterator) Close() error {
	it.tx.mu.Lock()
	defer it.tx.mu.Unlock()
	return it.closeLocked(nil)
}

// closeLocked gives the snapshot's iterator back; reason is what Err tells from
// then on. The transaction's mutex is held.
func (it *iterator) closeLocked(reason error) error {
	if it.closed {
		return nil
	}
	it.closed = true
	if it.err == nil && !it.done {
		it.err = reason
	}
	it.noteTo(it.key)
	it.drop()
	if it.prev != nil {
		it.prev.next = it.next
	} else {
		it.tx.iters = it.next
	}
	if it.next != nil {
		it.next.prev = it.prev
	}
	err := it.base.Close()
	it.base = nil
	return err
}
