package command

import (
	"context"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/failpoint"
)

// operation is what the fail point failCommand looks at.
func (c *Call) operation() failpoint.Operation {
	return failpoint.Operation{Names: c.Spec.names, AppName: c.appName(), Namespace: c.target()}
}

// appName is the connection's, or the one that this very greeting tells.
func (c *Call) appName() string {
	if c.Peer.AppName != "" || !c.Spec.NoAuth || c.Args.f.index["client"] == 0 {
		return c.Peer.AppName
	}
	app := bsonx.Get(c.Args.Doc("client"), "application")
	if app.Type != bsonx.TypeDocument {
		return ""
	}
	if name := bsonx.Get(bsonx.AsDoc(app), "name"); name.Type == bsonx.TypeString {
		return bsonx.Str(name)
	}
	return ""
}

// failCommand does what the fail point of that name asks for this command (11.2).
func (d *Dispatcher) failCommand(ctx context.Context, c *Call) error {
	if c.Spec.Name == "configureFailPoint" || d.FailPoints.Idle() {
		return nil
	}
	f, ok := d.FailPoints.FailCommand(c.operation())
	if !ok {
		return nil
	}
	c.forced.labels, c.forced.labelsSet = f.Labels, f.LabelsSet
	if f.Stay {
		if err := d.FailPoints.Outlast(ctx, failpoint.FailCommandPoint); err != nil {
			return interrupted(ctx, ctx.Err())
		}
	}
	if f.Block > 0 {
		t := time.NewTimer(f.Block)
		defer t.Stop()
		select {
		case <-t.C:
		case <-ctx.Done():
			return interrupted(ctx, ctx.Err())
		}
	}
	switch {
	case f.Close:
		return errCloseConnection
	case f.Err != nil:
		return f.Err
	}
	return nil
}

// failWriteConcern asks the fail point failCommand for a write concern error in
// place of the command's own: inside transactions too, and on a getMore, whose
// cursor might write.
func (d *Dispatcher) failWriteConcern(c *Call) (bsonx.Doc, error) {
	if d.FailPoints.Idle() || !c.Spec.Write && c.Spec.Name != "getMore" {
		return nil, nil
	}
	f, ok := d.FailPoints.FailWriteConcern(c.operation())
	if !ok {
		return nil, nil
	}
	if f.Err != nil {
		return nil, f.Err
	}
	c.forced.labels, c.forced.labelsSet = f.Labels, f.LabelsSet
	return f.WriteConcernError, nil
}
