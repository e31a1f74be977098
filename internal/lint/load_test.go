package lint

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/pandodb/pando"

// pkg is what go list tells of a package, and its parsed files.
type pkg struct {
	ImportPath   string
	Name         string
	Dir          string
	GoFiles      []string
	TestGoFiles  []string
	XTestGoFiles []string
	Imports      []string
	TestImports  []string
	XTestImports []string

	path  string // in the module; "." for the root.
	files []*file
}

// file is one parsed Go file.
type file struct {
	name      string // from the module's root.
	test      bool
	generated bool
	ast       *ast.File
	fset      *token.FileSet
}

func (f *file) line(p token.Pos) int { return f.fset.Position(p).Line }

// at is how a finding names a place.
func (f *file) at(p token.Pos) string { return fmt.Sprintf("%s:%d", f.name, f.line(p)) }

func (f *file) lines() int { return f.fset.File(f.ast.FileStart).LineCount() }

var tree = sync.OnceValues(load)

// packages returns all packages of the module.
func packages(t *testing.T) []*pkg {
	t.Helper()
	pkgs, err := tree()
	if err != nil {
		t.Fatal(err)
	}
	return pkgs
}

func load() ([]*pkg, error) {
	out, err := run("go", "list", "-json=ImportPath,Name,Dir,GoFiles,TestGoFiles,XTestGoFiles,Imports,TestImports,XTestImports", "./...")
	if err != nil {
		return nil, err
	}
	var pkgs []*pkg
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		p := &pkg{}
		if err := dec.Decode(p); err == io.EOF {
			return pkgs, nil
		} else if err != nil {
			return nil, err
		}
		p.path = inModule(p.ImportPath)
		for _, group := range [][]string{p.GoFiles, p.TestGoFiles, p.XTestGoFiles} {
			for _, name := range group {
				f, err := parse(p, name)
				if err != nil {
					return nil, err
				}
				p.files = append(p.files, f)
			}
		}
		pkgs = append(pkgs, p)
	}
}

func parse(p *pkg, name string) (*file, error) {
	f := &file{name: filepath.Join(p.path, name), test: strings.HasSuffix(name, "_test.go"), fset: token.NewFileSet()}
	var err error
	f.ast, err = parser.ParseFile(f.fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution)
	if err == nil {
		f.generated = ast.IsGenerated(f.ast)
	}
	return f, err
}

// inModule is an import path without the module's; "" for others' packages.
func inModule(path string) string {
	if path == module {
		return "."
	}
	rest, ok := strings.CutPrefix(path, module+"/")
	if !ok {
		return ""
	}
	return rest
}

// run runs a command at the module's root.
func run(name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, e.Stderr)
	}
	return string(out), err
}

// excused reports findings that are not excused, and excuses that nothing needs.
type excused struct {
	t    *testing.T
	list []excuse
	used map[string]bool
}

func newExcused(t *testing.T, list []excuse) *excused {
	e := &excused{t, list, map[string]bool{}}
	t.Cleanup(func() {
		for _, x := range list {
			if !e.used[x.what] {
				t.Errorf("%s needs no excuse any more", x.what)
			}
			if x.why == "" {
				t.Errorf("%s is excused without a reason", x.what)
			}
		}
	})
	return e
}

// report fails the test unless what is excused.
func (e *excused) report(what, format string, args ...any) {
	e.t.Helper()
	for _, x := range e.list {
		if x.what == what {
			e.used[what] = true
			return
		}
	}
	e.t.Errorf(format, args...)
}
