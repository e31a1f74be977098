package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
)

// reasons tells, of one document, which clauses of a filter are the reason that it
// matches or does not. It goes by the filter as it was written, of which a compiled
// one knows too little, and compiles each clause again: a document that does not
// conform is an error, and may cost something.
type reasons struct {
	parser
	doc bsonx.Doc
	ctx *expr.Context
	b   *bsonx.Builder
}

// clause is one condition of a filter as it was written.
type clause struct {
	op      string
	path    string // "": none.
	operand bsonx.Value
	source  bsonx.Doc // the condition alone, as a filter.
	node    *Node
}

// clauses takes a filter document apart.
func (r *reasons) clauses(doc bsonx.Doc) (list []clause, err error) {
	for name, v := range bsonx.All(doc) {
		one := clause{path: name, operand: v, source: field(name, v)}
		switch {
		case name == "$comment":
			continue
		case strings.HasPrefix(name, "$") && !isDBRefField(name):
			one.op, one.path = name, ""
		case isOperators(v):
			inner, err := r.operatorClauses(name, bsonx.AsDoc(v))
			if err != nil {
				return nil, err
			}
			list = append(list, inner...)
			continue
		case v.Type == bsonx.TypeRegex:
			one.op = "$regex"
		default:
			one.op = "$eq"
		}
		if one.node, err = r.field(name, v, topLevel); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

// operatorClauses takes apart the operators for one path.
func (r *reasons) operatorClauses(path string, doc bsonx.Doc) (list []clause, err error) {
	for name, v := range bsonx.All(doc) {
		one := clause{op: name, path: path, operand: v}
		if name == "$options" {
			continue
		}
		b := bsonx.NewBuilder(nil)
		b.OpenDoc(path)
		for other, operand := range bsonx.All(doc) {
			if other == name || name == "$regex" && other == "$options" {
				b.Value(other, operand)
			}
		}
		b.Close()
		one.source = b.Doc()
		if one.node, err = r.operator(path, name, v, doc); err != nil {
			return nil, err
		}
		list = append(list, one)
	}
	return list, nil
}

func field(name string, v bsonx.Value) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.Value(name, v)
	return b.Doc()
}

// matches tells whether the document matches all clauses.
func (r *reasons) matches(all []clause) bool {
	for _, c := range all {
		m := match{ctx: r.ctx}
		if ok, err := m.document(c.node, r.doc); !ok || err != nil || m.err != nil {
			return false
		}
	}
	return true
}

// tell appends why the document does not match all clauses; inverted, why it does.
func (r *reasons) tell(all []clause, inverted bool) error {
	if len(all) == 1 {
		return r.tellClause(&all[0], inverted)
	}
	each := make([][]clause, len(all))
	for i := range all {
		each[i] = all[i : i+1]
	}
	return r.tellList("$and", each, inverted, inverted)
}

// tellList appends those of an operator's alternatives or parts that match, or
// those that do not, and why.
func (r *reasons) tellList(op string, list [][]clause, matching, inverted bool) error {
	r.b.String("operatorName", op)
	name := "clausesNotSatisfied"
	if matching {
		name = "clausesSatisfied"
	}
	r.b.OpenArray(name)
	n := 0
	for i, part := range list {
		if r.matches(part) != matching {
			continue
		}
		r.b.OpenDoc(bsonx.Index(n))
		r.b.Int32("index", int32(i))
		if len(part) == 1 && part[0].node.Op == OpSchema {
			part[0].node.Schema.tellNames(r.b)
		}
		if err := r.tellDetails(part, inverted); err != nil {
			return err
		}
		r.b.Close()
		n++
	}
	r.b.Close()
	return nil
}

func (r *reasons) tellDetails(all []clause, inverted bool) error {
	r.b.OpenDoc("details")
	if err := r.tell(all, inverted); err != nil {
		return err
	}
	r.b.Close()
	return nil
}

func (r *reasons) tellClause(c *clause, inverted bool) error {
	switch c.op {
	case "$and", "$or", "$nor":
		var list [][]clause
		for _, v := range bsonx.All(bsonx.AsDoc(c.operand)) {
			part, err := r.clauses(bsonx.AsDoc(v))
			if err != nil {
				return err
			}
			list = append(list, part)
		}
		if c.op == "$nor" {
			inverted = !inverted
		}
		return r.tellList(c.op, list, inverted, inverted)
	case "$not":
		return r.tellNot(c, inverted)
	case "$expr":
		return r.tellExpr(c, inverted)
	case "$jsonSchema":
		return r.tellSchema(c, inverted)
	case "$alwaysTrue", "$alwaysFalse":
		return unexplained(c.source)
	case "$exists":
		return r.tellExists(c)
	case "$all":
		if bsonx.Len(bsonx.AsDoc(c.operand)) == 0 {
			r.tellSource(c)
			r.b.String("reason", "expression always evaluates to false")
			return nil
		}
	}
	return r.tellLeaf(c, inverted)
}

func (r *reasons) tellNot(c *clause, inverted bool) (err error) {
	var all []clause
	if c.operand.Type == bsonx.TypeRegex {
		all, err = r.clauses(field(c.path, c.operand))
	} else {
		all, err = r.operatorClauses(c.path, bsonx.AsDoc(c.operand))
	}
	if err != nil {
		return err
	}
	r.b.String("operatorName", "$not")
	return r.tellDetails(all, !inverted)
}

func (r *reasons) tellSource(c *clause) {
	r.b.String("operatorName", c.op)
	r.b.EmbedDoc("specifiedAs", c.source)
}

func (r *reasons) tellSchema(c *clause, inverted bool) error {
	if inverted {
		r.b.String("operatorName", c.op)
		r.b.String("reason", "schema matched")
		return nil
	}
	c.node.Schema.tell(r.b, bsonx.DocValue(r.doc))
	return nil
}

func (r *reasons) tellExists(c *clause) error {
	r.tellSource(c)
	if r.matches([]clause{*c}) == truthy(c.operand) {
		r.b.String("reason", "path does exist")
	} else {
		r.b.String("reason", "path does not exist")
	}
	return nil
}

// tellExpr evaluates the expression again, and shows what it gives.
func (r *reasons) tellExpr(c *clause, inverted bool) error {
	r.tellSource(c)
	e, err := expr.Compile(r.scope, c.operand)
	if err != nil {
		return err
	}
	if r.ctx == nil { // of a constant one.
		r.ctx = expr.NewContext(r.scope)
	}
	r.ctx.SetRoot(r.doc)
	v, err := e.Eval(r.ctx)
	switch {
	case err != nil:
		r.b.String("reason", "failed to evaluate aggregation expression")
		r.b.EmbedDoc("details", failure(err))
	case inverted:
		r.b.String("reason", "expression did match")
		r.b.Value("expressionResult", v)
	default:
		r.b.String("reason", "expression did not match")
		r.b.Value("expressionResult", v)
	}
	return nil
}
