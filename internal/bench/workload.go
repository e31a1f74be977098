package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

// workload is one kind of operation.
type workload struct {
	name    string
	conns   int
	prepare func(ctx context.Context, t *target) error
	client  func(ctx context.Context, t *target, n int) func() error // the operation of the n-th client.
}

const documents = 10_000

func workloads(conns int) []workload {
	return []workload{
		{"find by _id", conns, fill, func(ctx context.Context, t *target, _ int) func() error {
			c := t.db.Collection("docs")
			return func() error { return c.FindOne(ctx, bson.D{{Key: "_id", Value: rand.IntN(documents)}}).Err() }
		}},
		{"insert", conns, nothing, inserter(writeconcern.Majority())},
		{"update by _id", conns, fill, func(ctx context.Context, t *target, _ int) func() error {
			c := t.db.Collection("docs")
			return func() error {
				_, err := c.UpdateByID(ctx, rand.IntN(documents), bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}})
				return err
			}
		}},
		transfer("transfer, 10,000 accounts", conns, documents),
		transfer("transfer, 100 accounts", 64, 100),
		{"durable insert, one connection", 1, nothing, inserter(writeconcern.Majority())},
	}
}

func nothing(context.Context, *target) error { return nil }

// fill stores documents of about 300 bytes.
func fill(ctx context.Context, t *target) error { return fillN(ctx, t, "docs", documents) }

func fillN(ctx context.Context, t *target, name string, n int) error {
	docs := make([]any, n)
	for i := range docs {
		docs[i] = bson.D{{Key: "_id", Value: i}, {Key: "n", Value: 0}, {Key: "balance", Value: 1000}, {Key: "text", Value: fmt.Sprintf("%0250d", i)}}
	}
	_, err := t.db.Collection(name).InsertMany(ctx, docs)
	return err
}

func inserter(wc *writeconcern.WriteConcern) func(context.Context, *target, int) func() error {
	return func(ctx context.Context, t *target, _ int) func() error {
		c := t.db.Collection("inserted", options.Collection().SetWriteConcern(wc))
		doc := bson.D{{Key: "n", Value: 0}, {Key: "text", Value: fmt.Sprintf("%0250d", 1)}}
		return func() error {
			_, err := c.InsertOne(ctx, doc)
			return err
		}
	}
}

// transfer moves money between two of n accounts and notes it: two finds, two
// updates and an insert in a transaction.
func transfer(name string, conns, n int) workload {
	return workload{name, conns,
		func(ctx context.Context, t *target) error {
			if err := fillN(ctx, t, "accounts", n); err != nil {
				return err
			}
			return t.db.CreateCollection(ctx, "transfers")
		},
		func(ctx context.Context, t *target, _ int) func() error {
			s, err := t.client.StartSession()
			if err != nil {
				return func() error { return err }
			}
			accounts, transfers := t.db.Collection("accounts"), t.db.Collection("transfers")
			return func() error {
				from, to := rand.IntN(n), rand.IntN(n-1)
				if to >= from {
					to++
				}
				_, err := s.WithTransaction(ctx, func(ctx context.Context) (any, error) {
					return nil, move(ctx, accounts, transfers, from, to)
				})
				return err
			}
		}}
}

func move(ctx context.Context, accounts, transfers *mongo.Collection, from, to int) error {
	for _, id := range []int{from, to} {
		if err := accounts.FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Err(); err != nil {
			return err
		}
	}
	for id, by := range map[int]int{from: -1, to: 1} {
		if _, err := accounts.UpdateByID(ctx, id, bson.D{{Key: "$inc", Value: bson.D{{Key: "balance", Value: by}}}}); err != nil {
			return err
		}
	}
	_, err := transfers.InsertOne(ctx, bson.D{{Key: "from", Value: from}, {Key: "to", Value: to}, {Key: "amount", Value: 1}})
	return err
}
