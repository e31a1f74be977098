package plan

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/pandodb/pando/internal/bsonx"
)

// drawSet is a union of intervals between small integers.
func drawSet(t *rapid.T, label string) Set {
	var sets []Set
	for range rapid.IntRange(0, 4).Draw(t, label) {
		lo := rapid.Int32Range(0, 8).Draw(t, "lo")
		hi := rapid.Int32Range(lo, 8).Draw(t, "hi")
		sets = append(sets, between(bsonx.Int32(lo), rapid.Bool().Draw(t, "loIn"), bsonx.Int32(hi), rapid.Bool().Draw(t, "hiIn")))
	}
	return union(sets...)
}

// holds is membership, without any of the algebra under test.
func (s Set) holds(v bsonx.Value) bool {
	for _, iv := range s {
		lo, hi := bsonx.Compare(iv.Lo, v), bsonx.Compare(v, iv.Hi)
		if (lo < 0 || lo == 0 && iv.LoIn) && (hi < 0 || hi == 0 && iv.HiIn) {
			return true
		}
	}
	return false
}

// TestSetAlgebra compares unions, intersections and complements with membership,
// on integers and on what lies between them.
func TestSetAlgebra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSet(t, "a"), drawSet(t, "b")
		both, either, not := a.intersect(b), union(a, b), a.complement()
		for n := -1.0; n <= 9; n += 0.5 {
			v := bsonx.Double(n)
			if both.holds(v) != (a.holds(v) && b.holds(v)) {
				t.Fatalf("%v and %v: %v at %v", a, b, both, n)
			}
			if either.holds(v) != (a.holds(v) || b.holds(v)) {
				t.Fatalf("%v or %v: %v at %v", a, b, either, n)
			}
			if not.holds(v) == a.holds(v) {
				t.Fatalf("not %v: %v at %v", a, not, n)
			}
		}
		for _, s := range []Set{both, either, not} {
			for i := 1; i < len(s); i++ {
				if meets(s[i-1], s[i]) {
					t.Fatalf("%v: intervals that meet", s)
				}
			}
		}
	})
}

func TestSharedPrefix(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"a.b", "a.c", "a"},
		{"a", "a.c", "a"},
		{"a.b", "a.b", "a.b"},
		{"ab", "a", ""},
		{"a.bc", "a.b", "a"},
		{"x", "y", ""},
	} {
		if got := sharedPrefix(c.a, c.b); got != c.want {
			t.Errorf("%s and %s share %q, want %q", c.a, c.b, got, c.want)
		}
	}
}
