// Package docstore keeps documents and their index entries true to each other
// inside a kv transaction.
//
// # What it is for
//
// A document is one key, an index entry another, and a change of the first means
// changes of the second. Here is where that is seen to, for inserts, updates,
// deletes and for the building of an index beside them, and where it is verified.
//
// # How it works
//
//	Insert  lock the document's key (absent), lock unique keys (absent),
//	        set document and entries, count
//	Update  (claimed) the entries of old and new, and the difference is written
//	Delete  (claimed) delete document and entries, count
//
//	collection id | 0        | keyenc(_id)                  -> the document
//	collection id | index id | keyenc(fields) keyenc(_id)   -> flags, type bits
//	collection id | index id | keyenc(fields)               -> the same and keyenc(_id), if unique
//
// A non-unique entry follows from its document's claim and is never locked. A
// unique one is locked whenever it comes or goes: that is what makes the second
// of two duplicates fail at once. docs/format/keyspace.md draws the keys and
// docs/format/index-entry.md the values.
//
// # Building an index
//
// (build.go; addindex.go says which may be added) First a commit adds the index in state building: from then on every
// writer keeps it, and writers who saw the catalog before fail at their commit.
// Then the documents are claimed, read again and indexed, some at a time. A last
// commit makes it ready. What a crash leaves behind is dropped at Open.
//
// # Capped collections
//
// (capped.go) Beside its documents a capped collection keeps the order of their
// insertion, whose end is claimed by whoever inserts; what there is no room for any
// more is deleted by the same commit.
//
// # Invariants
//
//   - Every index entry has its document, and the entries of a ready index are
//     those that the documents call for. Check verifies it.
//   - Whoever writes into a collection relies on its catalog entry.
//   - A field whose path met an array in any document has its multikey flag.
//   - The counters of a collection are its documents and their bytes.
//
// # Where to start
//
// tx.go is the transaction, write.go the three changes, keys.go which entries a
// document has, check.go the verification.
package docstore
