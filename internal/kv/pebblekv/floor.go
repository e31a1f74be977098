package pebblekv

import (
	"slices"

	"github.com/pandodb/pando/internal/kv"
)

// sweep makes room in a shard, whose mutex is held. First it forgets what no
// snapshot can conflict with. If that is not enough, the older half of the rest
// goes too: transactions whose snapshot is older than that then conflict on every
// key that is not in the table, and are told so (kv.Conflict.Floor).
func (c *claims) sweep(s *shard) {
	s.raise(c.horizon())
	for s.bytes > s.bytesMax {
		times := s.forgettable()
		if len(times) == 0 {
			break // all are held: they count against their transactions.
		}
		c.forced.Add(1)
		s.raise(times[len(times)/2])
	}
	s.sweepAt = min(max(2*s.bytes, s.bytesMax/4), max(s.bytesMax, s.bytes+s.bytesMax/4))
}

// raise lifts the floor to t, and forgets what is free and not above it.
func (s *shard) raise(t kv.Time) {
	s.floor = max(s.floor, t)
	for _, cl := range s.byKey {
		if cl.holder == nil && kv.Time(cl.committed.Load()) <= s.floor {
			s.forget(cl)
		}
	}
}

// forgettable returns the commit times of the free entries, ascending.
func (s *shard) forgettable() []kv.Time {
	var times []kv.Time
	for _, cl := range s.byKey {
		if cl.holder == nil {
			times = append(times, kv.Time(cl.committed.Load()))
		}
	}
	slices.Sort(times)
	return times
}
