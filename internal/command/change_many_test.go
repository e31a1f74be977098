package command_test

import (
	"context"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

// meddler does something between a snapshot's being taken and its being used.
type meddler struct {
	kv.Store
	meddle func() // nil when done.
}

func (m *meddler) over(s kv.Store) kv.Store {
	m.Store = s
	return m
}

func (m *meddler) Begin(ctx context.Context, opt kv.Options) (kv.Txn, error) {
	txn, err := m.Store.Begin(ctx, opt)
	if meddle := m.meddle; meddle != nil {
		m.meddle = nil
		meddle()
	}
	return txn, err
}

// TestManyBesideDDL: a write of many documents outside a transaction, whose collection
// is changed just after it has taken its snapshot, takes another and tells no conflict.
func TestManyBesideDDL(t *testing.T) {
	for ddl, want := range map[string]string{
		`{"createIndexes":"c","indexes":[{"key":{"n":1},"name":"n_1"}]}`: `{"n":4,"nModified":4}`,
		`{"collMod":"c","validationLevel":"moderate"}`:                   `{"n":4,"nModified":4}`,
		`{"drop":"c"}`: `{"n":0,"nModified":0}`,
	} {
		var m meddler
		inHouseOver(t, m.over, func(h *house) {
			c := h.conn()
			c.run(putAll).want(`{"n":4}`)
			m.meddle = func() { h.conn().run(ddl) }
			c.run(`{"update":"c","updates":[{"q":{},"u":{"$inc":{"n":1}},"multi":true}]}`).want(want)
			if m.meddle != nil {
				t.Error("nothing came between")
			}
		})
	}
}
