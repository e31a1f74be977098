package pebblekv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

const tornBlock = 4096 // what a disk writes as a unit.

// TestRecoversCopy reads a store from a copy of its files that was taken while
// it was open: all that was durable is there, and nothing else is taken for it.
func TestRecoversCopy(t *testing.T) {
	ctx, dir := context.Background(), t.TempDir()
	s, err := Open(filepath.Join(dir, "a"), Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const n = 500
	for i := range n {
		at := commitPair(t, s, fmt.Sprintf("k%03d", i), bytes.Repeat([]byte{'v'}, i*7+1))
		if err := s.WaitDurable(ctx, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "b"), os.DirFS(filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	r, err := Open(filepath.Join(dir, "b"), Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	tx, err := r.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range n {
		if v, err := tx.Get(ctx, fmt.Appendf(nil, "k%03d", i), nil); err != nil || len(v) != i*7+1 {
			t.Fatalf("k%03d: %d bytes, %v", i, len(v), err)
		}
	}
}

// TestTornLog cuts the power while the blocks of one sync are written, so that
// any of them are on the disk and the others not. What was durable before is there,
// and the commit under way is there whole or not at all.
func TestTornLog(t *testing.T) {
	dir := t.TempDir()
	live := filepath.Join(dir, "live")
	s, err := Open(live, Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	durable := func(key string, size int) {
		t.Helper()
		at := commitPair(t, s, key, bytes.Repeat([]byte{'v'}, size))
		if err := s.WaitDurable(t.Context(), at); err != nil {
			t.Fatal(err)
		}
	}
	const before = 7
	for i := range before {
		durable(fmt.Sprint("before", i), 900) // ends within a block.
	}
	was := logFiles(t, live)
	durable("last", 40_000)
	outcomes := map[bool]int{}
	for seed := range uint64(20) {
		torn := filepath.Join(dir, fmt.Sprint("torn", seed))
		if err := os.CopyFS(torn, os.DirFS(live)); err != nil {
			t.Fatal(err)
		}
		tearLogs(t, torn, was, rand.New(rand.NewPCG(seed, 1)))
		outcomes[recoverTorn(t, torn, before)]++
	}
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Errorf("the commit under way was there or not, so many times: %v", outcomes)
	}
}

// logFiles reads the log's files, by path below dir.
func logFiles(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, logDir, "*.wal"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	files := map[string][]byte{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(name)] = text
	}
	return files
}

// tearLogs puts back some of the blocks of the logs in dir to what they were.
func tearLogs(t *testing.T, dir string, was map[string][]byte, dice *rand.Rand) {
	t.Helper()
	share := dice.Float64()
	for name, text := range logFiles(t, dir) {
		for at := 0; at < len(text); at += tornBlock {
			if dice.Float64() < share {
				continue
			}
			old := make([]byte, tornBlock)
			copy(old, was[name][min(at, len(was[name])):])
			copy(text[at:], old)
		}
		if err := os.WriteFile(filepath.Join(dir, logDir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// recoverTorn opens a store and tells whether the last commit is there.
func recoverTorn(t *testing.T, dir string, before int) (last bool) {
	t.Helper()
	s, err := Open(dir, Options{Env: env.System()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tx, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for i := range before {
		if v, err := tx.Get(t.Context(), fmt.Append(nil, "before", i), nil); err != nil || len(v) != 900 {
			t.Fatalf("pair %d: %d bytes, %v", i, len(v), err)
		}
	}
	v, err := tx.Get(t.Context(), []byte("last"), nil)
	if last = err == nil; last && len(v) != 40_000 || !last && !errors.Is(err, kv.ErrNotFound) {
		t.Fatalf("the last pair: %d bytes, %v", len(v), err)
	}
	return last
}

func commitPair(t *testing.T, s *Store, key string, value []byte) kv.Time {
	t.Helper()
	ctx := context.Background()
	tx, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if err := tx.Lock(ctx, kv.How{}, []byte(key)); err != nil {
		t.Fatal(err)
	}
	if err := tx.Set([]byte(key), value); err != nil {
		t.Fatal(err)
	}
	at, err := tx.Commit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
