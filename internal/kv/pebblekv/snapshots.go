package pebblekv

import (
	"slices"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

// snapshot is one commit's state, shared by the transactions that read it.
// snapshots.mu guards what changes.
type snapshot struct {
	time  kv.Time
	taken time.Time
	snap  *pebble.Snapshot

	until kv.Time // the next commit's time; zero for the newest.
	refs  int     // transactions that read it.
	told  bool    // its time was told to a client, who may ask for it again.
	kept  bool    // for reads at a past time.
	gone  bool    // to be closed, or closed.
}

// snapshots is the newest state, those that transactions still read, and those
// that are held for reads at a past time. The committer publishes one for each
// commit, in its own order, so none shows anything but exactly one commit's state.
//
// Closing a Pebble snapshot can wait for a compaction's lock, so it is done in the
// background, some at a time.
type snapshots struct {
	env     *env.Env
	visible atomic.Uint64 // the newest one's time; stored under mu.

	mu      sync.Mutex  // guards all below; a leaf.
	live    []*snapshot // by time, ascending; the last is the newest. Those gone are taken out now and then.
	closing []*pebble.Snapshot
	open    txnList
	serial  serialLog
	window  time.Duration
	tidy    *time.Timer // runs tidyUp, if armed.
	armed   bool
	shut    bool // nothing begins any more.
	stopped bool // nothing is tidied any more.
	running sync.WaitGroup
}

// How the history is kept. Within dense of now every commit's, further back those
// whose time was told and one in each second; never more than keptMax.
const (
	historyDense = 2 * time.Second
	historyStep  = time.Second
	keptMax      = 20_000

	tidyEvery   = 500 * time.Millisecond
	closeAtOnce = 256 // snapshots to be closed before the next tidying.
)

func newSnapshots(e *env.Env, window time.Duration, serialLogBytes int) *snapshots {
	s := &snapshots{env: e, window: window}
	s.serial.bytesMax = serialLogBytes
	s.tidy = time.AfterFunc(time.Hour, s.tidyUp)
	s.tidy.Stop()
	return s
}

// publish makes a commit's state the newest; own is what it wrote, nil for nothing.
// The committer calls it, in order.
func (s *snapshots) publish(t kv.Time, snap *pebble.Snapshot, now time.Time, own *overlay) {
	next := &snapshot{time: t, snap: snap, taken: now}
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.live); n > 0 {
		was := s.live[n-1]
		was.until = t
		was.kept = s.window > 0
		s.arm(tidyEvery)
		s.drop(was)
	}
	s.live = append(s.live, next)
	s.visible.Store(uint64(t))
	s.serial.note(own, t)
}

func (s *snapshots) newest() *snapshot { return s.live[len(s.live)-1] }

// begin opens tx on the state at 'at', or on the newest if that is zero.
func (s *snapshots) begin(tx *txn, at kv.Time, told bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shut {
		return kv.ErrClosed
	}
	snap := s.newest()
	if at != 0 {
		var err error
		if snap, err = s.find(at); err != nil {
			return err
		}
		tx.readTime = at
	} else {
		tx.readTime = snap.time
	}
	snap.refs++
	snap.told = snap.told || told
	tx.snap = snap
	s.open.add(tx)
	if tx.reads != nil {
		s.serial.enter(tx.reads, tx.readTime, s.newest().time)
	}
	return nil
}

// find returns the state at exactly t.
func (s *snapshots) find(t kv.Time) (*snapshot, error) {
	if t > s.newest().time {
		return nil, kv.ErrSnapshotAhead
	}
	i := sort.Search(len(s.live), func(i int) bool { return s.live[i].time > t }) - 1
	if i < 0 || s.live[i].gone || s.live[i].until != 0 && s.live[i].until <= t {
		return nil, kv.ErrSnapshotTooOld
	}
	return s.live[i], nil
}

// renew moves tx to the newest state.
func (s *snapshots) renew(tx *txn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, snap := tx.snap, s.newest()
	was.refs--
	snap.refs++
	tx.snap, tx.readTime = snap, snap.time
	if tx.reads != nil {
		s.serial.leave(tx.reads)
		s.serial.enter(tx.reads, tx.readTime, tx.readTime)
	}
	s.drop(was)
}

