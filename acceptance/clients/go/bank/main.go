// Command bank moves money between accounts until its standard input ends, then
// counts. It goes on through the server's crashes.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"os"
	"sync"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
)

const (
	workers  = 16
	accounts = 64
	initial  = 1000
)

type account struct {
	ID      int `bson:"_id"`
	Balance int `bson:"balance"`
}

type transfer struct {
	ID     string `bson:"_id"`
	From   int    `bson:"from"`
	To     int    `bson:"to"`
	Amount int    `bson:"amount"`
}

type bank struct {
	client    *mongo.Client
	accounts  *mongo.Collection
	transfers *mongo.Collection

	mu      sync.Mutex
	acked   map[string]transfer
	again   int // transactions begun again.
	lost    int // commits whose answer did not come; the driver itself asks once more.
	unknown int // those whose outcome was unknown even then.
	denied  int // of those, how many had not happened.
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	b := &bank{acked: map[string]transfer{}}
	opts := options.Client().ApplyURI(os.Getenv("MONGODB_URI")).SetMaxPoolSize(workers).
		SetReadConcern(readconcern.Majority()).SetWriteConcern(writeconcern.Majority()).
		SetMonitor(&event.CommandMonitor{Failed: b.failed})
	client, err := mongo.Connect(opts)
	check(err)
	defer client.Disconnect(ctx)
	db := client.Database("bank_go")
	b.client, b.accounts, b.transfers = client, db.Collection("accounts"), db.Collection("transfers")
	check(db.Drop(ctx))
	var docs []any
	for i := range accounts {
		docs = append(docs, account{i, initial})
	}
	_, err = b.accounts.InsertMany(ctx, docs)
	check(err)
	check(db.CreateCollection(ctx, "transfers"))

	closing := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(closing)
	}()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-closing:
					return
				default:
					check(b.transfer(ctx, fmt.Sprintf("%d-%d", w, n)))
				}
			}
		})
	}
	wg.Wait()
	check(b.count(ctx))
}

func (b *bank) failed(_ context.Context, e *event.CommandFailedEvent) {
	if e.CommandName == "commitTransaction" && mongo.IsNetworkError(e.Failure) {
		b.mu.Lock()
		b.lost++
		b.mu.Unlock()
	}
}

var errPoor = errors.New("balance too low")

// transfer moves a random amount, and returns when it is known to be done or to be refused.
func (b *bank) transfer(ctx context.Context, id string) error {
	session, err := b.client.StartSession()
	if err != nil {
		return err
	}
	defer session.EndSession(ctx)
	tr := transfer{id, rand.IntN(accounts), rand.IntN(accounts), 1 + rand.IntN(20)}
	if tr.To == tr.From {
		tr.To = (tr.From + 1) % accounts
	}
	for {
		committed, err := b.try(mongo.NewSessionContext(ctx, session), session, tr)
		switch {
		case errors.Is(err, errPoor):
			return nil
		case err != nil:
			return err
		case committed:
			b.acknowledge(tr)
			return nil
		}
		b.mu.Lock()
		b.again++
		b.mu.Unlock()
	}
}

// try runs the transaction once. False without an error means that it is known not to have happened.
func (b *bank) try(ctx context.Context, session *mongo.Session, tr transfer) (bool, error) {
	if err := session.StartTransaction(options.Transaction().SetReadConcern(readconcern.Snapshot())); err != nil {
		return false, err
	}
	if err := b.move(ctx, tr); err != nil {
		session.AbortTransaction(ctx)
		// Before the commit was sent, whatever went wrong with the connection is no harm either.
		if hasLabel(err, "TransientTransactionError") || mongo.IsNetworkError(err) {
			return false, nil
		}
		return false, err
	}
	asked := false
	for {
		err := session.CommitTransaction(ctx)
		switch {
		case err == nil:
			return true, nil
		case hasLabel(err, "UnknownTransactionCommitResult"):
			if !asked {
				asked = true
				b.mu.Lock()
				b.unknown++
				b.mu.Unlock()
			}
			continue
		case hasLabel(err, "TransientTransactionError"):
			if asked {
				b.mu.Lock()
				b.denied++
				b.mu.Unlock()
			}
			return false, nil
		}
		return false, fmt.Errorf("commit: %w", err)
	}
}

func (b *bank) move(ctx context.Context, tr transfer) error {
	var from account
	if err := b.accounts.FindOne(ctx, bson.D{{Key: "_id", Value: tr.From}}).Decode(&from); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if from.Balance < tr.Amount {
		return errPoor
	}
	for id, by := range map[int]int{tr.From: -tr.Amount, tr.To: tr.Amount} {
		res, err := b.accounts.UpdateOne(ctx, bson.D{{Key: "_id", Value: id}}, bson.D{{Key: "$inc", Value: bson.D{{Key: "balance", Value: by}}}})
		if err != nil {
			return fmt.Errorf("update: %w", err)
		}
		if res.ModifiedCount != 1 {
			return fmt.Errorf("account %d is not there", id)
		}
	}
	if _, err := b.transfers.InsertOne(ctx, tr); err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

func (b *bank) acknowledge(tr transfer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.acked[tr.ID] = tr
	if len(b.acked)%25 == 0 {
		fmt.Printf("acknowledged %d\n", len(b.acked))
	}
}

// count compares what is stored with what was acknowledged.
func (b *bank) count(ctx context.Context) error {
	cursor, err := b.transfers.Find(ctx, bson.D{})
	if err != nil {
		return err
	}
	var stored []transfer
	if err := cursor.All(ctx, &stored); err != nil {
		return err
	}
	expected := map[int]int{}
	for _, tr := range stored {
		if b.acked[tr.ID] != tr {
			return fmt.Errorf("transfer %v is stored, and was not acknowledged so", tr)
		}
		expected[tr.From] -= tr.Amount
		expected[tr.To] += tr.Amount
	}
	for id := range b.acked { // each is looked up by itself.
		if err := b.transfers.FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Err(); err != nil {
			return fmt.Errorf("transfer %s was acknowledged: %w", id, err)
		}
	}
	if cursor, err = b.accounts.Find(ctx, bson.D{}); err != nil {
		return err
	}
	var all []account
	if err := cursor.All(ctx, &all); err != nil {
		return err
	}
	total := 0
	for _, a := range all {
		total += a.Balance
		if a.Balance != initial+expected[a.ID] {
			return fmt.Errorf("account %d holds %d, its transfers say %d", a.ID, a.Balance, initial+expected[a.ID])
		}
	}
	fmt.Printf("transfers: %d, begun again: %d, answers to commits lost: %d, still unknown after the driver's retry: %d, of these not done: %d, total: %d\n",
		len(stored), b.again, b.lost, b.unknown, b.denied, total)
	if len(stored) != len(b.acked) || total != accounts*initial || len(all) != accounts {
		return fmt.Errorf("expected %d transfers and a total of %d", len(b.acked), accounts*initial)
	}
	return nil
}

func hasLabel(err error, label string) bool {
	var labelled mongo.LabeledError
	return errors.As(err, &labelled) && labelled.HasErrorLabel(label)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
