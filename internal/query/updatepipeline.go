package query

import (
	"errors"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// stage is one stage of an update's pipeline.
type stage struct {
	project *Projection
	replace *ReplaceRoot
	failure error // of a part that depends on nothing: it fails on every document, and not without any.
}

// notInUpdates are the stages that the server knows and does not take here.
var notInUpdates = []string{
	"$bucket", "$bucketAuto", "$changeStream", "$changeStreamSplitLargeEvent", "$collStats", "$count", "$currentOp",
	"$densify", "$documents", "$facet", "$fill", "$geoNear", "$graphLookup", "$group", "$indexStats", "$limit",
	"$listLocalSessions", "$listSampledQueries", "$listSearchIndexes", "$listSessions", "$lookup", "$match", "$merge",
	"$out", "$planCacheStats", "$querySettings", "$queryStats", "$redact", "$sample", "$search", "$searchMeta",
	"$setWindowFields", "$shardedDataDistribution", "$skip", "$sort", "$sortByCount", "$unionWith", "$unwind", "$vectorSearch",
}

// stagesMax is how many stages a pipeline may have.
const stagesMax = 1000

// CheckPipelineLength refuses a pipeline of too many stages.
func CheckPipelineLength(stages int) error {
	if stages > stagesMax {
		return mongoerr.Newf(7749501, "Pipeline length must be no longer than %d stages.", stagesMax)
	}
	return nil
}

func compileUpdatePipeline(list bsonx.Doc, o Options) ([]stage, error) {
	var stages []stage
	for _, v := range elements(bsonx.ArrayValue(list)) {
		if v.Type != bsonx.TypeDocument {
			return nil, mongoerr.New(mongoerr.TypeMismatch, "Each element of the 'pipeline' array must be an object")
		}
		if bsonx.Len(bsonx.AsDoc(v)) != 1 {
			return nil, mongoerr.New(40323, "A pipeline stage specification object must contain exactly one field.")
		}
		name, spec := bsonx.First(bsonx.AsDoc(v))
		s, err := compileUpdateStage(name, spec, o)
		if err != nil {
			return nil, err
		}
		stages = append(stages, s)
	}
	return stages, CheckPipelineLength(len(stages))
}

func compileUpdateStage(name string, spec bsonx.Value, o Options) (s stage, err error) {
	switch name {
	case "$project", "$addFields", "$set", "$unset":
		s.project, err = CompileProject(name, spec, o)
	case "$replaceRoot", "$replaceWith":
		s.replace, err = CompileReplaceRoot(name, spec, o)
	default:
		if slices.Contains(notInUpdates, name) {
			return s, mongoerr.Newf(mongoerr.InvalidOptions, "%s is not allowed to be used within an update", name)
		}
		return s, mongoerr.Newf(40324, "Unrecognized pipeline stage name: '%s'", name)
	}
	var fold *expr.FoldError
	if errors.As(err, &fold) {
		return stage{failure: fold.Err}, nil
	}
	return s, err
}

// runPipeline appends what the stages make of doc. Its _id comes first, and stays
// if the stages lost it.
func (u *Update) runPipeline(doc bsonx.Doc, c *expr.Context, dst []byte) (out bsonx.Doc, changed bool, err error) {
	out = doc
	for _, s := range u.pipeline {
		switch {
		case s.failure != nil:
			err = s.failure
		case s.replace != nil:
			out, err = s.replace.apply(out, c)
		default:
			out, err = s.project.Apply(out, c, nil)
		}
		if err != nil {
			return nil, false, err
		}
	}
	if sameReplacement(doc, out) {
		return doc, false, nil
	}
	before, after := bsonx.Get(doc, "_id"), bsonx.Get(out, "_id")
	if err := checkID(after); err != nil {
		return nil, false, err
	}
	if err := sameID(before, after); err != nil {
		return nil, false, err
	}
	b := bsonx.NewBuilder(dst)
	if after.Type == bsonx.TypeMissing {
		b.Value("_id", before)
	} else {
		b.Value("_id", after)
	}
	for it := bsonx.Walk(out); it.Next(); {
		if it.Key() != "_id" {
			b.Value(it.Key(), it.Value())
		}
	}
	return b.Doc(), true, nil
}
