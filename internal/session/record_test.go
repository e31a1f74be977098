package session

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
)

func value(text string) bsonx.Value { return bsonx.Get(bsonx.MustParseJSON(text), "v") }

// TestRecordsRoundTrip writes every kind of record and reads it in another life.
func TestRecordsRoundTrip(t *testing.T) {
	recs := []Record{
		{Stmt: 0, Kind: Inserted},
		{Stmt: 1, Kind: Updated},
		{Stmt: 2, Kind: Deleted},
		{Stmt: 3, Kind: Inserted, Upserted: value(`{"v":{"a":[1,null]}}`)},
		{Stmt: 4, Kind: Inserted, Upserted: value(`{"v":null}`)},
		{Stmt: 1 << 30, Kind: Updated, FindAndModify: true, Image: bsonx.MustParseJSON(`{"_id":1,"x":"é"}`)},
		{Stmt: 6, Kind: Updated, FindAndModify: true, Post: true, Image: bsonx.MustParseJSON(`{}`)},
		{Stmt: 7, Kind: Inserted, FindAndModify: true, Upserted: value(`{"v":7}`)},
	}
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) { h.write(s, 1<<40, recs...) })
		h = h.restart()
		h.with(1, func(s *Session) {
			if s.Number() != 1<<40 || s.State() != Retryable {
				t.Fatalf("number %d, state %d", s.Number(), s.State())
			}
			for _, want := range recs {
				got, ok := s.Executed(want.Stmt)
				if !ok || fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("statement %d: got %v, want %v", want.Stmt, got, want)
				}
			}
			if _, ok := s.Executed(5); ok {
				t.Error("a statement that never ran has a record")
			}
		})
	})
}

// TestChunks writes many groups under one number, fewer under the next, and reads
// them back in another life at every step: what a higher number leaves of a lower
// one's chunks is not taken for its own.
func TestChunks(t *testing.T) {
	inHouse(t, func(h *house) {
		for n, groups := range []int{5, 2, 1, 3} {
			h.with(1, func(s *Session) {
				for g := range groups {
					h.write(s, int64(n), Record{Stmt: int32(2 * g), Kind: Inserted}, Record{Stmt: int32(2*g + 1), Kind: Updated})
				}
			})
			for range 2 { // what was read back is written on as well.
				h = h.restart()
				h.with(1, func(s *Session) {
					if got := len(s.row.stmts); got != 2*groups {
						t.Errorf("number %d has %d records, want %d", n, got, 2*groups)
					}
					h.write(s, int64(n), Record{Stmt: int32(2 * groups), Kind: Deleted}, Record{Stmt: int32(2*groups + 1), Kind: Deleted})
				})
				groups++
			}
		}
	})
}

// TestNeighbours: a session's chunks end where the next session's row begins.
func TestNeighbours(t *testing.T) {
	inHouse(t, func(h *house) {
		for n := range byte(3) {
			h.with(n, func(s *Session) {
				for g := range int(n) + 1 {
					h.write(s, 1, Record{Stmt: int32(g), Kind: Inserted})
				}
			})
		}
		h = h.restart()
		for n := range byte(3) {
			h.with(n, func(s *Session) {
				if got := len(s.row.stmts); got != int(n)+1 {
					t.Errorf("session %d has %d records", n, got)
				}
			})
		}
	})
}

// TestStampedRow: the row tells the time of its own commit, as the table of the
// original's transactions does.
func TestStampedRow(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) { h.write(s, 1, Record{Stmt: 0, Kind: Inserted}) })
		at := h.engine.Visible()
		tx, err := h.db.Begin(ctx, kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		row, err := tx.KV.Get(ctx, rowKey(id(1)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if ts := bsonx.AsInt64(bsonx.Get(bsonx.AsDoc(bsonx.Get(row, "lastWriteOpTime")), "ts")); kv.Time(ts) != at {
			t.Errorf("the row says %d, the commit was at %d", ts, at)
		}
	})
}

