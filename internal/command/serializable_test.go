package command_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
)

const (
	serializable = `{"readConcern":{"level":"serializable"}}`
	logIt        = `{"insert":"log","documents":[{"by":"T"}]}`
)

// shelf is what the transactions below read: documents by _id, by the index on a,
// by the unique one on u, by one on m that holds no array yet.
func (h *house) shelf() *conn {
	h.t.Helper()
	c := h.conn()
	c.run(`{"insert":"c","documents":[{"_id":1,"a":1,"u":1,"m":1},{"_id":2,"a":5,"u":2,"m":5},{"_id":3,"a":9,"u":3,"m":20}]}`).want(`{"n":3}`)
	c.run(`{"insert":"d","documents":[{"_id":1,"c":5}]}`).want(`{"n":1}`)
	c.run(`{"insert":"log","documents":[{"by":"nobody"}]}`).want(`{"n":1}`)
	ok(c.run(`{"create":"ring","capped":true,"size":4096}`))
	c.run(`{"insert":"ring","documents":[{"_id":1},{"_id":2}]}`).want(`{"n":2}`)
	r := c.run(`{"createIndexes":"c","indexes":[{"key":{"a":1},"name":"a_1"},{"key":{"u":1},"name":"u_1","unique":true},{"key":{"m":1},"name":"m_1"}]}`)
	if bsonx.AsDouble(bsonx.Get(r.doc, "ok")) != 1 {
		h.t.Fatal(r)
	}
	// From here on the catalog has what they need in memory.
	for _, hint := range []string{"_id_", "a_1", "u_1", "m_1"} {
		ok(c.run(`{"find":"c","filter":{},"hint":"` + hint + `"}`))
	}
	ok(c.run(`{"find":"d","filter":{}}`))
	return c
}

