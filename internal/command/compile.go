package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/expr"
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

var errSortMulti = mongoerr.New(mongoerr.FailedToParse, "Cannot specify sort with multi=true")

// compile adds the compiled text to ch. The order is the original's: it decides
// which of several mistakes is told.
func (c *Call) compile(ch *change, t changeText) (err error) {
	if ch.multi && t.sort != nil {
		return errSortMulti
	}
	if t.constants != nil && t.update.Type != bsonx.TypeArray {
		return mongoerr.New(51198, "Constant values may only be specified for pipeline updates")
	}
	if ch.vars, err = c.variables(t.let); err != nil {
		return err
	}
	for name, v := range bsonx.All(t.constants) { // values as they are, whatever their names.
		if expr.IsBuiltin(name) {
			return mongoerr.New(17275, "Can't redefine a non-user-writable variable")
		}
		ch.vars.set(name, v)
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
