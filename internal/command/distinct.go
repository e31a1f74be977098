package command

import (
	"context"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// distinct lists the values of a field, each once.
var distinct = Spec{
	Name: "distinct", Txn: Anywhere, Read: ReadAll, API: false, Help: "lists a field's values", parsesLate: true,
	Fields: NewFields("distinctCommandRequest",
		Field{Name: "key", Type: Text, Required: true},
		Field{Name: "query", Type: Document},
		Field{Name: "hint", Type: Hint},
		Field{Name: "collation", Type: Document, NotYet: true, Unless: isSimpleCollation},
		Field{Name: "querySettings", Type: Document, NotYet: true}),
}

func runDistinct(ctx context.Context, c *Call) error {
	if c.Args.late != nil {
		return c.Args.late
	}
	if err := c.Args.complete(); err != nil {
		return err
	}
	if strings.ContainsRune(c.Args.Str("key"), 0) {
		return mongoerr.New(31032, "Key field cannot contain an embedded null byte")
	}
	if err := c.checkNamed(); err != nil {
		return err
	}
	ns, err := c.Namespace()
	if err != nil {
		return err
	}
	if err := readable(ns); err != nil {
		return err
	}
	f, err := c.compileQuery(c.Args.Doc("query"), c.Args.Value("hint"))
	if err != nil {
		return err
	}
	f.req.NS = ns
	values := valueSet{keys: map[string]struct{}{}, bytesMax: bsonx.DocBytesMax}
	key := c.Args.Str("key")
	var at kv.Time // of a snapshot that is the client's to ask for again.
	err = c.readFrom(ctx, ns, func(tx *docstore.Tx, coll *catalog.Collection) error {
		if c.ReadConcern.Level == levelSnapshot && c.Txn == nil {
			at = tx.KV.ReadTime()
		}
		if coll == nil {
			return nil
		}
		f.req.Coll = coll
		add := func(doc bsonx.Doc) error { return values.addPath(doc, key) }
		if idx := c.distinctIndex(coll); idx != nil {
			keys := docstore.NewKeyer(coll, idx)
			add = func(doc bsonx.Doc) error { return keys.First(doc, values.addKey) }
		}
		return c.each(ctx, tx, f, func(doc bsonx.Doc) error {
			if err := add(doc); err != nil {
				return c.duringRead(ctx, ns.String(), err)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	c.Reply.OpenArray("values")
	for i, v := range values.sorted() {
		c.Reply.Value(bsonx.Index(i), v)
	}
	c.Reply.Close()
	c.D.metrics.docsReturned.Add(int64(len(values.list)))
	if at != 0 {
		c.Reply.Timestamp("atClusterTime", uint64(at))
	}
	return nil
}

// distinctIndex is the index whose entries the original reads instead of documents,
// nil for none. Its answer is another one then: what has no such field has null there,
// an empty array undefined, and an array within an array is opened too. It does so if
// all documents are asked for and an index that has them begins with the field.
func (c *Call) distinctIndex(coll *catalog.Collection) *catalog.Index {
	hint, key := hintOf(c.Args.Value("hint")), c.Args.Str("key")
	if bsonx.Len(c.Args.Doc("query")) > 0 || slices.ContainsFunc(strings.Split(key, ".")[1:], isIndex) {
		return nil // behind the first name a number may be an array's index.
	}
	for _, idx := range coll.Indexes {
		switch {
		case idx.ID == catalog.IDIndex, idx.State != catalog.StateReady, idx.Hidden, idx.Partial != nil, idx.Fields[0].Path != key:
		case bsonx.IsMissing(hint),
			hint.Type == bsonx.TypeString && bsonx.Str(hint) == idx.Name,
			hint.Type == bsonx.TypeDocument && bsonx.CompareDocs(bsonx.AsDoc(hint), idx.Key) == 0:
			return idx
		}
	}
	return nil
}

// valueSet is the distinct values, in the order in which they came; owned.
type valueSet struct {
	list     []bsonx.Value
	keys     map[string]struct{} // of the same values.
	key      []byte              // scratch.
	bytes    int
	bytesMax int
}

// sorted returns the values in order.
func (s *valueSet) sorted() []bsonx.Value {
	return slices.SortedFunc(slices.Values(s.list), bsonx.Compare)
}

// addPath adds the values that a dotted path leads to, arrays opened on the way
// and at its end.
func (s *valueSet) addPath(doc bsonx.Doc, path string) error {
	head, rest, more := strings.Cut(path, ".")
	v := bsonx.Get(doc, head)
	switch {
	case v.Type == bsonx.TypeMissing:
		return nil
	case !more && v.Type == bsonx.TypeArray:
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
			if err := s.add(it.Value()); err != nil {
				return err
			}
		}
		return nil
	case !more:
		return s.add(v)
	case v.Type == bsonx.TypeDocument:
		return s.addPath(bsonx.AsDoc(v), rest)
	case v.Type == bsonx.TypeArray:
		return s.addElements(bsonx.AsDoc(v), rest)
	}
	return nil
}

// addKey adds a value of an index, or an array's.
func (s *valueSet) addKey(v bsonx.Value) error {
	if v.Type != bsonx.TypeArray {
		return s.add(v)
	}
	for _, e := range bsonx.All(bsonx.AsDoc(v)) {
		if err := s.add(e); err != nil {
			return err
		}
	}
	return nil
}

func (s *valueSet) addElements(arr bsonx.Doc, path string) error {
	head, _, _ := strings.Cut(path, ".")
	if isIndex(head) {
		return s.addPath(arr, path)
	}
	for it := bsonx.Walk(arr); it.Next(); {
		if it.Value().Type != bsonx.TypeDocument {
			continue
		}
		if err := s.addPath(bsonx.AsDoc(it.Value()), path); err != nil {
			return err
		}
	}
	return nil
}

func (s *valueSet) add(v bsonx.Value) error {
	s.key = keyenc.Append(s.key[:0], v, false)
	if _, found := s.keys[string(s.key)]; found {
		return nil
	}
	if s.bytes += len(v.Data) + 8; s.bytes > s.bytesMax {
		return mongoerr.Newf(17217, "distinct too big, %dmb cap", s.bytesMax>>20)
	}
	s.keys[string(s.key)] = struct{}{}
	s.list = append(s.list, bsonx.Value{Type: v.Type, Data: slices.Clone(v.Data)})
	return nil
}

// isIndex tells whether a name of a path may be an array's index.
func isIndex(name string) bool {
	for i := range len(name) {
		if name[i] < '0' || name[i] > '9' {
			return false
		}
	}
	return name != ""
}
