package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// ReplaceRoot is a compiled $replaceRoot or $replaceWith stage.
type ReplaceRoot struct {
	expr expr.Expr
	what string // in the error's words.
}

// CompileReplaceRoot compiles the specification of a $replaceRoot or $replaceWith
// stage. A *expr.FoldError is the pipeline's compiler's to put into words.
func CompileReplaceRoot(stage string, spec bsonx.Value, o Options) (*ReplaceRoot, error) {
	r := &ReplaceRoot{what: "'replacement document' "}
	if stage == "$replaceRoot" {
		r.what = "'newRoot' expression "
		if spec.Type != bsonx.TypeDocument {
			return nil, mongoerr.Newf(40229, "expected an object as specification for $replaceRoot stage, got %s", bsonx.TypeName(spec.Type))
		}
		root := bsonx.Missing
		for it := bsonx.Walk(bsonx.AsDoc(spec)); it.Next(); {
			if it.Key() != "newRoot" {
				return nil, mongoerr.Newf(40415, "BSON field '$replaceRoot.%s' is an unknown field.", it.Key())
			}
			root = it.Value()
		}
		if root.Type == bsonx.TypeMissing {
			return nil, mongoerr.New(40414, "BSON field '$replaceRoot.newRoot' is missing but a required field")
		}
		spec = root
	}
	var err error
	r.expr, err = expr.Compile(o.scope(), spec)
	return r, err
}

// Expr is the expression whose value becomes the document.
func (r *ReplaceRoot) Expr() expr.Expr { return r.expr }

// Apply returns the new document, whose bytes are good until the context is
// reset, or as long as doc, of which they may be a part.
func (r *ReplaceRoot) Apply(doc bsonx.Doc, c *expr.Context) (bsonx.Doc, error) {
	c.SetRoot(doc)
	v, err := r.expr.Eval(c)
	if err != nil {
		return nil, err
	}
	if v.Type != bsonx.TypeDocument {
		return nil, mongoerr.Newf(40228, "%s must evaluate to an object, but resulting value was: %s. Type of resulting value: '%s'. Input document: %s",
			r.what, documentText(v), bsonx.TypeName(v.Type), documentText(bsonx.DocValue(doc)))
	}
	return bsonx.AsDoc(v), nil
}

// documentText is a value as the messages about running pipelines show it:
// {x: 1, y: [2, "s"]}, where [bsonx.ShellString] has spaces within the brackets.
func documentText(v bsonx.Value) string {
	switch v.Type {
	case bsonx.TypeMissing:
		return "MISSING"
	case bsonx.TypeDocument:
		var parts []string
		for k, e := range bsonx.All(bsonx.AsDoc(v)) {
			parts = append(parts, k+": "+documentText(e))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case bsonx.TypeArray:
		var parts []string
		for _, e := range bsonx.All(bsonx.AsDoc(v)) {
			parts = append(parts, documentText(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return bsonx.ShellString(v)
}
