package kv

import (
	"context"
	"time"
)

// KeyBytesMax is the longest key that the door takes.
const KeyBytesMax = 8 << 10

// Time is a cluster time: seconds since the epoch in the high 32 bits and an
// increment in the low, as in a BSON timestamp. Times of commits rise strictly.
type Time uint64

// Seconds is the wall-clock part.
func (t Time) Seconds() uint32 { return uint32(t >> 32) }

// Inc is the increment within the second.
func (t Time) Inc() uint32 { return uint32(t) }

// Store is one open store. It is safe for concurrent use.
type Store interface {
	// Begin opens a transaction on a snapshot: the newest state, or opt.At.
	// A snapshot that can no longer (or not yet) be had is ErrSnapshotTooOld
	// (or ErrSnapshotAhead), never a neighbouring one.
	Begin(ctx context.Context, opt Options) (Txn, error)

	Clock
	Durability

	// DropRange forgets the keys in [lo, hi), which no later snapshot reads:
	// their owner was dropped from the catalog by a commit at 'after'. Open
	// snapshots older than that still see them. It returns at once.
	DropRange(ctx context.Context, lo, hi []byte, after Time) error

	// Caps names what this engine does.
	Caps() Caps

	// Close waits for nothing: open transactions fail with ErrClosed. What was
	// committed is durable when it returns.
	Close() error
}

// Clock is the cluster's time, which never goes back, across restarts as well.
type Clock interface {
	// Visible is the time of the newest visible commit.
	Visible() Time

	// Advance makes Visible at least t (a causal client's time, or gossip), by
	// a commit of nothing if need be. ErrClockDrift if t is further ahead of
	// the wall clock than the drift limit.
	Advance(ctx context.Context, t Time) error
}

// Durability is how long a commit may take to survive a crash.
type Durability interface {
	// WaitDurable returns when every commit up to and including t would
	// survive a crash, and hurries it.
	WaitDurable(ctx context.Context, t Time) error

	// Durable is the newest time of which that is true now.
	Durable() Time
}

// Options of a transaction.
type Options struct {
	// At asks for the snapshot at exactly this time; zero is the newest.
	At Time

	// Serializable has Commit fail with *Conflict (Read) if a key or range that
	// this transaction has read, as far as it has read it, was written by a
	// commit after its snapshot: keys that were not there and own claims' keys
	// count, own writes do not. A transaction that wrote nothing always commits:
	// it stands where its snapshot does.
	//
	// A value that is remembered from outside the transaction was not read by it.
	// Counters are neither read nor written in this sense.
	Serializable bool

	// Born is when the work began that this transaction is a new attempt of:
	// deadlock victims are the youngest. Zero is now.
	Born time.Time

	// Hold says that ReadTime is told to a client, who may ask for it again by
	// At: the snapshot is kept for the history window, as far as memory allows.
	Hold bool

	// Note describes the transaction to whoever asks who holds a claim.
	Note string
}

// Txn is one transaction.
type Txn interface {
	Reader
	Writer
	Scope

	// Commit makes all writes visible at once, at the returned time. It does
	// not wait for durability: see Durability. A transaction that wrote
	// nothing commits at its ReadTime. After *Conflict nothing was written.
	// Once the commit is with the engine, cancelling ctx only stops the
	// waiting, and the error is then ErrOutcomeUnknown. The Txn has ended
	// whatever the result.
	Commit(ctx context.Context) (Time, error)

	// Rollback ends the transaction without effect. It is a no-op after the end.
	Rollback()
}

// Reader reads the snapshot with the transaction's own writes on top.
type Reader interface {
	// ReadTime is the snapshot's time.
	ReadTime() Time

	// Get appends the value of key to dst and returns the result; the bytes
	// are the caller's. ErrNotFound if there is none.
	Get(ctx context.Context, key, dst []byte) ([]byte, error)

	// Scan walks the keys in [Lower, Upper). It sees own writes made before
	// the call, and not those made after it. ctx ends the scan.
	Scan(ctx context.Context, r Range) (Iterator, error)
}

