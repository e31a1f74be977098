package kvtest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/pandodb/pando/internal/kv"
)

// RunModel runs random transactions, several open at a time, against the engine
// and against a model in memory that keeps every state whole, and compares all
// that can be seen.
func RunModel(t *testing.T, e Engine) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHouse(t, e)
		m := &model{h: h, committed: map[string]commitOf{}}
		m.states = []state{{at: h.Visible(), keys: map[string]string{}}}
		r.Repeat(map[string]func(*rapid.T){
			"":           m.compare,
			"begin":      m.begin,
			"write":      m.write,
			"delete":     m.delete,
			"savepoint":  m.savepoint,
			"rollbackTo": m.rollbackTo,
			"check":      m.check,
			"scan":       m.scan,
			"seek":       m.seek,
			"refresh":    m.refresh,
			"commit":     m.commit,
			"rollback":   m.rollback,
		})
		for _, tx := range m.open {
			tx.real.Rollback()
		}
		if err := h.Close(); err != nil {
			r.Fatal(err)
		}
	})
}

// state is all keys after one commit. It is never changed.
type state struct {
	at   kv.Time
	keys map[string]string
}

type commitOf struct{ at kv.Time }

// model is what the store should be.
type model struct {
	h         *house
	states    []state // ascending.
	committed map[string]commitOf
	open      []*modelTxn
}

// modelTxn is one open transaction, real and imagined.
type modelTxn struct {
	real   kv.Txn
	base   state
	own    map[string]*string // nil: deleted.
	claims map[string]bool    // held; true if they count as written.
	checks []string
	marks  []mark
	fixed  bool
}

type mark struct {
	real   kv.Savepoint
	own    map[string]*string
	claims map[string]bool
	checks int
}

const modelTxnsMax = 4

var modelKey = rapid.Custom(func(r *rapid.T) string {
	return string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 'a', 'b', 0xff}), 1, 2).Draw(r, "key"))
})

func (m *model) pick(r *rapid.T) *modelTxn {
	if len(m.open) == 0 {
		r.Skip("none is open")
	}
	return rapid.SampledFrom(m.open).Draw(r, "txn")
}

func (m *model) newest() state { return m.states[len(m.states)-1] }

func (m *model) begin(r *rapid.T) {
	if len(m.open) == modelTxnsMax {
		r.Skip("enough are open")
	}
	tx := &modelTxn{base: m.newest(), own: map[string]*string{}, claims: map[string]bool{}}
	opt := kv.Options{}
	if m.h.Caps().PastReads && rapid.Bool().Draw(r, "past") {
		tx.base = rapid.SampledFrom(m.states).Draw(r, "state")
		opt.At, tx.fixed = tx.base.at, true
	}
	real, err := m.h.Store.Begin(m.h.ctx, opt)
	if err != nil {
		r.Fatalf("begin at %d: %v", opt.At, err)
	}
	if real.ReadTime() != tx.base.at {
		r.Fatalf("reads at %d, want %d", real.ReadTime(), tx.base.at)
	}
	tx.real = real
	m.open = append(m.open, tx)
}

// view is what tx should see.
func (tx *modelTxn) view() map[string]string {
	view := maps.Clone(tx.base.keys)
	for k, v := range tx.own {
		if v == nil {
			delete(view, k)
		} else {
			view[k] = *v
		}
	}
	return view
}

func (m *model) write(r *rapid.T) {
	tx, k := m.pick(r), modelKey.Draw(r, "key")
	v := rapid.StringMatching("[xyz]{1,3}").Draw(r, "value")
	if m.lock(r, tx, k, rapid.Bool().Draw(r, "absent")) {
		must(r, tx.real.Set([]byte(k), []byte(v)))
		tx.own[k] = &v
	}
}

func (m *model) delete(r *rapid.T) {
	tx, k := m.pick(r), modelKey.Draw(r, "key")
	if m.lock(r, tx, k, false) {
		must(r, tx.real.Delete([]byte(k)))
		tx.own[k] = nil
	}
}

