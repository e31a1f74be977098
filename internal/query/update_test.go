package query

import (
	"slices"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// apply runs an update on a document at a time of 1234 ms and a cluster time of 99.
func apply(t *testing.T, update, doc string) (string, error) {
	t.Helper()
	_, ctx := testContext()
	ctx.Now, ctx.ClusterTime = 1234, 99
	u, err := CompileUpdate(parseValue(t, update), UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if !u.NeedsContext() {
		ctx = nil
	}
	out, _, err := u.Apply(parseDoc(t, doc), MatchPos{}, ctx, nil)
	return bsonx.ShellString(bsonx.DocValue(out)), err
}

func TestClock(t *testing.T) {
	for _, c := range []struct{ update, want string }{
		{`{"$currentDate":{"a":true}}`, `{ _id: 1, a: new Date(1234) }`},
		{`{"$currentDate":{"a":false}}`, `{ _id: 1, a: new Date(1234) }`},
		{`{"$currentDate":{"a":{"$type":"date"}}}`, `{ _id: 1, a: new Date(1234) }`},
		{`{"$currentDate":{"a":{"$type":"timestamp"}}}`, `{ _id: 1, a: Timestamp(0, 99) }`},
		{`{"a":{"$timestamp":{"t":0,"i":0}},"b":[{"$timestamp":{"t":0,"i":0}}]}`, `{ _id: 1, a: Timestamp(0, 99), b: [ Timestamp(0, 0) ] }`},
		{`{"$set":{"a":{"$timestamp":{"t":0,"i":0}}}}`, `{ _id: 1, a: Timestamp(0, 0) }`},
		{`[{"$set":{"a":"$$NOW"}}]`, `{ _id: 1, a: new Date(1234) }`},
	} {
		if got, err := apply(t, c.update, `{"_id":1}`); err != nil || got != c.want {
			t.Errorf("%s: %s, %v; want %s", c.update, got, err, c.want)
		}
	}
}

// TestLimits holds what the server says of results that are too large or too deep.
func TestLimits(t *testing.T) {
	text := func(n int) string { return `"` + strings.Repeat("x", n) + `"` }
	path := func(n int) string { return strings.TrimSuffix(strings.Repeat("a.", n), ".") }
	nest := func(n int) string { return strings.Repeat(`{"b":`, n) + "1" + strings.Repeat("}", n) }
	for _, c := range []struct {
		update, doc string
		code        mongoerr.Code
	}{
		{`{"$set":{"b":` + text(20) + `}}`, `{"_id":1,"a":` + text(16<<20-60) + `}`, 0},
		{`{"$set":{"b":` + text(20) + `}}`, `{"_id":1,"a":` + text(16<<20-40) + `}`, 8375908},
		{`{"$push":{"b":` + text(200) + `}}`, `{"_id":1,"a":` + text(16<<20-100) + `}`, 8375908},
		{`[{"$set":{"b":"$a"}}]`, `{"_id":1,"a":` + text(9<<20) + `}`, mongoerr.BSONObjectTooLarge},
		{`{"$set":{"` + path(180) + `":1}}`, `{"_id":1}`, 0},
		{`{"$set":{"` + path(181) + `":1}}`, `{"_id":1}`, mongoerr.Overflow},
		{`{"$set":{"` + path(9) + `":` + nest(171) + `}}`, `{"_id":1}`, 0},
		{`{"$set":{"` + path(10) + `":` + nest(171) + `}}`, `{"_id":1}`, mongoerr.Overflow},
		{`{"$rename":{"x":"` + path(9) + `"}}`, `{"_id":1,"x":` + nest(171) + `}`, 0},
		{`{"$rename":{"x":"` + path(10) + `"}}`, `{"_id":1,"x":` + nest(171) + `}`, mongoerr.Overflow},
		{`{"x":` + nest(179) + `}`, `{"_id":1}`, 0},
		{`{"x":` + nest(180) + `}`, `{"_id":1}`, mongoerr.Overflow},
	} {
		_, err := apply(t, c.update, c.doc)
		if e := mongoerr.From(err); (c.code == 0) != (err == nil) || err != nil && e.Code != c.code {
			t.Errorf("%.40s on %.40s: %v, want code %d", c.update, c.doc, err, c.code)
		}
	}
}

// TestUnchanged holds that an update that changes nothing gives back the very document.
func TestUnchanged(t *testing.T) {
	doc := parseDoc(t, `{"_id":1,"a":[1,{"b":2}],"c":{"d":5}}`)
	for _, s := range []string{`{"$set":{"a.1.b":2,"c.d":5}}`, `{"$inc":{"c.d":0}}`, `{"$unset":{"x.y":1}}`, `{"$pull":{"a":7}}`, `{"$addToSet":{"a":1}}`, `{"$setOnInsert":{"z":1}}`, `{"$max":{"c.d":4},"$pullAll":{"a":[]}}`} {
		u, err := CompileUpdate(parseValue(t, s), UpdateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		out, changed, err := u.Apply(doc, MatchPos{}, nil, []byte("prefix"))
		if err != nil || changed || &out[0] != &doc[0] {
			t.Errorf("%s: changed %v, %v", s, changed, err)
		}
	}
}

func TestAppendsToDst(t *testing.T) {
	u, err := CompileUpdate(parseValue(t, `{"$set":{"a":1}}`), UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]byte, 3, 100)
	out, changed, err := u.Apply(parseDoc(t, `{"_id":1}`), MatchPos{}, nil, dst)
	if err != nil || !changed || &out[0] != &dst[:4][3] {
		t.Errorf("not at the end of the given buffer: %v %v", changed, err)
	}
}

func TestDependsOnly(t *testing.T) {
	for _, c := range []struct {
		spec  string
		paths string
		ok    bool
	}{
		{`{"a":1,"b.c":1}`, "_id a b.c", true},
		{`{"a":1,"_id":0}`, "a", true},
		{`{"a":0}`, "", false},
		{`{"x":"$y.z","_id":0}`, "y.z", true},
		{`{"x":"$$ROOT"}`, "_id", false},
		{`{"b":{"c":1,"d":"$e"}}`, "_id b.c e", true},
		{`{"a":{"$elemMatch":{"b":1}}}`, "_id a", true},
		{`{}`, "", false},
	} {
		p, err := CompileProjection(parseDoc(t, c.spec), Options{})
		if err != nil {
			t.Fatal(err)
		}
		paths, ok := p.DependsOnly()
		slices.Sort(paths)
		if got := strings.Join(paths, " "); got != c.paths || ok != c.ok {
			t.Errorf("%s: %q, %v", c.spec, got, ok)
		}
	}
}
