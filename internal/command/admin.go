package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

func adminCommands() []*Spec {
	return []*Spec{
		{Name: "getParameter", Admin: true, Run: runGetParameter, Help: "reads server parameters", Fields: anyFields("getParameter")},
		{Name: "setParameter", Admin: true, Run: runSetParameter, Help: "sets server parameters", Fields: anyFields("setParameter")},
		{Name: "serverStatus", NotAfter: true, Run: runServerStatus, Help: "tells what the server does", Fields: anyFields("serverStatus")},
		{Name: "currentOp", NotAfter: true, Admin: true, Run: runCurrentOp, Help: "lists running operations", Fields: anyFields("currentOp")},
		{Name: "killOp", Admin: true, Run: runKillOp, Help: "interrupts an operation",
			Fields: lenientFields("killOp", Field{Name: "op", Type: Any})},
		{Name: "waitForFailPoint", Admin: true, NoAuth: true, Test: true, Run: runWaitForFailPoint, Help: "waits until a fail point was met",
			Fields: NewFields("waitForFailPoint", Field{Name: "timesEntered", Type: Integer, Required: true})},
		{Name: "configureFailPoint", Admin: true, NoAuth: true, Test: true, Run: runConfigureFailPoint, Help: "sets a fail point",
			Fields: lenientFields("configureFailPoint", Field{Name: "mode", Type: Any}, Field{Name: "data", Type: Any})},
	}
}

// anyFields is for the few commands whose field names are their arguments: they
// keep every field, and judge the names themselves.
func anyFields(owner string) *Fields {
	f := NewFields(owner)
	f.open = true
	return f
}

// others are the fields of a command with anyFields, after its own.
func (c *Call) others() bsonx.Doc { return c.Args.open }

var getParameterOptions = NewFields("getParameter",
	Field{Name: "showDetails", Type: oneOf("double", "decimal", "bool", "long", "int")},
	Field{Name: "allParameters", Type: oneOf("double", "decimal", "bool", "long", "int")},
	Field{Name: "setAt", Type: Text})

func runGetParameter(_ context.Context, c *Call) error {
	details, all, setAt := false, false, ""
	switch c.Arg.Type {
	case bsonx.TypeString:
		all = bsonx.Str(c.Arg) == "*"
	case bsonx.TypeDocument:
		options, err := getParameterOptions.Decode(bsonx.AsDoc(c.Arg))
		if err == nil {
			err = options.word("setAt", "startup", "runtime")
		}
		if err != nil {
			return err
		}
		details, all = options.Bool("showDetails", false), options.Bool("allParameters", false)
		setAt = options.Str("setAt")
	}
	n := 0
	for p := range c.D.Params.All() {
		if setAt == "startup" && !p.When().AtStartup() || setAt == "runtime" && !p.When().AtRuntime() {
			continue
		}
		if !all && bsonx.Get(c.others(), p.Name()).Type == bsonx.TypeMissing {
			continue
		}
		n++
		if !details {
			c.Reply.Value(p.Name(), p.Value())
			continue
		}
		c.Reply.OpenDoc(p.Name())
		c.Reply.Value("value", p.Value())
		c.Reply.Bool("settableAtRuntime", p.When().AtRuntime())
		c.Reply.Bool("settableAtStartup", p.When().AtStartup())
		c.Reply.Close()
	}
	if n == 0 {
		return mongoerr.New(mongoerr.InvalidOptions, "no option found to get")
	}
	return nil
}

// runSetParameter sets all of the named parameters, or none if a name is wrong.
func runSetParameter(_ context.Context, c *Call) error {
	n := 0
	for it := bsonx.Walk(c.others()); it.Next(); n++ {
		if err := c.D.Params.Settable(it.Key()); err != nil {
			return err
		}
	}
	if n == 0 {
		return mongoerr.New(mongoerr.InvalidOptions, "no option found to set, use help:true to see options ")
	}
	first := true
	for it := bsonx.Walk(c.others()); it.Next(); {
		was, err := c.D.Params.SetRuntime(it.Key(), it.Value())
		if err != nil {
			return err
		}
		if first {
			c.Reply.Value("was", was)
			first = false
		}
	}
	return nil
}

func runKillOp(_ context.Context, c *Call) error {
	v := c.Args.Value("op")
	id, exact := integer(v)
	switch {
	case v.Type == bsonx.TypeMissing:
		return mongoerr.New(mongoerr.NoSuchKey, `Missing expected field "op"`)
	case !bsonx.IsNumber(v):
		return mongoerr.Newf(mongoerr.TypeMismatch, `Expected field "op" to have numeric type, but found %s`, bsonx.TypeName(v.Type))
	case !exact:
		return mongoerr.Newf(mongoerr.BadValue, `Expected field "op" to have a value exactly representable as a 64-bit integer, but found op: %s`, bsonx.ShellString(v))
	case id != int64(int32(id)):
		return mongoerr.Newf(26823, "invalid op : %d. Op ID cannot be represented with 32 bits", id)
	}
	c.D.ops.kill(id, mongoerr.New(mongoerr.Interrupted, "operation was interrupted"))
	c.Reply.String("info", "attempting to kill op")
	return nil
}

func runConfigureFailPoint(_ context.Context, c *Call) error {
	name := "" // which is not found.
	if c.Arg.Type == bsonx.TypeString {
		name = bsonx.Str(c.Arg)
	}
	n, err := c.D.FailPoints.Configure(name, c.Args.Value("mode"), c.Args.Value("data"))
	if err != nil {
		return err
	}
	appendNumber(c.Reply, "count", n)
	return nil
}

func runWaitForFailPoint(ctx context.Context, c *Call) error {
	if c.Arg.Type != bsonx.TypeString {
		return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field 'waitForFailPoint.waitForFailPoint' is the wrong type '%s', expected type 'string'", bsonx.TypeName(c.Arg.Type))
	}
	return c.D.FailPoints.Wait(ctx, bsonx.Str(c.Arg), c.Args.Int("timesEntered", 0))
}
