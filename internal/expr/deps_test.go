package expr

import (
	"strings"
	"testing"
)

func TestDeps(t *testing.T) {
	for _, c := range []struct {
		expr string
		want string
		root bool
	}{
		{`"$a.b"`, "a.b", false},
		{`["$a.b","$a","$a-b"]`, "a a-b", false},
		{`{"$let":{"vars":{"x":"$a"},"in":["$$x","$b"]}}`, "a b", false},
		{`"$$ROOT"`, "", true},
		{`"$$ROOT.x"`, "x", false},
		{`{"$getField":"x"}`, "", true},
		{`5`, "", false},
	} {
		e, _ := warm(t, c.expr)
		paths, root := Deps(e)
		if got := strings.Join(paths, " "); got != c.want || root != c.root {
			t.Errorf("%s: %q %v", c.expr, got, root)
		}
	}
}
