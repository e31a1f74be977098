// Package exec runs plans: one operator a file, pull by pull.
//
// # What it is for
//
// A plan is plain data. Here it becomes operators that read in a transaction and
// give one document at a time: to cursors, and to the writes that look for what
// they change. It also tells what they have looked at, for explain and the log.
//
// # How it works
//
//	plan.Node tree ─► Open ─► Operator tree ─► Next, Next, ... io.EOF ─► Close
//
// Below a Fetch move places (encoded _ids), above it documents. A document that
// Next returns is borrowed until the following call: scans give the store's own
// bytes, others a buffer that they use again. Blocking operators (sort, group)
// copy what they keep, account for it, and fail at the budget in Options.
//
// An operator lives as long as its cursor, across batches, inside the docstore.Tx
// that it was opened with; it is closed before that ends. Where it stands (the
// last place, how many were skipped) is in its fields, not in a goroutine.
//
// # Invariants
//
//   - Scanning documents that do not match allocates nothing.
//   - Expression results live until the operator's next document: each operator
//     that evaluates has a context of its own.
//   - Whatever loops without giving a document minds its ctx.
//   - Counters (Stats) are always kept; times only if asked for.
//
// # Where to start
//
// exec.go is Open and what operators share, scan.go what scans do; collscan.go,
// indexscan.go, idscan.go, express.go and fetch.go read; group.go and sort.go
// block; explain.go shows plans with their counters.
package exec
