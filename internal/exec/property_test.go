package exec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

// TestPlansAgree draws documents, indexes and finds, and compares what the planner
// chose with a scan of a collection that has no index.
func TestPlansAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := openHouse(t)
		var indexes []bsonx.Doc
		for range rapid.IntRange(1, 4).Draw(rt, "indexes") {
			indexes = append(indexes, bsonx.MustParseJSON(drawIndex(rt)))
		}
		h.index("c", distinct(indexes)...)
		h.index("plain")
		var held []string
		for id := range rapid.IntRange(1, 25).Draw(rt, "docs") {
			text := drawDoc(rt, id)
			if h.tryInsert("c", bsonx.MustParseJSON(text)) {
				h.insert("plain", bsonx.MustParseJSON(text))
				held = append(held, text)
			}
		}
		tx := h.begin()
		defer tx.Rollback()
		for range 12 {
			f := drawFind(rt)
			if rapid.Bool().Draw(rt, "aimed") {
				f = drawAimed(rt, rapid.SampledFrom(indexes).Draw(rt, "at"))
			}
			if msg := h.disagree(tx, f); msg != "" {
				rt.Fatalf("%+v\n%s\ndocuments\n%s\nindexes %v", f, msg, strings.Join(held, "\n"), jsons(indexes))
			}
		}
	})
}

// distinct drops indexes with a key that another has.
func distinct(specs []bsonx.Doc) []bsonx.Doc {
	var out []bsonx.Doc
	for _, s := range specs {
		key := bsonx.AsDoc(bsonx.Get(s, "key"))
		if !slices.ContainsFunc(out, func(o bsonx.Doc) bool {
			return bsonx.CompareDocs(bsonx.AsDoc(bsonx.Get(o, "key")), key) == 0
		}) {
			out = append(out, s)
		}
	}
	return out
}

// tryInsert tells whether the document could be indexed.
func (h *house) tryInsert(coll string, doc bsonx.Doc) bool {
	tx := h.begin()
	defer tx.Rollback()
	if tx.Insert(ctx, h.coll(tx, coll), doc) != nil {
		return false
	}
	_, err := tx.Commit(ctx)
	return err == nil
}

// disagree runs f on both collections and tells how the results differ.
func (h *house) disagree(tx *docstore.Tx, f find) string {
	want, _, _, wantErr := h.find(tx, "plain", find{filter: f.filter, sort: f.sort, projection: f.projection})
	got, node, _, gotErr := h.find(tx, "c", find{filter: f.filter, sort: f.sort, projection: f.projection})
	if wantErr != nil {
		return "" // a sort over parallel arrays: an index may give what a sort cannot.
	}
	if gotErr != nil {
		return gotErr.Error()
	}
	show := func() string {
		b := bsonx.NewBuilder(nil)
		plan.AppendNode(b, node, nil)
		return fmt.Sprintf("got  %v\nwant %v\nplan %s", jsons(got), jsons(want), bsonx.ToJSON(b.Doc()))
	}
	if !sameSet(got, want) {
		return show()
	}
	if f.sort == "" || f.projection != "" {
		return ""
	}
	keys := sortKeys(want, f.sort)
	if keys == nil {
		return "" // a read of one document was never sorted.
	}
	if !slices.EqualFunc(sortKeys(got, f.sort), keys, bytes.Equal) {
		return show()
	}
	part, node, _, err := h.find(tx, "c", f)
	if err != nil {
		return err.Error()
	}
	lo := min(int(f.skip), len(keys))
	hi := len(keys)
	if f.limit > 0 {
		hi = min(lo+int(f.limit), hi)
	}
	if !slices.EqualFunc(sortKeys(part, f.sort), keys[lo:hi], bytes.Equal) {
		got = part
		return show()
	}
	return ""
}

func sameSet(a, b []bsonx.Doc) bool {
	x, y := jsons(inOrder(a)), jsons(inOrder(b)) // a covered projection has the index's order of fields.
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, y)
}

// inOrder sorts the fields of each document by name.
func inOrder(docs []bsonx.Doc) []bsonx.Doc {
	out := make([]bsonx.Doc, len(docs))
	for i, d := range docs {
		var names []string
		for name := range bsonx.All(d) {
			names = append(names, name)
		}
		slices.Sort(names)
		b := bsonx.NewBuilder(nil)
		for _, name := range names {
			b.Value(name, bsonx.Get(d, name))
		}
		out[i] = b.Doc()
	}
	return out
}

func jsons(docs []bsonx.Doc) []string {
	out := make([]string, len(docs))
	for i, d := range docs {
		out[i] = bsonx.ToCanonicalJSON(d)
	}
	return out
}

