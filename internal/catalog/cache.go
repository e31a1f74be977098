package catalog

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/pandodb/pando/internal/kv"
)

// cache is the copy in memory. See the package comment for why it is right.
type cache struct {
	current atomic.Pointer[generation]

	mu      sync.Mutex // guards pending and the replacing of current; a leaf but for generation.mu.
	pending int        // commits that change the catalog and are in flight.
}

// generation is what has been read since one change of the catalog.
type generation struct {
	usable bool
	since  kv.Time // of the newest change that is done.

	mu      sync.RWMutex // guards the maps; a leaf.
	entries map[Namespace]*Collection
	names   map[uint64]Namespace
	flags   map[flagKey]IndexFlags
}

type flagKey struct {
	coll  uint64
	index uint32
}

func newGeneration(since kv.Time) *generation {
	return &generation{
		usable: true, since: since,
		entries: map[Namespace]*Collection{}, names: map[uint64]Namespace{}, flags: map[flagKey]IndexFlags{},
	}
}

// at returns the generation if a transaction that reads at t may use and fill
// it, else nil. The snapshot must have been taken before the call.
func (c *cache) at(t kv.Time) *generation {
	if g := c.current.Load(); g.usable && t >= g.since {
		return g
	}
	return nil
}

// begin says that a commit which changes the catalog is about to be sent.
func (c *cache) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending++
	if was := c.current.Load(); was.usable {
		c.current.Store(&generation{since: was.since})
	}
}

// end says how it came out. A commit of unknown outcome may become visible at any
// later time, so after it nothing is ever known to be current: the copy stays
// unusable for the rest of the process, which is slow and right.
func (c *cache) end(t kv.Time, err error) {
	if errors.Is(err, kv.ErrOutcomeUnknown) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending--
	since := c.current.Load().since
	if err == nil {
		since = max(since, t)
	}
	if c.pending > 0 {
		c.current.Store(&generation{since: since})
		return
	}
	c.current.Store(newGeneration(since))
}

func (g *generation) entry(ns Namespace) *Collection {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.entries[ns]
}

func (g *generation) name(id uint64) (Namespace, bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	ns, ok := g.names[id]
	return ns, ok
}

func (g *generation) keep(coll *Collection) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entries[coll.NS] = coll
	g.names[coll.ID] = coll.NS
}

func (g *generation) flagsOf(k flagKey) (flags IndexFlags, ok bool) {
	g.mu.RLock()
	defer g.mu.RUnlock()
	flags, ok = g.flags[k]
	return flags, ok
}

func (g *generation) keepFlags(k flagKey, flags IndexFlags) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flags[k] = flags
}
