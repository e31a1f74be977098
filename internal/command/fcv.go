package command

import (
	"context"
	"strconv"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// The feature compatibility version is what this data may be handed back to. No
// format of Pando's depends on it and it switches nothing off; it is kept because
// procedures for upgrades read it and set it.
const (
	fcvID     = "featureCompatibilityVersion"
	fcvLatest = "8.2"
	fcvLast   = "8.1" // named in messages; neither can be reached from the other two.
	fcvLTS    = "8.0"
)

var setFCV = Spec{
	Name: "setFeatureCompatibilityVersion", Admin: true, Write: true, Help: "sets the feature compatibility version",
	Fields: NewFields("setFeatureCompatibilityVersion",
		Field{Name: "confirm", Type: oneOf("double", "decimal", "int", "long", "bool")},
		Field{Name: "dryRun", Type: Boolean},
		Field{Name: "fromConfigServer", Type: Boolean, NoEffect: "for sharded clusters"},
		Field{Name: "phase", Type: Text, NotYet: true},
		Field{Name: "changeTimestamp", Type: Timestamp, NotYet: true}),
}

func runSetFCV(ctx context.Context, c *Call) error {
	if c.Arg.Type != bsonx.TypeString {
		return Text.mismatch(c.Spec.Name, c.Spec.Name, c.Arg)
	}
	to, is := string([]byte(bsonx.Str(c.Arg))), c.D.Params.FeatureCompatibility.Get()
	switch {
	case to != fcvLatest && to != fcvLast && to != fcvLTS:
		return mongoerr.Newf(4926900, "Invalid feature compatibility version value '%s'. Expected one of the following versions: ''%s', '%s', '%s'. See https://docs.mongodb.com/master/release-notes/8.0-compatibility/#feature-compatibility.",
			to, fcvLatest, fcvLast, fcvLTS)
	case c.Args.Bool("dryRun", false):
		return mongoerr.New(mongoerr.InvalidOptions, "dry-run mode is not enabled")
	case !c.Args.Bool("confirm", false):
		if to == fcvLatest && is != fcvLatest {
			return mongoerr.New(7369100, "Once you have upgraded to "+fcvLatest+", you will not be able to downgrade FCV and binary version without support assistance. Please re-run this command with 'confirm: true' to acknowledge this and continue with the FCV upgrade.")
		}
		return mongoerr.New(7369100, "Once you have downgraded the FCV, if you choose to downgrade the binary version, it will require support assistance. Please re-run this command with 'confirm: true' to acknowledge this and continue with the FCV downgrade.")
	case to == is:
		return nil
	case to == fcvLast:
		return mongoerr.Newf(5147403, "cannot set featureCompatibilityVersion to '%s' while featureCompatibilityVersion is '%s'", to, is)
	}
	err := c.putSetting(ctx, versionNS, fcvID, func(bsonx.Doc) (bsonx.Doc, error) {
		b := bsonx.NewBuilder(nil)
		b.String("_id", fcvID)
		b.String("version", to)
		return b.Doc(), nil
	})
	if err != nil {
		return err
	}
	return c.D.loadFCV(ctx)
}

// loadFCV takes over what is stored; a store that never heard of it is at the latest.
func (d *Dispatcher) loadFCV(ctx context.Context) error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	doc, err := d.setting(ctx, versionNS, fcvID)
	if err != nil {
		return err
	}
	version := fcvLatest
	if v := bsonx.Get(doc, "version"); doc != nil && v.Type == bsonx.TypeString {
		version = string([]byte(bsonx.Str(v)))
	}
	d.Params.FeatureCompatibility.Store(version)
	return nil
}

// appendFCV is the version in numbers, for serverStatus.
func appendFCV(c *Call) {
	major, minor, _ := strings.Cut(c.D.Params.FeatureCompatibility.Get(), ".")
	for _, part := range []struct{ name, text string }{{"major", major}, {"minor", minor}} {
		n, err := strconv.ParseInt(part.text, 10, 32)
		if err != nil {
			return // put there by hand; getParameter shows it as it is.
		}
		c.Reply.Int32(part.name, int32(n))
	}
	c.Reply.Int32("transitioning", 0)
}
