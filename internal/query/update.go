package query

import (
	"bytes"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// UpdateOptions is what updates are compiled with.
type UpdateOptions struct {
	// Scope is the names that the expressions of an update pipeline may use; nil means the built-in ones.
	Scope *expr.Scope

	// ArrayFilters says which elements each $[identifier] stands for.
	ArrayFilters []bsonx.Doc

	// KeepEmptyTimes has a replacement keep its empty timestamps, which otherwise
	// ask for the present.
	KeepEmptyTimes bool
}

// Update is a compiled update. It never changes; any number of goroutines may use it at once.
// It is of one of three kinds: operators, a replacement, a pipeline.
type Update struct {
	// plain is the tree of operators; upsert is the same with $setOnInsert.
	plain, upsert *tree
	filters       arrayFilters

	replacement bsonx.Doc
	keepTimes   bool // of the replacement.
	pipeline    []stage
	isPipeline  bool
	readsClock  bool
	deep        bool // it may make a document of too many levels.
}

// CompileUpdate compiles an update, of which it keeps a copy.
func CompileUpdate(u bsonx.Value, o UpdateOptions) (*Update, error) {
	u.Data = bytes.Clone(u.Data)
	filters, err := compileArrayFilters(o.ArrayFilters)
	if err != nil {
		return nil, err
	}
	switch u.Type {
	case bsonx.TypeArray:
		if len(o.ArrayFilters) > 0 {
			return nil, mongoerr.New(mongoerr.FailedToParse, "arrayFilters may not be specified for pipeline-style updates")
		}
		stages, err := compileUpdatePipeline(bsonx.AsDoc(u), Options{Scope: o.Scope})
		return &Update{pipeline: stages, isPipeline: true, readsClock: true, deep: true}, err
	case bsonx.TypeDocument:
		name, _ := bsonx.First(bsonx.AsDoc(u))
		if strings.HasPrefix(name, "$") {
			return compileOperators(bsonx.AsDoc(u), filters)
		}
		return &Update{replacement: bsonx.AsDoc(u), keepTimes: o.KeepEmptyTimes, readsClock: true, deep: bsonx.Deeper(bsonx.AsDoc(u), bsonx.LevelsStoredMax)}, nil
	}
	return nil, mongoerr.New(mongoerr.FailedToParse, "Update argument must be either an object or an array")
}

// IsReplacement tells whether the update replaces the whole document, which a
// command for many documents may not ask for.
func (u *Update) IsReplacement() bool { return u.replacement != nil }

// IsPipeline tells whether the update is an aggregation pipeline.
func (u *Update) IsPipeline() bool { return u.isPipeline }

// NeedsContext tells whether Apply needs an expression context, for variables or for its time.
func (u *Update) NeedsContext() bool { return u.readsClock }

// NeedsPosition tells whether Apply needs to know where in an array the filter
// found its match: whether a path has a positional $.
func (u *Update) NeedsPosition() bool { return u.plain != nil && u.plain.hasPositional() }

// Apply appends to dst what becomes of doc and returns it. If changed is false,
// out is doc itself, and nothing was to be done. c may be nil unless NeedsContext.
func (u *Update) Apply(doc bsonx.Doc, pos MatchPos, c *expr.Context, dst []byte) (out bsonx.Doc, changed bool, err error) {
	switch {
	case u.replacement != nil:
		// One that leaves _id to the server counts as a change even if it changes nothing, as there.
		if out, err = u.replace(doc, c, false, dst); err == nil {
			changed = !sameReplacement(doc, u.replacement)
		}
	case u.isPipeline:
		out, changed, err = u.runPipeline(doc, c, dst)
	default:
		// An operator, too, may write what was there and count as a change.
		a := application{update: u, doc: doc, pos: pos, ctx: c}
		out, changed, err = a.run(u.plain, dst)
	}
	if err != nil || !changed {
		return doc, false, err
	}
	return out, true, u.checkResult(out)
}

// compileOperators compiles {$set: {...}, $inc: {...}, ...}.
func compileOperators(doc bsonx.Doc, filters arrayFilters) (*Update, error) {
	u := &Update{plain: &tree{}, upsert: &tree{}, filters: filters}
	for it := bsonx.Walk(doc); it.Next(); {
		name, v := it.Key(), it.Value()
		m, ok := modifiers[name]
		if !ok {
			return nil, mongoerr.Newf(mongoerr.FailedToParse, "Unknown modifier: %s. Expected a valid update modifier or pipeline-style update specified as an array", name)
		}
		if v.Type != bsonx.TypeDocument {
			return nil, mongoerr.Newf(mongoerr.FailedToParse,
				"Modifiers operate on fields but we found type %s instead. For example: {$mod: {<field>: ...}} not {%s}",
				bsonx.TypeName(v.Type), element(name, v))
		}
		for fields := bsonx.Walk(bsonx.AsDoc(v)); fields.Next(); {
			if err := u.add(name, m, fields.Key(), fields.Value()); err != nil {
				return nil, err
			}
		}
	}
	return u, u.filters.checkUsed(doc)
}

// add puts one operator at one path into the trees.
func (u *Update) add(name string, m modifier, path string, v bsonx.Value) error {
	if name == "$rename" {
		return u.addRename(path, v)
	}
	if _, err := splitUpdatePath(path); err != nil {
		return err
	}
	op, err := m(path, v)
	if err != nil {
		return err
	}
	u.readsClock = u.readsClock || name == "$currentDate"
	u.deep = u.deep || strings.Count(path, ".")+1+bsonx.Levels(v) > bsonx.LevelsStoredMax
	return u.place(path, op, name != "$setOnInsert")
}

// place puts a leaf into the trees. In the plain one it does nothing unless always is set.
func (u *Update) place(path string, op operator, always bool) error {
	parts, err := splitUpdatePath(path)
	if err != nil {
		return err
	}
	if err := u.upsert.add(u, path, parts, op); err != nil {
		return err
	}
	if !always {
		op = idle{}
	}
	return u.plain.add(u, path, parts, op)
}
