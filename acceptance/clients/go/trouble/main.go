// Command trouble shows what goes wrong in transactions, and how an application
// sees it: an abort, a duplicate key inside, two sessions in conflict.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	client, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("MONGODB_URI")))
	check(err)
	defer client.Disconnect(ctx)
	items := client.Database("trouble_go").Collection("items")
	check(items.Database().Drop(ctx))
	_, err = items.InsertOne(ctx, bson.D{{Key: "_id", Value: 1}, {Key: "qty", Value: 10}})
	check(err)

	abort(ctx, client, items)
	duplicateKey(ctx, client, items)
	conflict(ctx, client, items)
	callbackThatFails(ctx, client, items)
}

// abort takes an insert and an update back.
func abort(ctx context.Context, client *mongo.Client, items *mongo.Collection) {
	check(client.UseSession(ctx, func(ctx context.Context) error {
		session := mongo.SessionFromContext(ctx)
		check(session.StartTransaction())
		_, err := items.InsertOne(ctx, bson.D{{Key: "_id", Value: 2}})
		check(err)
		_, err = items.UpdateOne(ctx, bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "qty", Value: -10}}}})
		check(err)
		inside, err := items.CountDocuments(ctx, bson.D{})
		check(err)
		expect("documents inside", inside, int64(2))
		return session.AbortTransaction(ctx)
	}))
	after, err := items.CountDocuments(ctx, bson.D{})
	check(err)
	expect("documents after the abort", after, int64(1))
	expect("quantity after the abort", quantity(ctx, items), 10)
}

// duplicateKey ends the transaction; to try again would not help, and the error says so.
func duplicateKey(ctx context.Context, client *mongo.Client, items *mongo.Collection) {
	check(client.UseSession(ctx, func(ctx context.Context) error {
		session := mongo.SessionFromContext(ctx)
		check(session.StartTransaction())
		_, err := items.InsertOne(ctx, bson.D{{Key: "_id", Value: 3}})
		check(err)
		_, err = items.InsertOne(ctx, bson.D{{Key: "_id", Value: 1}})
		expect("duplicate key", mongo.IsDuplicateKeyError(err), true)
		expect("is transient", hasLabel(err, "TransientTransactionError"), false)
		// The transaction is over, and nothing of it is left.
		_, err = items.InsertOne(ctx, bson.D{{Key: "_id", Value: 4}})
		expect("the next statement's code", code(err), 251)
		return session.AbortTransaction(ctx)
	}))
	n, err := items.CountDocuments(ctx, bson.D{})
	check(err)
	expect("documents after the duplicate key", n, int64(1))
}

// conflict lets two sessions write one document. The second is told at its write,
// tries its whole transaction again when the first is done, and succeeds.
func conflict(ctx context.Context, client *mongo.Client, items *mongo.Collection) {
	take := bson.D{{Key: "$inc", Value: bson.D{{Key: "qty", Value: -1}}}}
	first, err := client.StartSession()
	check(err)
	defer first.EndSession(ctx)
	second, err := client.StartSession()
	check(err)
	defer second.EndSession(ctx)
	ctx1, ctx2 := mongo.NewSessionContext(ctx, first), mongo.NewSessionContext(ctx, second)

	check(first.StartTransaction())
	check(second.StartTransaction())
	// Both have read before either writes, so that the second cannot have waited.
	quantity(ctx1, items)
	quantity(ctx2, items)
	_, err = items.UpdateOne(ctx1, bson.D{{Key: "_id", Value: 1}}, take)
	check(err)
	_, err = items.UpdateOne(ctx2, bson.D{{Key: "_id", Value: 1}}, take)
	expect("the second's code", code(err), 112)
	expect("is transient", hasLabel(err, "TransientTransactionError"), true)
	check(second.AbortTransaction(ctx2))
	check(first.CommitTransaction(ctx1))

	check(second.StartTransaction())
	_, err = items.UpdateOne(ctx2, bson.D{{Key: "_id", Value: 1}}, take)
	check(err)
	check(second.CommitTransaction(ctx2))
	expect("quantity after both", quantity(ctx, items), 8)
}

// callbackThatFails: the driver aborts when the application's own code gives up.
func callbackThatFails(ctx context.Context, client *mongo.Client, items *mongo.Collection) {
	session, err := client.StartSession()
	check(err)
	defer session.EndSession(ctx)
	tooFew := errors.New("too few on stock")
	_, err = session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		_, err := items.UpdateOne(ctx, bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "qty", Value: -100}}}})
		if err != nil {
			return nil, err
		}
		if quantity(ctx, items) < 0 {
			return nil, tooFew
		}
		return nil, nil
	})
	expect("the callback's own error", errors.Is(err, tooFew), true)
	expect("quantity after it", quantity(ctx, items), 8)
}

func quantity(ctx context.Context, items *mongo.Collection) int {
	var item struct{ Qty int }
	check(items.FindOne(ctx, bson.D{{Key: "_id", Value: 1}}).Decode(&item))
	return item.Qty
}

func code(err error) int {
	var server mongo.ServerError
	if errors.As(err, &server) {
		return server.ErrorCodes()[0]
	}
	return 0
}

func hasLabel(err error, label string) bool {
	var labelled mongo.LabeledError
	return errors.As(err, &labelled) && labelled.HasErrorLabel(label)
}

func expect[T comparable](what string, got, want T) {
	fmt.Printf("%s: %v\n", what, got)
	if got != want {
		log.Fatalf("%s: expected %v", what, want)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
