package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// change is one update or delete statement, compiled.
type change struct {
	ns     catalog.Namespace
	filter *query.Filter
	update *query.Update // nil for a delete.
	multi  bool
	upsert bool
	hint   bsonx.Value
	sort   *query.Sort
	vars   *variables
	stmt   int32

	sortSpec bsonx.Doc
}

// changeText is what the commands that write say of a change, each under names
// of its own.
type changeText struct {
	let, constants bsonx.Doc
	filter         bsonx.Doc
	update         bsonx.Value // missing for a delete.
	arrayFilters   []bsonx.Doc
	sort           bsonx.Doc
}

// compile adds the compiled text to ch. The order is the original's: it decides
// which of several mistakes is told.
func (c *Call) compile(ch *change, t changeText) (err error) {
	if ch.multi && t.sort != nil {
		return mongoerr.New(mongoerr.FailedToParse, "Cannot specify sort with multi=true")
	}
	if t.constants != nil && t.update.Type != bsonx.TypeArray {
		return mongoerr.New(51198, "Constant values may only be specified for pipeline updates")
	}
	if ch.vars, err = c.variables(t.variables()); err != nil {
		return err
	}
	sc := ch.vars.scope
	if t.update.Type != bsonx.TypeMissing {
		ch.update, err = query.CompileUpdate(t.update, query.UpdateOptions{
			Scope: sc, ArrayFilters: t.arrayFilters, KeepEmptyTimes: c.keepsEmptyTimes(),
		})
		if err == nil && ch.multi && ch.update.IsReplacement() {
			err = mongoerr.New(mongoerr.FailedToParse, "multi update is not supported for replacement-style update")
		}
		if err != nil {
			return err
		}
	}
	if ch.filter, err = query.CompileFilter(t.filter, query.Options{Scope: sc}); err != nil {
		return err
	}
	if ch.upsert {
		if err := ch.filter.CheckUpsert(); err != nil {
			return err
		}
	}
	ch.hint = hintOf(ch.hint)
	if bsonx.Len(t.sort) > 0 {
		ch.sort, ch.hint, err = compileSort(t.sort, ch.hint)
		ch.sortSpec = t.sort
	}
	return err
}

// variables are the let of the command and the statement's constants, in one.
func (t *changeText) variables() bsonx.Doc {
	if t.constants == nil {
		return t.let
	}
	b := bsonx.NewBuilder(nil)
	b.Fields(t.let)
	b.Fields(t.constants)
	return b.Doc()
}
