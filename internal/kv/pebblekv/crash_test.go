package pebblekv

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// TestCrash cuts the power at every file operation that writes, with each share of
// what was not synced kept, and checks what is left.
func TestCrash(t *testing.T) {
	n, err := crashEverywhere(t, func(*Options) {})
	if err != nil {
		t.Fatal(err)
	}
	if n < 200 {
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
	if testing.Short() {
		commits = 20
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
