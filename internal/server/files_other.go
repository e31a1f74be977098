//go:build !unix

package server

import "math"

// filesMax is how many files the process may have open: no limit is known here.
func filesMax() uint64 { return math.MaxInt32 }
