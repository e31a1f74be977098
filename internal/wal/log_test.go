package wal

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/testenv"
)

// record is one of those that a test appends: both index and length tell its data.
type record struct {
	index uint64
	size  int
}

func (r record) data() []byte { return bytes.Repeat([]byte{byte(r.index)}, r.size) }

// read is what Open finds.
type read struct{ records []record }

func (r *read) replay(index uint64, data []byte) error {
	got := record{index, len(data)}
	if !bytes.Equal(data, got.data()) {
		return fmt.Errorf("record %d of %d bytes is not what was written", index, len(data))
	}
	r.records = append(r.records, got)
	return nil
}

func options(fs vfs.FS, after uint64) (Options, *read) {
	got := &read{}
	return Options{FS: fs, Dir: "/log", Salt: env.Seeded(1).Uint64, After: after, Replay: got.replay}, got
}

// reopen opens the log in fs after an index, and returns what it replays.
func reopen(fs vfs.FS, after uint64) (*Log, []record, error) {
	opt, got := options(fs, after)
	opt.MustExist = true
	l, err := Open(opt)
	return l, got.records, err
}

func create(t *testing.T, fs vfs.FS) *Log {
	t.Helper()
	makeDir(t, fs)
	opt, _ := options(fs, 0)
	l, err := Open(opt)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// makeDir makes the log's directory, durably.
func makeDir(t *testing.T, fs vfs.FS) {
	t.Helper()
	must(t, fs.MkdirAll("/log", 0o755))
	must(t, SyncDir(fs, "/"))
}

func appendAll(t *testing.T, l *Log, records ...record) {
	t.Helper()
	for _, r := range records {
		if _, err := l.Append(r.index, r.data()); err != nil {
			t.Fatal(err)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestLog appends records of all sizes, rotates, releases and opens the log again:
// what was not released is replayed, in order, and what was is gone from the disk.
func TestLog(t *testing.T) {
	fs, dice := vfs.NewMem(), rand.New(rand.NewPCG(1, 1))
	l := create(t, fs)
	var records []record
	released := uint64(0)
	for i := range 400 {
		next := record{uint64(10 + 3*i), dice.IntN(1 << dice.IntN(22))}
		records = append(records, next)
		appendAll(t, l, next)
		switch dice.IntN(12) {
		case 0:
			must(t, l.Rotate())
		case 1:
			must(t, l.Sync())
		case 2:
			released = max(released, records[dice.IntN(len(records))].index)
			must(t, l.Release(released))
		case 3:
			must(t, l.Close())
			after := max(released, records[dice.IntN(len(records))].index)
			var got []record
			var err error
			if l, got, err = reopen(fs, after); err != nil {
				t.Fatal(err)
			}
			if want := recordsAfter(records, after); !equal(got, want) {
				t.Fatalf("after %d of %d: replayed %v, want %v", after, next.index, got, want)
			}
		}
	}
	must(t, l.Rotate())
	must(t, l.Release(records[len(records)-1].index))
	if names, err := fs.List("/log"); err != nil || len(names) > sparesMax+1 {
		t.Errorf("left: %v, %v", names, err)
	}
	if l.Bytes() <= 0 {
		t.Error("it takes no room")
	}
	must(t, l.Close())
}

func recordsAfter(records []record, after uint64) (rest []record) {
	for _, r := range records {
		if r.index > after {
			rest = append(rest, r)
		}
	}
	return rest
}

func equal(a, b []record) bool { return fmt.Sprint(a) == fmt.Sprint(b) }

// TestSync: what was appended before a sync is on disk after it, whoever asked, and
// whatever is appended meanwhile.
func TestSync(t *testing.T) {
	disk := vfs.NewCrashableMem()
	l := create(t, disk)
	var appended atomic.Uint64
	var all sync.WaitGroup
	done := make(chan struct{})
	for range 3 {
		all.Go(func() {
			for {
				want := appended.Load()
				if err := l.Sync(); err != nil {
					t.Error(err)
					return
				}
				_, got, err := reopen(disk.CrashClone(vfs.CrashCloneCfg{}), 0)
				if err != nil {
					t.Error(err)
					return
				}
				if uint64(len(got)) < want {
					t.Errorf("%d records are on disk, %d were synced", len(got), want)
				}
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	for i := uint64(1); i <= 2000; i++ {
		if _, err := l.Append(i, record{i, 100}.data()); err != nil {
			t.Fatal(err)
		}
		appended.Store(i)
		if i%500 == 0 {
			must(t, l.Rotate())
		}
	}
	close(done)
	all.Wait()
	must(t, l.Close())
}

// forgetful is a disk that syncs nothing.
type forgetful struct{ vfs.FS }

func (d forgetful) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return forgetfulFile{f}, err
}

func (d forgetful) ReuseForWrite(from, to string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(from, to, c)
	return forgetfulFile{f}, err
}

type forgetfulFile struct{ vfs.File }

func (forgetfulFile) SyncData() error { return nil }

// TestCrash cuts the power at every write, with each share of what was not synced
// kept: what is left is a prefix that has all that was synced. A disk that does not
// sync must not pass.
func TestCrash(t *testing.T) {
	n, err := crashEverywhere(t, func(fs vfs.FS) vfs.FS { return fs })
	if err != nil {
		t.Fatal(err)
	}
	if n < 50 {
		t.Errorf("only %d writes were cut", n)
	}
	if _, err := crashEverywhere(t, func(fs vfs.FS) vfs.FS { return forgetful{fs} }); err == nil {
		t.Error("a disk that does not sync passes")
	} else {
		t.Logf("without syncs: %v", err)
	}
}

func crashEverywhere(t *testing.T, wrap func(vfs.FS) vfs.FS) (cuts int, failure error) {
	disk := vfs.NewCrashableMem()
	makeDir(t, disk)
	commits := uint64(150)
	if testenv.UnderRace {
		commits = 70
	}
	var all []record
	var synced, released uint64 // indexes.
	var mu sync.Mutex           // guards all above: the log writes in the background too.
	cut := func() {
		mu.Lock()
		defer mu.Unlock()
		if failure != nil {
			return
		}
		cuts++
		for percent := 0; percent <= 100; percent += 50 {
			rng := rand.New(rand.NewPCG(uint64(cuts), uint64(percent)))
			clone := disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: percent, RNG: rng})
			if err := verifyCut(clone, all, synced, released); err != nil {
				failure = fmt.Errorf("cut at write %d, %d %% of unsynced data kept: %w", cuts, percent, err)
			}
		}
	}
	fs := wrap(errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind.ReadOrWrite() == errorfs.OpIsWrite && strings.HasPrefix(op.Path, "/log") {
			cut()
		}
		return nil
	})))
	opt, _ := options(fs, 0)
	l, err := Open(opt)
	must(t, err)
	dice := rand.New(rand.NewPCG(2, 2))
	for i := uint64(1); i <= commits; i++ {
		next := record{i, dice.IntN(1 << dice.IntN(13))}
		if i%37 == 0 {
			next.size = drainBytes + 5
		}
		mu.Lock()
		all = append(all, next)
		mu.Unlock()
		appendAll(t, l, next)
		upTo := synced
		switch {
		case i%23 == 0:
			must(t, l.Rotate())
			upTo = i
		case i%5 == 0:
			must(t, l.Sync())
			upTo = i
		case i%31 == 0:
			mu.Lock()
			released = i - 25
			mu.Unlock()
			must(t, l.Release(released))
		case i%67 == 0:
			must(t, l.Close())
			upTo = i
			if l, _, err = reopen(fs, released); err != nil {
				t.Fatal(err)
			}
		}
		mu.Lock()
		synced = upTo
		mu.Unlock()
	}
	must(t, l.Close())
	mu.Lock()
	defer mu.Unlock()
	return cuts, failure
}

func verifyCut(disk vfs.FS, all []record, synced, released uint64) error {
	for range 2 { // the second finds what the first has left.
		opt, got := options(disk, released)
		l, err := Open(opt)
		if err != nil {
			return err
		}
		if err := l.Close(); err != nil {
			return err
		}
		want := recordsAfter(all, released)
		if len(got.records) > len(want) || !equal(got.records, want[:len(got.records)]) {
			return fmt.Errorf("%v is no prefix of %v", got.records, want)
		}
		if last := released + uint64(len(got.records)); last < synced {
			return fmt.Errorf("the last is %d, synced was %d", last, synced)
		}
	}
	return nil
}

// TestKilled: a process is killed and leaves records that were written and not synced.
// The next one is shown them; after a power cut they are there for the third.
func TestKilled(t *testing.T) {
	disk := vfs.NewCrashableMem()
	l := create(t, disk)
	appendAll(t, l, record{1, bufferBytes}, record{2, bufferBytes}, record{3, 5}) // larger ones are written at once.
	l, got, err := reopen(disk, 0)
	if err != nil || len(got) == 0 || len(got) == 3 {
		t.Fatalf("%d records, %v", len(got), err)
	}
	_, after, err := reopen(disk.CrashClone(vfs.CrashCloneCfg{}), 0)
	if err != nil || !equal(after, got) {
		t.Errorf("%v, %v; there were %v", after, err, got)
	}
	must(t, l.Close())
}

// TestFails: after a write or a sync that failed everything fails, and nothing is
// tried again.
func TestFails(t *testing.T) {
	for _, kind := range []errorfs.OpKind{errorfs.OpFileWrite, errorfs.OpFileSyncData} {
		var failing atomic.Bool
		tried := 0
		l := create(t, errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(func(op errorfs.Op) error {
			if !failing.Load() {
				return nil
			}
			tried++
			if op.Kind == kind {
				return syscall.ENOSPC
			}
			return nil
		})))
		appendAll(t, l, record{1, 10})
		failing.Store(true)
		if err := l.Sync(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("sync: %v", err)
		}
		was := tried
		if _, err := l.Append(2, nil); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("append: %v", err)
		}
		if err := errors.Join(l.Sync(), l.Rotate()); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("sync and rotate: %v", err)
		}
		if tried != was {
			t.Errorf("after a failed %v the disk was asked again", kind)
		}
		if err := l.Close(); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("close: %v", err)
		}
	}
}

// TestAppendAllocates: a record costs no allocation while the buffer has room.
func TestAppendAllocates(t *testing.T) {
	testenv.CountsAllocations(t)
	l := create(t, vfs.NewMem())
	defer l.Close()
	data, index := make([]byte, 301), uint64(0)
	add := func() {
		index++
		if _, err := l.Append(index, data); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // so that both buffers have grown.
		for range 500 {
			add()
		}
		must(t, l.Sync())
	}
	if n := testing.AllocsPerRun(200, add); n > 0 {
		t.Errorf("%.1f allocations", n)
	}
}
