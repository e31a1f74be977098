package command_test

import (
	"context"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/mongoerr"
)

// FuzzCommand runs arbitrary documents as commands, one after the other in one house.
// Whatever a client sends has an answer, and none is an error of ours.
func FuzzCommand(f *testing.F) {
	for _, text := range []string{
		`{"insert": "c", "documents": [{"_id": 1, "a": [1, {"b": 2}]}], "ordered": false, "$db": "test"}`,
		`{"update": "c", "updates": [{"q": {"a.b": {"$gt": 1}}, "u": {"$inc": {"a.$[x]": 1}}, "arrayFilters": [{"x": 1}], "upsert": true, "multi": false}], "$db": "test"}`,
		`{"delete": "c", "deletes": [{"q": {"$or": [{"_id": 1}, {"a": {"$in": [1, 2]}}]}, "limit": 1, "hint": "_id_"}], "$db": "test"}`,
		`{"find": "c", "filter": {"a": {"$elemMatch": {"b": 2}}}, "sort": {"a": -1}, "projection": {"a": {"$slice": 1}}, "limit": 2, "batchSize": 1, "let": {"x": 1}, "$db": "test"}`,
		`{"aggregate": "c", "pipeline": [{"$match": {"a": 1}}, {"$group": {"_id": "$a", "n": {"$sum": 1}}}, {"$lookup": {"from": "c", "localField": "a", "foreignField": "a", "as": "j"}}, {"$unwind": "$j"}], "cursor": {}, "$db": "test"}`,
		`{"findAndModify": "c", "query": {"_id": 1}, "update": [{"$set": {"x": {"$add": ["$a", 1]}}}], "new": true, "fields": {"a": 1}, "$db": "test"}`,
		`{"bulkWrite": 1, "ops": [{"insert": 0, "document": {"_id": 3}}, {"update": 0, "filter": {}, "updateMods": {"$set": {"a": 1}}}], "nsInfo": [{"ns": "test.c"}], "$db": "admin"}`,
		`{"createIndexes": "c", "indexes": [{"key": {"a": 1, "b": -1}, "name": "x", "unique": true}], "$db": "test"}`,
		`{"create": "v", "viewOn": "c", "pipeline": [{"$match": {"a": 1}}], "$db": "test"}`,
		`{"create": "k", "capped": true, "size": 1000, "validator": {"$jsonSchema": {"required": ["a"]}}, "$db": "test"}`,
		`{"collMod": "c", "validator": {"a": {"$type": "int"}}, "validationLevel": "moderate", "$db": "test"}`,
		`{"renameCollection": "test.c", "to": "test.d", "dropTarget": true, "$db": "admin"}`,
		`{"explain": {"count": "c", "query": {"a": 1}}, "verbosity": "executionStats", "$db": "test"}`,
		`{"distinct": "c", "key": "a.b", "query": {"a": {"$ne": null}}, "$db": "test"}`,
		`{"getMore": {"$numberLong": "1"}, "collection": "c", "$db": "test"}`,
		`{"dropIndexes": "c", "index": ["x"], "$db": "test"}`,
		`{"listIndexes": "c", "cursor": {"batchSize": 0}, "$db": "test"}`,
		`{"validate": "c", "full": true, "$db": "test"}`,
		`{"currentOp": 1, "$ownOps": true, "$db": "admin"}`,
		`{"setParameter": 1, "quiet": 1, "$db": "admin"}`,
		`{"hello": 1, "client": {"driver": {"name": "d", "version": "1"}, "os": {"type": "x"}}, "compression": ["zlib"], "$db": "admin"}`,
		`{"find": "c", "lsid": {"id": {"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}}, "txnNumber": {"$numberLong": "1"}, "startTransaction": true, "autocommit": false, "readConcern": {"level": "snapshot"}, "$db": "test"}`,
		`{"commitTransaction": 1, "lsid": {"id": {"$binary": {"base64": "AAAAAAAAAAAAAAAAAAAAAA==", "subType": "04"}}}, "txnNumber": {"$numberLong": "1"}, "autocommit": false, "writeConcern": {"w": "majority"}, "$db": "admin"}`,
	} {
		f.Add([]byte(bsonx.MustParseJSON(text)))
	}
	var h *house
	f.Fuzz(func(t *testing.T, in []byte) {
		if bsonx.Validate(in, bsonx.DepthMax) != nil {
			return // stopped at the border.
		}
		if h == nil {
			h = openHouse(t, vfs.NewCrashableMem(), nil)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		res := h.d.Run(ctx, &command.Peer{ID: 1, Remote: "127.0.0.1:1", Local: "127.0.0.1:2"}, command.Request{Body: in}, nil)
		if res.Reply == nil {
			if !res.Close {
				t.Fatal("no answer")
			}
			return
		}
		if err := bsonx.Validate(res.Reply, 2*bsonx.DepthMax); err != nil {
			t.Fatalf("answered with what is no document: %v", err)
		}
		if code := bsonx.Get(bsonx.Doc(res.Reply), "code"); code.Type == bsonx.TypeInt32 && bsonx.AsInt32(code) == int32(mongoerr.InternalError) {
			t.Fatalf("%s\nanswered %s", bsonx.ToJSON(bsonx.Doc(in)), bsonx.ToJSON(bsonx.Doc(res.Reply)))
		}
	})
}
