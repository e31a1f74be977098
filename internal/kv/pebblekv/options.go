package pebblekv

import (
	"errors"
	"log/slog"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
)

// Options of a store. The zero value of each field stands for its default.
type Options struct {
	// FS holds the store's files; nil is the machine's own.
	FS vfs.FS

	// Env is the clock and the dice; nil is env.System.
	Env *env.Env

	// Die is called once, when the store must not go on: a sync failed, the disk
	// is full, Pebble or the committer found itself broken. The process must end
	// then; until it does, nothing is acknowledged any more, and calls may hang. It
	// may be called with locks held, so it must not call the store. Nil panics.
	Die func(error)

	// Logger takes what Pebble and the store have to say; nil drops it.
	Logger *slog.Logger

	MemTableBytes   int           // of one Pebble memtable, taken as it fills. 64 MB.
	BlockCacheBytes int64         // at most, taken as blocks are read. 64 MB.
	ClaimBytes      int           // memory of past claims, above which the floor rises. 16 MB.
	SerialLogBytes  int           // memory of what was written since the oldest serializable transaction began, above which that one is lost. 64 MB.
	ReadSetBytes    int           // of each serializable transaction, above which neighbouring reads count as one range. 1 MB.
	SyncDelayMax    time.Duration // how long a commit nobody waits for stays unsynced. 100 ms.
	DriftMax        time.Duration // how far Advance may lead the wall clock. One year.

	// HistoryWindow is how long snapshots are held for reads at a past time;
	// negative holds none. 5 minutes.
	HistoryWindow time.Duration

	// skipSync and skipCeiling plant bugs that the crash tests must find: nothing
	// is synced when waited for, or when the clock's ceiling is raised.
	skipSync, skipCeiling bool
}

// Failures of Open, each for a host to tell apart.
var (
	// ErrNewerFormat: the store was written by a later version.
	ErrNewerFormat = errors.New("the data directory has a newer format than this version knows")
	// ErrLocked: another process has the store open.
	ErrLocked = errors.New("the data directory is in use by another process")
	// ErrDamaged: files are missing or do not hold what they should.
	ErrDamaged = errors.New("the data directory is damaged")
	// ErrDied: the store failed while it was open; see Options.Die. It is
	// kv.ErrClosed as well, for those who do not know which engine this is.
	ErrDied error = diedError{}
)

// diedError is ErrDied.
type diedError struct{}

func (diedError) Error() string { return "the store has failed" }

func (diedError) Is(target error) bool { return target == kv.ErrClosed }

const (
	memTableBytesDefault   = 64 << 20
	blockCacheBytesDefault = 64 << 20
	claimBytesDefault      = 16 << 20
	serialLogBytesDefault  = 64 << 20
	readSetBytesDefault    = 1 << 20
	syncDelayMaxDefault    = 100 * time.Millisecond
	driftMaxDefault        = 365 * 24 * time.Hour
	historyWindowDefault   = 5 * time.Minute

	// txnBytesMax is kept a factor of four below the batch size at which Pebble panics.
	txnBytesMax = 1 << 30
	// valueBytesMax leaves room above the largest document, and keeps one value in one memtable.
	valueBytesMax = 24 << 20
)

func (o *Options) fillDefaults() {
	setDefault(&o.MemTableBytes, memTableBytesDefault)
	setDefault(&o.BlockCacheBytes, blockCacheBytesDefault)
	setDefault(&o.ClaimBytes, claimBytesDefault)
	setDefault(&o.SerialLogBytes, serialLogBytesDefault)
	setDefault(&o.ReadSetBytes, readSetBytesDefault)
	setDefault(&o.SyncDelayMax, syncDelayMaxDefault)
	setDefault(&o.DriftMax, driftMaxDefault)
	setDefault(&o.HistoryWindow, historyWindowDefault)
	if o.Env == nil {
		o.Env = env.System()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Die == nil {
		o.Die = func(err error) { panic(err) }
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
