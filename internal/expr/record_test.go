package expr

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
	db := golden.Connect(t, testenv.Recorder(t)).Database("expr")
	for _, path := range goldenFiles(t) {
		cases := readGolden(t, path)
		for i := range cases {
			if !cases[i].directive {
				cases[i].want = askReference(t, db, cases[i])
			}
		}
		writeGolden(t, path, cases)
	}
}

// contexts are what the server says before the message of the expression itself.
var contexts = []string{
	"Failed to optimize pipeline :: caused by :: ",
	"Executor error during aggregate command on namespace: expr.$cmd.aggregate :: caused by :: ",
	"PlanExecutor error during aggregation :: caused by :: ",
}

func askReference(t *testing.T, db *mongo.Database, c goldenCase) string {
	t.Helper()
	with := golden.Raw(golden.Value(t, c.with))
	e := golden.Raw(golden.Value(t, c.expr))
	cur, err := db.Aggregate(context.Background(), bson.A{
		bson.D{{Key: "$documents", Value: bson.A{bson.D{{Key: "$literal", Value: with}}}}},
		bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "r", Value: e}}}},
	})
	if err == nil {
		defer cur.Close(context.Background())
		if cur.Next(context.Background()) {
			return "= " + golden.Doc(t, cur.Current)
		}
		err = cur.Err()
	}
	return golden.CommandError(t, err, contexts)
}
