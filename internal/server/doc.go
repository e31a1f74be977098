// Package server is the door: it listens, keeps connections, and carries each
// message from the socket to a [Handler] and the reply back.
//
// # What it is for
//
// Everything that has to do with a connection and nothing that has to do with
// commands: limits, hang-ups, streams of replies, panics, the orderly end. It
// knows packages wire and mongoerr and its own interface; the root package puts
// the command dispatcher behind it.
//
// # How it works
//
// One goroutine a connection, which reads, runs and writes in turn:
//
//	accept ──► conn.serve ──► wire.Reader ──► Client.Handle ──► wire.Writer ─┐
//	               ▲                              ║                          │
//	               └──────────────────────────────╫──────────────────────────┘
//	                                              ║ running for more than 20 ms
//	                                              ▼
//	                                    conn.peek reads ahead: has the client hung up?
//
// A command that takes a while is watched: a second goroutine reads ahead into
// the connection's buffer, and if it finds the end, the command's context is
// cancelled with ClientDisconnect as its cause. Most commands are over before
// the watch begins, and pay for a timer only.
//
// A socket's system calls never wait, so on Linux the scheduler is not told of them
// (socket_linux.go); and a client that is alone, and whose last command waited for the
// disk, is looked out for during a fifth of a millisecond before its goroutine sleeps.
//
// # Invariants
//
//   - A connection's bytes are read by one goroutine at a time: by serve between
//     commands, by peek during one. serve stops peek, and waits for it, before it
//     reads again.
//   - Every request gets exactly one reply, none if it says moreToCome, and more
//     only while it says exhaustAllowed and its handler says More.
//   - A panic in a handler costs one request: its client is told InternalError.
//   - After Shutdown returned nil no goroutine of this package is left.
//
// # Where to start
//
// handler.go for what the server asks of the rest, conn.go for the loop,
// socket_linux.go for the system calls, shutdown.go for the end.
package server
