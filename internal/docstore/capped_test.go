package docstore

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/kv"
)

// newCapped is a fixture whose collection is capped.
func newCapped(t testing.TB, options string) *fixture {
	t.Helper()
	f := newFixture(t)
	f.ns.Coll = "capped"
	if _, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error {
		_, err := tx.Cat.Create(ctx, f.ns, catalog.CreateOptions{Options: doc(t, options)})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

// natural lists the documents in natural order, from behind a position on.
func (f *fixture) natural(tx *Tx, reverse bool, behind []byte) (docs []string, last []byte) {
	f.t.Helper()
	it, err := tx.ScanNatural(ctx, f.coll(tx), reverse, false)
	if err != nil {
		f.t.Fatal(err)
	}
	defer it.Close()
	last = behind
	ok := it.Next
	if behind != nil {
		ok = func() bool {
			ok = it.Next
			return it.Seek(behind) && (!bytes.Equal(it.Position(), behind) || it.Next())
		}
	}
	for ok() {
		docs, last = append(docs, bsonx.ToJSON(it.Doc())), bytes.Clone(it.Position())
	}
	if err := it.Err(); err != nil {
		f.t.Fatal(err)
	}
	return docs, last
}

// TestCappedModel compares a capped collection with a list, over transactions of
// several random inserts, or of other changes, some of them taken back.
func TestCappedModel(t *testing.T) {
	const sizeMax, docsMax = 900, 8
	for seed := range uint64(6) {
		f := newCapped(t, fmt.Sprintf(`{"capped":true,"size":%d,"max":%d}`, sizeMax, docsMax))
		m := cappedModel{rng: rand.New(rand.NewPCG(seed, 3)), sizeMax: sizeMax, docsMax: docsMax}
		for range 60 {
			tx := f.begin()
			inserts := m.rng.IntN(2) == 0
			for range 1 + m.rng.IntN(5) {
				mark, before := tx.Savepoint(), slices.Clone(m.docs)
				m.change(f, tx, inserts)
				if m.rng.IntN(6) == 0 {
					tx.RollbackTo(mark)
					m.docs = before
				}
			}
			m.compare(f, tx)
			f.commit(tx)
			m.compare(f, f.begin())
		}
		checkStore(t, f.db)
	}
}

type cappedModel struct {
	rng              *rand.Rand
	sizeMax, docsMax int
	docs             []string
}

func (m *cappedModel) random(id int) string {
	return fmt.Sprintf(`{"_id":%d,"x":"%s"}`, id, strings.Repeat("x", m.rng.IntN(150)))
}

func (m *cappedModel) place(id int) int {
	return slices.IndexFunc(m.docs, func(d string) bool { return strings.HasPrefix(d, fmt.Sprintf(`{"_id":%d,`, id)) })
}

// change makes one change to both: an insert, or a change of what is there.
func (m *cappedModel) change(f *fixture, tx *Tx, insert bool) {
	id := m.rng.IntN(30)
	text, at := m.random(id), m.place(id)
	var err error
	switch {
	case insert != (at < 0):
	case insert:
		err = f.insert(tx, text)
		m.docs = append(m.docs, text)
		for len(m.docs) > 1 && (len(m.docs) > m.docsMax || m.size(f) > m.sizeMax) {
			m.docs = m.docs[1:]
		}
	case m.rng.IntN(2) == 0:
		err = f.update(tx, text)
		m.docs = slices.Clone(m.docs)
		m.docs[at] = text // what outgrows the collection goes with the next insert.
	default:
		err = f.remove(tx, bsonx.Int32(int32(id)))
		m.docs = slices.Delete(slices.Clone(m.docs), at, at+1)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

func (m *cappedModel) size(f *fixture) (n int) {
	for _, d := range m.docs {
		n += len(doc(f.t, d))
	}
	return n
}

func (m *cappedModel) compare(f *fixture, tx *Tx) {
	f.t.Helper()
	got, _ := f.natural(tx, false, nil)
	if !slices.Equal(got, m.docs) {
		f.t.Fatalf("got  %v\nwant %v", got, m.docs)
	}
	got, _ = f.natural(tx, true, nil)
	slices.Reverse(got)
	if !slices.Equal(got, m.docs) {
		f.t.Fatalf("backwards %v\nwant %v", got, m.docs)
	}
}

// TestCappedEndIsClaimed is history 16 in the small: of two inserts the second
// waits until the first is visible.
func TestCappedEndIsClaimed(t *testing.T) {
	f := newCapped(t, `{"capped":true,"size":100000}`)
	first, second := f.begin(), f.begin()
	if err := f.insert(first, `{"_id":1}`); err != nil {
		t.Fatal(err)
	}
	err := f.insert(second, `{"_id":2}`)
	if c, ok := errors.AsType[*kv.Conflict](err); !ok || !c.Held {
		t.Fatalf("got %v", err)
	}
	f.commit(first)
}

// TestCappedTail is history 16 in the large: some insert, one reads on behind the
// last document that it has seen. It sees each of them once, and each writer's in
// their order.
func TestCappedTail(t *testing.T) {
	const writers, each = 4, 60
	f := newCapped(t, `{"capped":true,"size":1000000}`)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := f.insertWaiting(fmt.Sprintf(`{"_id":"%d/%d","n":%d}`, w, i, i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	next := map[byte]int{}
	var behind []byte
	for seen := 0; seen < writers*each && !t.Failed(); {
		tx := f.begin()
		var docs []string
		docs, behind = f.natural(tx, false, behind)
		tx.Rollback()
		for _, d := range docs {
			w := d[len(`{"_id":"`)]
			if want := fmt.Sprintf(`{"_id":"%c/%d","n":%d}`, w, next[w], next[w]); d != want {
				t.Errorf("got %s, want %s", d, want)
			}
			next[w]++
		}
		seen += len(docs)
	}
	wg.Wait()
}

// insertWaiting inserts one document as a client outside transactions does.
func (f *fixture) insertWaiting(text string) error {
	for {
		tx, err := f.db.Begin(ctx, kv.Options{})
		if err != nil {
			return err
		}
		tx.Wait = true
		err = tx.settled(ctx, func() error { return f.insert(tx, text) })
		if err == nil {
			_, err = tx.Commit(ctx)
		}
		tx.Rollback()
		if !isConflict(err) {
			return err
		}
	}
}

// TestCappedFull has writers fill a small collection, while others change and
// delete what is in it. It never holds more than it may once all is done, and the
// newest are there.
func TestCappedFull(t *testing.T) {
	f := newCapped(t, `{"capped":true,"size":100000,"max":5}`)
	var wg sync.WaitGroup
	for w := range 4 {
		wg.Go(func() {
			for i := range 50 {
				if err := f.insertWaiting(fmt.Sprintf(`{"_id":"%d/%d"}`, w, i)); err != nil {
					t.Error(err)
				}
				if w > 1 {
					continue
				}
				tx := f.begin()
				if err := f.remove(tx, bsonx.String(fmt.Sprintf("%d/%d", w+2, i))); err == nil {
					tx.Commit(ctx) // may lose.
				}
				tx.Rollback()
			}
		})
	}
	wg.Wait()
	for i := range 5 {
		if err := f.insertWaiting(fmt.Sprintf(`{"_id":%d}`, i)); err != nil {
			t.Fatal(err)
		}
	}
	docs, _ := f.natural(f.begin(), false, nil)
	if want := []string{`{"_id":0}`, `{"_id":1}`, `{"_id":2}`, `{"_id":3}`, `{"_id":4}`}; !slices.Equal(docs, want) {
		t.Errorf("got %v", docs)
	}
}
