// Package session keeps logical sessions: their transactions, the records of
// their retryable writes, and their cursors.
//
// # What it is for
//
// A client names a session (lsid) and numbers what it does in it (txnNumber).
// This package decides, for a request with such a number, whether it begins,
// continues or ends a transaction, or is a retryable write that ran before. The
// rules are those of the reference server; the numbers in comments (3.2, 3.3) are
// sections of MongoDB's behaviour as docs/transactions.md lists it.
//
// # How it works
//
//	request ─► Manager.CheckOut ─► Session.Begin | Continue | BeginRetryable
//	                                   │
//	             None ──► InProgress ──┼──► Committed   (row written with the data)
//	                          │        └──► Aborted     (memory only)
//	                          └─ higher number, lifetime, kill ──► Aborted
//	             None ──► Retryable    (row written with each statement's effect)
//
// A session that is checked out belongs to one request. The session's row in the
// store (record.go) is written in the same commit as the effect that it records;
// it is read when the session is first seen by this process, and again only where
// memory does not have it: after a Doubt, or if its records were too large to keep.
//
// # Invariants
//
//   - A session's number never goes down; after Doubt it is what the row says.
//   - An effect and its record are one commit: a retry finds both or neither.
//   - A transaction is either open in exactly one session or has ended; every end
//     goes through Session.finish.
//   - What nests: a session's gate (who has checked it out), then Manager.mu, then a
//     Session's mu; Cursors.mu under a gate and beside the other two. Nobody waits
//     for a gate with a mutex in hand.
//
// # Where to start
//
// txn.go is the state machine, session.go what it moves, manager.go finds sessions,
// record.go is the row and reap.go its end, lost.go what a retried transaction queues for, cursor.go
// the cursors. info.go and rows.go are what others see of it all.
package session
