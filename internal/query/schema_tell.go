package query

import "github.com/pandodb/pando/internal/bsonx"

// tell appends the fields that say how a document breaks a $jsonSchema.
func (s *Schema) tell(b *bsonx.Builder, doc bsonx.Value) {
	if s.never {
		s.tellNever(b)
		return
	}
	b.String("operatorName", "$jsonSchema")
	s.tellNames(b)
	s.tellBroken(b, "schemaRulesNotSatisfied", doc)
}

// tellNever is for a schema that wants a document to be something else.
func (s *Schema) tellNever(b *bsonx.Builder) {
	b.String("operatorName", "$jsonSchema")
	b.OpenDoc("specifiedAs")
	b.EmbedDoc("$jsonSchema", s.source)
	b.Close()
	b.String("reason", "expression always evaluates to false")
}

func (s *Schema) tellNames(b *bsonx.Builder) {
	b.Value("title", s.title)
	b.Value("description", s.description)
}

// tellDetails appends what a value breaks of a schema inside another.
func (s *Schema) tellDetails(b *bsonx.Builder, v bsonx.Value) {
	if s.never {
		b.OpenDoc("details")
		s.tellNever(b)
		b.Close()
		return
	}
	s.tellBroken(b, "details", v)
}

func (s *Schema) tellBroken(b *bsonx.Builder, name string, v bsonx.Value) {
	b.OpenArray(name)
	n := 0
	for _, r := range s.rules {
		if bsonx.IsMissing(v) && !logical(r) {
			continue // there is nothing to show.
		}
		if ok, _ := r.keeps(v); !ok {
			b.OpenDoc(bsonx.Index(n))
			r.tell(b, v)
			b.Close()
			n++
		}
	}
	b.Close()
}

// keyword is a rule's name and what was written: the part of a rule that only its
// telling needs.
type keyword struct {
	name string
	spec bsonx.Value
}

func (k *keyword) tellKeyword(b *bsonx.Builder) {
	b.String("operatorName", k.name)
	b.OpenDoc("specifiedAs")
	b.Value(k.name, k.spec)
	b.Close()
}

func (k *keyword) tellReason(b *bsonx.Builder, reason string, v bsonx.Value) {
	k.tellKeyword(b)
	b.String("reason", reason)
	b.Value("consideredValue", v)
}
