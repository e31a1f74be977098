package metrics

import "sync/atomic"

// Counter only grows.
type Counter struct{ n atomic.Int64 }

// Inc counts one.
func (c *Counter) Inc() { c.n.Add(1) }

// Add counts n, which is not negative.
func (c *Counter) Add(n int64) { c.n.Add(n) }

// Get is the count so far.
func (c *Counter) Get() int64 { return c.n.Load() }

// Gauge goes up and down.
type Gauge struct{ n atomic.Int64 }

// Add moves the gauge by n and returns where it is then.
func (g *Gauge) Add(n int64) int64 { return g.n.Add(n) }

// Get is the present value.
func (g *Gauge) Get() int64 { return g.n.Load() }
