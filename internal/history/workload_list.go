package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

// Lists are documents to whose arrays unique numbers are appended. When some have
// been, the clients go on to new keys, lest the lists grow long; so lists are also
// made all the time, by whoever appends first.
type Lists struct{}

const (
	listsAtOnce    = 5
	appendsAnEpoch = 150
)

type listDoc struct {
	ID string  `bson:"_id"`
	V  []int64 `bson:"v"`
}

func (Lists) prepare(ctx context.Context, db *mongo.Database) error {
	_, err := db.Collection("lists").Indexes().CreateMany(ctx, []mongo.IndexModel{
		{Keys: bson.D{{Key: "epoch", Value: 1}}},
		{Keys: bson.D{{Key: "v", Value: 1}}},
	})
	return err
}

// churn drops the index that finds the lists of an epoch, or makes it again.
func (Lists) churn(ctx context.Context, db *mongo.Database) error {
	indexes := db.Collection("lists").Indexes()
	there, err := indexes.ListSpecifications(ctx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(there, func(s mongo.IndexSpecification) bool { return s.Name == "epoch_1" }) {
		return indexes.DropOne(ctx, "epoch_1")
	}
	_, err = indexes.CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "epoch", Value: 1}}})
	return err
}

// pick is a key of the present epoch.
func (Lists) pick(a *attempt) (epoch int64, key string) {
	epoch = a.values.Load() / appendsAnEpoch
	return epoch, listKey(epoch, a.rng.IntN(listsAtOnce))
}

func listKey(epoch int64, i int) string { return fmt.Sprintf("%d-%d", epoch, i) }

func (l Lists) statement(ctx context.Context, a *attempt) error {
	epoch, key := l.pick(a)
	coll := a.db.Collection("lists")
	switch a.rng.IntN(9) {
	case 0, 1, 2:
		return l.write(ctx, a)
	case 8:
		return l.replace(ctx, a, epoch, key)
	case 3, 4:
		return l.one(ctx, a, coll, key)
	case 5:
		// Through an index, which must know of the documents that were made inside.
		return l.several(ctx, a, epoch, bson.D{{Key: "epoch", Value: epoch}})
	case 6:
		return l.several(ctx, a, epoch, bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: listKey(epoch, 0)}, {Key: "$lte", Value: listKey(epoch, listsAtOnce)}}}})
	default:
		return l.several(ctx, a, epoch, bson.D{{Key: "epoch", Value: epoch}, {Key: "v", Value: bson.D{{Key: "$gt", Value: 0}}}})
	}
}

func (l Lists) write(ctx context.Context, a *attempt) error {
	epoch, key := l.pick(a)
	value := a.next()
	a.txn.Ops = append(a.txn.Ops, Op{Kind: Append, Key: key, Value: value})
	update := bson.D{
		{Key: "$push", Value: bson.D{{Key: "v", Value: value}}},
		{Key: "$setOnInsert", Value: bson.D{{Key: "epoch", Value: epoch}}},
	}
	coll, filter := a.db.Collection("lists"), bson.D{{Key: "_id", Value: key}}
	if a.oneIn(2) {
		_, err := coll.UpdateOne(ctx, filter, update, options.UpdateOne().SetUpsert(true))
		return err
	}
	var after listDoc
	err := coll.FindOneAndUpdate(ctx, filter, update, options.FindOneAndUpdate().SetUpsert(true).SetReturnDocument(options.After)).Decode(&after)
	if err == nil {
		a.txn.Ops = append(a.txn.Ops, Op{Kind: Read, Key: key, List: after.V})
	}
	return err
}

// replace appends by reading the list, deleting it and making it anew.
func (l Lists) replace(ctx context.Context, a *attempt, epoch int64, key string) error {
	coll := a.db.Collection("lists")
	if err := l.one(ctx, a, coll, key); err != nil {
		return err
	}
	was, value := a.txn.Ops[len(a.txn.Ops)-1].List, a.next()
	a.txn.Ops = append(a.txn.Ops, Op{Kind: Append, Key: key, Value: value})
	if len(was) > 0 {
		res, err := coll.DeleteOne(ctx, bson.D{{Key: "_id", Value: key}})
		if err != nil {
			return err
		}
		if res.DeletedCount != 1 {
			return fmt.Errorf("the list %s was read, and is not there to be deleted", key)
		}
	}
	_, err := coll.InsertOne(ctx, bson.D{{Key: "_id", Value: key}, {Key: "epoch", Value: epoch}, {Key: "v", Value: append(was[:len(was):len(was)], value)}})
	return err
}

func (l Lists) read(ctx context.Context, a *attempt) error {
	_, key := l.pick(a)
	return l.one(ctx, a, a.db.Collection("lists", options.Collection().SetReadConcern(readconcern.Majority())), key)
}

func (Lists) one(ctx context.Context, a *attempt, coll *mongo.Collection, key string) error {
	var doc listDoc
	err := coll.FindOne(ctx, bson.D{{Key: "_id", Value: key}}).Decode(&doc)
	if errors.Is(err, mongo.ErrNoDocuments) {
		err = nil
	}
	if err == nil {
		a.txn.Ops = append(a.txn.Ops, Op{Kind: Read, Key: key, List: doc.V})
	}
	return err
}

// several reads all lists of an epoch by a filter that is true for them; the ones
// that are not there are empty.
func (l Lists) several(ctx context.Context, a *attempt, epoch int64, filter bson.D) error {
	docs, err := fetch[listDoc](ctx, a, a.db.Collection("lists"), filter)
	if err != nil {
		return err
	}
	return l.note(a, docs, epoch)
}

func (Lists) note(a *attempt, docs []listDoc, epochs ...int64) error {
	got := map[string][]int64{}
	for _, d := range docs {
		if _, twice := got[d.ID]; twice {
			return fmt.Errorf("the list %s was returned twice", d.ID)
		}
		got[d.ID] = d.V
	}
	for _, epoch := range epochs {
		for i := range listsAtOnce {
			key := listKey(epoch, i)
			a.txn.Ops = append(a.txn.Ops, Op{Kind: Read, Key: key, List: got[key]})
			delete(got, key)
		}
	}
	if len(got) > 0 {
		return fmt.Errorf("lists that were not asked for: %v", got)
	}
	return nil
}

func (l Lists) readAll(ctx context.Context, a *attempt) error {
	docs, err := fetch[listDoc](ctx, a, a.db.Collection("lists"), bson.D{})
	if err != nil {
		return err
	}
	var epochs []int64
	for epoch := range a.values.Load()/appendsAnEpoch + 1 {
		epochs = append(epochs, epoch)
	}
	return l.note(a, docs, epochs...)
}
