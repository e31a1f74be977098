package query

import (
	"bytes"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Validator is a filter that documents must match, which can say why one does not.
// It never changes; any number of goroutines may use it at once.
type Validator struct {
	filter *Filter
	source bsonx.Doc
	scope  *expr.Scope
}

// CompileValidator compiles a filter as a validator, of which it keeps a copy. What
// a document alone does not decide is refused.
func CompileValidator(doc bsonx.Doc) (*Validator, error) {
	v := &Validator{source: bytes.Clone(doc), scope: expr.NewScope()}
	p := v.parser()
	root, err := p.document(v.source, topLevel)
	if err != nil {
		return nil, err
	}
	v.filter = newFilter(root)
	return v, nil
}

func (v *Validator) parser() parser { return parser{scope: v.scope, inValidator: true} }

// NewContext is a context to run the validator in, of which the caller sets the
// clock; nil if it needs none.
func (v *Validator) NewContext() *expr.Context {
	if !v.filter.NeedsContext() {
		return nil
	}
	return expr.NewContext(v.scope)
}

// Conforms tells whether a document does. One that an expression fails on does not.
func (v *Validator) Conforms(doc bsonx.Doc, c *expr.Context) bool {
	ok, err := v.filter.Matches(doc, c)
	if c != nil {
		c.Reset()
	}
	return ok && err == nil
}

// Details says why a document does not conform, in the server's form.
func (v *Validator) Details(doc bsonx.Doc, c *expr.Context) bsonx.Doc {
	r := reasons{parser: v.parser(), doc: doc, ctx: c, b: bsonx.NewBuilder(nil)}
	all, err := r.clauses(v.source)
	if err == nil {
		err = r.tell(all, false)
	}
	if c != nil {
		c.Reset()
	}
	if err != nil {
		return failure(err)
	}
	return r.b.Doc()
}

// failure is an error as details.
func failure(err error) bsonx.Doc {
	e := mongoerr.From(err)
	b := bsonx.NewBuilder(nil)
	b.Int32("code", int32(e.Code))
	b.String("codeName", e.Code.String())
	b.String("errmsg", e.Msg)
	return b.Doc()
}

// unexplained is the error for an operator that has nothing to tell.
func unexplained(source bsonx.Doc) error {
	return mongoerr.Newf(4994600, "Cannot generate validation error details: no annotation found for expression %s",
		bsonx.ShellString(bsonx.DocValue(source)))
}
