package expr

import (
	"errors"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/mongoerr"
)

// FuzzExpr compiles and evaluates whatever is valid BSON: the expression is the
// document's field e, the document is its field d. Nothing may panic, errors are
// the client's, and what comes out is valid BSON that no later evaluation changes.
func FuzzExpr(f *testing.F) {
	for _, path := range goldenFiles(f) {
		for i, c := range readGolden(f, path) {
			if c.directive || i%7 != 0 {
				continue
			}
			b := bsonx.NewBuilder(nil)
			b.Value("e", golden.Value(f, c.expr))
			b.Value("d", golden.Value(f, c.with))
			f.Add([]byte(b.Doc()))
		}
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if bsonx.Validate(in, 100) != nil {
			return
		}
		sc := NewScope()
		e, err := Compile(sc, bsonx.Get(bsonx.Doc(in), "e"))
		if err != nil {
			mustBeClients(t, err)
			return
		}
		c := NewContext(sc)
		c.Rand = func() float64 { return 0.5 }
		if d := bsonx.Get(bsonx.Doc(in), "d"); d.Type == bsonx.TypeDocument {
			c.SetRoot(bsonx.AsDoc(d))
		}
		v, err := e.Eval(c)
		if err != nil {
			mustBeClients(t, err)
			return
		}
		b := bsonx.NewBuilder(nil)
		b.Value("r", v)
		first := b.Doc()
		if err := bsonx.Validate(first, 300); err != nil {
			t.Fatalf("not a valid result: %v", err)
		}
		again, err := e.Eval(c) // without a Reset.
		if err != nil {
			t.Fatalf("fails the second time: %v", err)
		}
		b = bsonx.NewBuilder(nil)
		b.Value("r", v)
		if string(first) != string(b.Doc()) {
			t.Fatal("the second evaluation changed the first one's result")
		}
		if again.Type != v.Type || string(again.Data) != string(v.Data) {
			t.Fatal("another result the second time")
		}
		Deps(e)
	})
}

func mustBeClients(t *testing.T, err error) {
	t.Helper()
	if _, ok := errors.AsType[*mongoerr.Error](err); !ok {
		t.Fatalf("not a client's error: %v", err)
	}
}
