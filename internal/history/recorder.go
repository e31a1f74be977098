package history

import (
	"sync"
	"sync/atomic"
)

// Recorder collects the history of concurrent clients. It is safe for concurrent use.
type Recorder struct {
	now atomic.Int64

	mu   sync.Mutex // guards txns; a leaf.
	txns []Txn
}

// Now is the next place in the one order of all that the clients do. What is asked
// for after a place was taken has a higher one, and so has what is answered.
func (r *Recorder) Now() int64 { return r.now.Add(1) }

// Add gives a transaction that has ended its ID and keeps it.
func (r *Recorder) Add(t Txn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.ID = len(r.txns) + 1
	r.txns = append(r.txns, t)
}

// Txns is the history so far.
func (r *Recorder) Txns() []Txn {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.txns[:len(r.txns):len(r.txns)]
}

// Outcomes counts how transactions have ended.
func Outcomes(txns []Txn) map[Outcome]int {
	n := map[Outcome]int{}
	for _, t := range txns {
		n[t.Outcome]++
	}
	return n
}
