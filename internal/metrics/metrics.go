package metrics

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Counter only grows.
type Counter struct{ n atomic.Int64 }

// Inc counts one.
func (c *Counter) Inc() { c.n.Add(1) }

// Add counts n, which is not negative.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Get is the count so far.
func (c *Counter) Get() int64 { return c.n.Load() }

// Gauge goes up and down, and remembers how high it has been.
type Gauge struct{ n, peak atomic.Int64 }

// Add moves the gauge by n and returns where it is then.
func (g *Gauge) Add(n int64) int64 {
	now := g.n.Add(n)
	for {
		peak := g.peak.Load()
		if now <= peak || g.peak.CompareAndSwap(peak, now) {
			return now
		}
	}
}

// Get is the present value.
func (g *Gauge) Get() int64 { return g.n.Load() }

// Peak is the highest value so far.
func (g *Gauge) Peak() int64 { return g.peak.Load() }

// buckets is the number of a histogram's buckets. The last holds all from 2^38
// microseconds on, three days.
const buckets = 40

// Histogram counts durations by powers of two of a microsecond.
type Histogram struct {
	sum     atomic.Int64 // microseconds
	buckets [buckets]atomic.Int64
}

// Observe counts one duration; a negative one counts as none.
func (h *Histogram) Observe(d time.Duration) {
	us := max(d.Microseconds(), 0)
	h.sum.Add(us)
	h.buckets[min(bits.Len64(uint64(us)), buckets-1)].Add(1)
}

// Distribution is what a histogram held when it was looked at.
type Distribution struct {
	Count int64
	Sum   time.Duration

	// Buckets[i] counts the durations from 2^(i-1) to below 2^i microseconds,
	// Buckets[0] those below one.
	Buckets [buckets]int64
}

// Snapshot copies the histogram.
func (h *Histogram) Snapshot() Distribution {
	d := Distribution{Sum: time.Duration(h.sum.Load()) * time.Microsecond}
	for i := range h.buckets {
		d.Buckets[i] = h.buckets[i].Load()
		d.Count += d.Buckets[i]
	}
	return d
}

// Quantile is an upper bound, at most twice too large, of the duration below
// which the share q of all lie.
func (d Distribution) Quantile(q float64) time.Duration {
	rank := int64(q * float64(d.Count))
	for i, n := range d.Buckets {
		if rank -= n; rank < 0 {
			return time.Microsecond << i
		}
	}
	return time.Microsecond << (buckets - 1)
}
