package session

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/planted"
)

// Kind is what a recorded statement did.
type Kind byte

// The kinds, as the oplog of the reference server names them.
const (
	Inserted Kind = 'i'
	Updated  Kind = 'u'
	Deleted  Kind = 'd'
)

// Record is what a retry of one statement is answered from.
type Record struct {
	Stmt          int32
	Kind          Kind
	Upserted      bsonx.Value // the _id that an upsert inserted, or that an insert inserted; owned.
	Image         bsonx.Doc   // findAndModify's answer, nil if it had none; of an upsert the document in any case.
	Post          bool        // Image is the document after, not before.
	FindAndModify bool        // a findAndModify recorded it.
}

// row is a session's row in the store, as far as memory needs it.
//
//	key    space byte | uuid (16) | uid (32)             the row
//	       space byte | uuid (16) | uid (32) | chunk (4)  later groups of statements
//	value  {lastWriteOpTime: {ts, t}, lastWriteDate, txnNum, state?, stmts: [...]}
//
// The first group of a retryable write's statements stands in the row itself,
// each later group in a chunk of its own, so that a batch of any length writes
// each record once. A chunk whose txnNum is not the row's is a leftover.
type row struct {
	num    int64
	stmts  map[int32]Record
	inline []Record // those of stmts that stand in the row.
	chunks uint32   // how many chunks the number has.
	bytes  int      // what stmts take, about.
	shed   bool     // stmts are in the store only.
}

// rowKeptBytes is how much of its records a session keeps in memory between
// requests. A findAndModify's image may be 16 MB, there may be a million sessions,
// and few of them ever ask again.
const rowKeptBytes = 16 << 10

// remember adds records to those in memory.
func (r *row) remember(recs []Record) {
	const recordBytes = 150 // itself, and its place in the map.
	if r.stmts == nil {
		r.stmts = make(map[int32]Record, len(recs))
	}
	for _, rec := range recs {
		r.stmts[rec.Stmt] = rec
		r.bytes += recordBytes + len(rec.Upserted.Data) + len(rec.Image)
	}
}

// shed forgets the records if they take much; a retry has them read again.
func (s *Session) shed() {
	if s.state == Retryable && s.row.bytes > rowKeptBytes {
		s.row = row{num: s.row.num, shed: true}
	}
}

// stampAt is where the ts of lastWriteOpTime stands in a row's bytes: after the
// document's length, the type, "lastWriteOpTime\0", the inner length, the type and "ts\0".
const stampAt = 4 + 1 + len("lastWriteOpTime") + 1 + 4 + 1 + len("ts") + 1

// Term is the election term of a replica set that has one member and one life.
const Term = 1

func rowKey(id ID) []byte {
	k := make([]byte, 0, 1+16+32+4)
	k = append(k, catalog.SpaceSessions)
	k = append(k, id.UUID[:]...)
	return append(k, id.UID[:]...)
}

func chunkKey(id ID, n uint32) []byte { return binary.BigEndian.AppendUint32(rowKey(id), n) }

// BeginRetryable makes n the number of a retryable write (3.2), new or again.
func (s *Session) BeginRetryable(ctx context.Context, n int64) error {
	switch {
	case n < s.number:
		return mongoerr.Newf(mongoerr.TransactionTooOld,
			"Retryable write with txnNumber %d is prohibited on session %s because a newer %s with txnNumber %d has already started on this session.",
			n, s.ID, s.what(), s.number)
	case n == s.number && s.state == Retryable:
		if s.row.shed {
			return s.read(ctx)
		}
		return nil
	case n == s.number:
		return mongoerr.New(mongoerr.IncompleteTransactionHistory,
			"Cannot retry a retryable write that has been converted into a transaction")
	}
	s.Abort() // a higher number supersedes it.
	s.row = row{num: n}
	s.set(n, Retryable, nil)
	return nil
}

// Executed returns the record of a statement of the current retryable write, if it ran.
func (s *Session) Executed(stmt int32) (Record, bool) {
	r, ok := s.row.stmts[stmt]
	return r, ok
}

// Stage has tx write records together with the effect that they record. After
// tx has committed, Keep must be called with the same records.
func (s *Session) Stage(ctx context.Context, tx *docstore.Tx, recs []Record) error {
	key := rowKey(s.ID)
	if err := tx.KV.Lock(ctx, kv.How{Wait: true}, key); err != nil {
		return err
	}
	if planted.RecordApart {
		return nil
	}
	inline := s.row.inline
	if s.row.stmts == nil {
		inline = recs
	} else {
		b := bsonx.NewBuilder(nil)
		b.Int64("txnNum", s.number)
		appendRecords(b, recs)
		if err := tx.KV.Set(chunkKey(s.ID, s.row.chunks), b.Doc()); err != nil {
			return err
		}
	}
	return tx.KV.SetStamped(key, s.rowValue("", inline), stampAt)
}

