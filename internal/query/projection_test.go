package query

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/mongoerr"
)

func TestProjections(t *testing.T) { testGolden(t, "projection", ourProjection) }

func ourProjection(t *testing.T, c goldenCase) string {
	sc, ctx := testContext()
	q := c.query
	if q == nil {
		q = bsonx.Empty
	}
	f, err := CompileFilter(q, Options{Scope: sc})
	if err != nil {
		return golden.Refusal("!", err)
	}
	p, err := CompileProjection(bsonx.AsDoc(c.input), Options{Scope: sc})
	if err != nil {
		return golden.Refusal("!", err)
	}
	var out []string
	for _, d := range c.docs {
		ok, pos, err := f.MatchPosition(d, ctx)
		if err != nil {
			return golden.Refusal("!!", err)
		}
		if !ok {
			continue
		}
		shown, err := p.ApplyAt(d, pos, ctx, nil)
		if err != nil {
			return golden.Refusal("!!", err)
		}
		out = append(out, checkedDoc(t, c, shown))
	}
	return "= " + strings.Join(out, " ")
}

// checkedDoc prints a document that must be valid.
func checkedDoc(t *testing.T, c goldenCase, d bsonx.Doc) string {
	if err := bson.Raw(d).Validate(); err != nil {
		t.Errorf("line %d: invalid result: %v", c.line, err)
	}
	return golden.Doc(t, d)
}

func TestStages(t *testing.T) { testGolden(t, "stage", ourStage) }

func ourStage(t *testing.T, c goldenCase) string {
	sc, ctx := testContext()
	name, spec := bsonx.First(bsonx.AsDoc(c.input))
	s, err := compileUpdateStage(name, spec, Options{Scope: sc})
	if err != nil {
		return golden.Refusal("!", err)
	}
	if s.failure != nil {
		return golden.Refusal("!", mongoerr.From(s.failure).Prefix("Failed to optimize pipeline"))
	}
	var out []string
	for _, d := range c.docs {
		var shown bsonx.Doc
		if s.replace != nil {
			shown, err = s.replace.apply(d, ctx)
		} else {
			shown, err = s.project.Apply(d, ctx, nil)
		}
		if err != nil {
			return golden.Refusal("!!", err)
		}
		out = append(out, checkedDoc(t, c, shown))
	}
	return "= " + strings.Join(out, " ")
}