// readPaths are commands that read by every plan there is, what others may write
// meanwhile, and about what the reader is told that it has lost; "" if it has not.
var readPaths = []struct {
	name, read string
	writes     map[string]string // write -> what is lost.
}{
	{"by _id", `{"find":"c","filter":{"_id":1}}`, map[string]string{
		set(1): "test.c, _id: 1", set(2): "", put(77, 77): "",
	}},
	{"by _id, not there", `{"find":"c","filter":{"_id":77}}`, map[string]string{
		put(77, 1): "test.c, _id: 77", put(78, 1): "", set(1): "",
	}},
	{"a range of _id", `{"find":"c","filter":{"_id":{"$gt":1,"$lte":2.5}}}`, map[string]string{
		set(2): "test.c, _id: 2", put(2.5, 1): "test.c, _id: 2.5", set(1): "", set(3): "", put(50, 1): "",
	}},
	{"all of a collection", `{"find":"c","filter":{"n":1}}`, map[string]string{
		put(77, 1): "test.c, _id: 77", set(3): "test.c, _id: 3", `{"delete":"c","deletes":[{"q":{"_id":2},"limit":1}]}`: "test.c, _id: 2",
		`{"insert":"d","documents":[{"_id":5}]}`: "",
	}},
	{"by an index", `{"find":"c","filter":{"a":{"$gte":4,"$lte":6}},"hint":"a_1"}`, map[string]string{
		set(2): "test.c, _id: 2", put(77, 4.5): "test.c, index: a_1", move(1, 6): "test.c, index: a_1", move(2, 7): "test.c",
		set(1): "", put(78, 7): "", move(3, 8): "",
	}},
	{"by an index, nothing there", `{"find":"c","filter":{"a":{"$gt":5,"$lt":9}},"hint":"a_1"}`, map[string]string{
		put(77, 6): "test.c, index: a_1", put(78, 20): "", set(2): "",
	}},
	{"by an index alone", `{"find":"c","filter":{"a":5},"projection":{"a":1,"_id":0},"hint":"a_1"}`, map[string]string{
		put(77, 5): "test.c, index: a_1", move(2, 7): "test.c, index: a_1", set(2): "", put(78, 6): "",
	}},
	{"by a unique index", `{"find":"c","filter":{"u":2},"hint":"u_1"}`, map[string]string{
		set(2): "test.c, _id: 2", set(3): "", put(77, 1): "",
	}},
	{"the last by an index", `{"find":"c","sort":{"a":-1},"limit":1,"hint":"a_1"}`, map[string]string{
		put(77, 100): "test.c, index: a_1", set(3): "test.c, _id: 3", put(78, 7): "", set(2): "",
	}},
	{"an index that holds no array", `{"find":"c","filter":{"m":{"$gt":5,"$lt":10}},"hint":"m_1"}`, map[string]string{
		// Its entries are 3 and 12, and yet it has an element above 5 and one below 10.
		`{"insert":"c","documents":[{"_id":77,"m":[3,12],"u":77}]}`: "test.c, index: m_1",
		`{"insert":"c","documents":[{"_id":77,"m":7,"u":77}]}`:      "test.c, index: m_1",
		`{"insert":"c","documents":[{"_id":77,"m":12,"u":77}]}`:     "",
	}},
	{"a count", `{"aggregate":"c","pipeline":[{"$match":{"a":5}},{"$count":"n"}],"cursor":{}}`, map[string]string{
		put(77, 5): "test.c, index: a_1", put(78, 6): "",
	}},
	{"a count of all", `{"aggregate":"c","pipeline":[{"$count":"n"}],"cursor":{}}`, map[string]string{
		put(77, 5): "test.c, _id: 77",
	}},
	{"a sum", `{"aggregate":"c","pipeline":[{"$group":{"_id":null,"sum":{"$sum":"$a"}}}],"cursor":{}}`, map[string]string{
		put(77, 5): "test.c, _id: 77", set(1): "test.c, _id: 1",
	}},
	{"a capped collection", `{"find":"ring","filter":{}}`, map[string]string{
		`{"insert":"ring","documents":[{"_id":0}]}`:                          "test.ring, its order of insertion",
		`{"update":"ring","updates":[{"q":{"_id":2},"u":{"$set":{"n":1}}}]}`: "test.ring, _id: 2",
	}},
	{"the first of a capped collection", `{"find":"ring","filter":{},"limit":1}`, map[string]string{
		// Where the order begins stands where it ends, too.
		`{"insert":"ring","documents":[{"_id":0}]}`:                          "test.ring, its order of insertion",
		`{"update":"ring","updates":[{"q":{"_id":2},"u":{"$set":{"n":1}}}]}`: "",
	}},
	{"distinct", `{"distinct":"c","key":"a"}`, map[string]string{put(77, 77): "test.c"}},
	{"distinct of some", `{"distinct":"c","key":"u","query":{"a":5}}`, map[string]string{
		put(77, 5): "test.c, index: a_1", put(78, 6): "",
	}},
	{"a lookup", `{"aggregate":"d","pipeline":[{"$lookup":{"from":"c","localField":"c","foreignField":"a","as":"x"}}],"cursor":{}}`, map[string]string{
		put(77, 5): "test.c", set(2): "test.c, _id: 2", `{"update":"d","updates":[{"q":{"_id":1},"u":{"$set":{"n":1}}}]}`: "test.d, _id: 1",
	}},
	{"facets", `{"aggregate":"c","pipeline":[{"$facet":{"x":[{"$match":{"a":5}}]}}],"cursor":{}}`, map[string]string{put(77, 5): "test.c, _id: 77"}},
	{"an update of none", `{"update":"c","updates":[{"q":{"a":6},"u":{"$set":{"n":1}}}]}`, map[string]string{
		put(77, 6): "test.c, index: a_1", put(78, 7): "",
	}},
	{"an update that changes nothing", `{"update":"c","updates":[{"q":{"_id":2},"u":{"$set":{"a":5}}}]}`, map[string]string{
		set(2): "test.c, _id: 2", set(1): "",
	}},
	{"a delete of none", `{"delete":"c","deletes":[{"q":{"a":6},"limit":0}]}`, map[string]string{
		put(77, 6): "test.c, index: a_1", put(78, 7): "",
	}},
	{"findAndModify of none", `{"findAndModify":"c","query":{"a":6},"remove":true}`, map[string]string{
		put(77, 6): "test.c, index: a_1", put(78, 7): "",
	}},
	{"an upsert", `{"update":"c","updates":[{"q":{"a":6},"u":{"$set":{"u":66}},"upsert":true}]}`, map[string]string{
		put(77, 6): "test.c, index: a_1", put(78, 7): "",
	}},
	{"a collection that is not there", `{"find":"none","filter":{}}`, map[string]string{
		`{"insert":"none","documents":[{"_id":1}]}`: "the definition of test.none", `{"create":"other"}`: "",
	}},
	{"an insert, with its counts and its entries", `{"insert":"c","documents":[{"_id":50,"a":50,"u":50,"m":50}]}`, map[string]string{
		put(77, 51): "", set(1): "", `{"delete":"c","deletes":[{"q":{"_id":3},"limit":1}]}`: "",
	}},
}

