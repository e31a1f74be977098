package query

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/mongoerr"
)

// A golden file is a list of cases with the reference server's answers.
//
//	docs        the documents so far are forgotten
//	+ DOC       and here is another one
//	q DOC       the filter of the next case (update, projection)
//	f ARRAY     the array filters of the next case (update)
//	CASE        a filter, an update, a projection, a stage or a sort
//	= ANSWER    what the server answered: _ids, documents; "~" if it changed nothing
//	! CODE MSG  its error; "!!" if it came while running and not while compiling
//
// An update of no document is an upsert.
// PANDO_RECORD=1 PANDO_REFERENCE_URI=mongodb://... go test -run Record writes the answers anew.

// goldenCase is one case, or a line that is kept as it is.
type goldenCase struct {
	line    int
	text    string
	keep    bool
	docs    []bsonx.Doc
	query   bsonx.Doc
	filters []bsonx.Doc
	input   bsonx.Value
	want    string
}

func readGolden(t testing.TB, path string) []goldenCase {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []goldenCase
	var docs, filters []bsonx.Doc
	var query bsonx.Doc
	n := 0
	for line := range strings.Lines(string(text)) {
		n++
		line = strings.TrimRight(line, "\n")
		c := goldenCase{line: n, text: line, keep: true}
		switch {
		case strings.HasPrefix(line, "= "), strings.HasPrefix(line, "!"), line == "~", line == "=":
			cases[len(cases)-1].want = line
			continue
		case line == "", strings.HasPrefix(line, "#"):
		case line == "docs":
			docs = nil
		case strings.HasPrefix(line, "+ "):
			docs = append(docs[:len(docs):len(docs)], parseDoc(t, line[2:]))
		case strings.HasPrefix(line, "q "):
			query = parseDoc(t, line[2:])
		case strings.HasPrefix(line, "f "):
			for _, e := range elements(parseValue(t, line[2:])) {
				filters = append(filters, bsonx.AsDoc(e))
			}
		default:
			c = goldenCase{line: n, text: line, docs: docs, query: query, filters: filters, input: parseValue(t, line)}
			query, filters = nil, nil
		}
		cases = append(cases, c)
	}
	return cases
}

func writeGolden(t *testing.T, path string, cases []goldenCase) {
	t.Helper()
	var lines []string
	for _, c := range cases {
		lines = append(lines, c.text)
		if !c.keep {
			lines = append(lines, c.want)
		}
	}
	golden.Write(t, path, lines)
}

// goldenFiles are the files of one kind: testdata/kind_*.txt.
func goldenFiles(t testing.TB, kind string) []string {
	t.Helper()
	return golden.Files(t, "testdata/"+kind+"_*.txt")
}

// parseValue reads extended JSON. $regex is an operator here, not the old
// spelling of a value that the driver takes it for.
func parseValue(t testing.TB, s string) bsonx.Value {
	t.Helper()
	s = strings.NewReplacer(`"$regex"`, `"%regex"`, `"$options"`, `"%options"`).Replace(s)
	v := golden.Value(t, s)
	data := bytes.ReplaceAll(v.Data, []byte("%regex\x00"), []byte("$regex\x00"))
	data = bytes.ReplaceAll(data, []byte("%options\x00"), []byte("$options\x00"))
	return bsonx.Value{Type: v.Type, Data: data}
}

func parseDoc(t testing.TB, s string) bsonx.Doc {
	t.Helper()
	return bsonx.AsDoc(parseValue(t, s))
}

// testGolden compares our answers with the recorded ones.
func testGolden(t *testing.T, kind string, ours func(*testing.T, goldenCase) string) {
	n := 0
	for _, path := range goldenFiles(t, kind) {
		for _, c := range readGolden(t, path) {
			if c.keep {
				continue
			}
			n++
			got := ours(t, c)
			if got != c.want {
				t.Errorf("%s:%d: %s\n got %s\nwant %s", path, c.line, c.text, got, c.want)
			}
		}
	}
	t.Logf("%d cases", n)
}

