package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// level is where in a filter a document stands: some operators are allowed at the top only.
type level uint8

const (
	topLevel  level = iota
	elemLevel       // within $elemMatch or an array filter.
)

// parser builds a filter's tree. What it parses it keeps views of.
type parser struct {
	scope        *expr.Scope
	inArray      bool // for elements of an array that an update names: no $expr.
	noExpr       bool // nor beside a positional projection.
	usesExpr     bool
	inProjection bool // $where is out of place.
	inValidator  bool // so is what depends on more than the document.
	nested       int  // in how many $and, $or and $nor, spelled out or not.
}

// bad is the server's usual answer to a filter that makes no sense.
func bad(format string, args ...any) error {
	return mongoerr.Newf(mongoerr.BadValue, format, args...)
}

// document parses a filter document: an implicit $and of its fields.
func (p *parser) document(doc bsonx.Doc, lv level) (*Node, error) {
	if bsonx.Len(doc) > 1 {
		p.nested++
		defer func() { p.nested-- }()
	}
	var nodes []*Node
	for it := bsonx.Walk(doc); it.Next(); {
		n, err := p.field(it.Key(), it.Value(), lv)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	return and(nodes), nil
}

func (p *parser) field(name string, v bsonx.Value, lv level) (*Node, error) {
	if strings.HasPrefix(name, "$") && !isDBRefField(name) {
		return p.topOperator(name, v, lv)
	}
	if strings.Count(name, ".") >= bsonx.LevelsStoredMax { // it can lead to nothing that is stored.
		return nil, mongoerr.New(5729100, "FieldPath is too long")
	}
	switch {
	case isDBRefField(name): // whatever it is, a value to be equal to.
		return p.comparison(OpEq, name, v)
	case isOperators(v):
		nodes, err := p.operators(name, bsonx.AsDoc(v))
		return and(nodes), err
	case v.Type == bsonx.TypeRegex:
		return p.regexNode(name, v)
	}
	return p.comparison(OpEq, name, v)
}

// topOperator parses an operator that stands where a field's name may stand.
func (p *parser) topOperator(name string, v bsonx.Value, lv level) (*Node, error) {
	switch name {
	case "$and":
		nodes, err := p.list(name, v, lv)
		return and(nodes), err
	case "$or":
		nodes, err := p.list(name, v, lv)
		if alwaysTrue(nodes) && !p.inArray { // an array filter must keep its name.
			return &Node{Op: OpAlwaysTrue}, err
		}
		return or(nodes), err
	case "$nor":
		nodes, err := p.list(name, v, lv)
		if alwaysTrue(nodes) && !p.inArray {
			return &Node{Op: OpAlwaysFalse}, err
		}
		return nor(nodes), err
	case "$comment":
		return &Node{Op: OpAlwaysTrue}, nil
	case "$alwaysTrue", "$alwaysFalse":
		return always(name, v)
	case "$expr":
		if p.inArray || p.noExpr && lv == topLevel {
			return nil, notHere(name)
		}
		if lv != topLevel {
			return nil, bad("%s can only be applied to the top-level document", name)
		}
		p.usesExpr = true
		return p.expression(v)
	case "$text", "$where":
		if p.inValidator || p.inProjection && name == "$where" {
			return nil, bad("%s is not allowed in this context", name)
		}
		if lv != topLevel {
			return nil, bad("%s can only be applied to the top-level document", name)
		}
		return nil, mongoerr.NotYet(name)
	case "$jsonSchema":
		if p.inArray {
			return nil, notHere(name)
		}
		return p.schema(v)
	case "$sampleRate":
		if p.inValidator {
			return nil, errRand
		}
		return nil, mongoerr.NotYet(name)
	case "$not":
		return nil, bad("unknown top level operator: $not. If you are trying to negate an entire expression, use $nor.")
	}
	if strings.HasPrefix(name, "$_internal") {
		return nil, mongoerr.NotYet(name)
	}
	return nil, bad("unknown top level operator: %s. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.", name)
}

// list parses the operand of $and, $or and $nor.
func (p *parser) list(name string, v bsonx.Value, lv level) ([]*Node, error) {
	if v.Type != bsonx.TypeArray {
		return nil, bad("%s argument must be an array", name)
	}
	p.nested++
	defer func() { p.nested-- }()
	var nodes []*Node
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		if it.Value().Type != bsonx.TypeDocument {
			return nil, bad("%s argument's entries must be objects", name)
		}
		n, err := p.document(bsonx.AsDoc(it.Value()), lv)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, n)
	}
	if len(nodes) == 0 {
		return nil, bad("%s argument must be a non-empty array", name)
	}
	return nodes, nil
}

func (p *parser) expression(v bsonx.Value) (*Node, error) {
	var e expr.Expr
	err := p.scope.FoldsLast(func() (err error) {
		e, err = expr.Compile(p.scope, v)
		return err
	})
	if err = p.scope.PutOff(optimizing(err, 1+p.nested)); err != nil {
		return nil, err
	}
	if p.inValidator && expr.Varies(e) {
		return nil, errRand
	}
	if k, ok := expr.IsConstant(e); ok {
		if expr.Truthy(k) {
			return &Node{Op: OpAlwaysTrue}, nil
		}
		return &Node{Op: OpAlwaysFalse}, nil
	}
	return &Node{Op: OpExpr, Expr: e}, nil
}

// notHere is the error of an operator that depends on what its place does not have.
func notHere(name string) error {
	return mongoerr.Newf(mongoerr.QueryFeatureNotAllowed, "%s is not allowed in this context", name)
}

// errRand refuses a validator under which a document would conform by chance.
var errRand = mongoerr.New(3040500, "$rand not allowed inside collection validators")

func (p *parser) schema(v bsonx.Value) (*Node, error) {
	if v.Type != bsonx.TypeDocument {
		return nil, mongoerr.New(mongoerr.TypeMismatch, "$jsonSchema must be an object")
	}
	s, err := parseSchema(bsonx.AsDoc(v), true)
	if err != nil || len(s.rules) == 0 && !s.never {
		return &Node{Op: OpAlwaysTrue}, err
	}
	return &Node{Op: OpSchema, Schema: s}, nil
}

func always(name string, v bsonx.Value) (*Node, error) {
	n, problem := integer(name, v)
	if problem != "" {
		return nil, mongoerr.New(mongoerr.FailedToParse, problem)
	}
	if n != 1 {
		return nil, mongoerr.Newf(mongoerr.FailedToParse, "%s must be an integer value of 1", name)
	}
	if name == "$alwaysTrue" {
		return &Node{Op: OpAlwaysTrue}, nil
	}
	return &Node{Op: OpAlwaysFalse}, nil
}

// isOperators tells whether v is a document of operators and not a value to be
// equal to: its first name starts with '$', and it is not a DBRef.
func isOperators(v bsonx.Value) bool {
	if v.Type != bsonx.TypeDocument {
		return false
	}
	name, _ := bsonx.First(bsonx.AsDoc(v))
	return strings.HasPrefix(name, "$") && !isDBRef(bsonx.AsDoc(v))
}

// isDBRef tells whether a document has both fields of a database reference.
func isDBRef(doc bsonx.Doc) bool {
	return !bsonx.IsMissing(bsonx.Get(doc, "$ref")) && !bsonx.IsMissing(bsonx.Get(doc, "$id"))
}

func isDBRefField(name string) bool { return name == "$ref" || name == "$id" || name == "$db" }
