package command

import (
	"context"

	"github.com/pandodb/pando/internal/mongoerr"
)

// setDefaultRWConcern changes the defaults of the read and write concern. The
// implicit ones are all that there is so far.
var setDefaultRWConcern = Spec{
	Name: "setDefaultRWConcern", Admin: true, Write: true, Help: "sets the default read and write concern",
	Fields: NewFields("setDefaultRWConcern",
		Field{Name: "defaultReadConcern", Type: Document},
		Field{Name: "defaultWriteConcern", Type: Document}),
}

func runSetDefaultRWConcern(_ context.Context, c *Call) error {
	read, write := c.Args.Value("defaultReadConcern"), c.Args.Value("defaultWriteConcern")
	if !c.Args.Has("defaultReadConcern") && !c.Args.Has("defaultWriteConcern") {
		return mongoerr.New(mongoerr.BadValue, `At least one of the "defaultReadConcern" or "defaultWriteConcern" fields must be present`)
	}
	if _, err := parseReadConcern(read); err != nil {
		return err
	}
	wc, err := parseWriteConcern(write, defaultWriteConcern())
	if err != nil {
		return err
	}
	if wc.Unacknowledged() {
		return mongoerr.New(mongoerr.BadValue, "Unacknowledged write concern is not suitable for the default write concern")
	}
	return mongoerr.NotYet("setDefaultRWConcern")
}
