package session

import (
	"cmp"
	"slices"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
)

// CursorInfo is how an idle cursor looks from outside.
type CursorInfo struct {
	ID               int64
	Namespace        string
	LSID             *ID
	NoTimeout        bool
	Created, LastUse time.Time
	Batches          int64
	Returned         int64
	Origin           bsonx.Doc
}

// Idle lists the cursors that nobody reads from at the moment, by id.
func (cs *Cursors) Idle() []CursorInfo {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var list []CursorInfo
	for _, c := range cs.open {
		if c.busy || c.over() {
			continue
		}
		list = append(list, CursorInfo{
			ID: c.ID, Namespace: c.Namespace, LSID: c.LSID, NoTimeout: c.NoTimeout, Created: c.Created, LastUse: c.LastUse,
			Batches: c.Batches, Returned: c.Returned, Origin: c.Origin,
		})
	}
	slices.SortFunc(list, func(a, b CursorInfo) int { return cmp.Compare(a.ID, b.ID) })
	return list
}
