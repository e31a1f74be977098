package pebblekv

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/kv"
)

// TestFloor: under a small budget the memory of claims stays small, no transaction
// in step with it notices, and one that is older than it reaches loses, told why.
func TestFloor(t *testing.T) {
	const budget = 64 << 10 * shardCount / 64
	s := open(t, Options{ClaimBytes: budget})
	old, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer old.Rollback()
	for i := range 20_000 {
		put(t, s, fmt.Sprint("key", i), "v")
	}
	st := s.Stats()
	if st.ClaimBytes > budget+shardCount*claimOverheadBytes*2 {
		t.Errorf("claims take %d bytes of %d", st.ClaimBytes, budget)
	}
	if st.FloorForced == 0 {
		t.Error("the floor was never forced")
	}
	conflicts := 0
	for i := range 200 {
		err := old.Lock(t.Context(), kv.How{}, fmt.Append(nil, "other", i))
		if c, lost := errors.AsType[*kv.Conflict](err); lost {
			conflicts++
			if !c.Floor {
				t.Fatalf("got %+v", c)
			}
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if conflicts == 0 {
		t.Error("a transaction older than the memory of claims met no conflict")
	}
	for i := range 20_000 { // history 2, with the memory gone: never a lost update.
		if err := old.Lock(t.Context(), kv.How{}, fmt.Append(nil, "key", i)); err == nil {
			t.Fatalf("key %d was committed after the snapshot, and locked", i)
		}
	}
}

// TestFloorRefresh: who waits gets the claim though the floor is above, and
// refreshes.
func TestFloorRefresh(t *testing.T) {
	s := open(t, Options{})
	tx, err := s.Begin(t.Context(), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	put(t, s, "b", "2")
	for i := range s.claims.shards {
		s.claims.shards[i].mu.Lock()
		s.claims.shards[i].raise(s.Visible())
		s.claims.shards[i].mu.Unlock()
	}
	err = tx.Lock(t.Context(), kv.How{Wait: true}, []byte("a"))
	if c, lost := errors.AsType[*kv.Conflict](err); !lost || !c.Floor || !c.Claimed {
		t.Fatalf("got %v", err)
	}
	if err := tx.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := tx.Lock(t.Context(), kv.How{}, []byte("a")); err != nil {
		t.Fatal(err)
	}
}

// TestClaimsAreForgotten: without anybody old, the memory of claims empties itself.
func TestClaimsAreForgotten(t *testing.T) {
	s := open(t, Options{ClaimBytes: 256 << 10})
	for i := range 20_000 {
		put(t, s, fmt.Sprint("key", i), "v")
	}
	if st := s.Stats(); st.Claims > 10_000 || st.FloorForced != 0 {
		t.Errorf("%d claims are remembered, the floor was forced %d times", st.Claims, st.FloorForced)
	}
}

// TestHistoryThins: as snapshots age, those told to clients stay for the window,
// of the others one a second, and nothing beyond it.
func TestHistoryThins(t *testing.T) {
	clock := newFakeClock()
	s := open(t, Options{Env: clock.env(), HistoryWindow: time.Minute})
	told := put(t, s, "k", "told")
	tx, err := s.Begin(t.Context(), kv.Options{Hold: true})
	if err != nil {
		t.Fatal(err)
	}
	tx.Rollback()
	for range 100 {
		put(t, s, "k", "v")
	}
	thin := func() int {
		s.snapshots.mu.Lock()
		s.snapshots.thin(clock.env().Now())
		s.snapshots.mu.Unlock()
		return s.Stats().Snapshots
	}
	s.snapshots.tidyUp()
	if n := thin(); n < 100 {
		t.Errorf("%d of the last 100 states are held", n)
	}
	clock.seconds.Add(30)
	put(t, s, "k", "v")
	s.snapshots.tidyUp()
	if n := thin(); n < 2 || n > 6 {
		t.Errorf("after half a minute %d states are held", n)
	}
	if tx, err = s.Begin(t.Context(), kv.Options{At: told}); err != nil {
		t.Fatalf("a time that was told is not held: %v", err)
	}
	if v, err := tx.Get(t.Context(), []byte("k"), nil); string(v) != "told" {
		t.Fatalf("got %q, %v", v, err)
	}
	clock.seconds.Add(31)
	put(t, s, "k", "v")
	s.snapshots.tidyUp()
	if v, err := tx.Get(t.Context(), []byte("k"), nil); string(v) != "told" {
		t.Fatalf("past the window, still reading: got %q, %v", v, err)
	}
	tx.Rollback()
	s.snapshots.tidyUp()
	if _, err := s.Begin(t.Context(), kv.Options{At: told}); !errors.Is(err, kv.ErrSnapshotTooOld) {
		t.Fatalf("past the window: %v", err)
	}
}
