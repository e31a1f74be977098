package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// sourceStage puts the documents of a stage that lists what the server does in
// the stage's place: the planner knows documents, not servers.
func (c *Call) sourceStage(stages []bsonx.Doc) ([]bsonx.Doc, error) {
	if len(stages) == 0 {
		return stages, nil
	}
	stage := stages[0]
	var err error
	switch name, arg := bsonx.First(stage); name {
	case "$currentOp":
		stage, err = c.currentOpStage(arg)
	case "$listSessions":
		stage, err = c.listSessionsStage(arg)
	case "$listLocalSessions":
		stage, err = c.listLocalSessionsStage(arg)
	default:
		return stages, nil
	}
	if err != nil {
		return nil, err
	}
	return append([]bsonx.Doc{stage}, stages[1:]...), nil
}

// documentsStage is a stage that gives the documents of a list.
func documentsStage(docs []bsonx.Doc) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.OpenDoc("$documents")
	b.OpenArray("$literal")
	for i, doc := range docs {
		b.EmbedDoc(bsonx.Index(i), doc)
	}
	b.Close()
	b.Close()
	return b.Doc()
}

// listOptions decodes the options that both listings of sessions have; none tells
// that users are asked for, none of whom there can be without authentication.
func (c *Call) listOptions(stage string, arg bsonx.Value) (none bool, err error) {
	if arg.Type != bsonx.TypeDocument {
		return false, mongoerr.Newf(mongoerr.TypeMismatch, "%s options must be specified in an object, but found: %s", stage, bsonx.TypeName(arg.Type))
	}
	a, err := NewFields(stage, Field{Name: "users", Type: Array}, Field{Name: "allUsers", Type: Boolean}).Decode(bsonx.AsDoc(arg))
	if err != nil {
		return false, err
	}
	users, err := a.Docs("users")
	if err != nil {
		return false, err
	}
	one := NewFields(stage+".users", Field{Name: "user", Type: Text, Required: true}, Field{Name: "db", Type: Text, Required: true})
	for _, u := range users {
		if _, err := one.Decode(u); err != nil {
			return false, err
		}
	}
	if a.Bool("allUsers", false) && len(users) > 0 {
		return false, mongoerr.Newf(mongoerr.UnsupportedFormat, "%s may not specify {allUsers:true} and {users:[...]} at the same time", stage)
	}
	return len(users) > 0, nil
}

// listSessionsStage reads the collection of sessions.
func (c *Call) listSessionsStage(arg bsonx.Value) (bsonx.Doc, error) {
	none, err := c.listOptions("$listSessions", arg)
	if err == nil && c.target() != session.SessionsNS.String() {
		err = mongoerr.Newf(mongoerr.InvalidNamespace, "$listSessions may only be run against %s", session.SessionsNS)
	}
	b := bsonx.NewBuilder(nil)
	b.OpenDoc("$match")
	if none {
		b.Int32("$alwaysFalse", 1)
	}
	b.Close()
	return b.Doc(), err
}

// listLocalSessionsStage lists the sessions that this process knows.
func (c *Call) listLocalSessionsStage(arg bsonx.Value) (bsonx.Doc, error) {
	none, err := c.listOptions("$listLocalSessions", arg)
	if err != nil {
		return nil, err
	}
	if c.Arg.Type == bsonx.TypeString {
		return nil, mongoerr.New(mongoerr.InvalidNamespace, "$listLocalSessions must be run against the database with {aggregate: 1}, not a collection")
	}
	var docs []bsonx.Doc
	for i := range c.D.Sessions.All() {
		if !none {
			docs = append(docs, i.Row())
		}
	}
	return documentsStage(docs), nil
}