// set, put and move are writes outside: to a field of no index; of a new document; to its a.
func set(id any) string {
	return fmt.Sprintf(`{"update":"c","updates":[{"q":{"_id":%v},"u":{"$inc":{"n":1}}}]}`, id)
}

func put(id, a any) string {
	return fmt.Sprintf(`{"insert":"c","documents":[{"_id":%v,"a":%v,"u":"of %v","m":1000}]}`, id, a, id)
}

func move(id, a any) string {
	return fmt.Sprintf(`{"update":"c","updates":[{"q":{"_id":%v},"u":{"$set":{"a":%v}}}]}`, id, a)
}

// TestSerializableReads reads by every plan in a serializable transaction that
// writes something elsewhere, and has others write meanwhile.
func TestSerializableReads(t *testing.T) {
	for _, path := range readPaths {
		t.Run(path.name, func(t *testing.T) {
			for write, lost := range path.writes {
				inHouse(t, func(h *house) {
					out, in, s := h.shelf(), h.conn(), lsid(1)
					ok(in.run(path.read, s.starting(1), serializable))
					ok(in.run(logIt, s.within(1)))
					ok(out.run(write))
					r := in.run(commit, s.within(1))
					if lost == "" {
						r.want(`{}`)
					} else {
						r.want(`error 112 [TransientTransactionError]`)
						if msg := errmsg(r); !strings.Contains(msg, "("+lost) || !strings.Contains(msg, ": read here, and written by") {
							t.Errorf("it is told: %s", msg)
						}
					}
					if h.t.Failed() {
						h.t.Fatalf("read: %s, written: %s", path.read, write)
					}
				})
			}
		})
	}
}

// errmsg is an error's text; "" if it is none.
func errmsg(r reply) string {
	v := bsonx.Get(r.doc, "errmsg")
	if v.Type != bsonx.TypeString {
		return ""
	}
	return bsonx.Str(v)
}

func ok(r reply) {
	r.t.Helper()
	if bsonx.AsDouble(bsonx.Get(r.doc, "ok")) != 1 || bsonx.Get(r.doc, "writeErrors").Type != bsonx.TypeMissing {
		r.t.Fatal(bsonx.ToJSON(r.doc))
	}
}

// TestSerializableCursor: a cursor's transaction has read as far as its batches go.
func TestSerializableCursor(t *testing.T) {
	for _, c := range []struct{ batches, want string }{{"one", `{}`}, {"all", `error 112 [TransientTransactionError]`}} {
		inHouse(t, func(h *house) {
			out, in, s := h.shelf(), h.conn(), lsid(1)
			r := in.run(`{"find":"c","filter":{},"sort":{"_id":1},"batchSize":1}`, s.starting(1), serializable)
			id := r.shown("cursor", "id")
			ok(in.run(logIt, s.within(1)))
			if c.batches == "all" {
				ok(in.run(fmt.Sprintf(`{"getMore":%s,"collection":"c"}`, strings.Replace(strings.Replace(id, `NumberLong("`, `{"$numberLong":"`, 1), `")`, `"}`, 1)), s.within(1)))
			}
			ok(out.run(put(50, 50)))
			in.run(commit, s.within(1)).want(c.want)
			ok(out.run(s.kill())) // a cursor outlives its transaction.
		})
	}
}

