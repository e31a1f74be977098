package catalog

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"sort"
	"sync"

	"github.com/pandodb/pando/internal/kv"
)

// memStore is the smallest kv.Store that the catalog can be tested on without an
// engine: whole copies for snapshots, claims in a map, no waiting.
type memStore struct {
	mu       sync.Mutex
	now      kv.Time
	data     map[string][]byte
	at       map[string]kv.Time
	held     map[string]*memTxn
	dropped  [][2][]byte
	onCommit func() // called before a commit is applied.
}

func newMemStore() *memStore {
	return &memStore{now: 1, data: map[string][]byte{}, at: map[string]kv.Time{}, held: map[string]*memTxn{}}
}

func (s *memStore) Begin(context.Context, kv.Options) (kv.Txn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &memTxn{s: s}
	t.snapshot()
	return t, nil
}

func (s *memStore) Visible() kv.Time                           { s.mu.Lock(); defer s.mu.Unlock(); return s.now }
func (s *memStore) Advance(context.Context, kv.Time) error     { return nil }
func (s *memStore) WaitDurable(context.Context, kv.Time) error { return nil }
func (s *memStore) Durable() kv.Time                           { return s.Visible() }
func (s *memStore) Caps() kv.Caps                              { return kv.Caps{DropRange: true, RefreshKeepsClaims: true} }
func (s *memStore) Close() error                               { return nil }

func (s *memStore) DropRange(_ context.Context, lo, hi []byte, _ kv.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropped = append(s.dropped, [2][]byte{lo, hi})
	for k := range s.data {
		if k >= string(lo) && k < string(hi) {
			delete(s.data, k)
		}
	}
	return nil
}

type memTxn struct {
	s      *memStore
	time   kv.Time
	view   map[string][]byte
	write  map[string][]byte // nil is deleted.
	undo   []func()
	check  [][]byte
	ranges [][2]string
	add    map[string]int64
	ended  bool
}

func (t *memTxn) snapshot() {
	t.time, t.view = t.s.now, map[string][]byte{}
	for k, v := range t.s.data {
		t.view[k] = v
	}
	t.write, t.add, t.undo, t.check, t.ranges = map[string][]byte{}, map[string]int64{}, nil, nil, nil
}

func (t *memTxn) ReadTime() kv.Time { return t.time }

func (t *memTxn) Get(_ context.Context, key, dst []byte) ([]byte, error) {
	v, own := t.write[string(key)]
	if !own {
		v = t.view[string(key)]
	}
	if v == nil {
		return nil, kv.ErrNotFound
	}
	return append(dst, v...), nil
}

func (t *memTxn) Scan(_ context.Context, r kv.Range) (kv.Iterator, error) {
	all := map[string][]byte{}
	for k, v := range t.view {
		all[k] = v
	}
	for k, v := range t.write {
		all[k] = v
	}
	it := &memIter{rev: r.Reverse, at: -1}
	for k, v := range all {
		if v != nil && k >= string(r.Lower) && (r.Upper == nil || k < string(r.Upper)) {
			it.keys = append(it.keys, k)
			it.vals = append(it.vals, v)
		}
	}
	sort.Sort(it)
	return it, nil
}

func (t *memTxn) Lock(_ context.Context, how kv.How, keys ...[]byte) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	for _, k := range keys {
		if how.Absent {
			if _, err := t.Get(context.Background(), k, nil); err == nil {
				return kv.ErrExists
			}
		}
		if h := t.s.held[string(k)]; h != nil && h != t {
			return &kv.Conflict{Key: bytes.Clone(k), Held: true}
		}
		t.s.held[string(k)] = t
		if t.s.at[string(k)] > t.time {
			return &kv.Conflict{Key: bytes.Clone(k), Claimed: true}
		}
	}
	return nil
}

func (t *memTxn) Set(key, value []byte) error { t.put(key, bytes.Clone(value)); return nil }
func (t *memTxn) Delete(key []byte) error     { t.put(key, nil); return nil }
func (t *memTxn) SetStamped(key, value []byte, _ ...int) error {
	return t.Set(key, value)
}

