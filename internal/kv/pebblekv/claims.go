package pebblekv

import (
	"bytes"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/planted"
)

// claims is who owns which key, and which keys were committed lately. It is in
// memory only: a crash ends the transactions that needed it.
//
// A key that is not in the table was last committed at its shard's floor, or
// earlier, or never. So an entry may be forgotten whenever the floor is raised to
// its time: that costs transactions with an older snapshot a conflict that may be
// false, and never a lost update.
//
// Mutexes nest in this order: txn.mu, queues.mu, shard.mu, snapshots.mu.
type claims struct {
	shards [shardCount]shard
	seed   maphash.Seed
	queues queues
	env    *env.Env

	// horizon returns a time that no open snapshot is older than, nor any that is
	// still to be opened at the newest state.
	horizon func() kv.Time

	conflicts, waits, deadlocks, forced atomic.Uint64
}

const shardCount = 64

type shard struct {
	mu    sync.Mutex // guards all below, and the claims in it as far as said there.
	byKey map[string]*claim
	floor kv.Time

	bytes    int // about what the entries take.
	sweepAt  int // bytes at which to look for what can be forgotten.
	bytesMax int // above it what cannot be is forgotten too, and the floor rises past it.
	held     int
}

// claim is one key's entry.
type claim struct {
	key   string
	shard *shard

	// committed is when the key was last committed, or zero. The committer stores
	// it, while it still holds the claim; others load it under shard.mu.
	committed atomic.Uint64

	holder *txn // shard.mu; nil if free.

	// reserved: the holder keeps it from others, and may never write it. Its
	// holder's alone.
	reserved bool

	queue []*waiter // queues.mu and shard.mu both to change it, either to read. Not empty only if held.
}

// claimOverheadBytes is about what an entry costs besides its key.
const claimOverheadBytes = 160

func newClaims(e *env.Env, bytesMax int, floor kv.Time, horizon func() kv.Time) *claims {
	c := &claims{seed: maphash.MakeSeed(), env: e, horizon: horizon}
	for i := range c.shards {
		c.shards[i] = shard{byKey: map[string]*claim{}, floor: floor, bytesMax: bytesMax / shardCount, sweepAt: bytesMax / shardCount / 4}
	}
	return c
}

func (c *claims) shardOf(key []byte) *shard {
	return &c.shards[maphash.Bytes(c.seed, key)%shardCount]
}

// take claims key for tx, and returns the claim if it was not tx's already. The
// conflict is nil if tx may go on. With Claimed set the key is tx's but newer than
// its snapshot; a key that was free is taken in that way only for who waits.
func (c *claims) take(tx *txn, key []byte, readTime kv.Time, how kv.How) (*claim, *kv.Conflict) {
	s := c.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	cl := s.byKey[string(key)]
	mine := cl != nil && cl.holder == tx
	if cl != nil && cl.holder != nil && !mine {
		return nil, &kv.Conflict{
			Key: bytes.Clone(key), Held: true, Age: c.env.Since(cl.holder.begun), Holder: cl.holder.note,
		}
	}
	conflict := s.newerThan(cl, key, readTime)
	if conflict != nil {
		conflict.Claimed = mine || how.Wait
	}
	if mine {
		cl.reserved = cl.reserved && how.Reserve
	}
	if mine || conflict != nil && !how.Wait {
		return nil, conflict
	}
	if cl == nil {
		cl = c.insert(s, key)
	}
	cl.holder, cl.reserved = tx, how.Reserve
	s.held++
	return cl, conflict
}

// newerThan tells if a key was, or may have been, committed after readTime. cl may be nil.
func (s *shard) newerThan(cl *claim, key []byte, readTime kv.Time) *kv.Conflict {
	if cl != nil {
		if t := kv.Time(cl.committed.Load()); t > readTime {
			return &kv.Conflict{Key: bytes.Clone(key), Winner: t}
		} else if t != 0 {
			return nil
		}
	}
	if s.floor > readTime {
		return &kv.Conflict{Key: bytes.Clone(key), Floor: true, Winner: s.floor}
	}
	return nil
}

// verify tells if a key was committed after readTime; who holds it does not matter.
func (c *claims) verify(key []byte, readTime kv.Time) *kv.Conflict {
	s := c.shardOf(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	conflict := s.newerThan(s.byKey[string(key)], key, readTime)
	if conflict != nil {
		c.conflicts.Add(1)
	}
	return conflict
}

// verifyRange is verify of every key in [lower, upper). It walks the whole table:
// whoever asks has changed more than a few keys.
func (c *claims) verifyRange(lower, upper []byte, readTime kv.Time) *kv.Conflict {
	for i := range c.shards {
		if conflict := c.shards[i].verifyRange(string(lower), string(upper), readTime); conflict != nil {
			c.conflicts.Add(1)
			return conflict
		}
	}
	return nil
}

func (s *shard) verifyRange(lower, upper string, readTime kv.Time) *kv.Conflict {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.floor > readTime {
		return &kv.Conflict{Key: []byte(lower), Floor: true, Winner: s.floor}
	}
	for key, cl := range s.byKey {
		if t := kv.Time(cl.committed.Load()); t > readTime && lower <= key && key < upper {
			return &kv.Conflict{Key: []byte(key), Winner: t}
		}
	}
	return nil
}

// insert makes an entry. s.mu is held.
func (c *claims) insert(s *shard, key []byte) *claim {
	if s.bytes > s.sweepAt {
		c.sweep(s)
	}
	cl := &claim{key: string(key), shard: s}
	s.byKey[cl.key] = cl
	s.bytes += len(key) + claimOverheadBytes
	return cl
}

func (s *shard) forget(cl *claim) {
	delete(s.byKey, cl.key)
	s.bytes -= len(cl.key) + claimOverheadBytes
}

// release frees claims, or hands them to who waits longest.
func (c *claims) release(held []*claim) {
	for _, cl := range held {
		s := cl.shard
		s.mu.Lock()
		if len(cl.queue) == 0 {
			c.free(cl)
			s.mu.Unlock()
			continue
		}
		s.mu.Unlock()
		c.queues.handOver(c, cl)
	}
}

// free leaves cl without holder, and forgets it if there is nothing to remember.
// Its shard's mutex is held.
func (c *claims) free(cl *claim) {
	cl.holder = nil
	cl.shard.held--
	if planted.LostClaim || kv.Time(cl.committed.Load()) <= cl.shard.floor {
		cl.shard.forget(cl)
	}
}

// stats sums up the table: entries, held ones, bytes, and the highest floor.
func (c *claims) stats() (entries, held, bytes int, floor kv.Time) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		entries += len(s.byKey)
		held += s.held
		bytes += s.bytes
		floor = max(floor, s.floor)
		s.mu.Unlock()
	}
	return entries, held, bytes, floor
}
