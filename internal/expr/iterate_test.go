package expr

import (
	"testing"

	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestReduceNests has a $reduce nest its value ever deeper. Where that ends the stack
// must still hold whoever reads the value.
func TestReduceNests(t *testing.T) {
	for src, fails := range map[string]bool{
		`{"$size": {"$reduce": {"input": {"$range": [0, 9000]}, "initialValue": [], "in": ["$$value"]}}}`:   false,
		`{"$size": {"$reduce": {"input": {"$range": [0, 100000]}, "initialValue": [], "in": ["$$value"]}}}`: true,
	} {
		sc := NewScope()
		e, err := Compile(sc, golden.Value(t, src))
		if err != nil {
			t.Fatal(err)
		}
		_, err = e.Eval(NewContext(sc))
		if fails != (err != nil) || fails && mongoerr.From(err).Code != mongoerr.Overflow {
			t.Errorf("%s: %v", src, err)
		}
	}
}
