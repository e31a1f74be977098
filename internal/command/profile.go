package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

var profile = Spec{
	Name: "profile", Help: "sets what counts as slow",
	Fields: NewFields("profile",
		Field{Name: "slowms", Type: oneOf("double", "decimal", "long", "int")},
		Field{Name: "sampleRate", Type: oneOf("double", "decimal", "long", "int")},
		Field{Name: "filter", Type: Any, NotYet: true, Unless: isString("unset")}),
}

// runProfile sets which operations the log tells of. The profiler itself, levels 1
// and 2, is not there.
func runProfile(_ context.Context, c *Call) error {
	if err := c.checkArg("profile", oneOf("double", "decimal", "long", "int")); err != nil {
		return err
	}
	level, _ := integer(c.Arg)
	s := &c.D.slow
	ms, rate := s.ms.Load(), s.sampleRate()
	if v := c.Args.Value("sampleRate"); v.Type != bsonx.TypeMissing {
		if rate, _ = bsonx.ToDouble(v); !(rate >= 0 && rate <= 1) {
			return mongoerr.New(mongoerr.BadValue, "'sampleRate' must be between 0.0 and 1.0 inclusive")
		}
	}
	if level == 1 || level == 2 {
		return mongoerr.NotYet("the profiler (profile levels 1 and 2)")
	}
	c.Reply.Int32("was", 0)
	c.Reply.Int32("slowms", int32(ms))
	c.Reply.Double("sampleRate", s.sampleRate())
	s.set(c.Args.Int("slowms", ms), rate)
	return nil
}
