package query

import (
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/testenv"
)

// TestNoAllocations holds that a document that does not match costs no memory.
func TestNoAllocations(t *testing.T) {
	testenv.CountsAllocations(t)
	doc := parseDoc(t, `{"_id":1,"s":"text","n":5,"d":2.5,"m":{"$numberDecimal":"7.1"},"o":{"p":{"q":1}},"a":[1,2,{"b":3},[4]],"t":{"$date":0},"docs":[{"x":1,"y":[1]},{"x":2,"y":[2]}],"bin":{"$binary":{"base64":"AQID","subType":"00"}}}`)
	for _, s := range []string{
		`{"s":"other"}`, `{"n":6}`, `{"n":{"$gt":5}}`, `{"d":{"$lt":2}}`, `{"m":{"$gte":8}}`, `{"n":{"$numberDecimal":"5.1"}}`,
		`{"o.p.q":2}`, `{"o":{"p":{"q":2}}}`, `{"a":9}`, `{"a.b":9}`, `{"a.2.b":9}`, `{"a":[1,2]}`, `{"docs.x":9}`, `{"docs.y":9}`, `{"docs.0.y":9}`,
		`{"n":{"$ne":5}}`, `{"n":{"$in":[1,2,3]}}`, `{"s":{"$in":["a","b"]}}`, `{"n":{"$nin":[5]}}`, `{"n":{"$not":{"$gt":1}}}`,
		`{"a":{"$all":[1,9]}}`, `{"a":{"$size":9}}`, `{"docs":{"$elemMatch":{"x":1,"y":2}}}`, `{"a":{"$elemMatch":{"$gt":2,"$lt":3}}}`,
		`{"zz":{"$exists":true}}`, `{"n":{"$exists":false}}`, `{"n":{"$type":"string"}}`, `{"n":{"$mod":[3,0]}}`, `{"d":{"$mod":[3,0]}}`, `{"m":{"$mod":[3,0]}}`,
		`{"s":{"$regex":"^z"}}`, `{"s":{"$regex":"Z","$options":"i"}}`, `{"n":{"$bitsAllSet":2}}`, `{"bin":{"$bitsAnySet":[63]}}`,
		`{"$and":[{"n":5},{"s":"x"}]}`, `{"$or":[{"n":6},{"s":"x"}]}`, `{"$nor":[{"n":5}]}`,
		`{"$expr":{"$gt":["$n",5]}}`, `{"$expr":{"$eq":["$o.p.q",2]}}`,
	} {
		sc, ctx := testContext()
		f, err := CompileFilter(parseDoc(t, s), Options{Scope: sc})
		if err != nil {
			t.Fatal(err)
		}
		var ok bool
		n := testing.AllocsPerRun(100, func() {
			ok, err = f.Matches(doc, ctx)
			ctx.Reset()
		})
		if ok || err != nil {
			t.Errorf("%s matches: %v", s, err)
		}
		if n != 0 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}

// TestNoAllocationsToConform holds that a document that conforms costs no memory.
func TestNoAllocationsToConform(t *testing.T) {
	testenv.CountsAllocations(t)
	doc := parseDoc(t, `{"_id":1,"s":"text","n":5,"d":2.5,"o":{"p":{"q":1}},"a":[1,2,3],"docs":[{"x":1,"y":2},{"y":2,"x":3}]}`)
	for _, s := range []string{
		`{"n":{"$gt":1},"s":{"$type":"string"}}`, `{"$expr":{"$gt":["$n","$d"]}}`,
		`{"$jsonSchema":{"bsonType":"object","required":["s","n"],"minProperties":2,"maxProperties":99}}`,
		`{"$jsonSchema":{"properties":{"s":{"type":"string","minLength":2,"maxLength":9,"pattern":"^t"},"n":{"bsonType":["int","long"],"minimum":5,"maximum":6,"exclusiveMaximum":true,"multipleOf":5},"d":{"type":"number","minimum":0}}}}`,
		`{"$jsonSchema":{"properties":{"o":{"properties":{"p":{"required":["q"]}}},"a":{"minItems":1,"maxItems":5,"uniqueItems":true,"items":{"type":"number"}}}}}`,
		`{"$jsonSchema":{"properties":{"docs":{"uniqueItems":true,"items":[{"enum":[{"y":2,"x":1}]}],"additionalItems":{"type":"object"}}}}}`,
		`{"$jsonSchema":{"properties":{"_id":{},"s":{},"docs":{}},"patternProperties":{"^[nd]$":{"type":"number"}},"additionalProperties":{"type":["object","array"]},"dependencies":{"s":["n"],"n":{"required":["d"]}}}}`,
		`{"$jsonSchema":{"allOf":[{"required":["s"]}],"anyOf":[{"required":["zz"]},{"required":["n"]}],"oneOf":[{"required":["zz"]},{"required":["n"]}],"not":{"required":["zz"]}}}`,
	} {
		v, err := CompileValidator(parseDoc(t, s))
		if err != nil {
			t.Fatal(err)
		}
		ctx := v.NewContext()
		var ok bool
		n := testing.AllocsPerRun(100, func() { ok = v.Conforms(doc, ctx) })
		if !ok {
			t.Errorf("%s: %s", s, bsonx.ToJSON(v.Details(doc, ctx)))
		}
		if n != 0 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}

func BenchmarkFilter(b *testing.B) {
	doc := parseDoc(b, `{"_id":1,"name":"somebody","address":{"city":"Bern","zip":3000},"tags":["a","b","c"],"age":42,"orders":[{"n":1,"total":5.5},{"n":2,"total":7.5}]}`)
	for _, s := range []string{`{"age":43}`, `{"address.city":"Basel"}`, `{"tags":"z"}`, `{"orders.total":{"$gt":10}}`, `{"age":{"$gt":18,"$lt":40},"name":"x"}`, `{"orders":{"$elemMatch":{"n":1,"total":7.5}}}`} {
		f, err := CompileFilter(parseDoc(b, s), Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f.Matches(doc, nil)
			}
		})
	}
}

