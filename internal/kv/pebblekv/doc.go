// Package pebblekv is the embedded engine: one Pebble store, transactions that
// read a snapshot, and a conflict told at the write.
//
// # What it is for
//
// It keeps the promises of package kv in one process, durable by one log.
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
//	           verify Checks · take a time · apply, unsynced · stamp the claims ·
//	           publish the next {snapshot, time}   ─── and release the claims
//	WaitDurable ──► one syncs the log for all who wait
//
// A commit may be built upon before it is durable: there is one log, so what
// depends on it cannot survive without it. Claims are in memory; a crash forgets
// them together with the transactions that held them.
//
// What was locked is remembered, not what was written: a key that is set without
// being locked conflicts with nobody (see the rules of package kv).
//
// # Invariants
//
//   - A commit is exactly one Pebble batch, which also holds its time.
//   - A published snapshot shows exactly the state of one commit: they are taken
//     in the committer's order.
//   - A claim is stamped before its commit is visible, and released after.
//   - A key that is not in the table of claims was committed at its shard's floor
//     or before.
//   - No time is given out twice, or above the ceiling on disk; a store opens at
//     the ceiling of its last life.
//   - After Options.Die nothing is acknowledged.
//
// # Rejected
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
// durable.go and clock.go what survives, disk.go what happens when the disk fails,
// churn.go what Pebble is spared. check.go walks a store and verifies the
// above; tests run it on their way out. docs/format/store.md is what is on disk.
package pebblekv
