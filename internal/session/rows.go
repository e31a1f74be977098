package session

import (
	"bytes"
	"context"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
)

// What sessions leave behind and sessions themselves, as clients read them.
var (
	TransactionsNS = catalog.Namespace{DB: "config", Coll: "transactions"}
	SessionsNS     = catalog.Namespace{DB: "config", Coll: "system.sessions"}
)

// idBytes is the length of a session's id in a row's key, behind the space.
const idBytes = 16 + 32

// idOfKey reads the id in a key of a row or a chunk; row tells which of them it is.
func idOfKey(key []byte) (id ID, row bool) {
	copy(id.UUID[:], key[1:])
	copy(id.UID[:], key[1+16:])
	return id, len(key) == 1+idBytes
}

// rowRange is where all rows and chunks are.
func rowRange() kv.Range {
	return kv.Range{Lower: []byte{catalog.SpaceSessions}, Upper: []byte{catalog.SpaceSessions + 1}}
}

// transactionRows are the rows as the original shows them in config.transactions.
// The records of statements are not part of them: there they are in the oplog.
func (m *Manager) transactionRows(ctx context.Context, txn kv.Txn) (catalog.Rows, error) {
	it, err := txn.Scan(ctx, rowRange())
	if err != nil {
		return nil, err
	}
	return &storedRows{it: it, b: bsonx.NewBuilder(nil)}, nil
}

// storedRows reads rows from the store.
type storedRows struct {
	it kv.Iterator
	b  *bsonx.Builder
	id bsonx.Doc
}

// Next moves to the next row; chunks stand between them.
func (r *storedRows) Next() bool {
	for r.it.Next() {
		id, row := idOfKey(r.it.Key())
		if !row {
			continue
		}
		value := r.it.Value()
		r.id = id.Doc()
		r.b.Reset(nil)
		r.b.EmbedDoc("_id", r.id)
		r.b.Value("txnNum", bsonx.Get(value, "txnNum"))
		for _, field := range []string{"lastWriteOpTime", "lastWriteDate", "state"} {
			if v := bsonx.Get(value, field); v.Type != bsonx.TypeMissing {
				r.b.Value(field, v)
			}
		}
		r.b.Doc()
		return true
	}
	return false
}

// ID is the session's id.
func (r *storedRows) ID() bsonx.Value { return bsonx.DocValue(r.id) }

// Doc is the row.
func (r *storedRows) Doc() bsonx.Doc { return r.b.Buffer() }

// Err is the scan's error.
func (r *storedRows) Err() error { return r.it.Err() }

// Close ends the scan.
func (r *storedRows) Close() error { return r.it.Close() }

// sessionRows are the sessions that this process knows, as the original writes
// them to config.system.sessions every few minutes.
func (m *Manager) sessionRows(context.Context, kv.Txn) (catalog.Rows, error) {
	r := &listedRows{at: -1}
	for i := range m.All() {
		r.ids = append(r.ids, i)
	}
	slices.SortFunc(r.ids, func(a, b Info) int {
		if c := bytes.Compare(a.ID.UUID[:], b.ID.UUID[:]); c != 0 {
			return c
		}
		return bytes.Compare(a.ID.UID[:], b.ID.UID[:])
	})
	return r, nil
}

// Row is a session as $listSessions and $listLocalSessions show it.
func (i Info) Row() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.EmbedDoc("_id", i.ID.Doc())
	b.Date("lastUse", i.LastUse.UnixMilli())
	return b.Doc()
}

// listedRows are sessions in memory.
type listedRows struct {
	ids []Info
	at  int
}

// Next moves on.
func (r *listedRows) Next() bool { r.at++; return r.at < len(r.ids) }

// ID is the session's id.
func (r *listedRows) ID() bsonx.Value { return bsonx.DocValue(r.ids[r.at].ID.Doc()) }

// Doc is the row.
func (r *listedRows) Doc() bsonx.Doc { return r.ids[r.at].Row() }

// Err is nil: all are in memory.
func (r *listedRows) Err() error { return nil }

// Close forgets nothing.
func (r *listedRows) Close() error { return nil }
