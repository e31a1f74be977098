// Package lint is the rules of this repository that a machine can check, as
// tests: go test ./internal/lint.
//
//   - floors_test.go: which package may import which; a package without a floor fails
//   - docs_test.go: package comments and their headings, comments on exported names
//   - sizes_test.go: lengths of files and functions
//   - calls_test.go: the clock, the dice, prints, exits, sleeps
//   - tree_test.go: formatting, machine paths, reasons of what was left, go vet
//
// excuses_test.go holds who is excused from what, and why. An excuse that nobody
// needs any more fails, so the list stays true.
package lint
