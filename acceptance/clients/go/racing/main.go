// Command racing runs all statements of a transaction at once, the first one too.
// Whichever is sent first starts it; the others may be there before. (MongoDB itself
// refuses those.)
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

const rounds, statements = 20, 10

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	client, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("MONGODB_URI")))
	check(err)
	defer client.Disconnect(ctx)
	users := client.Database("racing_go").Collection("users")
	check(users.Database().Drop(ctx))
	for i := range statements {
		_, err := users.InsertOne(ctx, bson.D{{Key: "_id", Value: i}, {Key: "n", Value: 0}})
		check(err)
	}
	session, err := client.StartSession()
	check(err)
	defer session.EndSession(ctx)
	for range rounds {
		_, err := session.WithTransaction(ctx, func(in context.Context) (any, error) {
			return nil, allAtOnce(in, users)
		})
		check(err)
	}

	cursor, err := users.Find(ctx, bson.D{})
	check(err)
	var docs []struct{ N int }
	check(cursor.All(ctx, &docs))
	total := 0
	for _, doc := range docs {
		total += doc.N
	}
	fmt.Printf("total: %d\n", total)
}

// allAtOnce counts every user up, each in a goroutine of its own.
func allAtOnce(ctx context.Context, users *mongo.Collection) error {
	var all sync.WaitGroup
	errs := make(chan error, statements)
	for i := range statements {
		all.Go(func() {
			_, err := users.UpdateByID(ctx, i, bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}})
			errs <- err
		})
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
