package lint

import (
	"go/ast"
	"testing"
)

const (
	functionLinesMax = 70
	fileLinesMax     = 500
	testLinesMax     = 800
)

// TestFunctionLength keeps functions to a screen. Tests may be long: they are
// tables.
func TestFunctionLength(t *testing.T) {
	e := newExcused(t, longFunctions)
	for _, p := range packages(t) {
		for _, f := range p.files {
			if f.test || f.generated {
				continue
			}
			for _, d := range f.ast.Decls {
				fn, ok := d.(*ast.FuncDecl)
				if !ok {
					continue
				}
				name := p.path + "." + fn.Name.Name
				if fn.Recv != nil {
					name = p.path + "." + receiver(fn) + "." + fn.Name.Name
				}
				if n := f.line(fn.End()) - f.line(fn.Pos()) + 1; n > functionLinesMax {
					e.report(name, "%s: %s has %d lines, more than %d", f.at(fn.Pos()), name, n, functionLinesMax)
				}
			}
		}
	}
}

// TestFileLength looks for the second subject in a file.
func TestFileLength(t *testing.T) {
	e := newExcused(t, longFiles)
	for _, p := range packages(t) {
		for _, f := range p.files {
			most := fileLinesMax
			if f.test {
				most = testLinesMax
			}
			if n := f.lines(); n > most && !f.generated {
				e.report(f.name, "%s has %d lines, more than %d", f.name, n, most)
			}
		}
	}
}
