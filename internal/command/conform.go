package command

import (
	"log/slog"
	"strconv"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// bypassField lets a client write documents that do not conform.
var bypassField = Field{Name: "bypassDocumentValidation", Type: Truthy}

// logWouldFail is the original's number of the line that tells of a document that
// does not conform and is written all the same.
const logWouldFail = 20294

// validation is the validator that a command uses and what it runs in.
type validation struct {
	of  *query.Validator
	ctx *expr.Context
}

// context is what a validator runs in: one for all documents of a command.
func (c *Call) validationContext(v *query.Validator) *expr.Context {
	if c.validation.of != v {
		c.validation = validation{of: v, ctx: v.NewContext()}
		if ctx := c.validation.ctx; ctx != nil {
			ctx.Now, ctx.ClusterTime = c.now(), c.clusterTime()
		}
	}
	return c.validation.ctx
}

// conform tells what keeps a document from being written into a collection that
// asks something of its documents. old is what it replaces, nil for nothing.
func (c *Call) conform(coll *catalog.Collection, old, doc bsonx.Doc) error {
	rule, err := docstore.ValidationRuleOf(coll)
	if err != nil || rule == nil || c.Args.Bool("bypassDocumentValidation", false) {
		return err
	}
	ctx := c.validationContext(rule.Validator)
	if rule.Validator.Conforms(doc, ctx) || old != nil && rule.Moderate && !rule.Validator.Conforms(old, ctx) {
		return nil
	}
	b := bsonx.NewBuilder(nil)
	b.OpenDoc("errInfo")
	b.Value("failingDocumentId", bsonx.Get(doc, "_id"))
	b.EmbedDoc("details", rule.Validator.Details(doc, ctx))
	b.Close()
	info := b.Doc()
	if rule.Log {
		c.logNonconforming(coll, doc, info)
	}
	if !rule.Refuse {
		return nil
	}
	return mongoerr.New(mongoerr.DocumentValidationFailure, "Document failed validation").WithInfo(info)
}

func (c *Call) logNonconforming(coll *catalog.Collection, doc, info bsonx.Doc) {
	shown := slog.Any("document", logged(doc))
	if len(doc) > logBytesMax {
		shown = slog.String("document", "("+strconv.Itoa(len(doc))+" bytes)")
	}
	c.D.log(logLine{slog.LevelWarn, "Document would fail validation", "STORAGE", logWouldFail, c.Peer.ID},
		slog.String("namespace", coll.NS.String()), shown, slog.Any("errInfo", logged(bsonx.AsDoc(bsonx.Get(info, "errInfo")))))
}

// checkValidator tells whether a collection may have a validator, and that one.
func checkValidator(ns catalog.Namespace, uuid [16]byte, doc bsonx.Doc) error {
	if bsonx.Len(doc) == 0 {
		return nil // as good as none.
	}
	id := bsonx.NewBuilder(nil)
	id.Binary("uuid", 4, uuid[:])
	text := bsonx.ShellString(bsonx.Get(id.Doc(), "uuid"))
	text = text[len(`UUID("`) : len(text)-len(`")`)]
	switch {
	case ns.DB == "admin" || ns.DB == "local" || ns.DB == "config":
		return mongoerr.Newf(mongoerr.InvalidOptions, "Document validators are not allowed on collection %s with UUID %s in the %s internal database", ns, text, ns.DB)
	case len(ns.Coll) > len("system.") && ns.Coll[:len("system.")] == "system.":
		return mongoerr.Newf(mongoerr.InvalidOptions, "Document validators not allowed on system collection %s with UUID %s", ns, text)
	}
	_, err := query.CompileValidator(doc)
	return err
}

var validationOptions = []string{"validator", "validationLevel", "validationAction"}

// checkValidation tells whether the options about validation say something that there is.
func (a *Args) checkValidation() error {
	if err := a.word("validationLevel", "off", "strict", "moderate"); err != nil {
		return err
	}
	return a.word("validationAction", "error", "warn", "errorAndLog")
}

// appendValidation appends the options that are given. A validator that asks for
// nothing is none.
func (a *Args) appendValidation(b *bsonx.Builder) {
	for _, name := range validationOptions {
		if v := a.Value(name); !isEmpty(v) {
			b.Value(name, v)
		}
	}
}

// changedValidation is a collection's options with those about validation that are
// given. One of them makes the original write down the others' defaults too.
func (a *Args) changedValidation(options bsonx.Doc) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	for name, v := range bsonx.All(options) {
		if name != "validator" && name != "validationLevel" && name != "validationAction" {
			b.Value(name, v)
		}
	}
	absent := map[string]bsonx.Value{"validationLevel": bsonx.String("strict"), "validationAction": bsonx.String("error")}
	for _, name := range validationOptions {
		v := a.Value(name)
		if bsonx.IsMissing(v) {
			v = bsonx.Get(options, name)
		}
		if bsonx.IsMissing(v) {
			v = absent[name]
		}
		if !isEmpty(v) {
			b.Value(name, v)
		}
	}
	return b.Doc()
}
