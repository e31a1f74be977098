package history

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
)

// Registers are documents with a unique value and a count of the writes to them.
type Registers struct{}

const registers = 8

type registerDoc struct {
	ID    string `bson:"_id,omitempty"`
	N     int64  `bson:"n"`
	V     int64  `bson:"v"`
	Money int64  `bson:"money"`
}

func (d registerDoc) op() Op { return Op{Kind: Read, Key: d.ID, N: d.N, Value: d.V, Money: d.Money} }

func registerKey(i int) string { return fmt.Sprintf("r%d", i) }

func (Registers) prepare(ctx context.Context, db *mongo.Database) error {
	return makeRegisters(ctx, db, 0)
}

func makeRegisters(ctx context.Context, db *mongo.Database, money int64) error {
	var models []mongo.WriteModel
	for i := range registers {
		models = append(models, mongo.NewUpdateOneModel().SetFilter(bson.D{{Key: "_id", Value: registerKey(i)}}).
			SetUpdate(bson.D{{Key: "$setOnInsert", Value: registerDoc{Money: money}}}).SetUpsert(true))
	}
	coll := db.Collection("registers")
	if _, err := coll.BulkWrite(ctx, models); err != nil {
		return err
	}
	_, err := coll.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "n", Value: 1}}})
	return err
}

func (r Registers) statement(ctx context.Context, a *attempt) error {
	switch a.rng.IntN(7) {
	case 0, 1:
		return r.write(ctx, a)
	case 2:
		return writeTwo(ctx, a)
	case 3, 4:
		return readRegister(ctx, a, a.db.Collection("registers"))
	case 5:
		key := registerKey(a.rng.IntN(registers))
		if err := readRegisters(ctx, a, bson.D{{Key: "_id", Value: key}}, 1); err != nil {
			return err
		}
		return writeRegister(ctx, a, key, a.next(), 0)
	default:
		// n grows while it is looked through its own index.
		return readRegisters(ctx, a, bson.D{{Key: "n", Value: bson.D{{Key: "$gte", Value: 0}}}}, registers)
	}
}

func (Registers) write(ctx context.Context, a *attempt) error {
	return writeRegister(ctx, a, registerKey(a.rng.IntN(registers)), a.next(), 0)
}

func (Registers) read(ctx context.Context, a *attempt) error {
	return readRegister(ctx, a, a.db.Collection("registers", options.Collection().SetReadConcern(readconcern.Majority())))
}

func (Registers) readAll(ctx context.Context, a *attempt) error {
	return readRegisters(ctx, a, bson.D{}, registers)
}

// change is the update that writes a register. Value 0 is that of a counter.
func change(value, money int64) bson.D {
	inc := bson.D{{Key: "n", Value: int64(1)}}
	if money != 0 {
		inc = append(inc, bson.E{Key: "money", Value: money})
	}
	u := bson.D{{Key: "$inc", Value: inc}}
	if value != 0 {
		u = append(u, bson.E{Key: "$set", Value: bson.D{{Key: "v", Value: value}}})
	}
	return u
}

func kindOf(value int64) Kind {
	if value == 0 {
		return Inc
	}
	return Write
}

// writeRegister writes by an update, or by a findAndModify that tells the count.
func writeRegister(ctx context.Context, a *attempt, key string, value, money int64) error {
	a.txn.Ops = append(a.txn.Ops, Op{Kind: kindOf(value), Key: key, Value: value})
	coll, filter := a.db.Collection("registers"), bson.D{{Key: "_id", Value: key}}
	if a.oneIn(2) {
		res, err := coll.UpdateOne(ctx, filter, change(value, money))
		if err == nil && res.ModifiedCount != 1 {
			return fmt.Errorf("an update of %s changed %d documents", key, res.ModifiedCount)
		}
		return err
	}
	var after registerDoc
	when := options.After
	if a.oneIn(2) {
		when = options.Before
	}
	err := coll.FindOneAndUpdate(ctx, filter, change(value, money), options.FindOneAndUpdate().SetReturnDocument(when)).Decode(&after)
	if err != nil {
		return err
	}
	if when == options.Before {
		after.N++
	}
	a.txn.Ops[len(a.txn.Ops)-1].N = after.N
	return nil
}

// writeTwo writes two registers with one command: an update, or a bulkWrite.
func writeTwo(ctx context.Context, a *attempt) error {
	i, coll := a.rng.IntN(registers), a.db.Collection("registers")
	var models []mongo.WriteModel
	var writes []mongo.ClientBulkWrite
	for _, key := range []string{registerKey(i), registerKey((i + 1) % registers)} {
		value := a.next()
		a.txn.Ops = append(a.txn.Ops, Op{Kind: Write, Key: key, Value: value})
		filter, update := bson.D{{Key: "_id", Value: key}}, change(value, 0)
		models = append(models, mongo.NewUpdateOneModel().SetFilter(filter).SetUpdate(update))
		writes = append(writes, mongo.ClientBulkWrite{
			Database: a.db.Name(), Collection: coll.Name(), Model: mongo.NewClientUpdateOneModel().SetFilter(filter).SetUpdate(update),
		})
	}
	var changed int64
	if a.oneIn(2) {
		res, err := coll.BulkWrite(ctx, models)
		if err != nil {
			return err
		}
		changed = res.ModifiedCount
	} else {
		res, err := a.db.Client().BulkWrite(ctx, writes)
		if err != nil {
			return err
		}
		changed = res.ModifiedCount
	}
	if changed != 2 {
		return fmt.Errorf("two updates changed %d documents", changed)
	}
	return nil
}

func readRegister(ctx context.Context, a *attempt, coll *mongo.Collection) error {
	var doc registerDoc
	err := coll.FindOne(ctx, bson.D{{Key: "_id", Value: registerKey(a.rng.IntN(registers))}}).Decode(&doc)
	if err == nil {
		a.txn.Ops = append(a.txn.Ops, doc.op())
	}
	return err
}

// readRegisters reads by a filter that is true for so many of them.
func readRegisters(ctx context.Context, a *attempt, filter bson.D, want int) error {
	docs, err := fetch[registerDoc](ctx, a, a.db.Collection("registers"), filter)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, d := range docs {
		seen[d.ID] = true
		a.txn.Ops = append(a.txn.Ops, d.op())
	}
	if len(docs) != want || len(seen) != want {
		return fmt.Errorf("%d of %d registers were read: %v", len(docs), want, docs)
	}
	return nil
}
