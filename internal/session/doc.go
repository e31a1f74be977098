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
// it is read once, when the session is first seen by this process.
//
// # Invariants
//
//   - A session's number never goes down; after Doubt it is what the row says.
//   - An effect and its record are one commit: a retry finds both or neither.
//   - A transaction is either open in exactly one session or has ended; every end
//     goes through Session.finish.
//   - Manager.mu may be held when a Session's mu is taken, never the other way.
//
// # Where to start
//
// session.go is the state machine, manager.go finds sessions, record.go is the
// row, cursor.go the cursors.
package session
