package exec

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/plan"
)

// documents is $documents.
type documents struct {
	base
	stage *plan.Documents
	rest  bsonx.Iter
	begun bool
}

// Next gives the next element of the list.
func (d *documents) Next(context.Context) (bsonx.Doc, error) {
	if !d.begun {
		v, err := d.stage.List.Eval(d.run.NewContext()) // its own context, so the list lives on.
		if err != nil {
			return nil, err
		}
		if v.Type != bsonx.TypeArray {
			return nil, fail(5858203, "an array is expected")
		}
		d.begun, d.rest = true, bsonx.Walk(bsonx.AsDoc(v))
	}
	if !d.rest.Next() {
		return nil, d.done()
	}
	v := d.rest.Value()
	if v.Type != bsonx.TypeDocument {
		return nil, fail(40228, "elements within the array passed to $documents must evaluate to an object, but resulting value was: %s. Type of resulting value: '%s'. Input document: {_tempDocumentsField: %s}",
			bsonx.CompactString(v), bsonx.TypeName(v.Type), bsonx.CompactString(v))
	}
	return d.gave(bsonx.AsDoc(v))
}
