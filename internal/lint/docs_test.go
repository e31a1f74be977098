package lint

import (
	"go/ast"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var heading = regexp.MustCompile(`(?m)^# \S`)

// TestPackageComments wants a comment for every package, and from floor 3 up a
// doc.go that says how the package works, what always holds, and where to begin.
func TestPackageComments(t *testing.T) {
	for _, p := range packages(t) {
		var doc string
		var in *file
		for _, f := range p.files {
			if !f.test && f.ast.Doc != nil {
				if in != nil {
					t.Errorf("%s has two package comments: %s and %s", p.path, in.name, f.name)
				}
				doc, in = f.ast.Doc.Text(), f
			}
		}
		if in == nil {
			t.Errorf("%s has no package comment", p.path)
			continue
		}
		floor, _ := floorOf(p.path)
		if floor < documented || isTestOnly(p.path) || p.Name == "main" {
			continue
		}
		if filepath.Base(in.name) != "doc.go" {
			t.Errorf("%s: the package comment belongs in doc.go", in.name)
		}
		if len(heading.FindAllString(doc, -1)) < 3 || !strings.Contains(doc, "# Invariants") || !strings.Contains(doc, "# Where to start") {
			t.Errorf("%s: headings are missing: what it is for, how it works, Invariants, Where to start", in.name)
		}
	}
}

// TestExportedComments wants a comment for everything exported.
func TestExportedComments(t *testing.T) {
	for _, p := range packages(t) {
		if p.Name == "main" {
			continue
		}
		for _, f := range p.files {
			if f.test || f.generated {
				continue
			}
			for _, d := range f.ast.Decls {
				for _, name := range uncommented(d) {
					t.Errorf("%s: %s has no comment", f.at(d.Pos()), name)
				}
			}
		}
	}
}

// uncommented returns the exported names of a declaration that nobody explains.
// A comment on a group speaks for all of it.
func uncommented(d ast.Decl) (names []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.IsExported() && (d.Recv == nil || ast.IsExported(receiver(d))) {
			names = append(names, d.Name.Name)
		}
	case *ast.GenDecl:
		if d.Doc != nil || d.Tok == token.IMPORT {
			return nil
		}
		for _, s := range d.Specs {
			switch s := s.(type) {
			case *ast.TypeSpec:
				if s.Doc == nil && s.Name.IsExported() {
					names = append(names, s.Name.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if s.Doc == nil && s.Comment == nil && n.IsExported() {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	return names
}

// receiver is the name of a method's type.
func receiver(d *ast.FuncDecl) string {
	x := d.Recv.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.IndexListExpr:
			x = y.X
		case *ast.Ident:
			return y.Name
		default:
			return ""
		}
	}
}
