// Package kvtest is the contract of package kv as tests: every engine runs it.
//
// # What it is for
//
// Each clause of kv's comments is held by a test here, and so is each history of
// the storage protocol that is the engine's to keep (histories.go). What engines
// may differ in is a table of capability and expected answer (caps.go). Random
// transactions are run against a model in memory as well (model.go).
//
// # How it works
//
// An engine's test calls [Run] with an [Engine]: how to open a store, and how to
// see that a transaction waits, so that no test sleeps and hopes.
//
// # Where to start
//
// kvtest.go has Run and the helpers; the other files hold tests by subject.
package kvtest
