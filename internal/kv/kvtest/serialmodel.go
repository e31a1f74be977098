package kvtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pandodb/pando/internal/kv"
)

// RunSerial runs random transactions side by side and judges them twice: a
// serializable one loses if and only if somebody committed a key that it had read,
// and what has committed must be what some order of the transactions, one after
// another, gives as well: all orders are tried. A part of the transactions are
// small writes outside, which only write.
func RunSerial(t *testing.T, e Engine) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse(t, e)
		if !h.Caps().Serializable {
			t.Skip("the engine has no serializable transactions")
		}
		history := runRandom(r, h, true)
		if !history.serial() {
			r.Fatalf("no order of them gives what they have read: %v", history)
		}
		if err := h.Close(); err != nil {
			r.Fatal(err)
		}
	})
}

// RunSkews runs the same transactions at snapshot, and wants to see histories that
// no order explains: else RunSerial would prove nothing.
func RunSkews(t *testing.T, e Engine) {
	found := 0
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse(t, e)
		if !runRandom(r, h, false).serial() {
			found++
		}
		if err := h.Close(); err != nil {
			r.Fatal(err)
		}
	})
	if found == 0 {
		t.Error("write skew never occurred at snapshot")
	}
}

const (
	serialTxnsMax = 5 // 120 orders.
	serialKeys    = "abcdef"
)

// serialOp is one step of a transaction as it can be done again: a read with what
// it showed, or a write.
type serialOp struct {
	write bool
	key   string
	value string // "" deletes.
	rg    kv.Range
	n     int // of a scan: how many steps; one more than there are goes to its end.
	saw   string
}

// serialTxn is one transaction of the history.
type serialTxn struct {
	real   kv.Txn
	base   kv.Time
	check  bool // serializable.
	ops    []serialOp
	own    map[string]string
	read   []span // as far as it must be told if they change.
	writes map[string]bool
}

// span is the keys in [lo, hi].
type span struct{ lo, hi string }

func (s span) has(k string) bool { return s.lo <= k && k <= s.hi }

// serialHistory is what has committed, by time, and what came of it.
type serialHistory struct {
	done  []*serialTxn
	final string
}

func (s serialHistory) String() string {
	var b strings.Builder
	for _, tx := range s.done {
		fmt.Fprintf(&b, "\n  at %d:", tx.base)
		for _, op := range tx.ops {
			fmt.Fprintf(&b, " %+v", op)
		}
	}
	return b.String() + "\n  in the end " + s.final
}

// runner runs random transactions.
type runner struct {
	*house
	serializable bool
	open         []*serialTxn
	begun        int
	committed    map[string]kv.Time
	history      serialHistory
}

func runRandom(r *rapid.T, h *house, serializable bool) serialHistory {
	run := &runner{house: h, serializable: serializable, committed: map[string]kv.Time{}}
	defer func() { // of a test that fails.
		for _, tx := range run.open {
			tx.real.Rollback()
		}
	}()
	h.put("a=0", "c=0", "e=0")
	for {
		if run.begun < serialTxnsMax && len(run.open) < 3 && (len(run.open) == 0 || rapid.Bool().Draw(r, "begin")) {
			run.begin(r)
			continue
		}
		if len(run.open) == 0 {
			break
		}
		run.step(r, rapid.SampledFrom(run.open).Draw(r, "txn"))
	}
	run.history.final = strings.Join(h.begin("").scan(kv.Range{}), " ")
	return run.history
}

func (run *runner) begin(r *rapid.T) {
	tx := &serialTxn{check: run.serializable, own: map[string]string{}, writes: map[string]bool{}}
	if rapid.IntRange(0, 4).Draw(r, "outside") == 0 {
		tx.check = false
	}
	run.begun++
	var err error
	tx.real, err = run.Store.Begin(run.ctx, kv.Options{Serializable: tx.check})
	must(r, err)
	tx.base = tx.real.ReadTime()
	run.open = append(run.open, tx)
}

func (run *runner) step(r *rapid.T, tx *serialTxn) {
	key := func() string { return string(rapid.SampledFrom([]byte(serialKeys)).Draw(r, "key")) }
	readers := tx.check || !run.serializable // those outside only write.
	switch step := rapid.IntRange(0, 9).Draw(r, "step"); {
	case step < 2 && readers:
		k := key()
		if _, own := tx.own[k]; !own {
			tx.read = append(tx.read, span{k, k})
		}
		tx.ops = append(tx.ops, serialOp{key: k, saw: run.get(r, tx, k)})
	case step < 5 && readers:
		run.scan(r, tx, key(), key())
	case step < 8:
		op := serialOp{write: true, key: key()}
		if rapid.IntRange(0, 3).Draw(r, "delete") > 0 {
			op.value = fmt.Sprintf("%d.%d", run.begun, len(tx.ops))
		}
		run.write(r, tx, op)
	default:
		run.end(r, tx)
	}
}