// lock claims k and compares the answer; it tells if tx may write.
func (m *model) lock(r *rapid.T, tx *modelTxn, k string, absent bool) bool {
	err := tx.real.Lock(m.h.ctx, kv.How{Absent: absent}, []byte(k))
	_, there := tx.view()[k]
	held := slices.ContainsFunc(m.open, func(other *modelTxn) bool { _, its := other.claims[k]; return other != tx && its })
	c, lost := asConflict(err)
	switch {
	case absent && there:
		if !errors.Is(err, kv.ErrExists) {
			r.Fatalf("lock absent %q: %v, want %v", k, err, kv.ErrExists)
		}
		return false
	case held:
		if !lost || !c.Held {
			r.Fatalf("lock %q, which is held: %v", k, err)
		}
		return false
	case m.committed[k].at > tx.base.at:
		if !lost || c.Held || c.Winner != m.committed[k].at {
			r.Fatalf("lock %q, which was committed at %d after %d: %v", k, m.committed[k].at, tx.base.at, err)
		}
		return false
	case err != nil:
		r.Fatalf("lock %q: %v", k, err)
	}
	tx.claims[k] = true
	return true
}

func (m *model) savepoint(r *rapid.T) {
	tx := m.pick(r)
	tx.marks = append(tx.marks, mark{tx.real.Savepoint(), maps.Clone(tx.own), maps.Clone(tx.claims), len(tx.checks)})
}

func (m *model) rollbackTo(r *rapid.T) {
	tx := m.pick(r)
	if len(tx.marks) == 0 {
		r.Skip("no savepoint")
	}
	i := rapid.IntRange(0, len(tx.marks)-1).Draw(r, "savepoint")
	tx.real.RollbackTo(tx.marks[i].real)
	tx.own, tx.checks = maps.Clone(tx.marks[i].own), tx.checks[:tx.marks[i].checks]
	for k := range tx.claims {
		if _, before := tx.marks[i].claims[k]; !before {
			tx.claims[k] = false
		}
	}
	tx.marks = tx.marks[:i+1]
}

func (m *model) check(r *rapid.T) {
	tx, k := m.pick(r), modelKey.Draw(r, "key")
	must(r, tx.real.Check([]byte(k)))
	tx.checks = append(tx.checks, k)
}

func (m *model) refresh(r *rapid.T) {
	tx := m.pick(r)
	err := tx.real.Refresh(m.h.ctx)
	if tx.fixed {
		if !errors.Is(err, kv.ErrFixedSnapshot) {
			r.Fatalf("refresh of a fixed snapshot: %v", err)
		}
		return
	}
	must(r, err)
	tx.base, tx.own, tx.checks, tx.marks = m.newest(), map[string]*string{}, nil, nil
	for k := range tx.claims {
		tx.claims[k] = false // until it is locked again.
	}
	if !m.h.Caps().RefreshKeepsClaims {
		clear(tx.claims)
	}
}

func (m *model) commit(r *rapid.T) {
	tx := m.pick(r)
	at, err := tx.real.Commit(m.h.ctx)
	m.close(tx)
	if slices.ContainsFunc(tx.checks, func(k string) bool { return m.committed[k].at > tx.base.at }) {
		if _, lost := asConflict(err); !lost {
			r.Fatalf("commit with a check that fails: %v", err)
		}
		return
	}
	must(r, err)
	maps.DeleteFunc(tx.claims, func(_ string, written bool) bool { return !written })
	if len(tx.own) == 0 && len(tx.claims) == 0 {
		if at != tx.base.at {
			r.Fatalf("a reader at %d commits at %d", tx.base.at, at)
		}
		return
	}
	if at <= m.newest().at {
		r.Fatalf("commit at %d after %d", at, m.newest().at)
	}
	next := maps.Clone(m.newest().keys)
	for k, v := range tx.own {
		if v == nil {
			delete(next, k)
		} else {
			next[k] = *v
		}
	}
	for k := range tx.claims {
		m.committed[k] = commitOf{at}
	}
	m.states = append(m.states, state{at, next})
}

func (m *model) rollback(r *rapid.T) {
	tx := m.pick(r)
	tx.real.Rollback()
	m.close(tx)
}

