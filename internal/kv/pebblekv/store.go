package pebblekv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/wal"
)

// Store is one open store. It is safe for concurrent use.
type Store struct {
	db                    *pebble.DB
	wal                   *wal.Log
	walFileBytes          int64 // how large a file of it becomes, about.
	env                   *env.Env
	log                   *slog.Logger
	die                   func(error)
	disk                  vfs.FS
	lock                  io.Closer // of the directory.
	diskCloser            io.Closer
	syncDelay             time.Duration
	driftMax              atomic.Int64 // a time.Duration.
	readSetBytes          int          // see Options, as the next.
	skipSync, skipCeiling bool

	// committer guards the order of commits: the clock, the counters, and
	// publishing. txn.mu may be held when it is taken; shard.mu, snapshots.mu and
	// syncer.mu are taken under it.
	committer sync.Mutex
	clock     clock
	counters  counters
	churn     churn // its own comments say what is guarded.

	snapshots *snapshots
	claims    *claims
	syncer    *syncer
	commits   atomic.Uint64

	readConflicts atomic.Uint64 // see Stats.

	opened atomic.Bool // from here on Options.Die hears of failures; before, who opens.
	death  atomic.Pointer[error]
	dead   chan struct{} // closed when death is set.
	closed atomic.Bool

	checking atomic.Int32 // Checks that run.

	largeBytes int            // of a batch, above which Pebble keeps it beside its memtables.
	moves      atomic.Int32   // that forgetLarge still makes; zero when it does not run.
	background sync.WaitGroup // of forgetLarge; started under committer.

	files sync.RWMutex // held to read Pebble's figures, and to close it; before committer.
}

var _ kv.Store = (*Store)(nil)

// Open opens the store in dir, and makes it if there is none.
func Open(dir string, opt Options) (*Store, error) {
	opt.fillDefaults()
	s := &Store{
		env: opt.Env, log: opt.Logger, die: opt.Die,
		syncDelay: opt.SyncDelayMax, readSetBytes: opt.ReadSetBytes, skipSync: opt.skipSync, skipCeiling: opt.skipCeiling,
	}
	s.walFileBytes, s.largeBytes = int64(opt.MemTableBytes), opt.MemTableBytes/2
	s.dead = make(chan struct{})
	s.driftMax.Store(int64(opt.DriftMax))
	s.counters.values = map[string]int64{}
	s.churn.keys, s.churn.counts = map[string]change{}, map[string]int{}
	s.disk, s.diskCloser = opt.FS, io.NopCloser(nil)
	if s.disk == nil {
		s.disk, s.diskCloser = s.machineDisk()
	}
	if err := s.openLocked(dir, &opt); err != nil {
		return nil, errors.Join(err, s.diskCloser.Close())
	}
	return s, nil
}

func (s *Store) openLocked(dir string, opt *Options) error {
	if err := makeDir(s.disk, dir); err != nil {
		return fmt.Errorf("make the data directory: %w", err)
	}
	lock, err := lockDir(s.disk, dir)
	if err != nil {
		return err
	}
	s.lock = lock
	if err := s.open(dir, opt); err != nil {
		return errors.Join(err, lock.Close())
	}
	s.opened.Store(true)
	return nil
}

func (s *Store) open(dir string, opt *Options) error {
	f, found, err := readFormat(s.disk, dir)
	if err != nil {
		return err
	}
	if !found {
		f = newFormat(s.env)
		if err := writeFormat(s.disk, dir, f); err != nil {
			return fmt.Errorf("write file %s: %w", formatFile, err)
		}
	}
	data, log := s.disk.PathJoin(dir, dataDir), s.disk.PathJoin(dir, logDir)
	if !f.ready {
		// Pebble's own making of a store is not proof against crashes. This one was
		// never opened to the end, so there is nothing in it.
		if err := errors.Join(s.disk.RemoveAll(data), s.disk.RemoveAll(log)); err != nil {
			return err
		}
	}
	if err := errors.Join(makeDir(s.disk, data), makeDir(s.disk, log)); err != nil {
		return err
	}
	if err := s.openPebble(data, s.pebbleOptions(opt, f.ready)); err != nil {
		return told(err)
	}
	err = s.unlessDead(func() error { return s.openLog(log, f) })
	if err == nil && f.ready && f.version < formatVersion {
		err = s.rewriteFormat(dir, &f)
	}
	if err == nil {
		err = s.unlessDead(func() error { return s.start(opt) })
	}
	if err == nil && !f.ready {
		f.ready = true
		err = s.rewriteFormat(dir, &f)
	}
	if err != nil {
		return errors.Join(err, s.shut())
	}
	return nil
}

