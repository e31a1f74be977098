// Package kv is the storage door: an ordered map of bytes to bytes under strong
// snapshot isolation, with conflicts told at the write.
//
// # What it is for
//
// Everything durable passes this door: documents, index entries, the catalog,
// session records. The engines behind it are pebblekv (one process) and, later,
// one over TiKV. It is shaped after the stricter engine, so that the embedded one
// imitates it and not the other way round. Package kvtest is the contract, and
// runs against every engine.
//
// # Life of a transaction
//
//	Begin ─► Get, Scan          at one snapshot, own writes on top
//	      ─► Lock ─► Set/Delete claims first: a conflict is told here
//	      ─► Check              relied on, not claimed: verified by Commit
//	      ─► Savepoint/RollbackTo, Refresh
//	      ─► Commit ─► WaitDurable
//	      ─► or Rollback
//
// # Rules for callers
//
//   - A key is locked before it is set or deleted, or its safety follows from
//     another key that is, and then the code says which. Counters ([Writer].Add)
//     and keys that are only ever set to one value are the exceptions.
//   - What a serializable transaction relies on it reads through the door, each
//     time: see [Options].Serializable.
//   - No empty keys, no empty values, keys of at most [KeyBytesMax].
//   - A Txn is used by one goroutine at a time. Every Txn ends with Commit or Rollback.
//   - Keys and values passed in are copied; what Get and iterators return is said there.
//
// # Where to start
//
// kv.go holds the interfaces, errors.go what can go wrong.
package kv
