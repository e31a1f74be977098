// Package lock makes changes of the catalog and transactions wait for each other.
//
// # What it is for
//
// A transaction that has used a collection relies on it to the end. Whoever drops,
// renames or indexes it meanwhile would have that transaction fail at its commit.
// So the change waits here until the transaction has ended, and transactions that
// come later wait, for a bounded time, behind the change.
//
// This is about waiting only. What keeps a transaction right is its Check on the
// catalog's entry (package kv); a lock that was not asked for costs somebody a
// retry, never a document.
//
// # How it works
//
//	statement of a transaction ─► Owner.Intent      on the database and the collection,
//	                                                held until the transaction ends
//	change of the catalog      ─► Owner.Exclusive   on the collections (intent on their
//	                                                databases), or on a whole database
//	write outside transactions ─► Table.Pass        waits behind changes, holds nothing then
//	read outside transactions  ─► nothing: it has its snapshot
//
// Names are granted first come, first served: behind a change that waits, everybody
// waits but those who hold the name already.
//
// # Deadlocks
//
// Changes, and those who pass, ask for their names in one order, databases before
// what is in them, so they alone cannot wait in a circle. So in every circle of
// names there is a transaction that waits; its wait is refused as
// if its time were over, since it can run again and the change's client would
// rather have it done. Circles are looked for whenever somebody begins to wait.
//
// A circle through a document's claim (package kv) is not looked for. It has a
// transaction in it that waits here for a name while it holds the claim, and such
// a one waits for maxTransactionLockRequestTimeoutMillis at most; the one that
// waits for the claim is in its first statement, and waits longer. A change of the
// catalog claims entries only once it has its names, and whoever holds such an
// entry waits for nothing here. Who waits for a session holds nothing at all.
//
// # Where to start
//
// owner.go is what callers do, table.go who has what, wait.go who waits for whom.
package lock