// Keep remembers records that have been committed.
func (s *Session) Keep(recs []Record) {
	if s.row.stmts == nil {
		s.row.inline = recs
	} else {
		s.row.chunks++
	}
	s.row.remember(recs)
	s.m.counts.record()
}

// stageOutcome has the transaction's commit write its outcome.
func (s *Session) stageOutcome(ctx context.Context, t *Txn) error {
	key := rowKey(s.ID)
	if err := t.Tx.KV.Lock(ctx, kv.How{Wait: true}, key); err != nil {
		return err
	}
	if planted.RecordApart {
		return nil
	}
	return t.Tx.KV.SetStamped(key, s.rowValue("committed", nil), stampAt)
}

func (s *Session) rowValue(state string, stmts []Record) []byte {
	const oneStatement = 256 // bytes; more grow it.
	b := bsonx.NewBuilder(make([]byte, 0, oneStatement))
	b.OpenDoc("lastWriteOpTime")
	b.Timestamp("ts", 0)
	b.Int64("t", Term)
	b.Close()
	b.Date("lastWriteDate", s.m.env.Now().UnixMilli())
	b.Int64("txnNum", s.number)
	if state != "" {
		b.String("state", state)
	}
	appendRecords(b, stmts)
	return b.Doc()
}

func appendRecords(b *bsonx.Builder, recs []Record) {
	b.OpenArray("stmts")
	for i, r := range recs {
		b.OpenDoc(bsonx.Index(i))
		b.Int32("s", r.Stmt)
		b.String("k", string(rune(r.Kind)))
		b.Value("u", r.Upserted)
		if r.Image != nil {
			b.EmbedDoc("i", r.Image)
		}
		if r.Post {
			b.Bool("p", true)
		}
		if r.FindAndModify {
			b.Bool("f", true)
		}
		b.Close()
	}
	b.Close()
}

func readRecords(arr bsonx.Doc) []Record {
	var recs []Record
	for it := bsonx.Walk(arr); it.Next(); {
		var r Record
		for f := bsonx.Walk(bsonx.AsDoc(it.Value())); f.Next(); {
			switch v := f.Value(); f.Key() {
			case "s":
				r.Stmt = bsonx.AsInt32(v)
			case "k":
				r.Kind = Kind(bsonx.Str(v)[0])
			case "u":
				r.Upserted = v
			case "i":
				r.Image = bsonx.AsDoc(v)
			case "p":
				r.Post = true
			case "f":
				r.FindAndModify = true
			}
		}
		recs = append(recs, r)
	}
	return recs
}

// load reads the session's row when the process first sees the session, and after a Doubt.
func (s *Session) load(ctx context.Context) error {
	if s.loaded {
		return nil
	}
	return s.read(ctx)
}

// read takes over the row as it is in the store; without one, the session is new.
func (s *Session) read(ctx context.Context) error {
	tx, err := s.m.db.Begin(ctx, kv.Options{})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	value, err := tx.KV.Get(ctx, rowKey(s.ID), nil)
	if errors.Is(err, kv.ErrNotFound) {
		s.loaded = true
		return nil
	}
	if err != nil {
		return err
	}
	r := row{num: bsonx.AsInt64(bsonx.Get(value, "txnNum"))}
	state := Retryable
	if bsonx.Get(value, "state").Type == bsonx.TypeString {
		state = Committed
	} else {
		r.inline = readRecords(bsonx.AsDoc(bsonx.Get(value, "stmts")))
		r.remember(r.inline)
		if err := r.loadChunks(ctx, tx, s.ID); err != nil {
			return err
		}
	}
	s.row = r
	s.set(r.num, state, nil)
	s.loaded = true
	return nil
}

func (r *row) loadChunks(ctx context.Context, tx *docstore.Tx, id ID) error {
	for {
		value, err := tx.KV.Get(ctx, chunkKey(id, r.chunks), nil)
		if errors.Is(err, kv.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if bsonx.AsInt64(bsonx.Get(value, "txnNum")) != r.num {
			return nil
		}
		r.remember(readRecords(bsonx.AsDoc(bsonx.Get(value, "stmts"))))
		r.chunks++
	}
}