func (m *model) close(tx *modelTxn) {
	m.open = slices.DeleteFunc(m.open, func(other *modelTxn) bool { return other == tx })
}

// expected is what a scan should give, as keys in its order.
func (tx *modelTxn) expected(rg kv.Range) []string {
	view := tx.view()
	keys := slices.DeleteFunc(slices.Sorted(maps.Keys(view)), func(k string) bool {
		return k < string(rg.Lower) || rg.Upper != nil && k >= string(rg.Upper)
	})
	if rg.Reverse {
		slices.Reverse(keys)
	}
	return keys
}

func drawRange(r *rapid.T) kv.Range {
	rg := kv.Range{Reverse: rapid.Bool().Draw(r, "reverse")}
	if rapid.Bool().Draw(r, "has lower") {
		rg.Lower = []byte(modelKey.Draw(r, "lower"))
	}
	if rapid.Bool().Draw(r, "has upper") {
		rg.Upper = []byte(modelKey.Draw(r, "upper"))
		if bytes.Compare(rg.Lower, rg.Upper) > 0 {
			rg.Lower, rg.Upper = rg.Upper, rg.Lower
		}
	}
	return rg
}

func (m *model) scan(r *rapid.T) {
	tx, rg := m.pick(r), drawRange(r)
	it, err := tx.real.Scan(m.h.ctx, rg)
	must(r, err)
	view := tx.view()
	for _, k := range tx.expected(rg) {
		if !it.Next() || string(it.Key()) != k || string(it.Value()) != view[k] {
			r.Fatalf("scan %+v stands at %q=%q, want %q=%q, %v", rg, it.Key(), it.Value(), k, view[k], it.Err())
		}
	}
	if it.Next() {
		r.Fatalf("scan %+v goes on to %q", rg, it.Key())
	}
	must(r, errors.Join(it.Err(), it.Close()))
}

// seek mixes Seek and Next, and writes meanwhile, which the scan must not see.
func (m *model) seek(r *rapid.T) {
	tx, rg := m.pick(r), drawRange(r)
	it, err := tx.real.Scan(m.h.ctx, rg)
	must(r, err)
	view, left := tx.view(), tx.expected(rg)
	started := false
	for range rapid.IntRange(1, 8).Draw(r, "steps") {
		var ok bool
		switch rapid.IntRange(0, 3).Draw(r, "step") {
		case 0:
			to := modelKey.Draw(r, "to")
			ok = it.Seek([]byte(to))
			for len(left) > 0 && (left[0] < to && !rg.Reverse || left[0] > to && rg.Reverse) {
				left = left[1:]
			}
		case 1:
			m.write(r)
			continue
		default:
			ok = it.Next()
			if started && len(left) > 0 {
				left = left[1:]
			}
		}
		started = true
		want := fmt.Sprint(len(left) > 0)
		if got := fmt.Sprint(ok); got != want {
			r.Fatalf("scan %+v: %s, want %s, %v", rg, got, want, it.Err())
		}
		if ok && (string(it.Key()) != left[0] || string(it.Value()) != view[left[0]]) {
			r.Fatalf("scan %+v stands at %q=%q, want %q=%q", rg, it.Key(), it.Value(), left[0], view[left[0]])
		}
	}
	must(r, errors.Join(it.Err(), it.Close()))
}

// compare gets some keys in every open transaction.
func (m *model) compare(r *rapid.T) {
	for _, tx := range m.open {
		view := tx.view()
		for _, k := range []string{"a", "b", "\xff", "ab", "a\x00"} {
			got, err := tx.real.Get(m.h.ctx, []byte(k), nil)
			want, there := view[k]
			if there && (err != nil || string(got) != want) || !there && !errors.Is(err, kv.ErrNotFound) {
				r.Fatalf("get %q: %q, %v; want %q, %v", k, got, err, want, there)
			}
		}
	}
	if at := m.h.Visible(); at != m.newest().at {
		r.Fatalf("visible is %d, want %d", at, m.newest().at)
	}
}

func must(r *rapid.T, err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}
