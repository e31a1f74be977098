package query

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/testenv"
)

// reference is a collection of the reference server.
func reference(t *testing.T) *mongo.Collection {
	t.Helper()
	coll := golden.Connect(t, testenv.Reference(t)).Database("query").Collection("golden_" + strings.ReplaceAll(t.Name(), "/", "_"))
	t.Cleanup(func() { coll.Drop(context.Background()) })
	return coll
}

func record(t *testing.T, kind string, ask func(*testing.T, *mongo.Collection, goldenCase) string) {
	testenv.Recorder(t)
	coll := reference(t)
	for _, path := range goldenFiles(t, kind) {
		cases := readGolden(t, path)
		var have []bsonx.Doc
		for i, c := range cases {
			if c.keep {
				continue
			}
			if kind == "update" || i == 0 || !sameDocs(have, c.docs) {
				fill(t, coll, c.docs)
				have = c.docs
			}
			cases[i].want = ask(t, coll, c)
		}
		writeGolden(t, path, cases)
	}
}

func sameDocs(a, b []bsonx.Doc) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0][0] == &b[0][0])
}

// fill makes the documents the collection's only ones.
func fill(t *testing.T, coll *mongo.Collection, docs []bsonx.Doc) {
	t.Helper()
	ctx := context.Background()
	if _, err := coll.DeleteMany(ctx, bson.D{}); err != nil {
		t.Fatal(err)
	}
	if len(docs) == 0 {
		return
	}
	var list []any
	for _, d := range docs {
		list = append(list, bson.Raw(d))
	}
	if _, err := coll.InsertMany(ctx, list); err != nil {
		t.Fatal(err)
	}
}

// runContexts are what the server puts before a message that came while running.
var runContexts = []string{
	"Plan executor error during update :: caused by :: ",
	"Executor error during find command: %s :: caused by :: ",
	"Executor error during aggregate command on namespace: %s :: caused by :: ",
	"PlanExecutor error during aggregation :: caused by :: ",
}

func recordError(t *testing.T, coll *mongo.Collection, c goldenCase, err error) string {
	t.Helper()
	var code int32
	var msg string
	var command mongo.CommandError
	var write mongo.WriteException
	switch {
	case errors.As(err, &command):
		code, msg = command.Code, command.Message
	case errors.As(err, &write):
		code, msg = int32(write.WriteErrors[0].Code), write.WriteErrors[0].Message
	default:
		t.Fatalf("line %d: %v", c.line, err)
	}
	for _, p := range runContexts {
		p = strings.ReplaceAll(p, "%s", "query."+coll.Name())
		if rest, ok := strings.CutPrefix(msg, p); ok {
			return golden.Error("!!", code, rest)
		}
	}
	return golden.Error("!", code, msg)
}

func TestRecordFilters(t *testing.T) { record(t, "filter", askFilter) }

func askFilter(t *testing.T, coll *mongo.Collection, c goldenCase) string {
	return askIDs(t, coll, c, bson.E{Key: "filter", Value: bson.Raw(c.input.Data)})
}

func TestRecordSorts(t *testing.T) { record(t, "sort", askSort) }

func askSort(t *testing.T, coll *mongo.Collection, c goldenCase) string {
	return askIDs(t, coll, c, bson.E{Key: "sort", Value: bson.Raw(byID(bsonx.AsDoc(c.input)))})
}

// askIDs runs a find with one more field and gives the _ids of what it found.
func askIDs(t *testing.T, coll *mongo.Collection, c goldenCase, field bson.E) string {
	var reply struct {
		Cursor struct {
			FirstBatch []struct {
				ID int64 `bson:"_id"`
			}
		}
	}
	err := coll.Database().RunCommand(context.Background(), bson.D{
		{Key: "find", Value: coll.Name()},
		field,
		{Key: "projection", Value: bson.D{{Key: "_id", Value: 1}}},
		{Key: "hint", Value: bson.D{{Key: "$natural", Value: 1}}},
		{Key: "batchSize", Value: 10_000},
	}).Decode(&reply)
	if err != nil {
		return recordError(t, coll, c, err)
	}
	out := "="
	for _, d := range reply.Cursor.FirstBatch {
		out += " " + bsonx.ShellString(bsonx.Int64(d.ID))
	}
	return out
}

