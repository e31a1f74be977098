package plan

import (
	"errors"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

func (c *compiler) facet(at spelled) error {
	if at.spec.Type != bsonx.TypeDocument || bsonx.Len(bsonx.AsDoc(at.spec)) == 0 {
		return fail(40169, "the $facet specification must be a non-empty object, but found: $facet: %s", bsonx.ShellString(at.spec))
	}
	f := &Facet{spelled: at}
	for name, v := range bsonx.All(bsonx.AsDoc(at.spec)) {
		if err := expr.CheckFieldName(name); err != nil {
			if e, ok := errors.AsType[*mongoerr.Error](err); ok {
				return facetName(e, name)
			}
			return err
		}
		if v.Type != bsonx.TypeArray {
			return fail(40170, "arguments to $facet must be arrays, %s is type %s", name, bsonx.TypeName(v.Type))
		}
		var stages []bsonx.Doc
		for i, e := range bsonx.All(bsonx.AsDoc(v)) {
			if e.Type != bsonx.TypeDocument || bsonx.Len(bsonx.AsDoc(e)) == 0 {
				return fail(40171, "elements of arrays in $facet spec must be non-empty objects, %s argument contained an element of type %s: %s: %s",
					name, bsonx.TypeName(e.Type), i, bsonx.ShellString(e))
			}
			stages = append(stages, bsonx.AsDoc(e))
		}
		p, err := CompilePipeline(stages, PipelineOptions{NS: c.NS, Scope: c.Scope, within: inFacet, nested: c.nested})
		if err != nil {
			return err
		}
		f.Names = append(f.Names, strings.Clone(name))
		f.Pipelines = append(f.Pipelines, p)
	}
	c.add(f)
	return nil
}

// facetName is what is wrong with a facet's name; it is told without advice.
func facetName(e *mongoerr.Error, name string) error {
	const rules = "$facet pipeline names must follow the naming rules of field path expressions."
	switch {
	case name == "":
		return fail(15998, "%s :: caused by :: FieldPath field names may not be empty strings.", rules)
	case name[0] == '$':
		return fail(16410, "%s :: caused by :: FieldPath field names may not start with '$', given '%s'.", rules, name)
	case strings.Contains(name, "."):
		return fail(16412, "%s :: caused by :: FieldPath field names may not contain '.', given '%s'.", rules, name)
	}
	return e.Prefix(rules)
}

// lookup compiles $lookup in its three forms: by two fields, by a pipeline, by both.
func (c *compiler) lookup(at spelled) error {
	if at.spec.Type != bsonx.TypeDocument {
		return fail(mongoerr.FailedToParse, "the $lookup stage specification must be an object, but found %s", bsonx.TypeName(at.spec.Type))
	}
	spec := present(bsonx.AsDoc(at.spec), "as", "localField", "foreignField", "let")
	j := &Join{spelled: at, scope: c.Scope}
	if err := c.lookupFrom(j, spec); err != nil {
		return err
	}
	for key, v := range bsonx.All(spec) {
		var want bsonx.Type
		switch key {
		case "as", "localField", "foreignField":
			want = bsonx.TypeString
		case "let":
			want = bsonx.TypeDocument
		case "from", "pipeline":
			continue
		case "_internalUnwind", "_internalCollation":
			return mongoerr.NotYet("the $lookup option " + key)
		default:
			return fail(mongoerr.IDLUnknownField, "BSON field '$lookup.%s' is an unknown field.", key)
		}
		if v.Type != want {
			return fail(mongoerr.TypeMismatch, "BSON field '$lookup.%s' is the wrong type '%s', expected type '%s'", key, bsonx.TypeName(v.Type), bsonx.TypeName(want))
		}
	}
	as := bsonx.Get(spec, "as")
	if bsonx.IsMissing(as) {
		return fail(mongoerr.IDLFailedToParse, "BSON field '$lookup.as' is missing but a required field")
	}
	if err := checkLookupFields(spec); err != nil {
		return err
	}
	var err error
	if j.As, err = splitPath(bsonx.Str(as)); err != nil {
		return err
	}
	if err := j.fields(spec); err != nil {
		return err
	}
	if err := c.lookupPipeline(j, spec); err != nil {
		return err
	}
	c.add(j)
	return nil
}

// present is a document without those of the named fields that are null or undefined,
// which stand for absence.
func present(doc bsonx.Doc, names ...string) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	for name, v := range bsonx.All(doc) {
		if v.Type != bsonx.TypeNull && v.Type != bsonx.TypeUndefined || !slices.Contains(names, name) {
			b.Value(name, v)
		}
	}
	return b.Doc()
}