// Range bounds a scan. A nil bound is open.
type Range struct {
	Lower, Upper []byte // inclusive, exclusive
	Reverse      bool
	KeysOnly     bool // Value may be nil.
}

// Iterator is one scan. It must be closed before its transaction ends; an end of
// the transaction while it is open makes Next false and Err ErrClosed.
type Iterator interface {
	// Next moves to the next key, at first to the first, and tells if there is one.
	Next() bool

	// Seek moves, in the direction of the scan only, to the first key at or
	// past key, and tells if there is one.
	Seek(key []byte) bool

	// Key and Value are borrowed until the next call.
	Key() []byte
	Value() []byte

	// Err is why Next or Seek was false, if not for the end of the range.
	Err() error
	Close() error
}

// How a key is locked.
type How struct {
	// Absent says that the caller creates the key: if it is visible in this
	// transaction's view the answer is ErrExists, before anything is waited
	// for or compared.
	Absent bool

	// Wait has Lock wait its turn, first come first served, for a key that
	// another open transaction holds, until ctx ends. Without it a held key is
	// a *Conflict at once.
	Wait bool

	// WaitersMax, if not zero, has Lock not wait behind so many others: that is a
	// *Conflict with Waiters at once.
	WaitersMax int

	// Reserve holds the key for this transaction without counting it as written:
	// whoever commits having only reserved it is no conflict to anybody. A later
	// Lock of the key without Reserve counts as ever.
	Reserve bool
}

// Writer changes keys.
type Writer interface {
	// Lock claims keys, in the order given, until the transaction ends, and
	// tells conflicts: *Conflict for a key that is held by another open
	// transaction or was committed after this one's snapshot. After a
	// conflict with Claimed set, the claim is this transaction's all the
	// same, and after a Refresh it can be locked without a conflict. A locked
	// key counts as written at commit, written or not.
	Lock(ctx context.Context, how How, keys ...[]byte) error

	// Set writes a value, not empty, in the overlay.
	Set(key, value []byte) error

	// SetStamped is Set for a value of which 8 bytes at each given offset
	// become the commit time, little-endian, when it is known. The
	// transaction's own reads see zeroes there. Caps.Stamps tells if it can.
	SetStamped(key, value []byte, at ...int) error

	// Delete removes a key in the overlay; absent keys are fine.
	Delete(key []byte) error

	// Add folds delta into the signed 64-bit little-endian counter at key when
	// the transaction commits. Two transactions that add do not conflict, and
	// reads of the key see committed values only. A counter is never locked,
	// set or deleted otherwise, but for DropRange.
	Add(key []byte, delta int64) error
}

// Savepoint is a place in the order of a transaction's writes.
type Savepoint int

// Scope is what lets a statement fail, or run again, inside a transaction.
type Scope interface {
	// Savepoint marks the present; RollbackTo undoes the writes and checks
	// made since, and keeps claims: those taken since then as if reserved,
	// until they are locked again.
	Savepoint() Savepoint
	RollbackTo(Savepoint)

	// Refresh drops writes and checks, takes the newest snapshot and keeps
	// claims where the engine can (Caps.RefreshKeepsClaims): as if reserved, until
	// they are locked again. Open iterators end. It is an error (ErrFixedSnapshot)
	// for a transaction begun at a given time.
	Refresh(ctx context.Context) error

	// Check has Commit fail with *Conflict if one of keys was committed after
	// the snapshot. Checked keys are not claimed: other checkers go on.
	Check(keys ...[]byte) error

	// CheckRange is Check of every key in [lower, upper), of those that are not
	// there yet too.
	CheckRange(lower, upper []byte) error

	// Size is the bytes of the overlay as they would be written.
	Size() int
}

// Caps is what engines differ in. What is missing is refused by name by the
// layers above, and kvtest holds a table of capability and expected answer.
type Caps struct {
	FairWaiting        bool // Lock with Wait is first come first served.
	RefreshKeepsClaims bool
	PastReads          bool // Options.At
	Serializable       bool
	Stamps             bool // SetStamped
	DropRange          bool
	TxnBytesMax        int // of an overlay.
	ValueBytesMax      int
}
