package expr

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/testenv"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// TestRecord asks the reference server for the answers in the golden files.
// PANDO_REFERENCE_URI says where it is.
func TestRecord(t *testing.T) {
	uri := testenv.Recorder(t)
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Disconnect(context.Background())
	db := client.Database("expr")
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
	with := parseJSON(t, c.with).Lookup("v")
	e := parseJSON(t, c.expr).Lookup("v")
	cur, err := db.Aggregate(context.Background(), bson.A{
		bson.D{{Key: "$documents", Value: bson.A{bson.D{{Key: "$literal", Value: with}}}}},
		bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "r", Value: e}}}},
	})
	if err == nil {
		defer cur.Close(context.Background())
		if cur.Next(context.Background()) {
			return printJSON(t, cur.Current)
		}
		err = cur.Err()
	}
	var failure mongo.CommandError
	if !errors.As(err, &failure) {
		t.Fatalf("%s: %v", c.expr, err)
	}
	msg := failure.Message
	for _, p := range contexts {
		msg = strings.TrimPrefix(msg, p)
	}
	return printError(failure.Code, msg)
}
