package history

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// Bank is accounts, registers with money, between which money is moved: weak as a
// proof, but anyone understands it.
type Bank struct{ Registers }

const moneyEach = 100

func (Bank) prepare(ctx context.Context, db *mongo.Database) error {
	return makeRegisters(ctx, db, moneyEach)
}

// statement transfers, or looks at all accounts.
func (b Bank) statement(ctx context.Context, a *attempt) error {
	if a.oneIn(3) {
		return b.readAll(ctx, a)
	}
	from := a.rng.IntN(registers)
	to := (from + 1 + a.rng.IntN(registers-1)) % registers
	amount := 1 + a.rng.Int64N(10)
	if a.oneIn(2) {
		both := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{registerKey(from), registerKey(to)}}}}}
		if err := readRegisters(ctx, a, both, 2); err != nil {
			return err
		}
	}
	if err := writeRegister(ctx, a, registerKey(from), a.next(), -amount); err != nil {
		return err
	}
	return writeRegister(ctx, a, registerKey(to), a.next(), amount)
}

// write changes an account without moving money.
func (b Bank) write(ctx context.Context, a *attempt) error { return b.Registers.write(ctx, a) }

// CheckMoney finds transactions that saw money come or go. It knows nothing of
// versions, and so finds what a mistake in Check would hide.
func CheckMoney(txns []Txn) (found []Anomaly) {
	for _, t := range txns {
		sum, seen := int64(0), map[string]bool{}
		for _, op := range t.Ops {
			if op.Kind != Read {
				break // an own transfer may be under way.
			}
			if !seen[op.Key] {
				seen[op.Key] = true
				sum += op.Money
			}
		}
		if len(seen) == registers && sum != registers*moneyEach {
			found = append(found, Anomaly{Class: Money, Txns: []int{t.ID}, Text: fmt.Sprintf("T%d saw %d in all accounts, not %d", t.ID, sum, registers*moneyEach)})
		}
	}
	return found
}
