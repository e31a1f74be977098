package pebblekv

import (
	"time"

	"github.com/pandodb/pando/internal/kv"
)

// clock gives out cluster times, each once, also over restarts: nothing above the
// ceiling is given out, the ceiling is on disk before, and a store opens at it.
// It is guarded by the committer's mutex.
type clock struct {
	last    kv.Time // given out.
	ceiling kv.Time // synced.

	// raised is a higher ceiling that the commit at raisedBy wrote: it stands
	// when that commit is durable. Zero if there is none.
	raised, raisedBy kv.Time
}

const (
	ceilingLead  = 10 * time.Second // how far the ceiling runs ahead.
	ceilingRenew = 5 * time.Second  // what must be left of it before it is raised in passing.
)

// timeAt is the first time of a wall-clock second.
func timeAt(now time.Time) kv.Time { return kv.Time(uint64(uint32(now.Unix()))<<32 | 1) }

func addTime(t kv.Time, d time.Duration) kv.Time {
	return t + kv.Time(uint64(d/time.Second)<<32)
}

// next gives out a time: the wall clock's second if that is new, else the
// smallest time after the last. It is not below atLeast.
func (c *clock) next(now time.Time, atLeast kv.Time) kv.Time {
	t := c.last + 1
	if wall := timeAt(now); wall > t {
		t = wall
	}
	c.last = max(t, atLeast)
	return c.last
}

// cover says what the batch of a commit at t must do to the ceiling: write
// 'write', if that is not zero, and be synced before anybody sees it if 'sync'.
// durable is the newest durable commit.
func (c *clock) cover(t, durable kv.Time) (write kv.Time, sync bool) {
	if c.raised != 0 && c.raisedBy <= durable {
		c.ceiling, c.raised = c.raised, 0
	}
	switch {
	case t > c.ceiling:
		return addTime(t, ceilingLead), true
	case c.raised == 0 && addTime(t, ceilingRenew) > c.ceiling:
		return addTime(t, ceilingLead), false
	}
	return 0, false
}

// covered says that the batch of the commit at t has been applied.
func (c *clock) covered(t, write kv.Time, sync bool) {
	switch {
	case write == 0:
	case sync:
		c.ceiling, c.raised = write, 0
	default:
		c.raised, c.raisedBy = write, t
	}
}
