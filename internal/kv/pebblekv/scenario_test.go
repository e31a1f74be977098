package pebblekv

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

// workload is what crash and fault tests do to a store, and what must be true of
// any store that is opened after it was cut off.
//
// Commit i writes two keys and "last" in one transaction, counts one, and deletes
// a key of commit i-5. So what survived can be checked as a whole: it is the state
// of one commit, not older than the newest that was acknowledged.
type workload struct {
	commits int
	clock   atomic.Int64 // seconds.

	mu     sync.Mutex
	acked  int     // WaitDurable returned for it.
	sent   int     // Commit was called for it.
	newest kv.Time // the highest time that anybody was told.
}

const workloadEpoch = 1_700_000_000

func newWorkload(commits int) *workload {
	w := &workload{commits: commits}
	w.clock.Store(workloadEpoch)
	return w
}

// options are small, so that there are flushes, rotations and compactions.
func (w *workload) options(fs vfs.FS) Options {
	return Options{
		FS: fs, MemTableBytes: 64 << 10, BlockCacheBytes: 1 << 20, SyncDelayMax: time.Hour,
		Env: env.Seeded(1).WithClock(func() time.Time { return time.Unix(w.clock.Load(), 0) }),
	}
}

func (w *workload) told() (acked, sent int, newest kv.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.acked, w.sent, w.newest
}

func (w *workload) tell(acked int, t kv.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acked, w.newest = max(w.acked, acked), max(w.newest, t)
}

// run does it all, with a restart in the middle. The first error ends it.
func (w *workload) run(opt Options) error {
	for from := 1; from <= w.commits; from += w.commits / 2 {
		s, err := Open("/parent/db", opt)
		if err != nil {
			return err
		}
		w.tell(0, s.Visible())
		for i := from; i < from+w.commits/2; i++ {
			if err := w.commit(s, i); err != nil {
				return err
			}
		}
		if err := s.Close(); err != nil {
			return err
		}
		w.tell(from+w.commits/2-1, 0)
	}
	return nil
}

func (w *workload) commit(s *Store, i int) error {
	ctx := context.Background()
	w.clock.Add(int64(i % 4)) // so that the ceiling is raised in both ways.
	tx, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	value := bytes.Repeat([]byte{byte(i)}, 1+(i*797)%9000)
	if i%17 == 0 {
		value = bytes.Repeat([]byte{byte(i)}, 100_000) // more than a memtable.
	}
	keys := [][]byte{workKey("a", i), workKey("b", i), []byte("last")}
	if err := tx.Lock(ctx, kv.How{}, append(keys, workKey("a", i-5))...); err != nil {
		return err
	}
	if err := errors.Join(
		tx.Set(keys[0], value), tx.Set(keys[1], value), tx.Set(keys[2], fmt.Append(nil, i)),
		tx.Delete(workKey("a", i-5)), tx.Add([]byte("count"), 1),
		tx.SetStamped([]byte("stamp"), make([]byte, 8), 0),
	); err != nil {
		return err
	}
	w.mu.Lock()
	w.sent = i
	w.mu.Unlock()
	t, err := tx.Commit(ctx)
	if err != nil {
		return err
	}
	w.tell(0, t)
	if i%3 == 0 {
		if err := s.WaitDurable(ctx, t); err != nil {
			return err
		}
		w.tell(i, t)
	}
	if i%20 == 0 {
		return s.DropRange(ctx, workKey("a", i-15), workKey("a", i-10), t) // deleted already.
	}
	return nil
}

func workKey(kind string, i int) []byte { return fmt.Appendf(nil, "%s%06d", kind, max(i, 0)) }

// verify opens what is left, and checks it. acked, sent and newest are what had
// been told when it was cut off. The clock is set back before. Each further life
// begins with what the one before left.
func (w *workload) verify(fs vfs.FS, lives, acked, sent int, newest kv.Time) error {
	opt := w.options(fs)
	opt.Env = env.Seeded(1).WithClock(func() time.Time { return time.Unix(workloadEpoch-1000, 0) })
	for range lives {
		s, err := Open("/parent/db", opt)
		if err != nil {
			return fmt.Errorf("open: %w", err)
		}
		if s.Visible() <= newest {
			return fmt.Errorf("time goes back: visible is %d, and %d was told", s.Visible(), newest)
		}
		newest = s.Visible()
		if err := w.verifyState(s, acked, sent); err != nil {
			return err
		}
		if err := checkClean(s); err != nil {
			return err
		}
		if err := s.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
	}
	return nil
}

func (w *workload) verifyState(s *Store, acked, sent int) error {
	ctx := context.Background()
	tx, err := s.Begin(ctx, kv.Options{})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	last, err := number(tx, "last")
	if err != nil {
		return err
	}
	if last < acked || last > sent {
		return fmt.Errorf("the state is that of commit %d; %d was acknowledged, %d begun", last, acked, sent)
	}
	if count, err := tx.Get(ctx, []byte("count"), nil); last > 0 && (err != nil || binary.LittleEndian.Uint64(count) != uint64(last)) {
		return fmt.Errorf("after commit %d the count is %x, %v", last, count, err)
	}
	for i := 1; i <= sent; i++ {
		a, errA := tx.Get(ctx, workKey("a", i), nil)
		b, errB := tx.Get(ctx, workKey("b", i), nil)
		there, gone := i <= last, i <= last-5
		if there != (errB == nil) || (there && !gone) != (errA == nil) {
			return fmt.Errorf("after commit %d, of commit %d: %v, %v", last, i, errA, errB)
		}
		if errA == nil && !bytes.Equal(a, b) || there && b[0] != byte(i) {
			return fmt.Errorf("after commit %d, commit %d is torn", last, i)
		}
	}
	return nil
}

func number(tx kv.Txn, key string) (n int, err error) {
	value, err := tx.Get(context.Background(), []byte(key), nil)
	if errors.Is(err, kv.ErrNotFound) {
		return 0, nil
	}
	if err == nil {
		_, err = fmt.Sscan(string(value), &n)
	}
	return n, err
}

func checkClean(s *Store) error {
	var problems []error
	if err := s.Check(func(p string) { problems = append(problems, errors.New(p)) }); err != nil {
		return err
	}
	return errors.Join(append(problems, s.LeakCheck())...)
}
