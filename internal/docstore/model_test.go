package docstore

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestModel does random changes under random indexes beside a plain map, and
// compares: scans of every index with the model's sorted entries, documents, and
// counters. Build and drop of indexes are among the changes.
func TestModel(t *testing.T) {
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) { newModel(t, seed).run(150) })
	}
}

type model struct {
	*fixture
	rng  *rand.Rand
	docs map[int]string // by _id.
	tx   *Tx
}

var modelIndexes = []string{
	`{"key":{"a":1}}`, `{"key":{"a":-1,"b":1}}`, `{"key":{"b.c":1},"sparse":true}`, `{"key":{"a.b":1,"b":-1}}`,
	`{"key":{"u":1},"unique":true}`, `{"key":{"u":-1,"a":1},"unique":true,"sparse":true}`,
	`{"key":{"a":1,"u":1},"partialFilterExpression":{"u":{"$gt":20}}}`, `{"key":{"b.0":1}}`,
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{fixture: newFixture(t), rng: rand.New(rand.NewPCG(seed, 1)), docs: map[int]string{}}
	m.tx = m.begin()
	return m
}

func (m *model) run(steps int) {
	for range steps {
		switch n := m.rng.IntN(100); {
		case n < 8:
			m.commit(m.tx)
			m.changeIndexes()
			m.tx = m.begin()
		case n < 18:
			m.commit(m.tx)
			m.tx = m.begin()
		case n < 24:
			m.abort()
		default:
			m.change(n)
		}
	}
	m.compare()
	m.commit(m.tx)
}

// abort undoes a few changes by going back to a savepoint.
func (m *model) abort() {
	sp, docs := m.tx.Savepoint(), map[int]string{}
	for id, d := range m.docs {
		docs[id] = d
	}
	for range 3 {
		m.change(m.rng.IntN(100))
	}
	m.tx.RollbackTo(sp)
	m.docs = docs
}

func (m *model) change(n int) {
	id := m.rng.IntN(40)
	_, there := m.docs[id]
	text := m.document(id)
	sp := m.tx.Savepoint()
	var err error
	switch {
	case !there:
		err = m.insert(m.tx, text)
	case n%4 == 0:
		err = m.remove(m.tx, bsonx.Int32(int32(id)))
		text = ""
	default:
		err = m.update(m.tx, text)
	}
	switch e := mongoerr.From(err); {
	case err == nil && text == "":
		delete(m.docs, id)
	case err == nil:
		m.docs[id] = text
	case e.Code == mongoerr.DuplicateKey, e.Code == mongoerr.CannotIndexParallelArrays:
		m.tx.RollbackTo(sp)
	default:
		m.t.Fatalf("%s: %v", text, err)
	}
}

func (m *model) document(id int) string {
	fields := []string{fmt.Sprintf(`"_id":%d`, id)}
	for _, name := range []string{"a", "b", "u"} {
		if m.rng.IntN(4) > 0 {
			fields = append(fields, fmt.Sprintf("%q:%s", name, m.value(2)))
		}
	}
	return "{" + strings.Join(fields, ",") + "}"
}

func (m *model) value(depth int) string {
	switch n := m.rng.IntN(10); {
	case n < 4 || depth == 0:
		return fmt.Sprint(m.rng.IntN(60))
	case n == 4:
		return fmt.Sprintf(`{"$numberDouble":"%d.5"}`, m.rng.IntN(9))
	case n == 5:
		return fmt.Sprintf(`"s%d"`, m.rng.IntN(9))
	case n == 6:
		return "null"
	case n == 7:
		return fmt.Sprintf(`{"b":%s,"c":%s}`, m.value(depth-1), m.value(depth-1))
	default:
		var list []string
		for range m.rng.IntN(4) {
			list = append(list, m.value(depth-1))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
}

func (m *model) changeIndexes() {
	tx := m.begin()
	coll := m.coll(tx)
	tx.Rollback()
	if len(coll.Indexes) > 1 && m.rng.IntN(3) == 0 {
		drop := coll.Indexes[1+m.rng.IntN(len(coll.Indexes)-1)]
		_, err := m.db.Alter(ctx, nil, func(tx *Tx) error {
			_, err := tx.Cat.DropIndex(ctx, m.coll(tx), drop)
			return err
		})
		if err != nil {
			m.t.Fatal(err)
		}
		return
	}
	err := m.create(modelIndexes[m.rng.IntN(len(modelIndexes))])
	if e := mongoerr.From(err); err != nil && e.Code != mongoerr.DuplicateKey && e.Code != mongoerr.CannotIndexParallelArrays {
		m.t.Fatal(err)
	}
}

// compare compares the open transaction's view with the model.
func (m *model) compare() {
	m.t.Helper()
	coll := m.coll(m.tx)
	it, err := m.tx.Scan(ctx, coll, Bounds{})
	if err != nil {
		m.t.Fatal(err)
	}
	defer it.Close()
	n := 0
	for it.Next() {
		n++
		id := int(bsonx.AsInt32(idOf(it.Doc())))
		if want := doc(m.t, m.docs[id]); !bytes.Equal(it.Doc(), want) {
			m.t.Errorf("document %s, want %s", bsonx.ToJSON(it.Doc()), m.docs[id])
		}
	}
	if n != len(m.docs) {
		m.t.Errorf("%d documents, want %d", n, len(m.docs))
	}
	for at, idx := range coll.Indexes[1:] {
		var want []string
		var set entrySet
		type keyed struct {
			key  []byte
			text string
		}
		var all []keyed
		for _, text := range m.docs {
			d := doc(m.t, text)
			if in, err := m.db.includes(coll, idx, d); err != nil || !in {
				continue
			}
			enc := encodedID{key: EncodeID(nil, idOf(d))}
			if err := set.extract(coll, idx, identified{d, enc}); err != nil {
				m.t.Fatal(err)
			}
			for i := range set.list {
				b := bsonx.NewBuilder(nil)
				for f, v := range set.tuple(i) {
					b.Value(idx.Fields[f].Path, v)
				}
				b.Value("id", idOf(d))
				all = append(all, keyed{bytes.Clone(set.key(i)), bsonx.ToJSON(b.Doc())})
			}
		}
		slices.SortFunc(all, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
		for _, k := range all {
			want = append(want, k.text)
		}
		if got := m.entries(m.tx, at+1, Bounds{}); !slices.Equal(got, want) {
			m.t.Errorf("%s\n got %s\nwant %s", idx.Name, got, want)
		}
		slices.Reverse(want)
		if got := m.entries(m.tx, at+1, Bounds{Reverse: true}); !slices.Equal(got, want) {
			m.t.Errorf("%s backward\n got %s\nwant %s", idx.Name, got, want)
		}
	}
}
