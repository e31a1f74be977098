package command_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/kv"
)

// slowDisk is a store whose log is never durable.
type slowDisk struct{ kv.Store }

func (s slowDisk) WaitDurable(ctx context.Context, _ kv.Time) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// TestInterruptedAcknowledgement ends the waiting for durability, by maxTimeMS and by killOp:
// a write that is committed is told as that, with a write concern error; a read is
// told nothing but the error, and a transaction that it began has ended.
func TestInterruptedAcknowledgement(t *testing.T) {
	const snapshot = `{"readConcern":{"level":"snapshot"}}`
	for _, c := range []struct{ name, cmd, fields, want string }{
		{"insert", `{"insert":"c","documents":[{"_id":1}]}`, `{}`, `{"n":1} concern: %d`},
		{"update", `{"update":"c","updates":[{"q":{"_id":"x"},"u":{"$inc":{"n":1}}}]}`, `{}`, `{"n":1,"nModified":1} concern: %d`},
		{"retryable", `{"insert":"c","documents":[{"_id":1}]}`, lsid(1).retryable(1), `{"n":1} concern: %d`},
		{"findAndModify", `{"findAndModify":"c","query":{"_id":"x"},"remove":true}`, `{}`, `{"lastErrorObject":{"n":1},"value":{"_id":"x","n":0}} concern: %d`},
		{"commit", commit, lsid(9).within(1), ` concern: %d`},
		{"find", findX, `{"readConcern":{"level":"majority"}}`, `error %d`},
		{"transaction", findX, lsid(1).starting(1), `error %d`},
	} {
		for _, how := range []struct {
			name string
			code int
		}{{"maxTimeMS", 50}, {"killOp", 11601}} {
			t.Run(c.name+" "+how.name, func(t *testing.T) {
				inHouseOver(t, func(s kv.Store) kv.Store { return slowDisk{s} }, func(h *house) {
					a, b := h.conn(), h.conn()
					a.run(`{"insert":"c","documents":[{"_id":"x","n":0}],"writeConcern":{"w":1}}`).want(`{"n":1}`)
					a.run(`{"insert":"c","documents":[{"_id":2}]}`, lsid(9).starting(1)).want(`{"n":1}`)
					more := []string{c.fields}
					if c.name == "transaction" {
						more = append(more, snapshot)
					}
					if how.code == 50 {
						a.run(c.cmd, append(more, `{"maxTimeMS":20}`)...).want(fmt.Sprintf(c.want, how.code))
					} else {
						p := a.begin(c.cmd, more...).waits()
						op := b.run(`{"currentOp":1,"active":true}`).shown("inprog", "0", "opid")
						b.run(fmt.Sprintf(`{"killOp":1,"op":%s}`, op))
						p.want(fmt.Sprintf(c.want, how.code))
					}
					if c.name == "transaction" {
						b.run(findX, lsid(1).within(1)).want(`error 251 [TransientTransactionError]`)
					}
					if c.name != "commit" {
						b.run(abort, lsid(9).within(1), w1).want(`{}`)
						return
					}
					b.run(commit, lsid(9).within(1), w1).want(`{}`)
					b.run(`{"find":"c","filter":{"_id":2}}`).want(`[{"_id":2}]`)
				})
			})
		}
	}
}
