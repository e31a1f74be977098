package pebblekv

import (
	"time"

	"context"
	"fmt"
	"log/slog"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"

	"github.com/pandodb/pando/internal/kv"
)

// pebbleOptions says what Pebble's defaults would leave small or old.
func (s *Store) pebbleOptions(opt *Options, mustExist bool) *pebble.Options {
	o := &pebble.Options{
		FS:                          watchedDisk{s.disk, s},
		FormatMajorVersion:          pebble.FormatNewest,
		CacheSize:                   opt.BlockCacheBytes,
		MemTableSize:                uint64(opt.MemTableBytes), // grows up to it from 256 KB.
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       1000,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                1000,
		DisableWAL:                  true, // the log is ours: see log.go.
		ErrorIfNotExists:            mustExist,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 2 },
		Logger:                      pebbleLogger{s},
		EventListener: &pebble.EventListener{
			BackgroundError: s.backgroundError,
			DataCorruption:  s.dataCorruption,
			WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
				s.log.Warn("writes wait for the disk", slog.String("reason", info.Reason))
			},
		},
	}
	o.Experimental.ValueSeparationPolicy = func() pebble.ValueSeparationPolicy { return largeValues }
	for i := range o.Levels {
		o.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
		o.Levels[i].FilterType = pebble.TableFilter
	}
	return o
}

// largeValues has large values kept in files beside the tables. In a table they would
// share a block with their neighbours, which each read of one, and each look-up of a
// key that is not there, would take from the disk and decompress whole: 10 ms beside
// a document of 16 MB, too large for the block cache.
var largeValues = pebble.ValueSeparationPolicy{
	Enabled:               true,
	MinimumSize:           64 << 10,
	MaxBlobReferenceDepth: 10,
	RewriteMinimumAge:     5 * time.Minute,
	TargetGarbageRatio:    0.3,
}

// openPebble opens s.db.
func (s *Store) openPebble(dir string, o *pebble.Options) error {
	var db *pebble.DB
	err := s.unlessDead(func() (err error) {
		db, err = pebble.Open(dir, o)
		return err
	})
	if err == nil {
		s.db = db
	}
	return err
}

// unlessDead does what writes to disk and so may never return if the store dies
// of it (see watchedDisk). Where Pebble cannot write what it must it also panics.
func (s *Store) unlessDead(do func() error) error {
	if err := s.alive(); err != nil {
		return err
	}
	done := make(chan error, 1)
	go func() {
		var err error
		defer func() {
			if r := recover(); r != nil {
				err = asError(r)
			}
			done <- err
		}()
		err = do()
	}()
	select {
	case err := <-done:
		return err
	case <-s.dead:
		return s.alive()
	}
}

// asError is what was recovered from a panic.
func asError(r any) error {
	if err, ok := r.(error); ok {
		return err
	}
	return fmt.Errorf("%v", r)
}

// backgroundError is told what failed in a flush or compaction. A disk that fails
// there fails the log next; better to stop while all that was acknowledged is in
// the log. It is called with Pebble's mutex held.
func (s *Store) backgroundError(err error) {
	if s.closed.Load() || s.checking.Load() > 0 && pebble.IsCorruptionError(err) {
		return
	}
	s.died(fmt.Errorf("in the background: %w", err))
}

// dataCorruption is told of a damaged file when something reads it; the reader gets
// an error as well.
func (s *Store) dataCorruption(info pebble.DataCorruptionInfo) {
	if s.checking.Load() == 0 {
		s.diedf("a damaged file: %s: %w", info.Path, info.Details) // info's own text has a stack trace.
	}
}

// pebbleLogger passes on what Pebble has to say.
type pebbleLogger struct{ store *Store }

// Infof implements pebble.Logger.
func (l pebbleLogger) Infof(format string, args ...any) {
	if l.store.log.Enabled(context.Background(), slog.LevelDebug) {
		l.store.log.Debug(fmt.Sprintf(format, args...))
	}
}

// Errorf implements pebble.Logger.
func (l pebbleLogger) Errorf(format string, args ...any) {
	l.store.log.Error(fmt.Sprintf(format, args...))
}

// Fatalf implements pebble.Logger. Pebble expects it not to return, so the goroutine
// stops here, for good: it cannot write on from a broken state.
func (l pebbleLogger) Fatalf(format string, args ...any) {
	l.store.diedf(format, args...)
	select {}
}

// died ends the life of the store: from now on it acknowledges and writes nothing.
// It returns what every call gets to hear.
func (s *Store) died(err error) error {
	err = fmt.Errorf("%w: %w", ErrDied, err)
	if !s.death.CompareAndSwap(nil, &err) {
		return *s.death.Load()
	}
	close(s.dead)
	if s.opened.Load() && !s.closed.Load() { // else it is told by Open or Close.
		s.log.Error("the store has failed", slog.Any("error", err))
		s.die(err)
	}
	return err
}

func (s *Store) diedf(format string, args ...any) error { return s.died(fmt.Errorf(format, args...)) }

// alive tells if the store has died.
func (s *Store) alive() error {
	if err := s.death.Load(); err != nil {
		return *err
	}
	return nil
}

// usable tells if the store has died or is closed.
func (s *Store) usable() error {
	if err := s.alive(); err != nil {
		return err
	}
	if s.closed.Load() {
		return kv.ErrClosed
	}
	return nil
}