func TestRecordUpdates(t *testing.T) { record(t, "update", askUpdate) }

func askUpdate(t *testing.T, coll *mongo.Collection, c goldenCase) string {
	q := c.query
	if q == nil {
		q = bsonx.Empty
	}
	statement := bson.D{{Key: "q", Value: bson.Raw(q)}, {Key: "u", Value: golden.Raw(c.input)}, {Key: "upsert", Value: len(c.docs) == 0}}
	if c.filters != nil {
		list := bson.A{}
		for _, f := range c.filters {
			list = append(list, bson.Raw(f))
		}
		statement = append(statement, bson.E{Key: "arrayFilters", Value: list})
	}
	var reply struct {
		NModified   int
		WriteErrors []struct {
			Code   int32
			Errmsg string
		}
	}
	ctx := context.Background()
	err := coll.Database().RunCommand(ctx, bson.D{{Key: "update", Value: coll.Name()}, {Key: "updates", Value: bson.A{statement}}}).Decode(&reply)
	if err != nil {
		return recordError(t, coll, c, err)
	}
	if len(reply.WriteErrors) > 0 {
		e := reply.WriteErrors[0]
		return recordError(t, coll, c, mongo.CommandError{Code: e.Code, Message: e.Errmsg})
	}
	if reply.NModified == 0 && len(c.docs) > 0 {
		return "~"
	}
	raw, err := coll.FindOne(ctx, bson.D{}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	if id := bsonx.Get(bsonx.Doc(raw), "_id"); len(c.docs) == 0 && id.Type == bsonx.TypeObjectID {
		clear(id.Data) // made by the server.
	}
	if len(c.docs) == 0 {
		raw = bson.Raw(sorted(bsonx.Doc(raw)))
	}
	return "= " + golden.Doc(t, raw)
}

func TestRecordProjections(t *testing.T) { record(t, "projection", askProjection) }

func askProjection(t *testing.T, coll *mongo.Collection, c goldenCase) string {
	q := c.query
	if q == nil {
		q = bsonx.Empty
	}
	return askDocs(t, coll, c, bson.D{
		{Key: "find", Value: coll.Name()},
		{Key: "filter", Value: bson.Raw(q)},
		{Key: "projection", Value: golden.Raw(c.input)},
		{Key: "hint", Value: bson.D{{Key: "$natural", Value: 1}}},
	})
}

func TestRecordStages(t *testing.T) { record(t, "stage", askStage) }

// askStage puts a stage that needs the whole document before the one at hand:
// else messages would show only those fields that the server read.
func askStage(t *testing.T, coll *mongo.Collection, c goldenCase) string {
	return askDocs(t, coll, c, bson.D{
		{Key: "aggregate", Value: coll.Name()},
		{Key: "pipeline", Value: bson.A{
			bson.D{{Key: "$_internalInhibitOptimization", Value: bson.D{}}},
			golden.Raw(c.input),
		}},
		{Key: "hint", Value: bson.D{{Key: "$natural", Value: 1}}},
		{Key: "cursor", Value: bson.D{}},
	})
}

func askDocs(t *testing.T, coll *mongo.Collection, c goldenCase, command bson.D) string {
	var reply struct {
		Cursor struct{ FirstBatch []bson.Raw }
	}
	if err := coll.Database().RunCommand(context.Background(), command).Decode(&reply); err != nil {
		return recordError(t, coll, c, err)
	}
	var out []string
	for _, d := range reply.Cursor.FirstBatch {
		out = append(out, golden.Doc(t, d))
	}
	return "= " + strings.Join(out, " ")
}
