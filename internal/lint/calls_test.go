package lint

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule forbids uses of other packages' names.
type rule struct {
	pkg     string   // import path
	names   []string // nil for all.
	inTests bool     // in tests too.
	inMain  bool     // allowed in programs.
	why     string
}

var rules = []rule{
	{pkg: "time", names: []string{"Sleep"}, inTests: true, why: "wait for what you wait for; in tests use testing/synctest"},
	{pkg: "time", names: []string{"Now", "Since", "Until"}, why: "ask package env, or have the caller say"},
	{pkg: "math/rand", why: "ask package env"},
	{pkg: "math/rand/v2", why: "ask package env"},
	{pkg: "crypto/rand", why: "ask package env"},
	{pkg: "fmt", names: []string{"Print", "Printf", "Println"}, inMain: true, why: "a library does not print"},
	{pkg: "os", names: []string{"Exit"}, inMain: true, why: "return an error"},
	{pkg: "log", inMain: true, why: "use log/slog, given by the caller"},
	{pkg: "io/ioutil", inTests: true, why: "it is deprecated"},
}

func TestForbiddenCalls(t *testing.T) {
	e := newExcused(t, clocks)
	for _, p := range packages(t) {
		for _, f := range p.files {
			for _, r := range rules {
				if f.test && !r.inTests || r.inMain && p.Name == "main" || isTestOnly(p.path) && !r.inTests {
					continue
				}
				checkUses(e, f, r)
			}
		}
	}
}

func checkUses(e *excused, f *file, r rule) {
	e.t.Helper()
	name := imported(f, r.pkg)
	if name == "" {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == name && (r.names == nil || slices.Contains(r.names, sel.Sel.Name)) {
			e.report(f.name, "%s: %s.%s: %s", f.at(sel.Pos()), r.pkg, sel.Sel.Name, r.why)
		}
		return true
	})
}

// imported is the name by which a file knows a package; "" if it does not.
func imported(f *file, path string) string {
	for _, s := range f.ast.Imports {
		if p, _ := strconv.Unquote(s.Path.Value); p != path {
			continue
		}
		if s.Name != nil {
			return s.Name.Name
		}
		base := path[strings.LastIndex(path, "/")+1:]
		if base == "v2" {
			base = "rand"
		}
		return base
	}
	return ""
}

// TestNoInit: nothing registers itself.
func TestNoInit(t *testing.T) {
	for _, p := range packages(t) {
		for _, f := range p.files {
			for _, d := range f.ast.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s: an init function: whoever needs it should call it", f.at(fn.Pos()))
				}
			}
		}
	}
}