func testContext() (*expr.Scope, *expr.Context) {
	sc := expr.NewScope()
	c := expr.NewContext(sc)
	return sc, c
}

func TestFilters(t *testing.T) { testGolden(t, "filter", ourFilter) }

func ourFilter(t *testing.T, c goldenCase) string {
	sc, ctx := testContext()
	f, err := CompileFilter(bsonx.AsDoc(c.input), Options{Scope: sc})
	if err != nil {
		return golden.Refusal("!", err)
	}
	out := "="
	for _, d := range c.docs {
		ok, err := f.Matches(d, ctx)
		if err != nil {
			return golden.Refusal("!!", err)
		}
		if ok {
			out += " " + bsonx.ShellString(bsonx.Get(d, "_id"))
		}
	}
	return out
}

func TestUpdates(t *testing.T) { testGolden(t, "update", ourUpdate) }

func ourUpdate(t *testing.T, c goldenCase) string {
	sc, ctx := testContext()
	u, err := CompileUpdate(c.input, UpdateOptions{Scope: sc, ArrayFilters: c.filters})
	if err != nil {
		return golden.Refusal("!", err)
	}
	q := c.query
	if q == nil {
		q = bsonx.Empty
	}
	f, err := CompileFilter(q, Options{Scope: sc})
	if err != nil {
		return golden.Refusal("!", err)
	}
	if len(c.docs) == 0 {
		if err := f.CheckUpsert(); err != nil {
			return golden.Refusal("!", err)
		}
		out, err := u.Insert(f, ctx, func() bsonx.Value {
			return bsonx.Value{Type: bsonx.TypeObjectID, Data: make([]byte, 12)}
		})
		if err != nil {
			return golden.Refusal("!!", err)
		}
		return "= " + golden.Doc(t, sorted(out))
	}
	ok, pos, err := f.MatchPosition(c.docs[0], ctx)
	if err != nil || !ok {
		t.Fatalf("line %d: the filter does not match: %v", c.line, err)
	}
	out, changed, err := u.Apply(c.docs[0], pos, ctx, nil)
	if err != nil {
		return golden.Refusal("!!", err)
	}
	if !changed {
		return "~"
	}
	if err := bson.Raw(out).Validate(); err != nil {
		t.Errorf("line %d: invalid result: %v", c.line, err)
	}
	return "= " + golden.Doc(t, out)
}

// sorted orders a document's fields by name: the server makes those that an
// upsert takes from its filter in an order that changes from run to run.
func sorted(d bsonx.Doc) bsonx.Doc {
	keys := []string{}
	for k := range bsonx.All(d) {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b := bsonx.NewBuilder(nil)
	for _, k := range keys {
		v := bsonx.Get(d, k)
		if v.Type == bsonx.TypeDocument {
			v = bsonx.DocValue(sorted(bsonx.AsDoc(v)))
		}
		b.Value(k, v)
	}
	return b.Doc()
}

// TestNotYet holds the list of what the server knows and we refuse by name.
func TestNotYet(t *testing.T) {
	for _, s := range []string{
		`{"$where":"1"}`, `{"$text":{"$search":"x"}}`, `{"$jsonSchema":{"encrypt":{}}}`, `{"$sampleRate":0.5}`,
		`{"a":{"$near":[1,1]}}`, `{"a":{"$nearSphere":[1,1]}}`, `{"a":{"$geoNear":[1,1]}}`,
		`{"a":{"$geoWithin":{}}}`, `{"a":{"$within":{}}}`, `{"a":{"$geoIntersects":{}}}`,
		`{"a":{"$_internalExprEq":1}}`, `{"a":{"$elemMatch":{"$jsonSchema":{"encryptMetadata":{}}}}}`,
	} {
		_, err := CompileFilter(parseDoc(t, s), Options{})
		if e := mongoerr.From(err); err == nil || e.Code != mongoerr.NotImplemented {
			t.Errorf("%s: %v", s, err)
		}
	}
}
