package kv

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrNotFound: Get found no such key.
	ErrNotFound = errors.New("kv: key not found")
	// ErrExists: Lock with Absent found the key visible.
	ErrExists = errors.New("kv: key exists")
	// ErrSnapshotTooOld: the snapshot asked for is no longer held.
	ErrSnapshotTooOld = errors.New("kv: snapshot too old")
	// ErrSnapshotAhead: the snapshot asked for is in the future.
	ErrSnapshotAhead = errors.New("kv: snapshot ahead of the newest commit")
	// ErrFixedSnapshot: Refresh of a transaction begun at a given time.
	ErrFixedSnapshot = errors.New("kv: snapshot is fixed")
	// ErrTooLarge: a key, a value or the transaction is over its limit.
	ErrTooLarge = errors.New("kv: too large")
	// ErrOutcomeUnknown: the commit is with the engine, and whether it
	// succeeded was not learned. It is never reported as an abort.
	ErrOutcomeUnknown = errors.New("kv: commit outcome unknown")
	// ErrClockDrift: a time too far ahead of the wall clock.
	ErrClockDrift = errors.New("kv: cluster time too far ahead of the clock")
	// ErrClosed: the store or the transaction has ended.
	ErrClosed = errors.New("kv: closed")
	// ErrUnsupported: see Caps.
	ErrUnsupported = errors.New("kv: not supported by this engine")
)

// Conflict is how a transaction is told that another one was first.
type Conflict struct {
	Key []byte // a copy; nil if it is a range or not known.

	// Held: another open transaction holds the key. Otherwise it was
	// committed after the snapshot (or may have been: see Floor).
	Held bool

	// Floor: the key itself is no longer remembered; this transaction is
	// older than the memory of claims reaches.
	Floor bool

	// Read: the key was read by this transaction, which is serializable, and
	// written by the winner.
	Read bool

	// Claimed: the key is claimed by this transaction now.
	Claimed bool

	// Deadlock: waiting was refused since it would never have ended.
	Deadlock bool

	// Waiters: so many wait for the key already that this transaction may not.
	Waiters int

	Winner Time          // commit time of the winner, if committed.
	Age    time.Duration // how long the holder has been open, if held.
	Holder string        // the holder's Options.Note, if held.
}

// Error says which of them it is.
func (c *Conflict) Error() string {
	switch {
	case c.Deadlock:
		return fmt.Sprintf("kv: deadlock on key %x", c.Key)
	case c.Waiters > 0:
		return fmt.Sprintf("kv: key %x is held by another transaction, and %d wait for it", c.Key, c.Waiters)
	case c.Held:
		return fmt.Sprintf("kv: key %x is held by another transaction", c.Key)
	case c.Read && c.Floor:
		return "kv: transaction older than the memory of writes, which its reads must be compared with"
	case c.Read:
		return fmt.Sprintf("kv: key %x was read, and committed by another after the snapshot", c.Key)
	case c.Floor:
		return fmt.Sprintf("kv: transaction older than the memory of claims (key %x)", c.Key)
	}
	return fmt.Sprintf("kv: key %x was committed after the snapshot", c.Key)
}
