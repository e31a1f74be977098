package query

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

type stage interface {
	apply(doc bsonx.Doc, c *expr.Context, dst []byte) (bsonx.Doc, error)
}

func compileUpdatePipeline(list bsonx.Doc, o Options) ([]stage, error) { return nil, nil }

func (u *Update) runPipeline(doc bsonx.Doc, c *expr.Context, dst []byte) (bsonx.Doc, error) {
	return doc, nil
}
