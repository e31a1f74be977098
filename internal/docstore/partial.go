package docstore

import (
	"errors"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// includes tells whether an index takes the document.
func (db *DB) includes(coll *catalog.Collection, idx *catalog.Index, doc bsonx.Doc) (bool, error) {
	if idx.Partial == nil {
		return true, nil
	}
	f, err := db.partial(coll, idx)
	if err != nil {
		return false, err
	}
	return f.Matches(doc, nil)
}

func (db *DB) partial(coll *catalog.Collection, idx *catalog.Index) (*query.Filter, error) {
	id := indexID{coll.ID, idx.ID}
	db.partials.mu.RLock()
	f := db.partials.m[id]
	db.partials.mu.RUnlock()
	if f != nil {
		return f, nil
	}
	f, err := query.CompileFilter(idx.Partial, query.Options{})
	if err != nil {
		return nil, err
	}
	db.partials.mu.Lock()
	db.partials.m[id] = f
	db.partials.mu.Unlock()
	return f, nil
}

// validatePartial refuses filters that partial indexes may not have: those that a
// planner could not tell to follow from a query.
func validatePartial(idx *catalog.Index) error {
	if idx.Partial == nil {
		return nil
	}
	f, err := query.CompileFilter(idx.Partial, query.Options{})
	if err != nil {
		if e, ok := errors.AsType[*mongoerr.Error](err); ok {
			err = idx.SpecError(e, false)
		}
		return err
	}
	bad := notPartial(f.Root())
	switch {
	case bad == nil:
		return nil
	case bad.Op == query.OpExpr:
		return idx.SpecError(mongoerr.New(mongoerr.QueryFeatureNotAllowed, "$expr is not allowed in this context"), false)
	case bad.Op == query.OpSchema:
		return idx.SpecError(mongoerr.New(mongoerr.QueryFeatureNotAllowed, "$jsonSchema is not allowed in this context"), false)
	}
	var text strings.Builder
	describeNode(&text, bad, 0)
	return idx.SpecError(mongoerr.Newf(mongoerr.CannotCreateIndex,
		"Expression not supported in partial index: %s", text.String()), true)
}

// notPartial returns the first node that a partial filter may not have, or nil.
func notPartial(n *query.Node) *query.Node {
	switch n.Op {
	case query.OpAnd, query.OpOr:
		for _, c := range n.Children {
			if bad := notPartial(c); bad != nil {
				return bad
			}
		}
		return nil
	case query.OpAlwaysTrue, query.OpEq, query.OpLt, query.OpLte, query.OpGt, query.OpGte, query.OpExists, query.OpType:
		return nil
	case query.OpIn:
		if len(n.Regexes) == 0 {
			return nil
		}
	}
	return n
}

// describeNode writes a filter as the reference server's trees do, as far as the
// nodes it shows are alike; others by their kind alone.
func describeNode(b *strings.Builder, n *query.Node, depth int) {
	b.WriteString(strings.Repeat("    ", depth))
	leaf := func(op string) { b.WriteString(n.Path + " " + op + bsonx.ShellString(n.Value)) }
	switch n.Op {
	case query.OpEq:
		leaf("$eq ")
	case query.OpLt:
		leaf("$lt ")
	case query.OpLte:
		leaf("$lte ")
	case query.OpGt:
		leaf("$gt ")
	case query.OpGte:
		leaf("$gte ")
	case query.OpExists:
		b.WriteString(n.Path + " exists")
	case query.OpRegex:
		b.WriteString(n.Path + " regex")
	case query.OpElemMatch:
		b.WriteString(n.Path + " $elemMatch (obj)")
	case query.OpElemValue:
		b.WriteString(n.Path + " $elemMatch (value)")
	case query.OpSize:
		b.WriteString(n.Path + " $size : " + bsonx.ShellString(bsonx.Int64(n.N)))
	case query.OpMod:
		b.WriteString(n.Path + " mod " + bsonx.ShellString(bsonx.Int64(n.N)) + " % x == " + bsonx.ShellString(bsonx.Int64(n.Rem)))
	case query.OpIn:
		b.WriteString(n.Path + " $in [ ")
		for _, v := range n.Values {
			b.WriteString(bsonx.ShellString(v) + " ")
		}
		b.WriteString("]")
	case query.OpAnd:
		b.WriteString("$and")
	case query.OpOr:
		b.WriteString("$or")
	case query.OpNor:
		b.WriteString("$nor")
	case query.OpNot:
		b.WriteString("$not")
	default:
		b.WriteString(n.Path)
	}
	b.WriteString("\n")
	for _, c := range n.Children {
		describeNode(b, c, depth+1)
	}
}