func (c *compiler) lookupFrom(j *Join, spec bsonx.Doc) error {
	from, pipeline := bsonx.Get(spec, "from"), bsonx.Get(spec, "pipeline")
	switch from.Type {
	case bsonx.TypeMissing:
		if bsonx.IsMissing(pipeline) {
			return fail(mongoerr.FailedToParse, "must specify 'pipeline' when 'from' is empty")
		}
		if !startsWithDocuments(pipeline) {
			return fail(mongoerr.FailedToParse, "$lookup stage without explicit collection must have a pipeline with $documents as first stage")
		}
	case bsonx.TypeString:
		j.From = catalog.Namespace{DB: c.NS.DB, Coll: strings.Clone(bsonx.Str(from))}
		if j.From.Coll == "" {
			return fail(mongoerr.InvalidNamespace, "invalid $lookup namespace: %s", c.NS.DB)
		}
	case bsonx.TypeDocument:
		return mongoerr.NotYet("$lookup from another database")
	default:
		return fail(mongoerr.FailedToParse, "$lookup 'from' field must be a string, but found %s", bsonx.TypeName(from.Type))
	}
	return nil
}

func startsWithDocuments(pipeline bsonx.Value) bool {
	if pipeline.Type != bsonx.TypeArray {
		return false
	}
	_, first := bsonx.First(bsonx.AsDoc(pipeline))
	if first.Type != bsonx.TypeDocument {
		return false
	}
	name, _ := bsonx.First(bsonx.AsDoc(first))
	return name == "$documents"
}

// noField tells whether localField or foreignField is left out, or empty.
func noField(v bsonx.Value) bool { return bsonx.IsMissing(v) || bsonx.Str(v) == "" }

func checkLookupFields(spec bsonx.Doc) error {
	local, foreign := bsonx.Get(spec, "localField"), bsonx.Get(spec, "foreignField")
	hasPipeline := !bsonx.IsMissing(bsonx.Get(spec, "pipeline"))
	if noField(local) != noField(foreign) || noField(local) && !hasPipeline {
		return fail(mongoerr.FailedToParse, "$lookup requires both or neither of 'localField' and 'foreignField' to be specified")
	}
	if !bsonx.IsMissing(bsonx.Get(spec, "let")) && !hasPipeline {
		return fail(mongoerr.FailedToParse, "$lookup with a 'let' argument must also specify 'pipeline'")
	}
	return nil
}

// fields reads localField and foreignField.
func (j *Join) fields(spec bsonx.Doc) (err error) {
	local := bsonx.Get(spec, "localField")
	if noField(local) {
		return nil
	}
	if j.Local, err = splitPath(bsonx.Str(local)); err != nil {
		return err
	}
	parts, err := splitPath(bsonx.Str(bsonx.Get(spec, "foreignField")))
	j.Foreign = strings.Join(parts, ".")
	return err
}

func (c *compiler) lookupPipeline(j *Join, spec bsonx.Doc) error {
	pipeline := bsonx.Get(spec, "pipeline")
	if bsonx.IsMissing(pipeline) {
		return nil
	}
	inner := c.Scope.Sub()
	if let := bsonx.Get(spec, "let"); !bsonx.IsMissing(let) {
		for name, v := range bsonx.All(bsonx.AsDoc(let)) {
			if err := expr.CheckVariable(name); err != nil {
				return err
			}
			var e expr.Expr
			err := c.Scope.FoldsLast(func() (err error) {
				e, err = expr.Compile(c.Scope, v)
				return err
			})
			if _, isFold := errors.AsType[*expr.FoldError](err); err != nil && !isFold { // a constant that fails does so on each document.
				return err
			}
			j.Let = append(j.Let, Let{inner.Define(name), e})
		}
	}
	stages, err := Stages(pipeline)
	if err != nil {
		return err
	}
	j.Pipeline, err = CompilePipeline(stages, PipelineOptions{NS: j.From, Scope: inner, within: inLookup, nested: c.nested + 1})
	return err
}