// sortKeys are what a sort compares of each document; nil if one has parallel arrays.
func sortKeys(docs []bsonx.Doc, spec string) [][]byte {
	s, err := query.CompileSort(bsonx.MustParseJSON(spec))
	if err != nil {
		panic(err)
	}
	out := make([][]byte, len(docs))
	for i, d := range docs {
		if out[i], err = s.AppendKey(nil, d); err != nil {
			return nil
		}
	}
	return out
}

func pick(t *rapid.T, label string, from ...string) string {
	return rapid.SampledFrom(from).Draw(t, label)
}

func drawScalar(t *rapid.T) string {
	return pick(t, "scalar", "null", "-1", "0", "1", "2", "3", `{"$numberLong":"2"}`, "1.5", `{"$numberDecimal":"1.50"}`, `"x"`, `"xy"`, `""`,
		"true", "false", `{"$date":{"$numberLong":"5"}}`, `{"$numberDouble":"NaN"}`, `{"$minKey":1}`, `{"$oid":"5f5f5f5f5f5f5f5f5f5f5f5f"}`, `{}`)
}

func drawNested(t *rapid.T) string {
	var parts []string
	for _, name := range []string{"d", "e"} {
		if rapid.Bool().Draw(t, name) {
			parts = append(parts, fmt.Sprintf("%q: %s", name, drawValue(t, 1)))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func drawValue(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	switch {
	case kind < 6 || depth > 1:
		return drawScalar(t)
	case kind < 8 && depth == 0:
		return drawNested(t)
	}
	var elems []string
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		if depth == 0 && rapid.IntRange(0, 2).Draw(t, "nested") == 0 {
			elems = append(elems, drawNested(t))
		} else {
			elems = append(elems, drawValue(t, depth+1))
		}
	}
	return "[" + strings.Join(elems, ", ") + "]"
}

func drawDoc(t *rapid.T, id int) string {
	parts := []string{fmt.Sprintf(`"_id": %d`, id)}
	for _, name := range []string{"a", "b", "c"} {
		if rapid.IntRange(0, 4).Draw(t, name) > 0 {
			parts = append(parts, fmt.Sprintf("%q: %s", name, drawValue(t, 0)))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func drawPath(t *rapid.T) string { return pick(t, "path", "a", "b", "c", "a.d", "a.e", "b.d", "_id") }

// drawKey is the key of an index or a sort.
func drawKey(t *rapid.T) string {
	var parts, seen []string
	for range rapid.IntRange(1, 3).Draw(t, "fields") {
		p := drawPath(t)
		if !slices.Contains(seen, p) {
			seen = append(seen, p)
			parts = append(parts, fmt.Sprintf("%q: %s", p, pick(t, "direction", "1", "-1")))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func drawIndex(t *rapid.T) string {
	extra := pick(t, "option", "", "", "", "", `, "sparse": true`, `, "unique": true`,
		`, "partialFilterExpression": {"a": {"$gt": 0}}`, `, "partialFilterExpression": {"b": {"$exists": true}}`)
	key := drawKey(t)
	if key == `{"_id": 1}` || key == `{"_id": -1}` {
		key = `{"a": 1}`
	}
	return `{"key": ` + key + extra + "}"
}

func drawLeaf(t *rapid.T) string {
	switch pick(t, "op", "eq", "eq", "eq", "cmp", "cmp", "in", "exists", "type", "regex", "ne", "not", "nin", "range") {
	case "cmp":
		return fmt.Sprintf(`{%q: %s}`, pick(t, "cmp", "$lt", "$lte", "$gt", "$gte"), drawValue(t, 0))
	case "in":
		return fmt.Sprintf(`{"$in": [%s, %s]}`, drawValue(t, 0), drawScalar(t))
	case "exists":
		return fmt.Sprintf(`{"$exists": %s}`, pick(t, "exists", "true", "false"))
	case "type":
		return fmt.Sprintf(`{"$type": %s}`, pick(t, "type", `"number"`, `"int"`, `"string"`, `"array"`, `"object"`, `"null"`, `"bool"`))
	case "regex":
		return fmt.Sprintf(`{"$regex": %s}`, pick(t, "regex", `"^x"`, `"^xy"`, `"y"`, `"^x.*"`, `"^$"`))
	case "ne":
		return fmt.Sprintf(`{"$ne": %s}`, drawValue(t, 0))
	case "not":
		return fmt.Sprintf(`{"$not": {%q: %s}}`, pick(t, "cmp", "$lt", "$lte", "$gt", "$gte", "$eq"), drawScalar(t))
	case "nin":
		return fmt.Sprintf(`{"$nin": [%s, %s]}`, drawScalar(t), drawScalar(t))
	case "range":
		return fmt.Sprintf(`{"$gte": %s, "$lte": %s}`, drawScalar(t), drawScalar(t))
	}
	return fmt.Sprintf(`{"$eq": %s}`, drawValue(t, 0))
}

func drawFilter(t *rapid.T, depth int) string {
	var parts []string
	for range rapid.IntRange(0, 3).Draw(t, "conjuncts") {
		kind := rapid.IntRange(0, 9).Draw(t, "conjunct")
		switch {
		case depth == 0 && kind == 0:
			parts = append(parts, fmt.Sprintf(`{%q: [%s, %s]}`, pick(t, "logic", "$or", "$or", "$nor", "$and"), drawFilter(t, 1), drawFilter(t, 1)))
		case kind == 1:
			parts = append(parts, fmt.Sprintf(`{%q: {"$elemMatch": %s}}`, pick(t, "array", "a", "b", "a.d"), drawLeaf(t)))
		case kind == 2:
			parts = append(parts, fmt.Sprintf(`{%q: {"$elemMatch": {"d": %s, "e": %s}}}`, pick(t, "array", "a", "b"), drawLeaf(t), drawLeaf(t)))
		case kind == 3:
			parts = append(parts, fmt.Sprintf(`{"$expr": {%q: [%q, %s]}}`, pick(t, "cmp", "$eq", "$lt", "$lte", "$gt", "$gte", "$ne"), "$"+drawPath(t), `{"$literal": `+drawScalar(t)+`}`))
		default:
			parts = append(parts, fmt.Sprintf("{%q: %s}", drawPath(t), drawLeaf(t)))
		}
	}
	if len(parts) == 0 {
		return "{}"
	}
	return `{"$and": [` + strings.Join(parts, ", ") + "]}"
}

func drawFind(t *rapid.T) find {
	f := find{filter: drawFilter(t, 0)}
	if rapid.Bool().Draw(t, "sorted") {
		f.sort = drawKey(t)
		f.skip = int64(rapid.IntRange(0, 3).Draw(t, "skip"))
		f.limit = int64(rapid.IntRange(0, 5).Draw(t, "limit"))
	}
	f.projection = pick(t, "projection", "", "", `{"a": 1}`, `{"a": 1, "_id": 0}`, `{"b": 1, "a": 1}`, `{"a.d": 1}`, `{"c": 0}`)
	return f
}

// drawAimed is a find that an index is likely to serve: small predicates on its
// fields, and a sort that follows them.
func drawAimed(t *rapid.T, index bsonx.Doc) find {
	var filter, sort []string
	turned := rapid.Bool().Draw(t, "turned")
	array := map[string][]string{}
	for path, v := range bsonx.All(bsonx.AsDoc(bsonx.Get(index, "key"))) {
		op := pick(t, "aim", "", `{"$eq": 1}`, `{"$in": [0, 1, 2]}`, `{"$gte": 1}`, `{"$lt": 2}`, `{"$gt": 0, "$lt": 2}`, `{"$ne": 1}`, `{"$in": [1, null]}`, `{"$not": {"$gt": 1}}`)
		head, tail, nested := strings.Cut(path, ".")
		switch {
		case op == "":
		case nested && rapid.Bool().Draw(t, "element"):
			array[head] = append(array[head], fmt.Sprintf("%q: %s", tail, op))
		default:
			filter = append(filter, fmt.Sprintf("{%q: %s}", path, op))
		}
		if rapid.IntRange(0, 2).Draw(t, "sorts") > 0 {
			n, _ := bsonx.ToInt64Exact(v)
			if turned {
				n = -n
			}
			if rapid.IntRange(0, 5).Draw(t, "against") == 0 {
				n = -n
			}
			sort = append(sort, fmt.Sprintf("%q: %d", path, n))
		}
	}
	for _, head := range []string{"a", "b"} {
		if parts := array[head]; len(parts) > 0 {
			filter = append(filter, fmt.Sprintf(`{%q: {"$elemMatch": {%s}}}`, head, strings.Join(parts, ", ")))
		}
	}
	f := find{limit: int64(rapid.IntRange(0, 4).Draw(t, "limit"))}
	if len(filter) > 0 {
		f.filter = `{"$and": [` + strings.Join(filter, ", ") + "]}"
	}
	if len(sort) > 0 {
		sort = rapid.Permutation(sort).Draw(t, "sort")
		f.sort = "{" + strings.Join(sort, ", ") + "}"
	}
	return f
}
