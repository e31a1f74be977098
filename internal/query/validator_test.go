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
)

// A case of a validator_*.txt is a validator; its answer tells of each document
// "ok" or why it does not conform.

func TestValidators(t *testing.T) { testGolden(t, "validator", ourValidator) }

func ourValidator(t *testing.T, c goldenCase) string {
	v, err := CompileValidator(bsonx.AsDoc(c.input))
	if err != nil {
		return golden.Refusal("!", err)
	}
	ctx := v.NewContext()
	out := "="
	for _, d := range c.docs {
		if v.Conforms(d, ctx) {
			out += " ok"
			continue
		}
		details := v.Details(d, ctx)
		if err := bson.Raw(details).Validate(); err != nil {
			t.Errorf("line %d: invalid details: %v", c.line, err)
		}
		out += " " + golden.Doc(t, details)
	}
	return out
}

func TestRecordValidators(t *testing.T) { record(t, "validator", askValidator) }

func askValidator(t *testing.T, coll *mongo.Collection, c goldenCase) string {
	ctx := context.Background()
	db, name := coll.Database(), coll.Name()+"_validated"
	if err := db.Collection(name).Drop(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Collection(name).Drop(ctx) })
	err := db.RunCommand(ctx, bson.D{{Key: "create", Value: name}, {Key: "validator", Value: golden.Raw(c.input)}}).Err()
	if err != nil {
		return recordError(t, coll, c, err)
	}
	var out strings.Builder
	out.WriteString("=")
	for _, d := range c.docs {
		err := db.RunCommand(ctx, bson.D{{Key: "insert", Value: name}, {Key: "documents", Value: bson.A{bson.Raw(d)}}}).Err()
		failed, ok := errors.AsType[mongo.WriteException](err)
		switch {
		case err == nil:
			out.WriteString(" ok")
		case !ok:
			return recordError(t, coll, c, err)
		case failed.WriteErrors[0].Details == nil:
			return golden.Error("!!", int32(failed.WriteErrors[0].Code), failed.WriteErrors[0].Message)
		default:
			details := bsonx.Get(bsonx.Doc(failed.WriteErrors[0].Details), "details")
			out.WriteString(" " + golden.Doc(t, bsonx.AsDoc(details)))
		}
	}
	return out.String()
}