// start begins a life at the ceiling of the one before: none of its times, durable
// or not, is given out again.
func (s *Store) start(opt *Options) error {
	last, err := s.readTime(lastTimeKey)
	if err != nil {
		return err
	}
	ceiling, err := s.readTime(ceilingKey)
	if err != nil {
		return err
	}
	if last > ceiling {
		return fmt.Errorf("%w: a commit at %d lies above the ceiling %d", ErrDamaged, last, ceiling)
	}
	s.clock = clock{last: ceiling, ceiling: ceiling}
	s.snapshots = newSnapshots(s.env, opt.HistoryWindow, opt.SerialLogBytes)
	s.syncer = newSyncer(s, 0)
	s.claims = newClaims(s.env, opt.ClaimBytes, 0, s.snapshots.oldest)
	// A commit of nothing gives this life its first state and its first ceiling.
	b := s.newBatch(64)
	defer b.pebble.Close()
	_, err = s.commit(b, ceiling, nil)
	return err
}

func (s *Store) readTime(key []byte) (kv.Time, error) {
	value, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, told(err)
	}
	defer closer.Close()
	t, ok := decodeTime(value)
	if !ok {
		return 0, fmt.Errorf("%w: key %x is malformed", ErrDamaged, key)
	}
	return t, nil
}

// Visible implements kv.Clock.
func (s *Store) Visible() kv.Time { return kv.Time(s.snapshots.visible.Load()) }

// Advance implements kv.Clock.
func (s *Store) Advance(ctx context.Context, t kv.Time) error {
	if t <= s.Visible() {
		return nil
	}
	if err := s.usable(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if limit := s.env.Now().Add(time.Duration(s.driftMax.Load())); t > timeAt(limit) {
		return kv.ErrClockDrift
	}
	b := s.newBatch(64)
	_, err := s.commit(b, t, nil)
	if err != nil {
		return err
	}
	return b.pebble.Close()
}

// SetDriftMax changes Options.DriftMax.
func (s *Store) SetDriftMax(d time.Duration) { s.driftMax.Store(int64(d)) }

// SetHistoryWindow changes Options.HistoryWindow. Zero or less ends the holding.
func (s *Store) SetHistoryWindow(d time.Duration) { s.snapshots.setWindow(d) }

// DropRange implements kv.Store. Pebble's range deletion leaves what older
// snapshots see alone and frees the space when the last of them is gone, so there
// is nothing to put off: neither for 'after' nor over a restart. (Excise would
// take the data away from open snapshots.) Like a commit, it can be lost in a
// crash until it is synced; whoever recorded the drop asks again then.
func (s *Store) DropRange(ctx context.Context, lo, hi []byte, after kv.Time) error {
	if after > s.Visible() {
		return kv.ErrSnapshotAhead
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	lower, upper := storedBounds(kv.Range{Lower: lo, Upper: hi})
	b := s.newBatch(len(lower) + len(upper))
	defer b.pebble.Close()
	if err := b.pebble.DeleteRange(lower, upper, nil); err != nil {
		return err
	}
	s.committer.Lock()
	defer s.committer.Unlock()
	if _, err := s.commitLocked(b, 0, nil); err != nil {
		return err
	}
	s.counters.forget(lo, hi)
	s.snapshots.noteDropped(lo, hi)
	return nil
}

// Caps implements kv.Store.
func (s *Store) Caps() kv.Caps {
	return kv.Caps{
		FairWaiting: true, RefreshKeepsClaims: true, PastReads: true, Serializable: true, Stamps: true, DropRange: true,
		TxnBytesMax: txnBytesMax, ValueBytesMax: valueBytesMax,
	}
}

// Close implements kv.Store. After the store has died it only says so: what its
// files hold is for the next process to find out, and they stay locked until this
// one has ended.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	if err := s.alive(); err != nil {
		return err
	}
	s.endAll()
	s.files.Lock()
	defer s.files.Unlock()
	s.committer.Lock()
	defer s.committer.Unlock()
	if err := s.alive(); err != nil {
		return err
	}
	err := s.unlessDead(s.rest)
	return errors.Join(err, s.shut(), s.lock.Close(), s.diskCloser.Close())
}

// endAll ends every open transaction, and lets no new one in.
func (s *Store) endAll() {
	for tx := s.snapshots.shutDoor(); tx != nil; tx = s.snapshots.shutDoor() {
		tx.mu.Lock()
		tx.end(kv.ErrClosed)
		tx.mu.Unlock()
	}
}

// rest makes everything durable, and the ceiling the last time given out: the next
// life need not begin ahead of the clock.
func (s *Store) rest() error {
	b := s.newBatch(64)
	defer b.pebble.Close()
	t := s.clock.next(s.env.Now(), 0)
	b.set(ceilingKey, encodeTime(t))
	_, err := s.write(b, t)
	if err == nil && !s.skipSync {
		err = s.wal.Sync()
	}
	if err != nil {
		return fmt.Errorf("make the last commits durable: %w", err)
	}
	s.syncer.reached(t)
	return nil
}

// shut closes what open opened. After a death that is left to the
// end of the process: Pebble may hold its own locks for ever.
func (s *Store) shut() error {
	return s.unlessDead(func() error {
		if s.snapshots != nil {
			s.syncer.stop()
			s.background.Wait()
			s.snapshots.stop()
		}
		var err error
		if s.wal != nil {
			err = s.wal.Close()
		}
		return errors.Join(err, s.db.Close())
	})
}