func (run *runner) get(r *rapid.T, tx *serialTxn, k string) string {
	v, err := tx.real.Get(run.ctx, []byte(k), nil)
	if err != nil && err != kv.ErrNotFound {
		r.Fatal(err)
	}
	return string(v)
}

func (run *runner) scan(r *rapid.T, tx *serialTxn, lo, hi string) {
	if lo > hi {
		lo, hi = hi, lo
	}
	op := serialOp{rg: kv.Range{Lower: []byte(lo), Upper: []byte(hi), Reverse: rapid.Bool().Draw(r, "reverse")}}
	op.n = rapid.IntRange(1, 4).Draw(r, "steps")
	it, err := tx.real.Scan(run.ctx, op.rg)
	must(r, err)
	last, n := "", 0
	for ; n < op.n && it.Next(); n++ {
		last = string(it.Key())
		op.saw += fmt.Sprintf(" %s=%s", last, it.Value())
	}
	must(r, it.Err())
	must(r, it.Close())
	read := span{lo, string(rune(hi[0] - 1))} // keys are letters: the one before hi.
	switch {
	case n < op.n: // to its end.
	case op.rg.Reverse:
		read.lo = last
	default:
		read.hi = last
	}
	tx.read = append(tx.read, read)
	tx.ops = append(tx.ops, op)
}

func (run *runner) write(r *rapid.T, tx *serialTxn, op serialOp) {
	if err := tx.real.Lock(run.ctx, kv.How{}, []byte(op.key)); err != nil {
		if _, lost := asConflict(err); !lost {
			r.Fatal(err)
		}
		tx.real.Rollback()
		run.close(tx)
		return
	}
	var err error
	if op.value == "" {
		err = tx.real.Delete([]byte(op.key))
	} else {
		err = tx.real.Set([]byte(op.key), []byte(op.value))
	}
	must(r, err)
	tx.own[op.key], tx.writes[op.key] = op.value, true
	tx.ops = append(tx.ops, op)
}

func (run *runner) end(r *rapid.T, tx *serialTxn) {
	run.close(tx)
	if rapid.IntRange(0, 9).Draw(r, "rollback") == 0 {
		tx.real.Rollback()
		return
	}
	overwritten := slices.ContainsFunc(tx.read, func(s span) bool {
		for k, at := range run.committed {
			if at > tx.base && s.has(k) {
				return true
			}
		}
		return false
	})
	at, err := tx.real.Commit(run.ctx)
	if tx.check && overwritten && len(tx.writes) > 0 {
		if c, lost := asConflict(err); !lost || !c.Read {
			r.Fatalf("what it has read was overwritten, and its commit says %v: %+v", err, tx.ops)
		}
		return
	}
	if err != nil {
		r.Fatalf("nothing that it has read was overwritten, and its commit says %v: %+v", err, tx.ops)
	}
	for k := range tx.writes {
		run.committed[k] = at
	}
	run.history.done = append(run.history.done, tx)
}

func (run *runner) close(tx *serialTxn) {
	run.open = slices.DeleteFunc(run.open, func(other *serialTxn) bool { return other == tx })
}

// serial tells whether some order of the transactions, one after another, shows
// each what it saw, and ends as it ended.
func (s serialHistory) serial() bool {
	return s.orders(map[string]string{"a": "0", "c": "0", "e": "0"}, make([]bool, len(s.done)), 0)
}

func (s serialHistory) orders(state map[string]string, used []bool, n int) bool {
	if n == len(s.done) {
		return show(state, kv.Range{}, -1) == " "+s.final || s.final == "" && len(state) == 0
	}
	for i, tx := range s.done {
		if used[i] {
			continue
		}
		after, same := tx.again(state)
		if !same {
			continue
		}
		used[i] = true
		if s.orders(after, used, n+1) {
			return true
		}
		used[i] = false
	}
	return false
}

// again does all that tx did upon a state, and tells whether it saw the same.
func (tx *serialTxn) again(state map[string]string) (after map[string]string, same bool) {
	after = maps.Clone(state)
	for _, op := range tx.ops {
		switch {
		case op.write && op.value == "":
			delete(after, op.key)
		case op.write:
			after[op.key] = op.value
		case op.key != "":
			if after[op.key] != op.saw {
				return nil, false
			}
		default:
			if show(after, op.rg, op.n) != op.saw {
				return nil, false
			}
		}
	}
	return after, true
}

// show is what a scan of n steps sees of a state; -1 is of all.
func show(state map[string]string, r kv.Range, n int) string {
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(state)), func(k string) bool {
		return k < string(r.Lower) || r.Upper != nil && k >= string(r.Upper)
	})
	if r.Reverse {
		slices.Reverse(keys)
	}
	var b strings.Builder
	for i, k := range keys {
		if i == n {
			break
		}
		fmt.Fprintf(&b, " %s=%s", k, state[k])
	}
	return b.String()
}
