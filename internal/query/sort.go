package query

import (
	"math"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/mongoerr"
)

// sortFieldsMax is how many fields a sort may have.
const sortFieldsMax = 32

// Sort is a compiled sort specification. It never changes; any number of
// goroutines may use it at once.
type Sort struct {
	fields []SortField
	parts  [][]string
}

// SortField is one field of a sort.
type SortField struct {
	Path string
	Desc bool
}

// CompileSort compiles a sort specification. One that is empty sorts nothing:
// the stage $sort refuses it, find does not. $natural is the caller's.
func CompileSort(spec bsonx.Doc) (*Sort, error) {
	s := &Sort{}
	for it := bsonx.Walk(spec); it.Next(); {
		path, v := strings.Clone(it.Key()), it.Value()
		desc, err := sortOrder(path, v)
		if err != nil {
			return nil, err
		}
		if err := checkProjectionPath(path); err != nil {
			return nil, err
		}
		if s.has(path) {
			return nil, mongoerr.Newf(7472500, "$sort key must not contain duplicate keys (duplicate: '%s')", path)
		}
		s.fields = append(s.fields, SortField{path, desc})
		s.parts = append(s.parts, strings.Split(path, "."))
	}
	if len(s.fields) > sortFieldsMax {
		return nil, mongoerr.New(13103, "too many compound keys")
	}
	return s, nil
}

func sortOrder(path string, v bsonx.Value) (desc bool, err error) {
	if v.Type == bsonx.TypeDocument {
		return false, metaSort(bsonx.AsDoc(v))
	}
	if !bsonx.IsNumber(v) {
		return false, mongoerr.Newf(15974, "Illegal key in $sort specification: %s", element(path, v))
	}
	f, _ := bsonx.ToDouble(v)
	if v.Type != bsonx.TypeDecimal {
		f = math.Trunc(f) // the server cuts off a double's fraction, and rounds a decimal's.
	} else {
		f = math.RoundToEven(f)
	}
	switch f {
	case 1:
		return false, nil
	case -1:
		return true, nil
	}
	return false, mongoerr.New(15975, "$sort key ordering must be 1 (for ascending) or -1 (for descending)")
}

// metaSort is the error for an order by metadata.
func metaSort(doc bsonx.Doc) error {
	name, v := bsonx.First(doc)
	if name != "$meta" {
		return mongoerr.New(17312, "$meta is the only expression supported by $sort right now")
	}
	if bsonx.Len(doc) > 1 {
		return mongoerr.New(mongoerr.FailedToParse, "Cannot have additional keys in a $meta sort specification")
	}
	if v.Type == bsonx.TypeString {
		switch bsonx.Str(v) {
		case "textScore", "randVal", "searchScore", "vectorSearchScore", "geoNearDistance", "score":
			return mongoerr.NotYet("$meta")
		}
	}
	return mongoerr.Newf(31138, "Illegal $meta sort: %s", element(name, v))
}

func (s *Sort) has(path string) bool {
	for _, f := range s.fields {
		if f.Path == path {
			return true
		}
	}
	return false
}

// Fields is what the sort is by, the most significant first. It is shared:
// nobody may change it.
func (s *Sort) Fields() []SortField { return s.fields }

// AppendKey appends a key for doc: bytes.Compare orders keys as the sort orders
// documents. Among the elements of an array the one that comes first counts. It
// fails if two fields lead into two different arrays.
func (s *Sort) AppendKey(dst []byte, doc bsonx.Doc) ([]byte, error) {
	if len(s.fields) == 1 {
		if out, ok := s.appendOne(dst, doc); ok {
			return out, nil
		}
	}
	if out, ok := s.appendPlain(dst, doc); ok {
		return out, nil
	}
	r := sortRun{sort: s, dst: dst, best: len(dst)}
	if err := r.visit(r.begin(doc)); err != nil {
		return dst, err
	}
	return r.dst, nil
}

// appendPlain is the short way for a document whose fields meet no array.
func (s *Sort) appendPlain(dst []byte, doc bsonx.Doc) ([]byte, bool) {
	start := len(dst)
	for i, parts := range s.parts {
		v, _ := follow(doc, parts)
		if v.Type == bsonx.TypeArray {
			return dst[:start], false
		}
		dst = keyenc.Append(dst, v, s.fields[i].Desc)
	}
	return dst, true
}

// appendOne is the short way for one field whose path meets no array but at its end.
func (s *Sort) appendOne(dst []byte, doc bsonx.Doc) ([]byte, bool) {
	v, rest := follow(doc, s.parts[0])
	if v.Type == bsonx.TypeArray {
		if len(rest) > 0 {
			return dst, false
		}
		first := bsonx.Value{Type: bsonx.TypeUndefined}
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
			if e := it.Value(); first.Type == bsonx.TypeUndefined || (bsonx.Compare(e, first) < 0) != s.fields[0].Desc {
				first = e
			}
		}
		v = first
	}
	return keyenc.Append(dst, v, s.fields[0].Desc), true
}

// follow walks a path through documents. It stops at the end or at an array,
// with what is left of the path; what is not there is null.
func follow(doc bsonx.Doc, parts []string) (v bsonx.Value, rest []string) {
	for {
		v, parts = bsonx.Get(doc, parts[0]), parts[1:]
		switch {
		case v.Type == bsonx.TypeArray:
			return v, parts
		case v.Type == bsonx.TypeDocument && len(parts) > 0:
			doc = bsonx.AsDoc(v)
		case v.Type == bsonx.TypeMissing, len(parts) > 0:
			return bsonx.Null, nil
		default:
			return v, nil
		}
	}
}
