package expr

import (
	"slices"
	"strings"
)

// Deps lists the paths of the root document that e reads, sorted, none under
// another; root is true if e may read the whole document, and paths is then
// not complete.
func Deps(e Expr) (paths []string, root bool) {
	var visit func(*Expr)
	visit = func(p *Expr) {
		switch x := (*p).(type) {
		case *fieldPath:
			paths = append(paths, strings.Join(x.parts, "."))
		case *builtin:
			root = root || x.name == "ROOT"
		case *call:
			root = root || x.volatile && x.name == "$meta"
		}
		(*p).children(visit)
	}
	visit(&e)
	slices.Sort(paths)
	paths = slices.Compact(paths)
	// A path under another follows it, perhaps not at once: "a", "a-b", "a.b".
	kept := paths[:0]
	for _, p := range paths {
		if !slices.ContainsFunc(kept, func(k string) bool { return strings.HasPrefix(p, k+".") }) {
			kept = append(kept, p)
		}
	}
	return kept, root
}

// Varies tells whether two evaluations of e on one document may differ.
func Varies(e Expr) bool {
	if x, ok := e.(*call); ok && x.volatile {
		return true
	}
	found := false
	e.children(func(child *Expr) { found = found || Varies(*child) })
	return found
}

// SimplePath returns the dotted path that e reads, if e is nothing but a field path.
func SimplePath(e Expr) (string, bool) {
	if x, ok := e.(*fieldPath); ok {
		return strings.Join(x.parts, "."), true
	}
	return "", false
}
