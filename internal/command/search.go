package command

import (
	"context"

	"github.com/pandodb/pando/internal/plan"
)

// searchCommands are the commands about search indexes. They decode strictly and
// then say that there is no search engine, as a server without one does.
func searchCommands() []*Spec {
	spec := func(name string, fields ...Field) *Spec {
		return &Spec{Name: name, Help: "tells that there are no search indexes", Check: checkCollection, Fields: NewFields(name, fields...), Run: func(_ context.Context, c *Call) error {
			if _, err := c.Namespace(); err != nil {
				return err
			}
			return plan.ErrNoSearchIndexes
		}}
	}
	return []*Spec{
		spec("createSearchIndexes", Field{Name: "indexes", Type: Array, Required: true}),
		spec("updateSearchIndex",
			Field{Name: "id", Type: Text}, Field{Name: "name", Type: Text}, Field{Name: "definition", Type: Document, Required: true}),
		spec("dropSearchIndex", Field{Name: "id", Type: Text}, Field{Name: "name", Type: Text}),
		spec("listSearchIndexes", Field{Name: "id", Type: Text}, Field{Name: "name", Type: Text}),
	}
}

// apiTestCommands do nothing; drivers' tests call them to see what becomes of the
// API parameters that they declare.
func apiTestCommands() []*Spec {
	spec := func(name string, stable, deprecated bool) *Spec {
		return &Spec{Name: name, Test: true, API: stable, OldAPI: deprecated, Help: "tests API versions", Run: runAPITest}
	}
	return []*Spec{
		spec("testVersion2", false, false),
		spec("testVersions1And2", true, false),
		spec("testRemoval", true, false),
		spec("testDeprecation", true, true),
		spec("testDeprecationInVersion2", true, false),
	}
}

func runAPITest(_ context.Context, c *Call) error {
	if c.Gen.HasAPI {
		c.Reply.String("apiVersion", c.Gen.API.Version)
	}
	if c.Gen.API.Strict {
		c.Reply.Bool("apiStrict", true)
	}
	if c.Gen.API.Deprecation {
		c.Reply.Bool("apiDeprecationErrors", true)
	}
	return nil
}
