package command

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
)

// viewsOf is the collection that holds a document for each view of a database. The
// catalog is what counts; this is what clients may look at, as in the original.
func viewsOf(db string) catalog.Namespace { return catalog.Namespace{DB: db, Coll: "system.views"} }

// viewOptions is a view's definition.
func viewOptions(on string, stages []bsonx.Doc) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.String("viewOn", on)
	b.OpenArray("pipeline")
	for i, s := range stages {
		b.EmbedDoc(bsonx.Index(i), s)
	}
	b.Close()
	return b.Doc()
}

// createView makes a view; one that is there with the same definition is success.
func (c *Call) createView(ctx context.Context, ns catalog.Namespace) error {
	stages, err := c.viewStages()
	if err != nil {
		return err
	}
	opt := catalog.CreateOptions{Kind: catalog.KindView, Options: viewOptions(c.Args.Str("viewOn"), stages)}
	for _, name := range []catalog.Namespace{ns, viewsOf(ns.DB)} {
		if err := c.passChanges(ctx, name); err != nil {
			return err
		}
	}
	return c.change(ctx, func(tx *docstore.Tx) error {
		coll, err := tx.Cat.Lookup(ctx, ns)
		if err != nil || coll != nil && coll.SameOptions(opt) {
			return err
		}
		if coll == nil {
			if err := c.checkView(ctx, tx, ns, opt.Options, stages); err != nil {
				return err
			}
		}
		if _, err = tx.Cat.Create(ctx, ns, opt); err != nil {
			return err
		}
		return recordView(ctx, tx, ns, opt.Options)
	}, ns, viewsOf(ns.DB))
}

// viewStages decodes the pipeline of the command.
func (c *Call) viewStages() ([]bsonx.Doc, error) {
	stages, err := c.Args.Docs("pipeline")
	if err != nil || len(stages) == 0 {
		return nil, err
	}
	return stages, checkStages(c.Args.Value("pipeline"))
}

// modifyView is collMod of a view.
func (c *Call) modifyView(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection) error {
	for _, f := range c.Spec.Fields.list {
		if c.Args.Has(f.Name) && f.Name != "viewOn" && f.Name != "pipeline" {
			return mongoerr.Newf(mongoerr.InvalidOptions, "option not supported on a view: %s", f.Name)
		}
	}
	if !c.Args.Has("viewOn") && !c.Args.Has("pipeline") {
		return nil
	}
	on := bsonx.Str(bsonx.Get(coll.Options, "viewOn"))
	if c.Args.Has("viewOn") {
		on = c.Args.Str("viewOn")
	}
	stages, err := c.viewStages()
	if !c.Args.Has("pipeline") {
		stages, err = plan.Stages(bsonx.Get(coll.Options, "pipeline"))
	}
	if err != nil {
		return err
	}
	if on == "" {
		return mongoerr.New(mongoerr.BadValue, "'viewOn' cannot be empty")
	}
	options := viewOptions(on, stages)
	if err := c.checkView(ctx, tx, coll.NS, options, stages); err != nil {
		return err
	}
	if _, err := tx.Cat.Modify(ctx, coll, func(e *catalog.Collection) { e.Options = options }); err != nil {
		return err
	}
	return recordView(ctx, tx, coll.NS, options)
}

// checkView tells what a view cannot be.
func (c *Call) checkView(ctx context.Context, tx *docstore.Tx, ns catalog.Namespace, options bsonx.Doc, stages []bsonx.Doc) error {
	on := catalog.Namespace{DB: ns.DB, Coll: bsonx.Str(bsonx.Get(options, "viewOn"))}
	if on.Validate() != nil || strings.Contains(on.Coll, "$") {
		return mongoerr.Newf(mongoerr.InvalidNamespace, "invalid name for 'viewOn': %s", on.Coll)
	}
	invalid := "Invalid pipeline for view " + ns.String()
	for i, s := range stages {
		if name, _ := bsonx.First(s); name == "$out" || name == "$merge" {
			return mongoerr.Newf(mongoerr.OptionNotSupportedOnView,
				"The aggregation stage %s in location %d of the pipeline cannot be used in the view definition of %s because it writes to disk", name, i, ns).Prefix(invalid)
		}
	}
	if _, err := plan.CompilePipeline(stages, plan.PipelineOptions{NS: on}); err != nil {
		e := mongoerr.From(err)
		if e.Code == mongoerr.NotImplemented {
			return e
		}
		return e.Prefix(invalid)
	}
	all, err := tx.Cat.Collections(ctx, ns.DB)
	if err != nil {
		return err
	}
	g := viewGraph{reads: map[string][]string{}}
	for _, coll := range all {
		if coll.Kind == catalog.KindView {
			g.add(coll.NS.Coll, coll.Options)
		}
	}
	g.add(ns.Coll, options)
	return g.check(ns)
}

// viewGraph is which views read which collections.
type viewGraph struct{ reads map[string][]string }

