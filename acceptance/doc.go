// Package acceptance starts the server as a user would and lets client programs
// talk to it: MongoDB's own examples of transactions in Go, JavaScript, Python (PyMongo
// and Motor), Java, Scala, Kotlin, Rust, C, PHP, Perl and the shell, and two banks that go
// on transferring while the server is killed.
//
// # How it works
//
// The programs in clients/ are written as a user of their language would write
// them. Each reads MONGODB_URI, prints what it finds, asserts it, and tells by its
// exit code. The tests here build ../cmd/pando, start it on a free port, install
// the clients' drivers into the user's cache folder (three tries; what cannot be
// had is told in one line, in the file named by PANDO_LEFT_OUT too, and skipped), and run
// them. The drivers of C, PHP, Perl and Ruby are Debian's packages, which change the whole
// machine: they are installed by root in a complete run (PANDO_CI=1) only.
//
//	go test ./...                                       against our server
//	PANDO_ACCEPTANCE_URI=mongodb://… go test ./...      the programs, against another
//	PANDO_ACCEPTANCE_BINARY=/path/to/server go test …   all, with that binary
//
// # Dumps
//
// mongodump, mongorestore, mongoexport and mongoimport are built from the module in
// mongotools/ and carry databases out and back, which are then compared byte for byte.
//
// # The drivers' own tests
//
// TestDriverSuites runs the integration tests of the Go driver, of both its versions,
// with the spec files that all drivers share. They and what they need are fetched as the
// clients are, and built in the cache folder. suites/expectations.txt lists what may
// fail, which issue will end that, and what is not run; a failure that is not listed is
// one, and so is a listed test that passes. How many passed and failed is told in the
// test's log, and in the file named by PANDO_SUMMARY.
//
// # The banks
//
// Sixteen workers move money between accounts, each transfer a transaction with a
// document of its own. The server is killed with SIGKILL under that load and
// started again, six times. In the end the sum is what it was, each account holds
// what its transfers say, every acknowledged transfer is there, and none is there
// that was settled as not committed. An outcome that is unknown is settled by
// retrying the commit; a transfer whose commit was then denied is made again under
// its old _id, so that a wrong denial shows as a duplicate key.
//
// # Recordings
//
// What drivers say to the reference server and what it answers is recorded by a proxy
// when PANDO_RECORD names a folder (TestRecordDrivers, and TestRecordShapes for drivers
// that no registry here carries). The recordings lie in ../internal/server/testdata,
// and ../greetings_test.go and ../conversations_test.go say them to our server, on
// every machine.
//
// # Where to start reading
//
// programs_test.go is the table of programs, suites_test.go the drivers' own tests,
// soak_test.go the banks, dump_test.go the dumps, harness_test.go the server's life,
// deps_test.go, jvm_test.go, rust_test.go and debian_test.go the drivers.
package acceptance
