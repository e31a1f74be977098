package expr

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestGolden compares every answer with the reference server's. With
// PANDO_ACCEPT_DIFFERENCES it writes down where ours differ; do that only after
// having looked at each.
func TestGolden(t *testing.T) {
	accept := os.Getenv("PANDO_ACCEPT_DIFFERENCES") != ""
	for _, path := range goldenFiles(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			cases := readGolden(t, path)
			for i, c := range cases {
				if c.directive {
					continue
				}
				want := c.want
				if c.ours != "" {
					want = c.ours
				}
				got := answer(t, c)
				switch {
				case accept && got != c.want:
					cases[i].ours = got
				case accept:
					cases[i].ours = ""
				case got != want:
					t.Errorf("%s:%d: %s\n got %s\nwant %s", path, c.line, c.expr, got, want)
				}
			}
			if accept {
				writeGolden(t, path, cases)
			}
		})
	}
}

// answer is what we say, as a golden file has it.
func answer(t *testing.T, c goldenCase) string {
	t.Helper()
	sc := NewScope()
	e, err := Compile(sc, golden.Value(t, c.expr))
	if err != nil {
		return failureText(t, c, err)
	}
	ctx := NewContext(sc)
	ctx.Rand = func() float64 { return 0.5 }
	ctx.SetRoot(bsonx.AsDoc(golden.Value(t, c.with)))
	v, err := e.Eval(ctx)
	if err != nil {
		return failureText(t, c, err)
	}
	b := bsonx.NewBuilder(nil)
	b.Value("r", v)
	if n := len(ctx.stack) + len(ctx.keys); n > 0 {
		t.Errorf("%s: leaves %d values on the stack", c.expr, n)
	}
	return "= " + golden.Doc(t, b.Doc())
}

func failureText(t *testing.T, c goldenCase, err error) string {
	if _, ok := errors.AsType[*mongoerr.Error](err); !ok {
		t.Errorf("%s: not a client's error: %v", c.expr, err)
		return err.Error()
	}
	return golden.Refusal("!", err)
}
