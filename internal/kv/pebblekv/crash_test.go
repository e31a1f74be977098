package pebblekv

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/testenv"
)

// TestCrash cuts the power at every file operation that writes, with each share of
// what was not synced kept, and checks what is left.
func TestCrash(t *testing.T) {
	n, err := crashEverywhere(t, func(*Options) {})
	if err != nil {
		t.Fatal(err)
	}
	if n < 60 {
		t.Errorf("only %d operations were cut", n)
	}
	t.Logf("cut at %d operations", n)
}

// TestCrashFindsBugs plants the bugs that TestCrash is for.
func TestCrashFindsBugs(t *testing.T) {
	for name, plant := range map[string]func(*Options){
		"a log that is not synced":     func(o *Options) { o.skipSync = true },
		"a ceiling that is not synced": func(o *Options) { o.skipCeiling = true },
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := crashEverywhere(t, plant); err == nil {
				t.Fatal("it passes the crash test")
			} else {
				t.Logf("found: %v", err)
			}
		})
	}
}

// crashEverywhere runs a workload once. Before each write it clones the disk as a
// crash would leave it, and verifies the clones.
func crashEverywhere(t *testing.T, plant func(*Options)) (cuts int, failure error) {
	commits := 50
	if testing.Short() || testenv.UnderRace {
		commits = 16
	}
	w := newWorkload(commits)
	disk := vfs.NewCrashableMem()
	var mu sync.Mutex
	cut := func() {
		mu.Lock()
		defer mu.Unlock()
		if failure != nil {
			return
		}
		cuts++
		acked, _, newest := w.told() // before the clone: what was told by now must be in it.
		for _, percent := range []int{0, 25, 50, 100} {
			rng := rand.New(rand.NewPCG(uint64(cuts), uint64(percent)))
			clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
			_, sent, _ := w.told()
			if err := w.verify(clone, 1+cuts%2, acked, sent, newest); err != nil {
				failure = fmt.Errorf("cut at write %d, %d %% of unsynced data kept: %w", cuts, percent, err)
				return
			}
		}
	}
	opt := w.options(errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite {
			cut()
		}
		return nil
	})))
	plant(&opt)
	if err := w.run(opt); err != nil {
		t.Fatal(err)
	}
	cut()
	return cuts, failure
}

// TestCrashConcurrent is TestCrash with several writers who share syncs. Each
// counts its own commits and, by a counter, all of them: what is left must be a
// prefix of the order of commits, which has everything that was acknowledged.
func TestCrashConcurrent(t *testing.T) {
	const writers, each = 4, 40
	disk := vfs.NewCrashableMem()
	var acked [writers]atomic.Int64
	var mu sync.Mutex
	cuts := 0
	w := newWorkload(0)
	cut := func() {
		mu.Lock()
		defer mu.Unlock()
		if cuts++; cuts%3 != 0 {
			return
		}
		var want [writers]int64
		for i := range want {
			want[i] = acked[i].Load()
		}
		rng := rand.New(rand.NewPCG(uint64(cuts), 7))
		clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: cuts % 4 * 33, RNG: rng})
		if err := verifyWriters(w.options(clone), want[:]); err != nil {
			t.Errorf("cut at write %d: %v", cuts, err)
		}
	}
	opt := w.options(errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSync {
			cut()
		}
		return nil
	})))
	made, err := Open("/parent/db", w.options(disk)) // before the cuts begin.
	if err == nil {
		err = made.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	s := openAt(t, "/parent/db", opt)
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			for n := range each {
				if err := countUp(s, i, n+1); err != nil {
					t.Error(err)
					return
				}
				acked[i].Store(int64(n + 1))
			}
		})
	}
	all.Wait()
	syncs := s.Stats().Syncs
	mu.Lock() // a flush that goes on in the background cuts as well.
	defer mu.Unlock()
	t.Logf("%d cuts, %d syncs for %d commits", cuts/3, syncs, writers*each)
}

// countUp is writer i's n-th commit, waited for.
func countUp(s *Store, i, n int) error {
	ctx := context.Background()
	tx, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := errors.Join(
		tx.Set(fmt.Append(nil, "writer", i), fmt.Append(nil, n)),
		tx.Set(fmt.Append(nil, "pad", i, n), make([]byte, 3000)),
		tx.Add([]byte("all"), 1),
	); err != nil {
		return err
	}
	at, err := tx.Commit(ctx)
	if err != nil {
		return err
	}
	return s.WaitDurable(ctx, at)
}

func verifyWriters(opt Options, acked []int64) error {
	s, err := Open("/parent/db", opt)
	if err != nil {
		return err
	}
	tx, err := s.Begin(context.Background(), kv.Options{})
	if err != nil {
		return err
	}
	sum := 0
	for i := range acked {
		n, err := number(tx, fmt.Sprint("writer", i))
		if err != nil || int64(n) < acked[i] {
			return fmt.Errorf("writer %d is at %d, and %d was acknowledged: %w", i, n, acked[i], err)
		}
		sum += n
	}
	all, err := tx.Get(context.Background(), []byte("all"), nil)
	if sum > 0 && (err != nil || binary.LittleEndian.Uint64(all) != uint64(sum)) {
		return fmt.Errorf("the writers made %d commits, counted are %x: %w", sum, all, err)
	}
	tx.Rollback()
	return errors.Join(checkClean(s), s.Close())
}
