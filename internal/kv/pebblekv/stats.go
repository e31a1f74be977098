package pebblekv

import (
	"time"

	"github.com/pandodb/pando/internal/kv"
)

// Stats are a store's figures of the moment and, where the comment says so, since it was opened.
type Stats struct {
	Transactions int     // open now.
	Snapshots    int     // held now, for transactions and for history.
	OldestRead   kv.Time // the oldest state that an open transaction reads, or the newest state.

	ClaimsHeld  int     // by open transactions.
	Claims      int     // remembered, held or not.
	ClaimBytes  int     // that the memory of claims takes, about.
	Floor       kv.Time // transactions older than this may conflict for want of memory.
	FloorForced uint64  // times that the floor rose for want of memory, since opening.
	Waiting     int     // transactions that wait for a claim now.

	Serializable   int    // transactions open now.
	SerialLogBytes int    // that the memory of what they must be compared with takes, about.
	SerialForced   uint64 // times that a part of it was given up for want of memory, since opening.
	ReadConflicts  uint64 // serializable transactions that were lost at their commit, since opening.

	Commits, Syncs, Conflicts, Waits, Deadlocks uint64 // since opening.

	DiskBytes      uint64 // of all files.
	BlockCacheUsed int64
	MemTableBytes  uint64
	ReadBytesFrom  int64 // blocks missed in the cache, since opening.
}

// Wait is one transaction that waits for another.
type Wait struct {
	Key            []byte
	Waiter, Holder string // kv.Options.Note of each.
	Since          time.Time
	HolderBegun    time.Time
}

// Stats reads the figures. They are not of one instant.
func (s *Store) Stats() Stats {
	st := Stats{
		FloorForced: s.claims.forced.Load(), Commits: s.commits.Load(), Syncs: s.syncer.syncs.Load(),
		Conflicts: s.claims.conflicts.Load(), Waits: s.claims.waits.Load(), Deadlocks: s.claims.deadlocks.Load(),
		OldestRead: s.snapshots.oldest(), Waiting: s.claims.queues.count(),
	}
	st.Claims, st.ClaimsHeld, st.ClaimBytes, st.Floor = s.claims.stats()
	st.Transactions, st.Snapshots = s.snapshots.count()
	st.Serializable, st.SerialLogBytes, st.SerialForced = s.snapshots.serialStats()
	st.ReadConflicts = s.readConflicts.Load()
	s.files.RLock()
	defer s.files.RUnlock()
	if s.usable() == nil {
		m := s.db.Metrics()
		st.DiskBytes, st.BlockCacheUsed = m.DiskSpaceUsage()+uint64(s.wal.Bytes()), m.BlockCache.Size
		st.MemTableBytes, st.ReadBytesFrom = m.MemTable.Size, m.BlockCache.Misses
	}
	return st
}

// Waits tells who waits for whom, the longest first.
func (s *Store) Waits() []Wait { return s.claims.queues.list() }

func (q *queues) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}

func (s *snapshots) serialStats() (open, bytes int, forced uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.serial.open.Len(), s.serial.bytes, s.serial.forced
}

func (s *snapshots) count() (txns, snaps int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, snap := range s.live {
		if !snap.gone {
			snaps++
		}
	}
	return s.open.n, snaps + len(s.closing)
}
