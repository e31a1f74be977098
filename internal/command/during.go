package command

import (
	"context"
	"errors"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// A failure tells whether it is the request's or its execution's: what the
// original meets while a plan runs begins with what was running. What parsing
// and planning find is told bare.

// during gives such a failure its context. It leaves alone what is not yet a
// client's error: conflicts are tried again, and told by others.
func during(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*mongoerr.Error](interrupted(ctx, err)); ok && e.Code != mongoerr.QueryPlanKilled {
		return e.Prefix(what)
	}
	return err
}

// duringRead is during, for a command that reads ns.
func (c *Call) duringRead(ctx context.Context, ns string, err error) error {
	switch c.Spec.Name {
	case "find":
		return during(ctx, "Executor error during find command: "+ns, err)
	case "getMore":
		return during(ctx, "Executor error during getMore", err)
	}
	return during(ctx, "Executor error during "+c.Spec.Name+" command on namespace: "+ns, err)
}

// duringChange is during, for a statement that writes.
func (c *Call) duringChange(ctx context.Context, ch *change, err error) error {
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return err
	case c.Spec.Name == "findAndModify":
		// The original meets interruptions outside of its executor here.
		if e, ok := errors.AsType[*mongoerr.Error](err); ok && e.Code.Is(mongoerr.Interruption) || ctx.Err() != nil {
			return err
		}
		return during(ctx, "Plan executor error during findAndModify", err)
	case ch.update == nil:
		return during(ctx, "Plan executor error during delete", err)
	}
	return during(ctx, "Plan executor error during update", err)
}

// matched are the documents that a statement is about, as its plan finds them.
type matched struct {
	session.Source
	c  *Call
	ch *change
}

func (m matched) Next(ctx context.Context) (bsonx.Doc, error) {
	doc, err := m.Source.Next(ctx)
	return doc, m.c.duringChange(ctx, m.ch, err)
}

// Close ends the search, and counts what it has looked at.
func (m matched) Close() error {
	m.c.examined(m.Source, nil)
	return m.Source.Close()
}
