// Command manual is the callback example of MongoDB's manual: two collections of
// two databases are written in one transaction.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	client, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("MONGODB_URI")))
	if err != nil {
		return err
	}
	defer client.Disconnect(ctx)

	// The collections are made beforehand.
	majority := options.Collection().SetWriteConcern(writeconcern.Majority())
	foo := client.Database("mydb1_go").Collection("foo", majority)
	bar := client.Database("mydb2_go").Collection("bar", majority)
	if os.Getenv("ONLY_LOOK") != "" { // at what an earlier run has left.
		return look(ctx)
	}
	foo.Database().Drop(ctx)
	bar.Database().Drop(ctx)
	if _, err := foo.InsertOne(ctx, bson.D{{Key: "abc", Value: 0}}); err != nil {
		return err
	}
	if _, err := bar.InsertOne(ctx, bson.D{{Key: "xyz", Value: 0}}); err != nil {
		return err
	}

	session, err := client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	result, err := session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		if _, err := foo.InsertOne(ctx, bson.D{{Key: "abc", Value: 1}}); err != nil {
			return nil, err
		}
		return bar.InsertOne(ctx, bson.D{{Key: "xyz", Value: 999}})
	})
	if err != nil {
		return err
	}
	fmt.Printf("result: %v\n", result.(*mongo.InsertOneResult).Acknowledged)
	return look(ctx)
}

// look is another client's view of the outcome.
func look(ctx context.Context) error {
	other, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("MONGODB_URI")))
	if err != nil {
		return err
	}
	defer other.Disconnect(ctx)
	for _, c := range []struct {
		db, coll string
		filter   bson.D
	}{
		{"mydb1_go", "foo", bson.D{{Key: "abc", Value: 1}}},
		{"mydb2_go", "bar", bson.D{{Key: "xyz", Value: 999}}},
	} {
		n, err := other.Database(c.db).Collection(c.coll).CountDocuments(ctx, c.filter)
		if err != nil {
			return err
		}
		fmt.Printf("%s.%s: %d\n", c.db, c.coll, n)
		if n != 1 {
			return fmt.Errorf("%s.%s: expected 1 document", c.db, c.coll)
		}
	}
	return nil
}
