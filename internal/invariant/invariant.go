// Package invariant is what must not happen, and how it is told.
//
// A broken invariant is a bug of ours: the state is wrong, and going on could
// make it worse. Outside storage it ends the operation by a panic that the
// server turns into one client's InternalError; at or below the committer it
// ends the process.
package invariant

import "fmt"

// Check panics with a message if ok is false.
func Check(ok bool, format string, args ...any) {
	if !ok {
		panic(Violation(fmt.Sprintf(format, args...)))
	}
}

// Violation is what Check panics with.
type Violation string

// Error makes a Violation an error, for those who recover it.
func (v Violation) Error() string { return "invariant violated: " + string(v) }
