package query

import (
	"errors"

	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Options is what filters and projections are compiled with.
type Options struct {
	// Scope is the names that expressions may use; nil means the built-in ones.
	Scope *expr.Scope

	// NoExpr refuses $expr in a filter, beside a positional projection.
	NoExpr bool
}

func (o Options) scope() *expr.Scope {
	if o.Scope == nil {
		return expr.NewScope()
	}
	return o.Scope
}

// optimizing gives the error of an expression that fails on every document the
// context that the server gives it, once for each level of the filter. It stays a
// FoldError: a pipeline adds its own.
func optimizing(err error, levels int) error {
	var fold *expr.FoldError
	if !errors.As(err, &fold) {
		return err
	}
	for range levels {
		fold = &expr.FoldError{Err: mongoerr.From(fold.Err).Prefix("Failed to optimize expression")}
	}
	return fold
}
