package pebblekv

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"

	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/wal"
)

// The log holds each commit, as a record whose index is the commit's time. Pebble
// holds all commits up to some time in its own files, whatever is durable in the
// log: lastTimeKey says up to which, since memtables are written out in order. So a
// store is what Pebble has, and the records after that.

// openLog replays what Pebble's files do not have.
func (s *Store) openLog(dir string, f format) error {
	last, err := s.readTime(lastTimeKey)
	if err != nil {
		return err
	}
	replayed := 0
	s.wal, err = wal.Open(wal.Options{
		FS: s.disk, Dir: dir, Salt: s.env.Uint64, After: uint64(last),
		MustExist: f.ready && f.version >= formatOwnLog,
		Replay: func(_ uint64, data []byte) error {
			replayed++
			return s.replay(data)
		},
	})
	if errors.Is(err, wal.ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if err != nil {
		return err
	}
	if replayed > 0 {
		if err := s.db.Flush(); err != nil {
			return fmt.Errorf("write out what the log holds: %w", err)
		}
	}
	return s.releaseLog()
}

// replay applies one record.
func (s *Store) replay(data []byte) error {
	b := s.db.NewBatch()
	defer b.Close()
	if err := b.SetRepr(data); err != nil {
		return fmt.Errorf("%w: a record of the log: %w", ErrDamaged, err)
	}
	return s.db.Apply(b, pebble.NoSync)
}

// rotate begins another file of the log. The committer's mutex is held.
func (s *Store) rotate() error {
	if err := s.wal.Rotate(); err != nil {
		return err
	}
	return s.releaseLog()
}

// releaseLog frees the files of the log whose commits are all in Pebble's files.
func (s *Store) releaseLog() error {
	t, err := s.flushedTime()
	if err != nil {
		return err
	}
	if err := s.wal.Release(uint64(t)); err != nil {
		s.log.Warn("the log keeps a file too many", slog.Any("error", err))
	}
	return nil
}

// flushedTime is the time of the newest commit that is in Pebble's files, with all
// before it.
func (s *Store) flushedTime() (kv.Time, error) {
	it, err := s.db.NewIter(&pebble.IterOptions{OnlyReadGuaranteedDurable: true, LowerBound: lastTimeKey})
	if err != nil {
		return 0, err
	}
	defer it.Close()
	if !it.First() || string(it.Key()) != string(lastTimeKey) {
		return 0, it.Error()
	}
	t, ok := decodeTime(it.Value())
	if !ok {
		return 0, fmt.Errorf("%w: key %x is malformed", ErrDamaged, lastTimeKey)
	}
	return t, it.Error()
}
