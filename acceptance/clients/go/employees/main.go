// Command employees changes an employee's status and writes an event about it, in
// one transaction: first by the callback API, then by the core API with the two
// retry loops that MongoDB's manual teaches.
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
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

type app struct {
	client    *mongo.Client
	employees *mongo.Collection
	events    *mongo.Collection
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	client, err := mongo.Connect(options.Client().ApplyURI(os.Getenv("MONGODB_URI")))
	check(err)
	defer client.Disconnect(ctx)
	a := &app{client: client, employees: client.Database("hr_go").Collection("employees"),
		events: client.Database("reporting_go").Collection("events")}
	check(a.employees.Database().Drop(ctx))
	check(a.events.Database().Drop(ctx))
	_, err = a.employees.InsertMany(ctx, []any{
		bson.D{{Key: "employee", Value: 1}, {Key: "name", Value: bson.D{{Key: "first", Value: "Ada"}}}, {Key: "status", Value: "Active"}},
		bson.D{{Key: "employee", Value: 3}, {Key: "name", Value: bson.D{{Key: "first", Value: "Grace"}}}, {Key: "status", Value: "Active"}},
	})
	check(err)

	check(a.withCallback(ctx, 1))
	check(client.UseSession(ctx, func(ctx context.Context) error {
		return runTransactionWithRetry(ctx, func(ctx context.Context) error { return a.updateEmployeeInfo(ctx, 3) })
	}))

	for _, n := range []int{1, 3} {
		var employee struct{ Status string }
		check(a.employees.FindOne(ctx, bson.D{{Key: "employee", Value: n}}).Decode(&employee))
		expect(fmt.Sprintf("status of employee %d", n), employee.Status, "Inactive")
	}
	count, err := a.events.CountDocuments(ctx, bson.D{{Key: "status.new", Value: "Inactive"}})
	check(err)
	expect("events", count, int64(2))
}

// withCallback leaves beginning, committing and trying again to the driver.
func (a *app) withCallback(ctx context.Context, employee int) error {
	session, err := a.client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	opts := options.Transaction().SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority())
	_, err = session.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		return nil, a.change(ctx, employee)
	}, opts)
	return err
}

func (a *app) change(ctx context.Context, employee int) error {
	_, err := a.employees.UpdateOne(ctx, bson.D{{Key: "employee", Value: employee}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "status", Value: "Inactive"}}}})
	if err != nil {
		return err
	}
	_, err = a.events.InsertOne(ctx, bson.D{{Key: "employee", Value: employee},
		{Key: "status", Value: bson.D{{Key: "new", Value: "Inactive"}, {Key: "old", Value: "Active"}}}})
	return err
}

// updateEmployeeInfo is the core API's way: begin, do, abort or commit.
func (a *app) updateEmployeeInfo(ctx context.Context, employee int) error {
	session := mongo.SessionFromContext(ctx)
	err := session.StartTransaction(options.Transaction().
		SetReadConcern(readconcern.Snapshot()).SetWriteConcern(writeconcern.Majority()))
	if err != nil {
		return err
	}
	if err := a.change(ctx, employee); err != nil {
		log.Println("caught an error during the transaction, aborting")
		session.AbortTransaction(context.Background())
		return err
	}
	return commitWithRetry(ctx)
}

func runTransactionWithRetry(ctx context.Context, txn func(context.Context) error) error {
	for {
		err := txn(ctx)
		if hasLabel(err, "TransientTransactionError") {
			log.Println("TransientTransactionError, retrying transaction ...")
			continue
		}
		return err
	}
}

func commitWithRetry(ctx context.Context) error {
	session := mongo.SessionFromContext(ctx)
	for {
		err := session.CommitTransaction(ctx)
		switch {
		case err == nil:
			log.Println("Transaction committed.")
			return nil
		case hasLabel(err, "UnknownTransactionCommitResult"):
			log.Println("UnknownTransactionCommitResult, retrying commit operation ...")
			continue
		}
		return err
	}
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
