package query

import (
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

// Eval is the value that is to become the document. Its bytes are good until the
// context is reset, or as long as doc, of which they may be a part.
func (r *ReplaceRoot) Eval(doc bsonx.Doc, c *expr.Context) (bsonx.Value, error) {
	c.SetRoot(doc)
	return r.expr.Eval(c)
}

// Refuse is the error for a value that is no document; input is what it was made of.
func (r *ReplaceRoot) Refuse(v bsonx.Value, input bsonx.Doc) error {
	value := "MISSING"
	if !bsonx.IsMissing(v) {
		value = expr.ValueText(v)
	}
	return mongoerr.Newf(40228, "%s must evaluate to an object, but resulting value was: %s. Type of resulting value: '%s'. Input document: %s",
		r.what, value, bsonx.TypeName(v.Type), expr.ValueText(bsonx.DocValue(input)))
}

// apply is Eval that refuses what is no document.
func (r *ReplaceRoot) apply(doc bsonx.Doc, c *expr.Context) (bsonx.Doc, error) {
	v, err := r.Eval(doc, c)
	if err != nil {
		return nil, err
	}
	if v.Type != bsonx.TypeDocument {
		return nil, r.Refuse(v, doc)
	}
	return bsonx.AsDoc(v), nil
}