func (g *viewGraph) add(name string, options bsonx.Doc) {
	names := []string{bsonx.Str(bsonx.Get(options, "viewOn"))}
	if stages, err := plan.Stages(bsonx.Get(options, "pipeline")); err == nil {
		names = append(names, plan.References(stages)...)
	}
	g.reads[name] = names
}

// check looks for what a view must not do: read itself, or be in too long a chain.
func (g *viewGraph) check(ns catalog.Namespace) error {
	if path := g.circle([]string{ns.Coll}); path != nil {
		text := ns.String()
		for _, name := range path {
			text += " => " + ns.DB + "." + name
		}
		return mongoerr.Newf(mongoerr.GraphContainsCycle, "View cycle detected: %s", text)
	}
	readers := map[string][]string{}
	for name, list := range g.reads {
		for _, other := range list {
			if g.reads[other] != nil {
				readers[other] = append(readers[other], name)
			}
		}
	}
	if depth(g.reads, g.reads, ns.Coll)+depth(readers, g.reads, ns.Coll)-1 > plan.ViewDepthMax {
		return mongoerr.Newf(mongoerr.ViewDepthLimitExceeded, "View depth limit exceeded; maximum depth is %d", plan.ViewDepthMax)
	}
	return nil
}

// circle follows a path until it comes back to where it began; nil if it does not.
func (g *viewGraph) circle(path []string) []string {
	if len(path) > 1 && path[len(path)-1] == path[0] {
		return path
	}
	if slices.Contains(path[:len(path)-1], path[len(path)-1]) {
		return nil // a circle, but of others.
	}
	for _, next := range g.reads[path[len(path)-1]] {
		if found := g.circle(append(path[:len(path):len(path)], next)); found != nil {
			return found
		}
	}
	return nil
}

// depth is how many views there are on the longest way from one. There are no
// circles, so it ends; beyond the limit it need not be exact.
func depth(edges, views map[string][]string, from string) int {
	seen := map[string]int{}
	var longest func(name string, left int) int
	longest = func(name string, left int) int {
		if views[name] == nil || left == 0 {
			return 0
		}
		if n, ok := seen[name]; ok {
			return n
		}
		n := 0
		for _, next := range edges[name] {
			n = max(n, longest(next, left-1))
		}
		seen[name] = n + 1
		return n + 1
	}
	return longest(from, plan.ViewDepthMax+1)
}

// recordView writes a view's document; without options it removes it.
func recordView(ctx context.Context, tx *docstore.Tx, ns catalog.Namespace, options bsonx.Doc) error {
	coll, err := tx.Cat.Lookup(ctx, viewsOf(ns.DB))
	if err == nil && coll == nil {
		coll, err = tx.Cat.Create(ctx, viewsOf(ns.DB), catalog.CreateOptions{})
	}
	if err != nil {
		return err
	}
	b := bsonx.NewBuilder(nil)
	b.String("_id", ns.String())
	b.Fields(options)
	doc := b.Doc()
	id := bsonx.Get(doc, "_id")
	if err := tx.Claim(ctx, coll, id); err != nil {
		return err
	}
	old, err := tx.Get(ctx, coll, id, nil)
	switch {
	case errors.Is(err, kv.ErrNotFound) && options == nil:
		return nil
	case errors.Is(err, kv.ErrNotFound):
		return tx.Insert(ctx, coll, doc)
	case err != nil:
		return err
	case options == nil:
		return tx.Delete(ctx, coll, old)
	}
	return tx.Update(ctx, coll, old, doc)
}

// droppedWith are the names that a drop is about: of a view the collection that
// holds it too, and of that all views. None comes to it meanwhile, since whoever
// makes one claims the collection's entry.
func (c *Call) droppedWith(ctx context.Context, coll *catalog.Collection) ([]catalog.Namespace, error) {
	names, home := []catalog.Namespace{coll.NS}, viewsOf(coll.NS.DB)
	if isView(coll) {
		return append(names, home), nil
	}
	if coll.NS != home {
		return names, nil
	}
	all, err := c.collections(ctx, home.DB)
	for _, other := range all {
		if isView(other) {
			names = append(names, other.NS)
		}
	}
	return names, err
}

// dropView removes what a drop of coll takes with it: a view's document, or all
// views with their collection.
func dropView(ctx context.Context, tx *docstore.Tx, coll *catalog.Collection) error {
	if coll.Kind == catalog.KindView {
		return recordView(ctx, tx, coll.NS, nil)
	}
	if coll.NS != viewsOf(coll.NS.DB) {
		return nil
	}
	all, err := tx.Cat.Collections(ctx, coll.NS.DB)
	if err != nil {
		return err
	}
	for _, view := range all {
		if view.Kind != catalog.KindView {
			continue
		}
		if err := tx.Cat.Drop(ctx, view); err != nil {
			return err
		}
	}
	return nil
}
