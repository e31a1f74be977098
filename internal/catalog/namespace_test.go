package catalog

import (
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/mongoerr"
)

// TestNames holds what the reference server answers to create and to find.
func TestNames(t *testing.T) {
	long := strings.Repeat("x", 248)
	const (
		ok     = ""
		noNull = "namespaces cannot have embedded null characters"
	)
	for _, c := range []struct{ db, coll, create, find string }{
		{"d", "c", ok, ok},
		{"d", "", "Invalid namespace specified: d", "Invalid namespace specified: d"},
		{"d", "a..b", ok, ok},
		{"d", "a.", ok, ok},
		{"d", " ", ok, ok},
		{"d", ".a", "Collection names cannot start with '.': .a", "Collection names cannot start with '.': .a"},
		{"d", "$a", "Invalid collection name: $a", "Invalid collection name specified 'd.$a'"},
		{"d", "a$b", "Invalid collection name: a$b", ok},
		{"d", "a\x00b", noNull, noNull},
		{"d", "system.foo", "Invalid system namespace: d.system.foo", ok},
		{"d", "system.users", ok, ok},
		{"d", "system.roles", "Invalid system namespace: d.system.roles", ok},
		{"dbname", long, ok, ok},
		{"dbnames", long, "Fully qualified namespace is too long. Namespace: dbnames." + long + " Max: 255", ok},
		{"", "c", "Invalid namespace specified: .c", "Invalid namespace specified: .c"},
		{"a b", "c", "Invalid namespace specified: a b.c", "Invalid namespace specified: a b.c"},
		{"a.b", "c", "'.' is an invalid character in a db name: a.b", "'.' is an invalid character in a db name: a.b"},
		{"a/b", "c", "Invalid namespace specified: a/b.c", "Invalid namespace specified: a/b.c"},
		{`a"b`, "c", `Invalid namespace specified: a"b.c`, `Invalid namespace specified: a"b.c`},
		{"a$b", "c", "Invalid namespace: a$b.c", ok},
		{"a*b", "c", ok, ok},
		{"é", "c", ok, ok},
		{long[:64], "c", "db name must be at most 63 characters, found: 64", "db name must be at most 63 characters, found: 64"},
		{long[:63], "c", ok, ok},
	} {
		ns := Namespace{c.db, c.coll}
		for _, side := range []struct {
			verb string
			err  error
			want string
		}{{"create", ns.ValidateNew(), c.create}, {"find", ns.Validate(), c.find}} {
			got := ok
			if side.err != nil {
				e := mongoerr.From(side.err)
				if got = e.Msg; e.Code != mongoerr.InvalidNamespace {
					t.Errorf("%s %q: code %d", side.verb, ns, e.Code)
				}
			}
			if got != side.want {
				t.Errorf("%s %q: got %q, want %q", side.verb, ns, got, side.want)
			}
		}
	}
}
