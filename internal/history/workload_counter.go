package history

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Counters are registers without a value: increments are told apart by their number only.
type Counters struct{ Registers }

func (c Counters) statement(ctx context.Context, a *attempt) error {
	switch a.rng.IntN(6) {
	case 0, 1, 2:
		return c.write(ctx, a)
	case 3:
		return c.incrementAll(ctx, a)
	case 4:
		return c.readAll(ctx, a)
	default:
		return c.read(ctx, a)
	}
}

func (Counters) write(ctx context.Context, a *attempt) error {
	return writeRegister(ctx, a, registerKey(a.rng.IntN(registers)), 0, 0)
}

// incrementAll increments every counter with one statement.
func (Counters) incrementAll(ctx context.Context, a *attempt) error {
	for i := range registers {
		a.txn.Ops = append(a.txn.Ops, Op{Kind: Inc, Key: registerKey(i)})
	}
	res, err := a.db.Collection("registers").UpdateMany(ctx, bson.D{}, change(0, 0))
	if err == nil && res.ModifiedCount != registers {
		return fmt.Errorf("an update of all counters changed %d", res.ModifiedCount)
	}
	return err
}
