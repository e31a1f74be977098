// Command cursor reads a cursor of several batches inside one transaction, while
// somebody else changes what is being read.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const documents = 1000

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	client, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("MONGODB_URI")))
	check(err)
	defer client.Disconnect(ctx)
	numbers := client.Database("cursor_go").Collection("numbers")
	check(numbers.Database().Drop(ctx))
	var docs []any
	for i := range documents {
		docs = append(docs, bson.D{{Key: "_id", Value: i}, {Key: "n", Value: i}})
	}
	_, err = numbers.InsertMany(ctx, docs)
	check(err)

	check(client.UseSession(ctx, func(in context.Context) error {
		session := mongo.SessionFromContext(in)
		check(session.StartTransaction())
		cursor, err := numbers.Find(in, bson.D{}, options.Find().SetBatchSize(100).SetSort(bson.D{{Key: "_id", Value: 1}}))
		check(err)
		seen, sum := 0, 0
		for cursor.Next(in) {
			var doc struct{ N int }
			check(cursor.Decode(&doc))
			seen++
			sum += doc.N
			if seen == 150 { // from outside, in the middle of the second batch.
				_, err := numbers.UpdateMany(ctx, bson.D{}, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1000000}}}})
				check(err)
				_, err = numbers.DeleteMany(ctx, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: documents / 2}}}})
				check(err)
			}
		}
		check(cursor.Err())
		expect("documents seen", seen, documents)
		expect("their sum", sum, documents*(documents-1)/2)
		return session.CommitTransaction(in)
	}))
	n, err := numbers.CountDocuments(ctx, bson.D{})
	check(err)
	expect("documents afterwards", n, int64(documents/2))
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
