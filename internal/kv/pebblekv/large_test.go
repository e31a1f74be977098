package pebblekv

import (
	"bytes"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

// TestLargeNeighbour: reading the keys around a large value, and looking for one that
// is not there, does not read the large value.
func TestLargeNeighbour(t *testing.T) {
	s := open(t, Options{})
	large := bytes.Repeat([]byte("0123456789abcdef"), 1<<17) // 2 MB.
	tx, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string][]byte{"a": []byte("small"), "m": large, "z": []byte("small")} {
		if err := tx.Set([]byte(key), value); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.db.Flush(); err != nil {
		t.Fatal(err)
	}
	// The lowest level, where Pebble asks no filter.
	if err := s.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}

	tx, err = s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	for _, key := range []string{"a", "z"} {
		if v, err := tx.Get(t.Context(), []byte(key), nil); err != nil || string(v) != "small" {
			t.Errorf("%s: %q, %v", key, v, err)
		}
	}
	for _, key := range []string{"l", "n"} {
		if _, err := tx.Get(t.Context(), []byte(key), nil); !errors.Is(err, kv.ErrNotFound) {
			t.Errorf("%s: %v", key, err)
		}
	}
	if size := s.db.Metrics().BlockCache.Size; size > int64(len(large))/4 {
		t.Errorf("the block cache holds %d bytes", size)
	}
	if v, err := tx.Get(t.Context(), []byte("m"), nil); err != nil || !bytes.Equal(v, large) {
		t.Errorf("the large value: %d bytes, %v", len(v), err)
	}
}

// TestLargeBatchIsForgotten: what a large transaction wrote is not kept in memory once
// it is in Pebble's files.
func TestLargeBatchIsForgotten(t *testing.T) {
	s := openAt(t, t.TempDir(), Options{MemTableBytes: 1 << 20}) // files in memory would count.
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := live()
	const size = 64 << 20
	put(t, s, "large", strings.Repeat("v", 1<<20))
	tx, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range size >> 20 {
		if err := tx.Set(fmt.Append(nil, i), make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.background.Wait()
	if after := live(); after > before+size/4 {
		t.Errorf("%d MB are kept", (after-before)>>20)
	}
}
