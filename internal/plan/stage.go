package plan

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// Stage is one stage of a pipeline, compiled. It never changes: any number of
// executions may share it.
type Stage interface {
	// Name is the stage's name as the client spelled it.
	Name() string

	// Spec is what the client wrote.
	Spec() bsonx.Value
}

// spelled is what all stages keep of their source.
type spelled struct {
	name string
	spec bsonx.Value
}

// Name is as the client spelled it.
func (s spelled) Name() string { return s.name }

// Spec is what the client wrote.
func (s spelled) Spec() bsonx.Value { return s.spec }

// Match lets documents through that match.
type Match struct {
	spelled
	Filter *query.Filter
}

// Shape is $project, $addFields, $set and $unset.
type Shape struct {
	spelled
	Projection *query.Projection
}

// Group is $group. $sortByCount and $bucket become one as well.
type Group struct {
	spelled
	ID     expr.Expr
	Fields []Accumulator

	// Single is the name of the only field of _id, if it is an object of one: ID
	// is that field's value then, and one that is missing counts as null.
	Single string
}

// Order is $sort.
type Order struct {
	spelled
	Sort  *query.Sort
	Limit int64 // what follows takes no more than this; zero: all.
}

// Cut is $limit and $skip: how many.
type Cut struct {
	spelled
	N int64
}

// Count is $count: one document with the number of those before, none if there were none.
type Count struct {
	spelled
	Field string
}

// Unwind is $unwind.
type Unwind struct {
	spelled
	Path     []string
	Index    []string // where the position goes; nil: nowhere.
	Preserve bool
}

// Replace is $replaceRoot and $replaceWith.
type Replace struct {
	spelled
	New *query.ReplaceRoot
}

// Sample is $sample.
type Sample struct {
	spelled
	Size int64
}

// Facet is $facet: several pipelines over one input.
type Facet struct {
	spelled
	Names     []string
	Pipelines []*Pipeline
}

// Documents is $documents, a source.
type Documents struct {
	spelled
	List expr.Expr
}

// Join is $lookup.
type Join struct {
	spelled
	From     catalog.Namespace // zero: the sub-pipeline is its own source.
	As       []string
	Local    []string // localField; nil: none.
	Foreign  string
	Let      []Let
	Pipeline *Pipeline // nil: none.

	scope *expr.Scope // the outer one.
}

// Let is a variable of a sub-pipeline, evaluated on each outer document.
type Let struct {
	Slot  int
	Value expr.Expr
}

// PipelineOptions is what a pipeline is compiled with.
type PipelineOptions struct {
	NS catalog.Namespace // where it runs; Coll is empty for {aggregate: 1}.

	// Scope is the names that expressions may use; nil means the built-in ones.
	Scope *expr.Scope

	within container
	nested int // how many pipelines of $lookup this one is within.
}

// container is what a pipeline is part of.
type container int

const (
	topLevel container = iota
	inLookup
	inFacet
)

// compiler compiles the stages of one pipeline.
type compiler struct {
	PipelineOptions
	out []Stage
}

func fail(code mongoerr.Code, format string, args ...any) error {
	return mongoerr.Newf(code, format, args...)
}

// stage compiles one stage and appends what it becomes.
func (c *compiler) stage(doc bsonx.Doc) error {
	if bsonx.Len(doc) != 1 {
		return fail(40323, "A pipeline stage specification object must contain exactly one field.")
	}
	name, v := bsonx.First(doc)
	at := spelled{strings.Clone(name), v}
	switch name {
	case "$match":
		return c.match(at)
	case "$project", "$addFields", "$set", "$unset":
		return c.shape(at)
	case "$group":
		return c.group(at)
	case "$sort":
		return c.sort(at)
	case "$limit":
		return c.limit(at)
	case "$skip":
		return c.skip(at)
	case "$count":
		return c.count(at)
	case "$unwind":
		return c.unwind(at)
	case "$replaceRoot", "$replaceWith":
		return c.replace(at)
	case "$sortByCount":
		return c.sortByCount(at)
	case "$sample":
		return c.sample(at)
	case "$facet":
		return c.facet(at)
	case "$documents":
		return c.documents(at)
	case "$lookup":
		return c.lookup(at)
	case "$bucket":
		return c.bucket(at)
	case "$shardedDataDistribution":
		return fail(6789101, "The $shardedDataDistribution stage can only be run on router")
	}
	if isKnown(name) {
		return mongoerr.NotYet("the stage " + name)
	}
	return fail(40324, "Unrecognized pipeline stage name: '%s'", name)
}

func (c *compiler) add(s Stage) { c.out = append(c.out, s) }

// IsStage tells whether the server knows a stage of that name, whether it is done
// here or not.
func IsStage(name string) bool { return isCompiled(name) || isKnown(name) }

// isKnown tells whether the server knows a stage of that name that is not done here.
func isKnown(name string) bool {
	switch name {
	case "$bucketAuto", "$changeStream", "$changeStreamSplitLargeEvent", "$collStats", "$currentOp",
		"$densify", "$fill", "$geoNear", "$graphLookup", "$indexStats", "$listCachedAndActiveUsers",
		"$listCatalog", "$listClusterCatalog", "$listExtensions", "$listLocalSessions", "$listMqlEntities",
		"$listSampledQueries", "$listSearchIndexes", "$listSessions", "$merge", "$operationMetrics", "$out",
		"$planCacheStats", "$querySettings", "$queryStats", "$queue", "$rankFusion", "$redact", "$score",
		"$scoreFusion", "$search", "$searchBeta", "$searchMeta", "$setMetadata", "$setQueryShapeHash",
		"$setVariableFromSubPipeline", "$setWindowFields", "$shardedDataDistribution",
		"$unionWith", "$vectorSearch":
		return true
	}
	return false
}

// onlyFirst tells whether a stage must be a pipeline's first.
func onlyFirst(name string) bool {
	switch name {
	case "$documents", "$changeStream", "$collStats", "$currentOp", "$geoNear", "$indexStats", "$listCatalog",
		"$listClusterCatalog", "$listLocalSessions", "$listMqlEntities", "$listSampledQueries", "$listSearchIndexes",
		"$listSessions", "$planCacheStats", "$querySettings", "$queryStats", "$search", "$searchMeta",
		"$shardedDataDistribution", "$vectorSearch":
		return true
	}
	return false
}

// RefusedInTxn tells whether a stage may not be used in a multi-document
// transaction. FindStage is to ask it before compiling, since it comes before what
// a stage says of itself.
func RefusedInTxn(name string, _ bsonx.Value) bool {
	switch name {
	case "$changeStream", "$out", "$merge", "$unionWith", "$collStats", "$currentOp", "$indexStats",
		"$listLocalSessions", "$listSessions", "$planCacheStats", "$queryStats", "$listCatalog",
		"$listClusterCatalog", "$listMqlEntities", "$listSearchIndexes", "$search", "$searchMeta", "$vectorSearch":
		return true
	}
	return false
}
