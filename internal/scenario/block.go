package scenario

import (
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// patience is how many round trips of another connection a command must be under
// way to count as waiting where the server does not itself say that it waits.
const patience = 40

// block sends a command and makes sure that it waits. It neither sleeps nor hopes:
// it asks the server about the command, on another connection, until it is told
// that the command waits for a lock or has met a conflict, or until so many round
// trips have passed that an unhindered command would long be done.
func (f *file) block(c *conn, st *step, cmds []bson.D) (string, error) {
	if len(cmds) != 1 {
		return "", errors.New("blocks takes one command")
	}
	watch, err := f.dial(" watch")
	if err != nil {
		return "", err
	}
	if err := c.send(f.send(cmds[0], st)); err != nil {
		return "", err
	}
	late := make(chan result, 1)
	go func() {
		reply, err := c.receive()
		late <- result{reply, err}
	}()
	for seen := 0; seen < patience; {
		op, err := f.currentOp(watch, c.id)
		if err != nil {
			return "", err
		}
		select {
		case r := <-late:
			text, _ := f.told(st, r)
			return text, errors.New("expected the command to wait")
		default:
		}
		if op == nil {
			continue // not begun, or done: then the reply is on its way.
		}
		seen++
		if waits(op) {
			break
		}
	}
	c.late = late
	return "(waits)\n", nil
}

// currentOp is what the server says of the command under way on a connection, nil if none is.
func (f *file) currentOp(watch *conn, id int32) (bson.Raw, error) {
	reply, err := watch.call(bson.D{
		{Key: "aggregate", Value: 1},
		{Key: "pipeline", Value: bson.A{
			bson.D{{Key: "$currentOp", Value: bson.D{}}},
			bson.D{{Key: "$match", Value: bson.D{{Key: "connectionId", Value: id}, {Key: "active", Value: true}}}},
		}},
		{Key: "cursor", Value: bson.D{}},
		{Key: "$db", Value: "admin"},
	})
	if err != nil {
		return nil, err
	}
	batch, ok := reply.Lookup("cursor", "firstBatch").ArrayOK()
	if !ok {
		return nil, fmt.Errorf("$currentOp: %s", reply)
	}
	if op, ok := bson.Raw(batch).Lookup("0").DocumentOK(); ok {
		return op, nil
	}
	return nil, nil
}

// waits tells whether the server says that an operation cannot go on.
func waits(op bson.Raw) bool {
	if waiting, _ := op.Lookup("waitingForLock").BooleanOK(); waiting {
		return true
	}
	conflicts, _ := op.Lookup("writeConflicts").AsInt64OK()
	return conflicts > 0
}

// wait prints the reply of a command that block left waiting.
func (f *file) wait(c *conn, st *step) (string, error) {
	if c.late == nil {
		return "", fmt.Errorf("no command waits on connection %s", st.conn)
	}
	r := <-c.late // bounded by the connection's deadline.
	c.late = nil
	return f.told(st, r)
}
