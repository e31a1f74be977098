// Package pando is a document database that speaks the MongoDB wire protocol, as
// a library: the same server that the pando command runs, inside your process.
//
// # What it is for
//
// Open starts a server on a directory; any MongoDB driver connects to its URI.
// Transactions work with no set-up: it presents itself as a replica set of one.
//
//	srv, err := pando.Open(ctx, pando.Options{DBPath: dir})
//	client, err := mongo.Connect(options.Client().ApplyURI(srv.URI()))
//
// # How it works
//
// This is the one place where parts are chosen and wired: the engine
// (internal/kv/pebblekv) under documents (internal/docstore), sessions
// (internal/session), commands (internal/command) and the listener
// (internal/server).
//
// # Invariants
//
//   - A directory is open in one server of one process at a time.
//   - What was acknowledged at write concern majority (the default) or j: true is
//     on disk, whatever happens to the process.
//   - A failed sync ends the server: see Options.OnFatal and Server.Died.
//
// # Where to start
//
// pando.go opens and closes; docs/architecture.md follows one request through the floors.
package pando
