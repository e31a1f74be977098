package session

import (
	"bytes"
	"slices"
	"time"

	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
)

// lostKeysMax bounds what a session remembers of its lost conflicts: whoever loses
// more different keys in a row starts over with the newest.
const lostKeysMax = 16

// lost is the keys that the session's transactions have lost to others since one
// of them has committed. The next one queues for all of them, in the order of the
// keys, so that sessions that lost against each other do not wait in a circle.
type lost struct {
	keys [][]byte // in order.
	at   time.Time
}

// Lose notes that the open transaction lost a document to another one. Nobody
// queues for the catalog, which is held for the length of a commit only.
func (s *Session) Lose(conflict *kv.Conflict) {
	key := conflict.Key
	if _, _, _, ok := catalog.SplitKey(key); !ok || s.state != InProgress {
		return
	}
	keys := s.txn.Reserved
	if len(keys) >= lostKeysMax {
		keys = nil
	}
	if at, found := slices.BinarySearchFunc(keys, key, bytes.Compare); !found {
		keys = slices.Insert(slices.Clone(keys), at, key)
	}
	s.lost = lost{keys, s.m.env.Now()}
}

// lostFor is how long a session remembers: drivers wait for up to half a second
// before a retry, and a client that comes back later is doing something else.
const lostFor = 2 * time.Second

// take returns the keys and forgets them.
func (l *lost) take(now time.Time) [][]byte {
	keys, at := l.keys, l.at
	*l = lost{}
	if now.Sub(at) > lostFor {
		return nil
	}
	return keys
}
