package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/query"
)

// currentOpOptions are the fields of a $currentOp stage.
var currentOpOptions = NewFields("$currentOp",
	Field{Name: "allUsers", Type: currentOpBoolean, NoEffect: "there are no users yet"},
	Field{Name: "idleConnections", Type: LooseBoolean},
	Field{Name: "idleCursors", Type: LooseBoolean},
	Field{Name: "idleSessions", Type: LooseBoolean},
	Field{Name: "localOps", Type: currentOpBoolean, NoEffect: "all operations are local"},
	Field{Name: "targetAllNodes", Type: LooseBoolean},
	Field{Name: "truncateOps", Type: LooseBoolean})

// currentOpBoolean is a boolean with the stage's own message.
var currentOpBoolean = Types{of: Boolean.of, bad: func(field string, v bsonx.Value) error {
	return mongoerr.Newf(mongoerr.TypeMismatch, "The '%s' parameter of the $currentOp stage must be a boolean value, but found: %s", field, bsonx.TypeName(v.Type))
}}

// wanted is what a listing of operations is to hold beside those that run.
type wanted struct {
	connections, cursors, sessions bool
	truncate                       bool
}

// currentOpStage lists what runs in place of a $currentOp stage.
func (c *Call) currentOpStage(arg bsonx.Value) (bsonx.Doc, error) {
	if arg.Type != bsonx.TypeDocument {
		return nil, mongoerr.New(mongoerr.TypeMismatch, "$currentOp options must be specified in an object, but found: "+bsonx.TypeName(arg.Type))
	}
	if c.Gen.DB != "admin" || c.Arg.Type == bsonx.TypeString {
		return nil, mongoerr.New(mongoerr.InvalidNamespace, "$currentOp must be run against the 'admin' database with {aggregate: 1}")
	}
	a, err := currentOpOptions.Decode(bsonx.AsDoc(arg))
	switch {
	case err != nil:
		return nil, err
	case a.Bool("targetAllNodes", false) && a.Bool("localOps", false):
		return nil, mongoerr.New(mongoerr.FailedToParse, "The 'localOps' parameter of the $currentOp stage cannot be true when 'targetAllNodes' is also true")
	case a.Bool("targetAllNodes", false):
		return nil, mongoerr.New(mongoerr.FailedToParse, "$currentOp supports targetAllNodes parameter only for sharded clusters")
	}
	return documentsStage(c.D.currentOps(wanted{
		connections: a.Bool("idleConnections", false), cursors: a.Bool("idleCursors", false),
		sessions: a.Bool("idleSessions", true), truncate: a.Bool("truncateOps", false),
	})), nil
}

// runCurrentOp lists the running operations and the transactions that are open
// while nothing runs in them. Other fields of the command select among them.
func runCurrentOp(_ context.Context, c *Call) error {
	all, _ := integer(bsonx.Get(c.others(), "$all"))
	own, _ := integer(bsonx.Get(c.others(), "$ownOps"))
	match, err := c.selection()
	if err != nil {
		return err
	}
	b := c.Reply
	b.OpenArray("inprog")
	i := 0
	for _, doc := range c.D.currentOps(wanted{connections: all != 0, sessions: true, truncate: true}) {
		if client := bsonx.Get(doc, "client"); own != 0 && client.Type != bsonx.TypeString {
			continue // the server's own.
		}
		ok, err := match(doc)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		b.EmbedDoc(bsonx.Index(i), doc)
		i++
	}
	b.Close()
	return nil
}

// selection is the filter that the command's own fields are.
func (c *Call) selection() (func(bsonx.Doc) (bool, error), error) {
	b := bsonx.NewBuilder(nil)
	for it := bsonx.Walk(c.others()); it.Next(); {
		if k := it.Key(); k != "$all" && k != "$ownOps" {
			b.Value(k, it.Value())
		}
	}
	vars, err := c.variables(nil)
	if err != nil {
		return nil, err
	}
	f, err := query.CompileFilter(b.Doc(), query.Options{Scope: vars.scope})
	if err != nil {
		return nil, err
	}
	return func(doc bsonx.Doc) (bool, error) { return f.Matches(doc, vars.ctx) }, nil
}