// skew has two doctors go off call, each since the other one is on it, and returns
// what the second is told.
func skew(h *house, more string) reply {
	h.t.Helper()
	out, x, y := h.conn(), h.conn(), h.conn()
	ok(out.run(`{"insert":"duty","documents":[{"_id":"x","on":true},{"_id":"y","on":true}]}`))
	for n, c := range []*conn{x, y} {
		c.run(`{"find":"duty","filter":{"on":true},"projection":{"on":0}}`, lsid(n+1).starting(1), more).want(`[{"_id":"x"} {"_id":"y"}]`)
	}
	for n, c := range []*conn{x, y} {
		ok(c.run(fmt.Sprintf(`{"update":"duty","updates":[{"q":{"_id":"%s"},"u":{"$set":{"on":false}}}]}`, []string{"x", "y"}[n]), lsid(n+1).within(1)))
	}
	ok(x.run(commit, lsid(1).within(1)))
	return y.run(commit, lsid(2).within(1))
}

// TestIsolation: write skew occurs at snapshot, and neither where a transaction
// asks for serializable nor where all get it.
func TestIsolation(t *testing.T) {
	const lost = `error 112 [TransientTransactionError]`
	for _, c := range []struct{ param, more, want string }{
		{"snapshot", `{}`, `{}`},
		{"snapshot", `{"readConcern":{"level":"snapshot"}}`, `{}`},
		{"snapshot", `{"readConcern":{"level":"majority"}}`, `{}`},
		{"snapshot", serializable, lost},
		{"serializable", `{}`, lost},
		{"serializable", `{"readConcern":{"level":"local"}}`, lost},
		{"serializable", `{"readConcern":{"level":"snapshot"}}`, lost},
		{"serializable", serializable, lost},
	} {
		inHouse(t, func(h *house) {
			ok(h.conn().run(`{"setParameter":1,"transactionIsolation":"` + c.param + `"}`))
			skew(h, c.more).want(c.want)
			n, want := h.conn().run(`{"serverStatus":1}`).shown("metrics", "operation", "readConflicts"), "0"
			if c.want == lost {
				want = "1"
			}
			if n != want {
				t.Errorf("%s, %s: %s read conflicts", c.param, c.more, n)
			}
		})
	}
}

// TestSerializableRetry: the transaction that tries again holds what it lost, so
// that it does not lose it again.
func TestSerializableRetry(t *testing.T) {
	inHouse(t, func(h *house) {
		out, in, s := h.shelf(), h.conn(), lsid(1)
		const read = `{"find":"c","filter":{"_id":1}}`
		ok(in.run(read, s.starting(1), serializable))
		ok(in.run(logIt, s.within(1)))
		ok(out.run(set(1)))
		in.run(commit, s.within(1)).want(`error 112 [TransientTransactionError]`)
		ok(in.run(read, s.starting(2), serializable))
		writer := out.begin(set(1)).waits()
		ok(in.run(logIt, s.within(2)))
		ok(in.run(commit, s.within(2)))
		writer.want(`{"n":1,"nModified":1}`)
	})
}

// TestSerializablePlaces: where the level may be given, and where not.
func TestSerializablePlaces(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.shelf()
		c.run(`{"find":"c","filter":{}}`, serializable).want(`error 72`)
		c.run(`{"insert":"c","documents":[{"_id":5}]}`, serializable).want(`error 72`)
		c.run(`{"setDefaultRWConcern":1,"defaultReadConcern":{"level":"serializable"}}`).want(`error 2`)
		s := lsid(1)
		c.run(`{"find":"c","filter":{}}`, s.starting(1), `{"readConcern":{"level":"serializable","atClusterTime":{"$timestamp":{"t":1,"i":1}}}}`).want(`error 72`)
		ok(c.run(`{"find":"c","filter":{}}`, s.starting(1), `{"readConcern":{"level":"serializable","afterClusterTime":{"$timestamp":{"t":1,"i":1}}}}`))
		ok(c.run(`{"find":"c","filter":{}}`, s.within(1), serializable)) // as a statement that raced with the first.
		c.run(`{"find":"c","filter":{}}`, s.within(1), `{"readConcern":{"level":"snapshot"}}`).want(`error 72`)
		ok(c.run(commit, s.within(1)))
	})
}
