package server

import "math"

// filesKept is how many of the process's files are not for connections: the store
// opens up to a thousand, and fails for good if it cannot have one.
const filesKept = 1200

// connsMax is how many connections fit into a process that may have so many files open.
func connsMax(files uint64) int {
	conns := files - min(filesKept, files/2)
	return int(min(conns, math.MaxInt32))
}