func (t *memTxn) put(key, value []byte) {
	k := string(key)
	was, had := t.write[k]
	t.undo = append(t.undo, func() {
		if had {
			t.write[k] = was
		} else {
			delete(t.write, k)
		}
	})
	t.write[k] = value
}

func (t *memTxn) Add(key []byte, delta int64) error {
	k := string(key)
	t.add[k] += delta
	t.undo = append(t.undo, func() { t.add[k] -= delta })
	return nil
}

func (t *memTxn) Savepoint() kv.Savepoint { return kv.Savepoint(len(t.undo)) }

func (t *memTxn) RollbackTo(sp kv.Savepoint) {
	for len(t.undo) > int(sp) {
		t.undo[len(t.undo)-1]()
		t.undo = t.undo[:len(t.undo)-1]
	}
}

func (t *memTxn) Refresh(context.Context) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.snapshot()
	return nil
}

func (t *memTxn) Check(keys ...[]byte) error {
	n := len(t.check)
	t.undo = append(t.undo, func() { t.check = t.check[:n] })
	t.check = append(t.check, keys...)
	return nil
}

func (t *memTxn) CheckRange(lower, upper []byte) error {
	n := len(t.ranges)
	t.undo = append(t.undo, func() { t.ranges = t.ranges[:n] })
	t.ranges = append(t.ranges, [2]string{string(lower), string(upper)})
	return nil
}

func (t *memTxn) Size() int { return len(t.write) }

func (t *memTxn) Commit(context.Context) (kv.Time, error) {
	if t.s.onCommit != nil {
		t.s.onCommit()
	}
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	defer t.end()
	if len(t.write)+len(t.add) == 0 {
		return t.time, nil
	}
	for _, k := range t.check {
		if t.s.at[string(k)] > t.time {
			return 0, &kv.Conflict{Key: k}
		}
	}
	for _, r := range t.ranges {
		for k, at := range t.s.at {
			if at > t.time && r[0] <= k && k < r[1] {
				return 0, &kv.Conflict{Key: []byte(k)}
			}
		}
	}
	t.s.now++
	for k, v := range t.write {
		if v == nil {
			delete(t.s.data, k)
		} else {
			t.s.data[k] = v
		}
		t.s.at[k] = t.s.now
	}
	for k, d := range t.add {
		var n uint64
		if v := t.s.data[k]; v != nil {
			n = binary.LittleEndian.Uint64(v)
		}
		t.s.data[k] = binary.LittleEndian.AppendUint64(nil, n+uint64(d))
	}
	return t.s.now, nil
}

func (t *memTxn) Rollback() {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.end()
}

func (t *memTxn) end() {
	if t.ended {
		return
	}
	t.ended = true
	for k, h := range t.s.held {
		if h == t {
			delete(t.s.held, k)
		}
	}
}

type memIter struct {
	keys []string
	vals [][]byte
	rev  bool
	at   int
}

func (i *memIter) Len() int           { return len(i.keys) }
func (i *memIter) Less(a, b int) bool { return i.keys[a] < i.keys[b] != i.rev }
func (i *memIter) Swap(a, b int) {
	i.keys[a], i.keys[b] = i.keys[b], i.keys[a]
	i.vals[a], i.vals[b] = i.vals[b], i.vals[a]
}
func (i *memIter) Next() bool { i.at++; return i.at < len(i.keys) }
func (i *memIter) Seek(key []byte) bool {
	rest := i.keys[max(i.at, 0):]
	n := slices.IndexFunc(rest, func(k string) bool {
		return i.rev && k <= string(key) || !i.rev && k >= string(key)
	})
	if n < 0 {
		i.at = len(i.keys)
		return false
	}
	i.at = max(i.at, 0) + n
	return true
}
func (i *memIter) Key() []byte   { return []byte(i.keys[i.at]) }
func (i *memIter) Value() []byte { return i.vals[i.at] }
func (i *memIter) Err() error    { return nil }
func (i *memIter) Close() error  { return nil }