// TestEffectAndRecordAreOne rolls a staged record back: it was never there.
func TestEffectAndRecordAreOne(t *testing.T) {
	inHouse(t, func(h *house) {
		h.with(1, func(s *Session) {
			if err := s.BeginRetryable(ctx, 1); err != nil {
				t.Fatal(err)
			}
			tx, err := h.db.Begin(ctx, kv.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Stage(ctx, tx, []Record{{Stmt: 0, Kind: Inserted}}); err != nil {
				t.Fatal(err)
			}
			tx.Rollback()
			if _, ok := s.Executed(0); ok {
				t.Error("a record without its effect")
			}
			h.write(s, 1, Record{Stmt: 1, Kind: Inserted})
		})
		h = h.restart()
		h.with(1, func(s *Session) {
			if _, ok := s.Executed(0); ok {
				t.Error("a record without its effect, after a restart")
			}
			if _, ok := s.Executed(1); !ok {
				t.Error("the second group's record is gone")
			}
		})
	})
}

// TestLargeRecordsAreShed: what a session must remember of large documents it
// remembers in the store, and whoever asks again is answered from there.
func TestLargeRecordsAreShed(t *testing.T) {
	inHouse(t, func(h *house) {
		b := bsonx.NewBuilder(nil)
		b.String("text", strings.Repeat("x", 1<<20))
		image := b.Doc()
		h.with(1, func(s *Session) { h.write(s, 1, Record{Stmt: 0, Kind: Updated, Image: image, FindAndModify: true}) })
		if r := h.m.sessions[id(1)].row; r.stmts != nil || r.inline != nil {
			t.Errorf("%d records of %d bytes are kept", len(r.stmts), r.bytes)
		}
		for range 2 { // a retry sheds them again.
			h.with(1, func(s *Session) {
				if err := s.BeginRetryable(ctx, 1); err != nil {
					t.Fatal(err)
				}
				if r, ok := s.Executed(0); !ok || !bytes.Equal(r.Image, image) || !r.FindAndModify {
					t.Errorf("the record is gone: %v, %d bytes", ok, len(r.Image))
				}
				h.write(s, 1, Record{Stmt: int32(1 + len(s.row.stmts)), Kind: Deleted})
			})
		}
		h.with(1, func(s *Session) { h.write(s, 2, Record{Stmt: 0, Kind: Deleted}) })
		if r := h.m.sessions[id(1)].row; len(r.stmts) != 1 {
			t.Errorf("%d records are kept of a small one", len(r.stmts))
		}
	})
}

// TestReapSparesWritten: a session that is used and ended between the search for
// old rows and their end keeps its row.
func TestReapSparesWritten(t *testing.T) {
	inHouse(t, func(h *house) {
		h.m.conf.RecordLife = testTimeout
		all := func(ID, time.Time) bool { return true }
		h.with(1, func(s *Session) { h.write(s, 1, Record{Stmt: 0, Kind: Updated}) })
		h.m.Forget(all)
		<-time.After(2 * testTimeout)
		if old, err := h.m.oldRows(ctx); err != nil || len(old) != 1 {
			t.Fatalf("%d old rows, %v", len(old), err)
		}
		h.with(1, func(s *Session) { h.write(s, 2, Record{Stmt: 0, Kind: Updated}) })
		h.m.Forget(all)
		if done, err := h.m.reapOne(ctx, id(1)); done || err != nil {
			t.Errorf("reaped: %v, %v", done, err)
		}
		h.with(1, func(s *Session) {
			if _, ok := s.Executed(0); !ok || s.Number() != 2 {
				t.Errorf("number %d", s.Number())
			}
		})
	})
}

// TestTouchedWhileReaped: a session that comes back while the reaper has its place
// is known afterwards, and is not listed before.
func TestTouchedWhileReaped(t *testing.T) {
	inHouse(t, func(h *house) {
		h.m.vacate(h.m.vacant(id(1)))
		if h.m.knows(id(1)) {
			t.Error("the reaper's place is left")
		}
		s := h.m.vacant(id(1))
		for i := range h.m.All() {
			t.Errorf("listed: %v", i.ID)
		}
		wantCode(t, h.m.Touch(id(1)), 0)
		h.m.vacate(s)
		if !h.m.knows(id(1)) {
			t.Error("the session was touched and is gone")
		}
		h.with(1, func(s *Session) { h.write(s, 1, Record{Stmt: 0, Kind: Updated}) })
	})
}
