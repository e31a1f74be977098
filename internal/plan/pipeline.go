package plan

import (
	"bytes"
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// Pipeline is a compiled pipeline. It never changes.
type Pipeline struct {
	Stages []Stage

	// Fault is why a $lookup's pipeline fails on the first document that needs it:
	// a constant in it makes no sense. nil: nothing.
	Fault error
}

// Stages takes a pipeline's array apart.
func Stages(v bsonx.Value) ([]bsonx.Doc, error) {
	if v.Type != bsonx.TypeArray {
		return nil, fail(mongoerr.TypeMismatch, "A pipeline must be an array of objects")
	}
	var stages []bsonx.Doc
	for _, e := range bsonx.All(bsonx.AsDoc(v)) {
		if e.Type != bsonx.TypeDocument {
			return nil, fail(mongoerr.TypeMismatch, "Each element of the 'pipeline' array must be an object")
		}
		stages = append(stages, bsonx.AsDoc(e))
	}
	return stages, nil
}

// nestedMax is how many pipelines of $lookup may stand within each other.
const nestedMax = 20

// CompilePipeline compiles and checks the stages, of which it keeps a copy.
func CompilePipeline(stages []bsonx.Doc, o PipelineOptions) (*Pipeline, error) {
	if o.Scope == nil {
		o.Scope = expr.NewScope()
	}
	if o.nested > nestedMax {
		return nil, fail(mongoerr.MaxSubPipelineDepthExceeded, "Maximum number of nested sub-pipelines exceeded. Limit is %d", nestedMax)
	}
	if err := checkShapes(stages); err != nil {
		return nil, err
	}
	if err := checkPlaces(stages, o); err != nil {
		return nil, err
	}
	c := compiler{PipelineOptions: o}
	err := o.Scope.FoldsLast(func() error {
		for _, doc := range stages {
			if err := c.stage(bytes.Clone(doc)); err != nil {
				return err
			}
		}
		return query.CheckPipelineLength(len(stages))
	})
	fold, isFold := errors.AsType[*expr.FoldError](err)
	if err != nil && !isFold {
		return nil, err
	}
	p := &Pipeline{Stages: c.out}
	if isFold {
		err = mongoerr.From(fold).Prefix("Failed to optimize pipeline")
		switch o.within {
		case inLookup:
			p.Fault, err = err, nil
		case inFacet:
			err = o.Scope.PutOff(&expr.FoldError{Err: err})
		}
	}
	return p, err
}

// checkShapes checks that each stage has one field, with a name that the server
// knows, and $lookup's collection and its pipeline's stages: it does so before it parses the first stage.
func checkShapes(stages []bsonx.Doc) error {
	for _, doc := range stages {
		if bsonx.Len(doc) != 1 {
			return fail(40323, "A pipeline stage specification object must contain exactly one field.")
		}
		name, v := bsonx.First(doc)
		if !IsStage(name) {
			return fail(40324, "Unrecognized pipeline stage name: '%s'", name)
		}
		if name != "$lookup" {
			continue
		}
		if v.Type != bsonx.TypeDocument {
			return fail(mongoerr.FailedToParse, "the $lookup stage specification must be an object, but found %s", bsonx.TypeName(v.Type))
		}
		switch from := bsonx.Get(bsonx.AsDoc(v), "from"); from.Type {
		case bsonx.TypeMissing, bsonx.TypeString, bsonx.TypeDocument:
		default:
			return fail(mongoerr.FailedToParse, "$lookup 'from' field must be a string, but found %s", bsonx.TypeName(from.Type))
		}
		pipeline := bsonx.Get(bsonx.AsDoc(v), "pipeline")
		if bsonx.IsMissing(pipeline) {
			continue
		}
		inner, err := Stages(pipeline)
		if err == nil {
			err = checkShapes(inner)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkPlaces checks what may stand where. The server does so after it has parsed
// every stage; here it comes first, since a stage that is refused by its place
// may be one that is not implemented.
func checkPlaces(stages []bsonx.Doc, o PipelineOptions) error {
	name := func(i int) string { n, _ := bsonx.First(stages[i]); return n }
	if o.within == topLevel && o.NS.Coll == "" {
		if len(stages) == 0 {
			return fail(mongoerr.InvalidNamespace, "{aggregate: 1} is not valid for an empty pipeline.")
		}
		if n := name(0); !sourceless(n) && IsStage(n) && noSearch(n) == nil {
			return fail(mongoerr.InvalidNamespace, "{aggregate: 1} is not valid for '%s'; a collection is required.", n)
		}
	}
	for i := range stages {
		n := name(i)
		if err := noSearch(n); err != nil {
			return err
		}
		switch {
		case (n == "$out" || n == "$merge") && o.within == inLookup:
			return fail(51047, "%s is not allowed within a $lookup's sub-pipeline", n)
		case o.within == inFacet && notInFacet(n):
			return fail(40600, "%s is not allowed to be used within a $facet stage", n)
		case n == "$listLocalSessions" && o.within == topLevel && o.NS.Coll != "":
			return fail(mongoerr.InvalidNamespace, "$listLocalSessions must be run against the database with {aggregate: 1}, not a collection")
		case i > 0 && onlyFirst(n) && n != "$changeStream" && n != "$geoNear" && n != "$currentOp":
			return fail(40602, "%s is only valid as the first stage in a pipeline", n)
		case (n == "$out" || n == "$merge") && i < len(stages)-1:
			return fail(40601, "%s can only be the final stage in the pipeline", n)
		case n == "$documents" && o.within == topLevel && o.NS.Coll != "":
			return fail(mongoerr.InvalidNamespace, "'$documents' can only be run with {aggregate: 1}")
		}
	}
	return nil
}

// sourceless tells whether a stage is a source that needs no collection.
func sourceless(name string) bool {
	switch name {
	case "$documents", "$changeStream", "$currentOp", "$listLocalSessions", "$listCatalog", "$listClusterCatalog",
		"$listMqlEntities", "$querySettings", "$queryStats", "$shardedDataDistribution", "$listSampledQueries":
		return true
	}
	return false
}

func notInFacet(name string) bool {
	return name == "$facet" || onlyFirst(name) || name == "$out" || name == "$merge"
}

// isCompiled tells whether c.stage has a case for the name.
func isCompiled(name string) bool {
	switch name {
	case "$match", "$project", "$addFields", "$set", "$unset", "$group", "$sort", "$limit", "$skip", "$count", "$unwind",
		"$replaceRoot", "$replaceWith", "$sortByCount", "$sample", "$facet", "$lookup", "$bucket", "$documents":
		return true
	}
	return false
}

// FindStage names the first stage for which is holds, of a pipeline as the client
// sent it, those within it included.
func FindStage(stages []bsonx.Doc, is func(name string, arg bsonx.Value) bool) (stage string, found bool) {
	for _, doc := range stages {
		name, v := bsonx.First(doc)
		if is(name, v) {
			return name, true
		}
		if v.Type != bsonx.TypeDocument || name != "$lookup" && name != "$facet" {
			continue
		}
		for key, inner := range bsonx.All(bsonx.AsDoc(v)) {
			if name == "$lookup" && key != "pipeline" {
				continue
			}
			within, err := Stages(inner)
			if err != nil {
				continue // told when it is compiled.
			}
			if stage, found = FindStage(within, is); found {
				return stage, true
			}
		}
	}
	return "", false
}

// IsSource tells whether the pipeline begins with a stage that reads no collection.
func (p *Pipeline) IsSource() bool {
	if len(p.Stages) == 0 {
		return false
	}
	_, ok := p.Stages[0].(*Documents)
	return ok
}
