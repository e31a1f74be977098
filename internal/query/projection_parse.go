package query

import (
	"bytes"
	"errors"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// CompileProjection compiles the projection of a find command.
func CompileProjection(spec bsonx.Doc, o Options) (*Projection, error) {
	p := projectionParser{find: true, scope: o.scope(), out: &Projection{root: &projected{}}}
	var out *Projection
	err := p.scope.FoldsLast(func() (err error) {
		out, err = p.parse(bytes.Clone(spec))
		return err
	})
	err = p.scope.PutOff(err)
	if fold, ok := errors.AsType[*expr.FoldError](err); ok {
		err = fold.Err // without a context.
	}
	return out, err
}

// Positional tells whether a projection has the positional operator somewhere.
func Positional(spec bsonx.Doc) bool {
	for name, v := range bsonx.All(spec) {
		if strings.HasSuffix(name, ".$") && truthy(v) || v.Type == bsonx.TypeDocument && Positional(bsonx.AsDoc(v)) {
			return true
		}
	}
	return false
}

// kind is what a projection turned out to be: its first field that tells decides.
type kind uint8

const (
	undecided kind = iota
	inclusion
	exclusion
)

type projectionParser struct {
	find      bool // $slice, $elemMatch and the positional $ are for find only.
	scope     *expr.Scope
	out       *Projection
	kind      kind
	withID    bool // _id: 1 was said.
	withMatch bool // there is an $elemMatch, which makes an inclusion where
	withSlice bool // there is no $slice, which makes none.
}

func (p *projectionParser) parse(spec bsonx.Doc) (*Projection, error) {
	for it := bsonx.Walk(spec); it.Next(); {
		if err := p.element(p.out.root, "", it.Key(), it.Value()); err != nil {
			return nil, err
		}
	}
	if p.kind == undecided {
		p.kind = exclusion
		if p.withID || p.withMatch && !p.withSlice {
			p.kind = inclusion
		}
	}
	root := p.out.root
	if p.kind == inclusion {
		p.out.inclusive = true
		if root.find("_id") < 0 {
			root.fields = append([]projectedField{{"_id", &projected{action: keep}}}, root.fields...)
		}
	} else if i := root.find("_id"); i >= 0 && root.fields[i].node.action == keep && len(root.fields) == 1 {
		root.fields = nil
	}
	root.mark()
	return p.out, nil
}

// mark notes in each node what there is under it.
func (n *projected) mark() {
	n.computes, n.places = n.action == compute, n.action == positional
	for _, f := range n.fields {
		f.node.mark()
		n.computes = n.computes || f.node.computes
		n.places = n.places || f.node.places
	}
}

// specField is one field of a specification.
type specField struct {
	parent *projected // that it belongs to,
	prefix string     // and the path of that; "" at the top.
	name   string     // as it is written.
	path   string     // the name without what makes it positional.
	at     bool       // it is positional: the name ends in ".$".
	v      bsonx.Value
}

// element parses one field of a specification; prefix is the path of the
// document that it is in.
func (p *projectionParser) element(parent *projected, prefix, name string, v bsonx.Value) error {
	f := specField{parent: parent, prefix: prefix, name: name, path: name, v: v}
	if strings.HasSuffix(name, ".$") {
		if !p.find {
			return mongoerr.New(31324, "Cannot use positional projection in aggregation projection")
		}
		f.path, f.at = name[:len(name)-2], true
	}
	if strings.Contains(f.path, ".$.") || f.at && strings.HasSuffix(f.path, ".$") {
		return mongoerr.New(31394, "As of 4.4, it's illegal to specify positional operator in the middle of a path."+
			"Positional projection may only be used at the end, for example: a.b.$. If the query previously used a form like a.b.$.d, remove the parts following the '$' and the results will be equivalent.")
	}
	switch {
	case v.Type == bsonx.TypeDocument:
		return p.object(f, bsonx.AsDoc(v))
	case v.Type == bsonx.TypeBool || bsonx.IsNumber(v):
		return p.flag(f)
	case f.at:
		return mongoerr.New(31308, "positional projection cannot be used with a literal")
	}
	return p.compute(f, mongoerr.Newf(31310, "Cannot use an expression %s in an exclusion projection", element(name, v)))
}

// flag parses a field that is a truth: to be shown or not. That its path collides
// with another is said before that it does not fit the others' kind.
func (p *projectionParser) flag(f specField) error {
	switch {
	case f.at && !truthy(f.v):
		return mongoerr.New(31395, "positional projection cannot be used with exclusion")
	case f.at && p.withMatch:
		return mongoerr.New(31256, "Cannot specify positional operator and $elemMatch.")
	}
	n := &projected{action: drop}
	if err := p.add(f.parent, f.path, n); err != nil {
		return err
	}
	isID := f.prefix == "" && f.name == "_id"
	if !truthy(f.v) {
		if p.kind == inclusion && !isID {
			return mongoerr.Newf(31254, "Cannot do exclusion on field %s in inclusion projection", f.name)
		}
		if !isID {
			p.kind = exclusion
		}
		return nil
	}
	if p.kind == exclusion && !isID {
		return mongoerr.Newf(31253, "Cannot do inclusion on field %s in exclusion projection", f.name)
	}
	if isID {
		p.withID = true
	} else {
		p.kind = inclusion
	}
	switch {
	case !f.at:
		n.action = keep
		return nil
	case p.out.positional:
		return mongoerr.New(31276, "Cannot specify more than one positional projection per query.")
	}
	n.action, p.out.positional = positional, true
	return nil
}

// object parses a field that is a document: an operator or a projection of what is within.
func (p *projectionParser) object(f specField, doc bsonx.Doc) error {
	if f.at {
		return mongoerr.New(31271, "positional projection cannot be used with an expression or sub object")
	}
	first, v := bsonx.First(doc)
	switch {
	case v.Type == bsonx.TypeMissing:
		return mongoerr.Newf(51270, "Invalid empty sub-projection: %s", f.name)
	case strings.HasPrefix(first, "$") && !isDBRefField(first) && bsonx.Len(doc) == 1:
		return p.operator(f, first, v)
	}
	if err := checkProjectionPath(f.path); err != nil {
		return err
	}
	inner, err := f.parent.reach(f.path)
	if err != nil {
		return err
	}
	prefix := f.path
	if f.prefix != "" {
		prefix = f.prefix + "." + f.path
	}
	for it := bsonx.Walk(doc); it.Next(); {
		if err := p.element(inner, prefix, it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return nil
}

// operator parses a field that is {name: arg}.
func (p *projectionParser) operator(f specField, name string, arg bsonx.Value) error {
	if err := checkProjectionPath(f.path); err != nil {
		return err
	}
	switch {
	case name == "$slice" && p.find:
		return p.slice(f, arg)
	case name == "$elemMatch" && p.find:
		return p.elemMatch(f, arg)
	case name == "$elemMatch":
		return mongoerr.New(168, "Cannot use $elemMatch in this context")
	case p.kind == exclusion && name != "$meta":
		const unknownExpression = 31325
		_, err := expr.Compile(p.scope, f.v)
		if err = p.unknown(f.v, err); err != nil && mongoerr.From(err).Code == unknownExpression {
			return err
		}
		return errNoExpression
	}
	return p.compute(f, errNoExpression)
}

// compute parses an expression; unfit is the error of one beside fields left out.
func (p *projectionParser) compute(f specField, unfit error) error {
	e, err := expr.Compile(p.scope, f.v)
	if err != nil {
		return p.unknown(f.v, err)
	}
	if err := checkProjectionPath(f.path); err != nil {
		return err
	}
	if err := p.add(f.parent, f.path, &projected{action: compute, expr: e}); err != nil {
		return err
	}
	if p.kind == exclusion {
		return unfit
	}
	p.kind = inclusion
	return nil
}

// unknown gives the error for an operator that there is not the form that it has in projections.
func (p *projectionParser) unknown(v bsonx.Value, err error) error {
	var fold *expr.FoldError
	if err == nil {
		return nil
	}
	if errors.As(err, &fold) {
		if p.find {
			return fold.Err
		}
		return err
	}
	if v.Type == bsonx.TypeDocument {
		name, _ := bsonx.First(bsonx.AsDoc(v))
		if e := mongoerr.From(err); e.Msg == "Unrecognized expression '"+name+"'" {
			return mongoerr.Newf(31325, "Unknown expression %s", name)
		}
	}
	return err
}

func (p *projectionParser) slice(f specField, arg bsonx.Value) error {
	n, problem := newSlice(arg)
	if problem == nil {
		p.withSlice = true
		collision := p.add(f.parent, f.path, n)
		if problem = mongoerr.From(collision); problem == nil {
			return nil
		}
	}
	if p.kind == exclusion {
		return sliceError(f.v, problem, errNoExpression)
	}
	e, err := expr.Compile(p.scope, f.v)
	var fold *expr.FoldError
	if isFold := errors.As(err, &fold); err == nil || isFold {
		p.kind = inclusion
		err = p.add(f.parent, f.path, &projected{action: compute, expr: e})
		if err == nil && isFold {
			return fold.Err
		}
	}
	if err != nil {
		return sliceError(f.v, problem, mongoerr.From(err))
	}
	return nil
}

// errNoExpression refuses expressions beside fields that are left out.
var errNoExpression = mongoerr.New(31252, "Cannot use expression other than $meta in exclusion projection")

// sliceError tells of both forms of $slice why it is none.
func sliceError(spec bsonx.Value, problem, e *mongoerr.Error) error {
	return mongoerr.Newf(e.Code, "Invalid $slice syntax. The given syntax %s did not match the find() syntax because :: %s: %s :: The given syntax did not match the expression $slice syntax. :: caused by :: %s",
		bsonx.ShellString(spec), problem.Code, problem.Msg, e.Msg)
}

// newSlice parses find's $slice: how many, or [how many to skip, how many].
func newSlice(v bsonx.Value) (*projected, *mongoerr.Error) {
	if bsonx.IsNumber(v) {
		n, _ := bsonx.ToInt64Clamped(v)
		if n < 0 {
			return &projected{action: cut, skip: n, limit: -max(n, -1<<62)}, nil
		}
		return &projected{action: cut, limit: n}, nil
	}
	if v.Type != bsonx.TypeArray {
		return nil, mongoerr.New(31273, "$slice only supports numbers and [skip, limit] arrays")
	}
	parts := elements(v)
	if len(parts) != 2 {
		return nil, mongoerr.New(31272, "$slice array argument should be of form [skip, limit]")
	}
	if !bsonx.IsNumber(parts[0]) {
		return nil, mongoerr.Newf(31257, "$slice expects the skip argument to be a number, got %s", bsonx.TypeName(parts[0].Type))
	}
	if !bsonx.IsNumber(parts[1]) {
		return nil, mongoerr.Newf(31258, "$slice expects the limit argument to be a number, got %s", bsonx.TypeName(parts[1].Type))
	}
	skip, _ := bsonx.ToInt64Clamped(parts[0])
	limit, _ := bsonx.ToInt64Clamped(parts[1])
	if limit <= 0 {
		return nil, mongoerr.Newf(31259, "$slice limit must be positive, got %d", limit)
	}
	return &projected{action: cut, skip: skip, limit: limit}, nil
}

func (p *projectionParser) elemMatch(f specField, arg bsonx.Value) error {
	switch {
	case arg.Type != bsonx.TypeDocument:
		return mongoerr.Newf(31274, "elemMatch: Invalid argument, object required, but got %s", bsonx.TypeName(arg.Type))
	case p.out.positional:
		return mongoerr.New(31255, "Cannot specify positional operator and $elemMatch.")
	case f.prefix != "" || strings.Contains(f.path, "."):
		return mongoerr.New(31275, "Cannot use $elemMatch projection on a nested field.")
	}
	fp := parser{scope: p.scope, inProjection: true}
	n, err := fp.elemMatch(f.path, arg)
	if err != nil {
		return err
	}
	p.withMatch = true
	return p.add(f.parent, f.path, &projected{action: elemMatch, match: n})
}
