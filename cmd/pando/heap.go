package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// A small heap may grow to five times what lives in it before it is collected. Little
// lives in it as a rule (caches and memtables are outside), and a server that collects
// 4 MB over and over spends a tenth of its time so; the ballast counts as alive too,
// and as nobody touches it, it takes no memory. A heap that is large, since a large
// transaction is open or many large messages have come at once, may grow to twice: five
// times would be the machine's memory.
const (
	gcPercentMax = 400
	gcPercentMin = 100
	smallHeap    = 64 << 20
	ballastBytes = 16 << 20
)

// A burst's garbage is collected when the next burst comes, which may be never. So once
// a server has been quiet for a period, after it has allocated much, it gives the
// system its memory back.
const (
	quietPeriod = 10 * time.Second
	quietBytes  = 16 << 20 // allocated in a period: the log-ins and pings of a few clients.
	burstBytes  = 64 << 20
)

// heap decides when garbage is collected. GOGC, if set, wins, and none of this happens.
type heap struct {
	ballast []byte
	percent int // as set last; collected's alone.
	done    chan struct{}
	ended   atomic.Bool
}

// keepHeap begins to, until close.
func keepHeap() *heap {
	h := &heap{ballast: make([]byte, ballastBytes), done: make(chan struct{})}
	h.collected(struct{}{})
	go h.calm()
	return h
}

func (h *heap) close() {
	h.ended.Store(true)
	close(h.done)
	runtime.KeepAlive(h.ballast)
}

// collected is called when a collection has ended: when it has found a value that
// nobody holds. It decides when the next one is due, and makes another such value.
func (h *heap) collected(struct{}) {
	if h.ended.Load() {
		return
	}
	if p := gcPercent(read("/gc/heap/live:bytes")); p != h.percent { // to set it stops the world.
		h.percent = p
		debug.SetGCPercent(p)
	}
	runtime.AddCleanup(&struct{ p *heap }{}, h.collected, struct{}{})
}

// gcPercent is by how much a heap may grow in which so many bytes live.
func gcPercent(live uint64) int {
	if live <= smallHeap {
		return gcPercentMax
	}
	return max(gcPercentMin, int(gcPercentMax*smallHeap/live))
}

// calm gives memory back whenever the server has become quiet.
func (h *heap) calm() {
	t := time.NewTicker(quietPeriod)
	defer t.Stop()
	var q quiet
	for {
		select {
		case <-h.done:
			return
		case <-t.C:
			if q.after(read("/gc/heap/allocs:bytes")) {
				debug.FreeOSMemory()
			}
		}
	}
}

// quiet is how many bytes had been allocated, in all, at the end of the last period and
// when memory was given back.
type quiet struct{ last, freed uint64 }

// after tells whether memory is to be given back after a period at whose end so many
// bytes have been allocated in all.
func (q *quiet) after(allocated uint64) bool {
	spent := allocated - q.last
	q.last = allocated
	if spent > quietBytes || allocated-q.freed < burstBytes {
		return false
	}
	q.freed = allocated
	return true
}

func read(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	return s[0].Value.Uint64()
}
