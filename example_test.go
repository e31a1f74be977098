package pando_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/pandodb/pando"
)

// A server inside the process, and a transaction through the ordinary driver.
func Example() {
	if err := example(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// committed: 2 documents
}

func example() error {
	dir, err := os.MkdirTemp("", "pando")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	srv, err := pando.Open(ctx, pando.Options{DBPath: dir})
	if err != nil {
		return err
	}
	defer srv.Close()
	client, err := mongo.Connect(options.Client().ApplyURI(srv.URI()))
	if err != nil {
		return err
	}
	defer client.Disconnect(ctx)

	events := client.Database("hr").Collection("events")
	session, err := client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	_, err = session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		if _, err := events.InsertOne(ctx, bson.M{"employee": 3, "status": "Inactive"}); err != nil {
			return nil, err
		}
		return events.InsertOne(ctx, bson.M{"employee": 4, "status": "Active"})
	})
	if err != nil {
		return err
	}
	n, err := events.CountDocuments(ctx, bson.M{})
	fmt.Println("committed:", n, "documents")
	return err
}
