//go:build unix

package server

import (
	"math"
	"syscall"
)

// filesMax is how many files the process may have open. (Go's runtime has raised the
// soft limit to the hard one.)
func filesMax() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return uint64(limit.Cur)
}
