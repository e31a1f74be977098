// Package command is what a client can ask: one file a command, the table of
// them, and the dispatcher that takes every request the same way.
//
// # What it is for
//
// A command's table entry ([Spec]) says what the dispatcher must do around it:
// which fields it takes, whether it runs in a transaction, which concerns it
// honours, what its reply waits for. Its function does the rest, in terms of the
// packages below; nothing here knows how bytes are stored.
//
// # How it works
//
//	Dispatcher.Run
//	  parse        fields.go, generic.go  strict: unknown and unhonoured fields are errors
//	  admit        admit.go               transaction fields, fail points, rights, concerns
//	  check out    txn.go                 the session; begin or continue its transaction
//	  Spec.Run                            append to the reply
//	  finish       reply.go, settle.go    errors, labels, write concern, times
//
// The order of the checks is the reference server's: it decides which errors
// leave a transaction alive (docs/transactions.md).
//
// # Invariants
//
//   - A field that is neither honoured nor refused does not exist: the decoder
//     knows only those of the table.
//   - A statement that fails ends its transaction; nothing else in this package does.
//   - Every reply that tells of a commit at its client's durability waits for it.
//
// # Where to start
//
// dispatch.go, then find.go and insert.go.
package command
