// Package pebblekv is the embedded engine: one Pebble store, transactions that
// read a snapshot, and a conflict told at the write.
//
// # What it is for
//
// It keeps the promises of package kv in one process, durable by one log (package wal).
//
// # How it works
//
// A key has one version on disk. Older ones live as long as a Pebble snapshot
// sees them, and compaction forgets them: there is no time in a key and nothing to
// collect.
//
//	Begin ──► share the newest {snapshot, time}
//	Get, Scan ──► own writes (overlay) over the snapshot
//	Lock ──► claim the key ─── held ──► conflict, or wait in its queue
//	           │ free           newer than the snapshot ──► conflict
//	           ▼
//	Set ──► overlay, in memory
//	Commit ──► build one Pebble batch, then, one transaction after another:
//	           verify Checks and reads · take a time · log, unsynced · apply · stamp the
//	           claims · publish the next {snapshot, time}   ─── and release the claims
//	WaitDurable ──► one of those who wait syncs the log for all
//
// A commit may be built upon before it is durable: there is one log, so what
// depends on it cannot survive without it. Claims are in memory; a crash forgets
// them together with the transactions that held them.
//
// What was locked is remembered, not what was written: a key that is set without
// being locked conflicts with nobody (see the rules of package kv).
//
// A serializable transaction keeps what it has read as a set of ranges; every key
// that is committed meanwhile goes into a log, index entries too. The committer
// compares the two, so that what such a transaction has read is, at its commit, as
// it was at its snapshot. Who commits is first, nobody waits, and while no such
// transaction is open nothing is noted. Both are bounded: a set that grows too large
// takes neighbouring reads for one range, notes that do lose the oldest readers.
//
// # Invariants
//
//   - A commit is exactly one Pebble batch, which also holds its time, and one record
//     of the log. It is in the log before it is in Pebble.
//   - Pebble's files hold all commits up to some time, and say which; the log holds
//     all that are durable after it.
//   - A published snapshot shows exactly the state of one commit: they are taken
//     in the committer's order.
//   - A claim is stamped before its commit is visible, and released after.
//   - A key that is not in the table of claims was committed at its shard's floor
//     or before.
//   - While a serializable transaction is open, each commit is in its snapshot or
//     noted, or the transaction knows that the note was given up.
//   - No time is given out twice, or above the ceiling on disk; a store opens at
//     the ceiling of its last life.
//   - After Options.Die nothing is acknowledged.
//
// # Rejected
//
// Read locks, or the detection of dangerous structures (SSI): both keep what was
// read after the reader's end; comparing at the commit keeps nothing, and a reader
// that loses has held up nobody.
//
// Pebble's own log: its goroutine is woken for each sync and wakes who waits, which
// made an acknowledged write a sixth slower (docs/performance.md).
//
// Times in keys: they would keep the past over restarts, and cost a seek for each
// read, dead versions in each scan, and a collector. Pebble's indexed batches: they
// read the newest state instead of the snapshot and cannot undo. A committing
// goroutine: the hand-over costs more than the commit; a mutex orders as well.
//
// # Where to start
//
// store.go opens and closes, txn.go is the life above, commit.go the one committer,
// claims.go, queues.go and floor.go who owns which key, snapshots.go what is read,
// log.go, durable.go and clock.go what survives, disk.go what happens when the disk fails,
// readset.go and seriallog.go what makes transactions serializable, churn.go what
// Pebble is spared. check.go walks a store and verifies the
// above; tests run it on their way out. docs/format/store.md is what is on disk.
package pebblekv
