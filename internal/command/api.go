package command

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// unstable are the fields, of the commands in API version 1, that are not in it.
var unstable = map[string][]string{
	"aggregate":     {"explain", "collectionUUID"},
	"bulkWrite":     {"bypassEmptyTsReplacement"},
	"collMod":       {"dryRun"},
	"count":         {"fields"},
	"create":        {"size", "max", "storageEngine", "indexOptionDefaults", "recordIdsReplicated", "flags"},
	"createIndexes": {"ignoreUnknownIndexOptions", "returnOnStart"},
	"delete":        {"collectionUUID"},
	"drop":          {"collectionUUID"},
	"dropIndexes":   {"collectionUUID"},
	"find":          {"noCursorTimeout", "oplogReplay", "tailable", "awaitData", "readOnce", "max", "min", "returnKey", "showRecordId"},
	"findAndModify": {"bypassEmptyTsReplacement"},
	"insert":        {"bypassEmptyTsReplacement", "collectionUUID"},
	"listIndexes":   {"includeBuildUUIDs", "includeIndexBuildInfo"},
	"update":        {"bypassEmptyTsReplacement", "collectionUUID"},

	"listCollections": {"includePendingDrops"},
}

// checkStrict refuses the fields that apiStrict excludes. The original does it
// while it parses, before it looks at the version.
func (c *Call) checkStrict() error {
	if !c.Gen.API.Strict {
		return nil
	}
	for _, name := range unstable[c.Spec.Name] {
		if c.Args.Has(name) {
			return mongoerr.Newf(mongoerr.APIStrictError, "BSON field '%s' is not allowed with apiStrict:true.", name)
		}
	}
	return nil
}

// checkAPI is the stable API (1.6).
func (c *Call) checkAPI() error {
	g := &c.Gen
	if !g.HasAPI {
		return nil
	}
	switch g.API.Version {
	case "1":
	case "2": // is known to the reference server, for its own tests.
		return mongoerr.Newf(mongoerr.APIVersionError, "Cannot accept API version %s", g.API.Version)
	default:
		return mongoerr.New(mongoerr.APIVersionError, `API version must be "1"`)
	}
	g.API.Version = strings.Clone(g.API.Version) // it outlives the request's bytes.
	if g.API.Strict && !c.Spec.API {
		return mongoerr.Newf(mongoerr.APIStrictError,
			"Provided apiStrict:true, but the command %s is not in API Version 1. Information on supported commands and migrations in API Version 1 can be found at https://dochub.mongodb.org/core/manual-versioned-api.", c.Spec.Name)
	}
	if g.API.Deprecation && c.Spec.OldAPI {
		return mongoerr.Newf(mongoerr.APIDeprecationError,
			"Provided apiDeprecationErrors:true, but the command %s is deprecated in API Version 1.", c.Spec.Name)
	}
	return nil
}

// unstableStage tells whether API version 1 lacks a stage, or what is asked of it.
func unstableStage(name string, arg bsonx.Value) bool {
	switch name {
	case "$changeStreamSplitLargeEvent", "$currentOp", "$fill", "$indexStats", "$listLocalSessions", "$listSampledQueries",
		"$listSearchIndexes", "$listSessions", "$planCacheStats", "$queryStats", "$search", "$searchMeta", "$vectorSearch",
		"$listCatalog", "$listClusterCatalog", "$listMqlEntities", "$score", "$querySettings":
		return true
	case "$collStats":
		if arg.Type != bsonx.TypeDocument {
			return false
		}
		for key := range bsonx.All(bsonx.AsDoc(arg)) {
			if key != "count" {
				return true
			}
		}
	}
	return false
}

func errUnstableStage(name string) error {
	if name == "$collStats" {
		return mongoerr.New(mongoerr.APIStrictError, "only the 'count' option to $collStats is supported in API Version 1")
	}
	return mongoerr.Newf(mongoerr.APIStrictError, "%s is not allowed with 'apiStrict: true' in API Version 1", name)
}
