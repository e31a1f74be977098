package kvtest

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/kv"
)

// Engine is an engine under test.
type Engine struct {
	// Open returns an empty store. It registers what must hold when the test
	// ends: the store closes, and nothing leaked.
	Open func(t testing.TB) kv.Store

	// Waiting is how many transactions of the store wait for a claim now; nil if
	// the engine cannot tell, and tests of waiting are skipped.
	Waiting func(kv.Store) int

	// Snapshots is how many snapshots the store holds; may be nil.
	Snapshots func(kv.Store) int
}

// Run runs the contract.
func Run(t *testing.T, e Engine) {
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"read", readCases}, {"scan", scanCases}, {"lock", lockCases}, {"wait", waitCases},
		{"scope", scopeCases}, {"commit", commitCases}, {"time", timeCases}, {"caps", capsCases},
		{"history", historyCases}, {"serializable", serialCases}, {"serializable scans", serialScanCases},
	}
	for _, g := range groups {
		t.Run(g.name, func(t *testing.T) {
			for _, c := range g.cases {
				t.Run(c.name, func(t *testing.T) { c.run(newHouse(t, e)) })
			}
		})
	}
}

type testCase struct {
	name string
	run  func(h *house)
}

// house is one test's store and helpers. Its methods fail the test.
type house struct {
	testing.TB
	kv.Store
	engine Engine
	ctx    context.Context
}

func newHouse(t testing.TB, e Engine) *house {
	// So that what hangs ends, and not what a busy machine is slow at.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	return &house{TB: t, Store: e.Open(t), engine: e, ctx: ctx}
}

// txn is a transaction whose methods fail the test where they should succeed.
type txn struct {
	kv.Txn
	h *house
}

func (h *house) begin(note string) txn { return h.beginWith(kv.Options{Note: note}) }

func (h *house) beginWith(opt kv.Options) txn {
	h.Helper()
	tx, err := h.Store.Begin(h.ctx, opt)
	if err != nil {
		h.Fatalf("begin: %v", err)
	}
	h.Cleanup(tx.Rollback)
	return txn{tx, h}
}

// put writes "k=v" pairs in a transaction of their own, and deletes "k"; it
// returns the commit time.
func (h *house) put(pairs ...string) kv.Time {
	h.Helper()
	tx := h.begin("put")
	tx.put(pairs...)
	return tx.commit()
}

// put locks and writes "k=v" pairs, and deletes "k".
func (tx txn) put(pairs ...string) {
	tx.h.Helper()
	for _, pair := range pairs {
		k, v, isSet := strings.Cut(pair, "=")
		tx.lock(k)
		if isSet {
			tx.set(k, v)
		} else {
			tx.delete(k)
		}
	}
}

func (tx txn) set(k, v string) {
	tx.h.Helper()
	if err := tx.Set([]byte(k), []byte(v)); err != nil {
		tx.h.Fatalf("set %s: %v", k, err)
	}
}

func (tx txn) delete(k string) {
	tx.h.Helper()
	if err := tx.Delete([]byte(k)); err != nil {
		tx.h.Fatalf("delete %s: %v", k, err)
	}
}

func (tx txn) tryLock(how kv.How, keys ...string) error {
	list := make([][]byte, len(keys))
	for i, k := range keys {
		list[i] = []byte(k)
	}
	return tx.Lock(tx.h.ctx, how, list...)
}

func (tx txn) lock(keys ...string) {
	tx.h.Helper()
	if err := tx.tryLock(kv.How{}, keys...); err != nil {
		tx.h.Fatalf("lock %v: %v", keys, err)
	}
}

// lockConflict locks, and wants a conflict.
func (tx txn) lockConflict(how kv.How, key string) *kv.Conflict {
	tx.h.Helper()
	return wantConflict(tx.h, tx.tryLock(how, key))
}

func wantConflict(t testing.TB, err error) *kv.Conflict {
	t.Helper()
	c, ok := errors.AsType[*kv.Conflict](err)
	if !ok {
		t.Fatalf("got %v, want a conflict", err)
	}
	return c
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func noErr(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// want checks what Get sees: "k=v", or "k" for a key that is not there.
func (tx txn) want(pairs ...string) {
	tx.h.Helper()
	for _, pair := range pairs {
		k, v, there := strings.Cut(pair, "=")
		got, err := tx.Get(tx.h.ctx, []byte(k), nil)
		switch {
		case there && err != nil:
			tx.h.Fatalf("get %s: %v, want %q", k, err, v)
		case there && string(got) != v:
			tx.h.Fatalf("get %s: %q, want %q", k, got, v)
		case !there && !errors.Is(err, kv.ErrNotFound):
			tx.h.Fatalf("get %s: %q, %v, want none", k, got, err)
		}
	}
}

// scan returns what a scan sees as "k=v".
func (tx txn) scan(r kv.Range) []string {
	tx.h.Helper()
	it := tx.open(r)
	got := rest(tx.h, it)
	noErr(tx.h, it.Close())
	return got
}

func (tx txn) open(r kv.Range) kv.Iterator {
	tx.h.Helper()
	it, err := tx.Scan(tx.h.ctx, r)
	noErr(tx.h, err)
	return it
}

// rest walks it to its end.
func rest(t testing.TB, it kv.Iterator) []string {
	t.Helper()
	got := []string{}
	for it.Next() {
		got = append(got, fmt.Sprintf("%s=%s", it.Key(), it.Value()))
	}
	noErr(t, it.Err())
	return got
}

func (tx txn) wantScan(r kv.Range, want ...string) {
	tx.h.Helper()
	if got := tx.scan(r); !slices.Equal(got, want) {
		tx.h.Fatalf("scan %q to %q, reverse %v: got %v, want %v", r.Lower, r.Upper, r.Reverse, got, want)
	}
}

// wantBoth is wantScan in both directions.
func (tx txn) wantBoth(r kv.Range, want ...string) {
	tx.h.Helper()
	tx.wantScan(r, want...)
	back := slices.Clone(want)
	slices.Reverse(back)
	r.Reverse = true
	tx.wantScan(r, back...)
}

func (tx txn) commit() kv.Time {
	tx.h.Helper()
	t, err := tx.Commit(tx.h.ctx)
	if err != nil {
		tx.h.Fatalf("commit: %v", err)
	}
	return t
}

func (tx txn) refresh() {
	tx.h.Helper()
	noErr(tx.h, tx.Refresh(tx.h.ctx))
}

// async runs fn elsewhere. The result is got by wait.
func (h *house) async(fn func() error) (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- fn() }()
	return func() error {
		h.Helper()
		select {
		case err := <-done:
			return err
		case <-h.ctx.Done():
			h.Fatal("still waiting")
			return nil
		}
	}
}

// untilWaiting returns when n transactions wait.
func (h *house) untilWaiting(n int) {
	h.Helper()
	if h.engine.Waiting == nil {
		h.Skip("the engine does not tell who waits")
	}
	h.until(fmt.Sprintf("%d transactions wait", n), func() bool { return h.engine.Waiting(h.Store) == n })
}

func (h *house) until(what string, is func() bool) {
	h.Helper()
	for !is() {
		if h.ctx.Err() != nil {
			h.Fatalf("it never came to be that %s", what)
		}
		runtime.Gosched()
	}
}

func key(i int) string { return fmt.Sprintf("key%06d", i) }