// end forgets tx, and its hold on its snapshot.
func (s *snapshots) end(tx *txn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open.remove(tx)
	if tx.reads != nil {
		s.serial.leave(tx.reads)
	}
	tx.snap.refs--
	s.drop(tx.snap)
}

// drop has snap closed if nothing holds it. s.mu is held.
func (s *snapshots) drop(snap *snapshot) {
	if snap.refs > 0 || snap.kept || snap.until == 0 || snap.gone {
		return
	}
	snap.gone = true
	s.closing = append(s.closing, snap.snap)
	s.arm(tidyEvery)
	if len(s.closing) == closeAtOnce {
		s.tidy.Reset(0)
	}
}

// oldest is a time that no open transaction reads before, nor any to come at the newest state.
func (s *snapshots) oldest() kv.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range s.live {
		if snap.refs > 0 {
			return snap.time
		}
	}
	return kv.Time(s.visible.Load())
}

// arm has tidyUp run after d, if it is not going to anyway. s.mu is held.
func (s *snapshots) arm(d time.Duration) {
	if !s.armed && !s.stopped {
		s.armed = true
		s.tidy.Reset(d)
	}
}

// tidyUp thins the history and closes what nothing holds. It runs by timer while
// there is anything to do, and not at all in a store at rest.
func (s *snapshots) tidyUp() {
	s.mu.Lock()
	if s.stopped {
		s.mu.Unlock()
		return
	}
	s.running.Add(1)
	defer s.running.Done()
	s.armed = false
	s.thin(s.env.Now())
	s.compact()
	if len(s.live) > 1 {
		s.arm(tidyEvery)
	}
	closing := s.closing
	s.closing = nil
	s.mu.Unlock()
	closeAll(closing)
}

// closeAll closes the newest first: Pebble looks for a compaction each time that
// the oldest of its snapshots goes.
func closeAll(snaps []*pebble.Snapshot) {
	for _, snap := range slices.Backward(snaps) {
		// It cannot fail but by panicking.
		_ = snap.Close()
	}
}

// thin lets go of history that is too old, too dense or too much. s.mu is held.
func (s *snapshots) thin(now time.Time) {
	kept := 0
	var step time.Time // of the last one kept for its second.
	for _, snap := range s.live {
		if !snap.kept {
			continue
		}
		age := now.Sub(snap.taken)
		switch {
		case age > s.window:
			snap.kept = false
		case age <= historyDense || snap.told:
		case snap.taken.Sub(step) < historyStep:
			snap.kept = false
		default:
			step = snap.taken
		}
		if snap.kept {
			kept++
		}
	}
	for _, snap := range s.live {
		if kept > keptMax && snap.kept {
			snap.kept = false
			kept--
		}
		s.drop(snap)
	}
}

// compact takes out those that are gone. s.mu is held.
func (s *snapshots) compact() {
	s.live = slices.DeleteFunc(s.live, func(snap *snapshot) bool { return snap.gone })
}

// noteDropped tells the serializable transactions of a dropped range.
func (s *snapshots) noteDropped(lo, hi []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial.noteDropped(lo, hi, s.newest().time)
}

// setWindow changes how long history is kept.
func (s *snapshots) setWindow(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.window = d
	s.arm(0)
}

// stop closes every snapshot. No transaction is open any more.
func (s *snapshots) stop() {
	s.mu.Lock()
	s.stopped = true
	s.tidy.Stop()
	for _, snap := range s.live {
		if !snap.gone {
			snap.gone = true
			s.closing = append(s.closing, snap.snap)
		}
	}
	closing := s.closing
	s.closing, s.live = nil, nil
	s.mu.Unlock()
	s.running.Wait()
	closeAll(closing)
}

// shutDoor lets no transaction begin any more, and returns one that is open.
func (s *snapshots) shutDoor() *txn {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	return s.open.first
}
