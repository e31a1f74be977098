package query

import (
	"bytes"
	"errors"
	"slices"
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
	if err := a.check("", a.spec); err != nil {
		return nil, err
	}
	root := &projected{}
	if err := a.within(root, a.spec); err != nil {
		return nil, err
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

// fieldAdder parses $addFields, where every leaf is an expression. It looks at all
// paths before it compiles the first.
type fieldAdder struct {
	scope *expr.Scope
	spec  bsonx.Doc
	paths []string // of the leaves so far, but for those that are {}.
}

// check judges the paths of a document of fields; prefix is its own.
func (a *fieldAdder) check(prefix string, doc bsonx.Doc) error {
	for it := bsonx.Walk(doc); it.Next(); {
		path := it.Key()
		switch {
		case prefix == "":
		case strings.Contains(path, "."):
			return mongoerr.Newf(40183, "cannot use dotted field name '%s' in a sub object: %s", path, a.shown())
		case path == "":
			return mongoerr.New(40353, "FieldPath must not end with a '.'.")
		}
		if err := checkProjectionPath(path); err != nil {
			return err
		}
		if prefix != "" {
			path = prefix + "." + path
		}
		inner, err := a.fields(it.Value())
		switch {
		case err != nil:
			return err
		case inner != nil:
			err = a.check(path, inner)
		default:
			err = a.leaf(path)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// fields is a value that is a document of fields; nil if it is an expression.
func (a *fieldAdder) fields(v bsonx.Value) (bsonx.Doc, error) {
	if v.Type != bsonx.TypeDocument {
		return nil, nil
	}
	doc := bsonx.AsDoc(v)
	for it := bsonx.Walk(doc); it.Next(); {
		if !strings.HasPrefix(it.Key(), "$") {
			continue
		}
		if n := bsonx.Len(doc); n > 1 {
			return nil, mongoerr.Newf(40181, "an expression specification must contain exactly one field, the name of the expression. Found %d fields in %s, while parsing object %s",
				n, bsonx.ShellString(v), a.shown())
		}
		return nil, nil
	}
	return doc, nil
}

// leaf notes a path, which no other may be, nor lead through, nor lead on from.
func (a *fieldAdder) leaf(path string) error {
	i, _ := slices.BinarySearch(a.paths, path)
	for _, other := range a.paths {
		if path == other || strings.HasPrefix(path, other+".") || strings.HasPrefix(other, path+".") {
			return mongoerr.Newf(40176, "specification contains two conflicting paths. Cannot specify both '%s' and '%s': %s", path, other, a.shown())
		}
	}
	a.paths = slices.Insert(a.paths, i, path)
	return nil
}

func (a *fieldAdder) shown() string { return bsonx.ShellString(bsonx.DocValue(a.spec)) }

// within adds the fields of a document whose paths have been judged.
func (a *fieldAdder) within(parent *projected, doc bsonx.Doc) error {
	for it := bsonx.Walk(doc); it.Next(); {
		n := parent.added(it.Key())
		inner, err := a.fields(it.Value())
		switch {
		case err != nil:
			return err
		case len(inner) > len(bsonx.Empty):
			n.descend()
			err = a.within(n, inner)
		case inner == nil || n.action != descend || len(n.fields) == 0: // {} leaves alone what is there.
			n.action = compute
			n.expr, err = expr.Compile(a.scope, it.Value())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// added is the node at a dotted path; what is missing on the way is made.
func (n *projected) added(path string) *projected {
	for part := range strings.SplitSeq(path, ".") {
		n.descend()
		i := n.find(part)
		if i < 0 {
			i = len(n.fields)
			n.fields = append(n.fields, projectedField{strings.Clone(part), &projected{action: descend}})
		}
		n = n.fields[i].node
	}
	return n
}

// descend makes a node one with fields: it may have been the expression {}.
func (n *projected) descend() { n.action, n.expr = descend, nil }
