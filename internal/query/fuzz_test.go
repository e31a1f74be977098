package query

import (
	"encoding/binary"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/bsonx"
)

// twoDocs reads two valid documents that follow each other.
func twoDocs(data []byte) (a, b bsonx.Doc, ok bool) {
	if len(data) < 5 {
		return nil, nil, false
	}
	n := int(binary.LittleEndian.Uint32(data))
	if n < 5 || n > len(data) {
		return nil, nil, false
	}
	a, b = bsonx.Doc(data[:n]), bsonx.Doc(data[n:])
	return a, b, bsonx.Validate(a, bsonx.DepthMax) == nil && bsonx.Validate(b, bsonx.DepthMax) == nil
}

// seed gives a fuzzer some of a kind's recorded cases, each with its first document.
func seed(f *testing.F, kind string) {
	for _, path := range goldenFiles(f, kind) {
		for i, c := range readGolden(f, path) {
			if c.keep || c.input.Type != bsonx.TypeDocument && c.input.Type != bsonx.TypeArray || len(c.docs) == 0 {
				continue
			}
			f.Add(append(append([]byte{}, c.input.Data...), c.docs[i%len(c.docs)]...))
		}
	}
}

func FuzzFilter(f *testing.F) {
	seed(f, "filter")
	f.Fuzz(func(t *testing.T, data []byte) {
		q, doc, ok := twoDocs(data)
		if !ok {
			return
		}
		sc, ctx := testContext()
		filter, err := CompileFilter(q, Options{Scope: sc})
		if err != nil {
			return
		}
		plain, err := filter.Matches(doc, ctx)
		if err != nil {
			return
		}
		if recorded, _, _ := filter.MatchPosition(doc, ctx); recorded != plain {
			t.Errorf("matches: %v, and with the position: %v", plain, recorded)
		}
	})
}

func FuzzUpdate(f *testing.F) {
	seed(f, "update")
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, doc, ok := twoDocs(data)
		if !ok {
			return
		}
		sc, ctx := testContext()
		u, err := CompileUpdate(bsonx.DocValue(spec), UpdateOptions{Scope: sc})
		if err != nil {
			return
		}
		out, changed, err := u.Apply(doc, MatchPos{Index: 1, OK: true}, ctx, nil)
		if err != nil {
			return
		}
		if changed && bsonx.Validate(out, bsonx.DepthMax+1) != nil {
			t.Errorf("invalid result %v", bson.Raw(out))
		}
		everything, _ := CompileFilter(nil, Options{})
		id := func() bsonx.Value { return bsonx.Int32(1) }
		if out, err := u.Insert(everything, ctx, id); err == nil && bsonx.Validate(out, bsonx.DepthMax+1) != nil {
			t.Errorf("invalid insertion %v", bson.Raw(out))
		}
	})
}

func FuzzProjection(f *testing.F) {
	seed(f, "projection")
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, doc, ok := twoDocs(data)
		if !ok {
			return
		}
		for _, stage := range []string{"", "$project", "$addFields"} {
			sc, ctx := testContext()
			var p *Projection
			var err error
			if stage == "" {
				p, err = CompileProjection(spec, Options{Scope: sc})
			} else {
				p, err = CompileProject(stage, bsonx.DocValue(spec), Options{Scope: sc})
			}
			if err != nil {
				continue
			}
			out, err := p.ApplyAt(doc, MatchPos{OK: true}, ctx, nil)
			if err == nil && bsonx.Validate(out, 2*bsonx.DepthMax) != nil {
				t.Errorf("invalid result %v", bson.Raw(out))
			}
			p.DependsOnly()
		}
	})
}

func FuzzSort(f *testing.F) {
	seed(f, "sort")
	f.Fuzz(func(t *testing.T, data []byte) {
		spec, doc, ok := twoDocs(data)
		if !ok {
			return
		}
		if s, err := CompileSort(spec); err == nil {
			s.AppendKey(nil, doc)
		}
	})
}
