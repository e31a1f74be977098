// Package history judges whether what clients saw of concurrent transactions can
// have happened under the isolation that they were promised.
//
// # What it is for
//
// Clients run transactions against a server that is killed, restarted and robbed
// of its replies, and write down what they sent and what they were told. Check
// finds out whether any order of snapshots and commits explains it.
//
// # How it works
//
//	workload ──► Recorder ──► []Txn ──► Check ──► []Anomaly, each with its reason
//	   │                        └─► JSON lines, to be kept and checked again
//	   └─► driver ──► Proxy, which loses replies ──► Process, which is killed
//
// A [Txn] is one attempt: its operations, its outcome, and where its first
// statement, its first answer, its commit and the answer to that stand in the one
// order of everything that all clients did. A value is written to a key at most
// once, and a read shows how many writes it saw (a list by its length, others by
// a counter beside the value), so the order of versions is known and not guessed.
//
// Every transaction has two points: S, at which its snapshot is taken, and C, at
// which its writes appear. What was read and when it was asked orders them:
//
//	a's write is followed by b's  (ww)   C(a) < S(b)
//	b read what a wrote           (wr)   C(a) < S(b)
//	a read what b then replaced   (rw)   S(a) < C(b)
//	a's answer came before b asked (rt)  a's point < b's
//	                                     S(a) < C(a)
//
// Snapshot isolation with real-time order explains a history exactly if these have
// no cycle. Under serializable the two points are one. A cycle is named by the
// edges of its shortest form: see [Class].
//
// Reads of transactions that aborted must be of a snapshot too. An unknown outcome
// is a commit if somebody read a write of it, and otherwise nothing.
//
// Besides, interleave_test.go leaves nothing to chance: it runs all interleavings of
// two transactions of a few operations, and compares every reply with a model.
//
// # How a failure is looked into
//
// A workload is run again with -seed, as far as concurrency permits, and longer with
// -times. With PANDO_HISTORIES=DIR a history that is bad is kept, and
// go test -run Recheck -history FILE judges it again.
//
// # What it cannot tell
//
// The order of writes that nobody read: workloads read everything at the end, and
// then the verdict is exact (brute_test.go compares it with all orders there are).
// Whether a serializable transaction of unknown outcome, of which nobody saw a
// write, read a snapshot of its own or the state that it committed to: either goes.
// Predicates: a read of several keys is a read of each of them.
//
// # Invariants
//
//   - An anomaly is never false: each is told with the steps that contradict.
//   - A history that was saved gets the same verdict when it is read again.
//
// # Where to start
//
// history.go is the format, check.go the verdict, versions.go the order of versions
// and what needs no graph, edges.go and graph.go the rest.
package history
