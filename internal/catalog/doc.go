// Package catalog knows which databases, collections, views and indexes there
// are, as each transaction sees them.
//
// # What it is for
//
// A name leads to an entry, and the entry to a numeric id under which documents
// and index entries live. Everything above asks a [View] (one for each kv
// transaction) and gets an immutable [Collection]. Creating, changing and dropping
// are writes in the same transaction, so a collection made inside a transaction
// appears at its commit with the documents that were put into it.
//
// # How it works
//
//	View.Lookup ─► copy in memory, if it is surely what the snapshot sees
//	           └─► else the entry's key, read through the transaction
//	View.Rely   ─► kv Check on the entry: a write fails at its commit if the
//	               collection was dropped, or got an index, after the snapshot
//	View.Create, Drop, Modify, … ─► Set/Delete the entry, late lock at Commit
//	View.Commit ─► lock what was changed, commit, let the copy in memory go,
//	               forget the ranges of what was dropped
//
// An entry is one BSON document at one key, under (database, name); the keys are
// drawn in docs/format/keyspace.md. What indexes have met (arrays, long keys) is kept here too,
// since their copy in memory obeys the same rule.
//
// # The copy in memory
//
// A generation of the copy is usable by a snapshot s if no commit that changes
// the catalog is in flight and none that is done is later than s. Both sides keep
// that: a commit makes the generation unusable before it is sent and a new, empty
// one is put in place after it; a view that has changed something itself reads
// through its transaction. Then whatever is in a usable generation was read at a
// snapshot between the last change and now, and equals what s sees.
//
// The view of a serializable transaction reads the key all the same: its engine
// compares what was read with what was written meanwhile, and knows of no copy.
//
// # Invariants
//
//   - Ids of collections, and of indexes in a collection, are never used again.
//   - An entry is written only with its key locked, at the latest right before the
//     commit; so of two transactions that change one entry the second fails.
//     Locking late and not at the write is the reference server's behaviour: two
//     transactions can both create a collection, and the later commit loses.
//   - A database exists while it has a collection. Two databases do not differ
//     only in case.
//   - What was dropped leaves a record in the same commit, until its range is gone.
//
// # Where to start
//
// view.go reads, ddl.go and index.go write, cache.go is the copy in memory, and
// entry.go the stored form.
package catalog
