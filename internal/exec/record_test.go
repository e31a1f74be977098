package exec

import (
	"context"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/pandodb/pando/internal/golden"
	"github.com/pandodb/pando/internal/testenv"
)

// TestRecord asks the reference server for the answers in the golden files.
func TestRecord(t *testing.T) {
	db := golden.Connect(t, testenv.Recorder(t)).Database("exec")
	for _, path := range goldenFiles(t) {
		cases := readGolden(t, path)
		var loaded goldenCase
		for i, c := range cases {
			if c.directive {
				continue
			}
			if loaded.with != c.with || loaded.other != c.other {
				fill(t, db.Collection("c"), c.with)
				fill(t, db.Collection("d"), c.other)
				loaded = c
			}
			cases[i].want = askReference(t, db, c)
		}
		writeGolden(t, path, cases)
	}
}

func fill(t *testing.T, coll *mongo.Collection, docs string) {
	t.Helper()
	ctx := context.Background()
	if err := coll.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	values, err := golden.Raw(golden.Value(t, docs)).Array().Values()
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		if _, err := coll.InsertOne(ctx, v.Document()); err != nil {
			t.Fatal(err)
		}
	}
}

// contexts are what the server says before the message itself; they are the
// command layer's to add.
var contexts = []string{
	"PlanExecutor error during aggregation :: caused by :: ",
	"Executor error during aggregate command on namespace: exec.c :: caused by :: ",
	"Executor error during aggregate command on namespace: exec.$cmd.aggregate :: caused by :: ",
}

func askReference(t *testing.T, db *mongo.Database, c goldenCase) string {
	t.Helper()
	ctx := context.Background()
	var target any = "c"
	if c.database {
		target = 1
	}
	cmd := bson.D{{Key: "aggregate", Value: target}, {Key: "pipeline", Value: golden.Raw(golden.Value(t, c.text))}, {Key: "cursor", Value: bson.D{}}}
	reply, err := db.RunCommand(ctx, cmd).Raw()
	if err == nil {
		values, err := reply.Lookup("cursor", "firstBatch").Array().Values()
		if err != nil {
			t.Fatal(err)
		}
		docs := make([]bson.Raw, len(values))
		for i, v := range values {
			docs[i] = v.Document()
		}
		return printDocs(t, docs)
	}
	return golden.CommandError(t, err, contexts)
}
