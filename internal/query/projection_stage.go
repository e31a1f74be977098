package query

import (
	"bytes"
	"errors"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// CompileProject compiles the specification of a $project, $addFields, $set or
// $unset stage. Errors are those of the server, but for a *expr.FoldError, to
// which the pipeline's compiler adds its own context.
func CompileProject(stage string, spec bsonx.Value, o Options) (*Projection, error) {
	spec.Data = bytes.Clone(spec.Data)
	p, err := compileStage(stage, spec, o)
	var fold *expr.FoldError
	var unfit *specError
	switch {
	case err == nil, errors.As(err, &fold):
		return p, err
	case errors.As(err, &unfit):
		return nil, unfit.err
	}
	return nil, mongoerr.From(err).Prefix("Invalid " + stage)
}

// specError is the error for a specification of the wrong type, which has no context.
type specError struct{ err error }

func (e *specError) Error() string { return e.err.Error() }

func compileStage(stage string, spec bsonx.Value, o Options) (*Projection, error) {
	switch stage {
	case "$project":
		if spec.Type != bsonx.TypeDocument {
			return nil, &specError{mongoerr.Newf(15969, "%s specification must be an object", stage)}
		}
		if len(spec.Data) <= len(bsonx.Empty) {
			return nil, mongoerr.New(51272, "projection specification must have at least one field")
		}
		p := projectionParser{scope: o.scope(), out: &Projection{root: &projected{}}}
		return p.parse(bsonx.AsDoc(spec))
	case "$unset":
		return compileUnset(spec, o)
	}
	if spec.Type != bsonx.TypeDocument {
		return nil, &specError{mongoerr.Newf(40272, "%s specification stage must be an object, got %s", stage, bsonx.TypeName(spec.Type))}
	}
	a := fieldAdder{scope: o.scope(), spec: bsonx.AsDoc(spec)}
	root := &projected{}
	for it := bsonx.Walk(a.spec); it.Next(); {
		if err := a.element(root, it.Key(), it.Value()); err != nil {
			return nil, err
		}
	}
	root.mark()
	return &Projection{root: root}, nil
}

func compileUnset(spec bsonx.Value, o Options) (*Projection, error) {
	var names []bsonx.Value
	switch spec.Type {
	case bsonx.TypeString:
		names = []bsonx.Value{spec}
	case bsonx.TypeArray:
		names = elements(spec)
		if len(names) == 0 {
			return nil, &specError{mongoerr.New(31119, "$unset specification must be a string or an array with at least one field")}
		}
	default:
		return nil, &specError{mongoerr.New(31002, "$unset specification must be a string or an array")}
	}
	for _, name := range names {
		if name.Type != bsonx.TypeString {
			return nil, &specError{mongoerr.New(31120, "$unset specification must be a string or an array containing only string values")}
		}
	}
	p := projectionParser{scope: o.scope(), out: &Projection{root: &projected{}}}
	for _, name := range names {
		if err := p.element(p.out.root, "", bsonx.Str(name), bsonx.False); err != nil {
			return nil, err
		}
	}
	return p.out, nil
}

// fieldAdder parses $addFields, where every leaf is an expression.
type fieldAdder struct {
	scope *expr.Scope
	spec  bsonx.Doc
}

func (a *fieldAdder) element(parent *projected, path string, v bsonx.Value) error {
	if err := checkProjectionPath(path); err != nil {
		return err
	}
	if v.Type == bsonx.TypeDocument && len(v.Data) > len(bsonx.Empty) {
		doc := bsonx.AsDoc(v)
		for it := bsonx.Walk(doc); it.Next(); {
			if !strings.HasPrefix(it.Key(), "$") {
				continue
			}
			if n := bsonx.Len(doc); n > 1 {
				return mongoerr.Newf(40181, "an expression specification must contain exactly one field, the name of the expression. Found %d fields in %s, while parsing object %s",
					n, bsonx.ShellString(v), a.shown())
			}
			return a.compute(parent, path, v)
		}
		inner, ok := parent.addedDoc(path)
		if !ok {
			return a.conflict(parent, path)
		}
		return a.within(inner, doc)
	}
	return a.compute(parent, path, v)
}

func (a *fieldAdder) within(parent *projected, doc bsonx.Doc) error {
	for it := bsonx.Walk(doc); it.Next(); {
		if strings.Contains(it.Key(), ".") {
			return mongoerr.Newf(40183, "cannot use dotted field name '%s' in a sub object: %s", it.Key(), a.shown())
		}
		if it.Key() == "" {
			return mongoerr.New(40353, "FieldPath must not end with a '.'.")
		}
		if err := a.element(parent, it.Key(), it.Value()); err != nil {
			return err
		}
	}
	return nil
}

func (a *fieldAdder) compute(parent *projected, path string, v bsonx.Value) error {
	e, err := expr.Compile(a.scope, v)
	if err != nil {
		return err
	}
	way, last := "", path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		way, last = path[:i], path[i+1:]
	}
	to, ok := parent, true
	if way != "" {
		to, ok = parent.addedDoc(way)
	}
	if !ok || to.find(last) >= 0 {
		return a.conflict(parent, path)
	}
	to.fields = append(to.fields, projectedField{last, &projected{action: compute, expr: e}})
	return nil
}

func (a *fieldAdder) shown() string { return bsonx.ShellString(bsonx.DocValue(a.spec)) }

// addedDoc is descendTo without words for the error.
func (n *projected) addedDoc(path string) (*projected, bool) {
	n, err := n.reach(path)
	return n, err == nil
}

// conflict is the error for a path of which a part or the whole is there already.
func (a *fieldAdder) conflict(parent *projected, path string) error {
	other := ""
	n := parent
	for part := range strings.SplitSeq(path, ".") {
		i := n.find(part)
		if i < 0 {
			break
		}
		other = strings.TrimPrefix(other+"."+part, ".")
		n = n.fields[i].node
	}
	for n.action == descend && len(n.fields) > 0 {
		other += "." + n.fields[0].name
		n = n.fields[0].node
	}
	return mongoerr.Newf(40176, "specification contains two conflicting paths. Cannot specify both '%s' and '%s': %s", path, other, a.shown())
}