// measure runs f, which appends to a buffer.
func measure(b *testing.B, name string, f func(buf []byte) error) {
	b.Run(name, func(b *testing.B) {
		b.ReportAllocs()
		buf := make([]byte, 0, 4096)
		for b.Loop() {
			if err := f(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	doc := parseDoc(b, `{"_id":1,"name":"somebody","address":{"city":"Bern","zip":3000},"tags":["a","b","c"],"age":42,"orders":[{"n":1,"total":5.5},{"n":2,"total":7.5}]}`)
	for _, s := range []string{`{"$inc":{"age":1}}`, `{"$set":{"address.city":"Basel"}}`, `{"$push":{"tags":"d"}}`, `{"$set":{"new":1}}`, `{"$set":{"orders.$[].paid":true}}`} {
		u, err := CompileUpdate(parseValue(b, s), UpdateOptions{})
		if err != nil {
			b.Fatal(err)
		}
		measure(b, s, func(buf []byte) error {
			_, _, err := u.Apply(doc, MatchPos{}, nil, buf)
			return err
		})
	}
}

func BenchmarkProjection(b *testing.B) {
	doc := parseDoc(b, `{"_id":1,"name":"somebody","address":{"city":"Bern","zip":3000},"tags":["a","b","c"],"age":42,"orders":[{"n":1,"total":5.5},{"n":2,"total":7.5}]}`)
	for _, s := range []string{`{"name":1}`, `{"orders.n":1}`, `{"tags":0}`} {
		p, err := CompileProjection(parseDoc(b, s), Options{})
		if err != nil {
			b.Fatal(err)
		}
		measure(b, s, func(buf []byte) error {
			_, err := p.Apply(doc, nil, buf)
			return err
		})
	}
}

func BenchmarkSortKey(b *testing.B) {
	doc := parseDoc(b, `{"_id":1,"name":"somebody","tags":["a","b","c"],"age":42,"orders":[{"n":1,"total":5.5},{"n":2,"total":7.5}]}`)
	for _, spec := range []string{`{"age":1,"name":-1}`, `{"tags":1}`, `{"orders.total":-1}`, `{"orders.total":-1,"orders.n":1}`} {
		s, err := CompileSort(bsonx.Doc(parseDoc(b, spec)))
		if err != nil {
			b.Fatal(err)
		}
		measure(b, spec, func(buf []byte) error {
			_, err := s.AppendKey(buf, doc)
			return err
		})
	}
}
