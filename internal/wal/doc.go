// Package wal is a write-ahead log: records in one order, made durable by whoever
// waits for it.
//
// # What it is for
//
// The storage engine appends each commit here before it applies it, and makes it
// durable when somebody asks. What is durable here and not in the engine's own files
// is replayed when the store is opened.
//
// Pebble has a log of its own. It is written by a goroutine that must be woken for
// each sync and must wake who waits for it; on a machine at rest these two wake-ups
// take as long as half of the disk's work. Here the one who waits writes.
//
// # How it works
//
//	Append ──► frame in a buffer ──► Sync: the buffer to the file, and the file to the disk
//	                 └── half a megabyte: it is written out in the background, unsynced
//	Rotate ──► the file is made durable, and another begun
//	Release ──► files whose records are all in the engine's own are used again, or removed
//
// While a Sync waits for the disk, Append fills another buffer: what comes in then is
// the next group. The files are numbered, and each begins by telling the last index
// before it. docs/format/wal.md has the bytes.
//
// # Invariants
//
//   - What survives a crash is a prefix of what was appended, which holds all that
//     Sync has returned for.
//   - A file is durable to its end before the next one is begun, and its name before
//     anything is written to it.
//   - A record is told from what an older file left in its place: its sum covers the
//     number of the file and the place in it, and no number is given twice.
//   - After a write or a sync that failed nothing is written any more: what the disk
//     holds is not known then.
//
// Open tells a log that was cut off from one that is damaged: each frame says how
// much of the file was durable before it, and each file which record came before it.
// A hole below either is damage; behind both it is the end.
//
// # Where to start
//
// Log in log.go, the frames in frame.go, Open in recover.go. direct_linux.go writes
// past the page cache.
package wal
