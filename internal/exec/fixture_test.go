package exec

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/kv/pebblekv"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

var ctx = context.Background()

// house is a database on a store in memory.
type house struct {
	t  testing.TB
	db *docstore.DB
}

func openHouse(t testing.TB) *house {
	t.Helper()
	store, err := pebblekv.Open("db", pebblekv.Options{FS: vfs.NewMem(), Env: env.Seeded(1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := docstore.Open(ctx, store, env.Seeded(1))
	if err != nil {
		t.Fatal(err)
	}
	return &house{t, db}
}

func namespace(coll string) catalog.Namespace { return catalog.Namespace{DB: "exec", Coll: coll} }

// index makes the collection, if there is none, and indexes, which are given as
// specifications without v and name.
func (h *house) index(coll string, specs ...bsonx.Doc) {
	h.t.Helper()
	var indexes []*catalog.Index
	for _, s := range specs {
		b := bsonx.NewBuilder(nil)
		b.Int32("v", 2)
		b.Fields(s)
		b.String("name", indexName(s))
		idx, err := catalog.ParseIndex(b.Doc())
		if err != nil {
			h.t.Fatal(err)
		}
		indexes = append(indexes, idx)
	}
	if _, err := h.db.BuildIndexes(ctx, "test", namespace(coll), indexes); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) insert(coll string, docs ...bsonx.Doc) {
	h.t.Helper()
	tx := h.begin()
	c := h.coll(tx, coll)
	for _, d := range docs {
		if err := tx.Insert(ctx, c, d); err != nil {
			h.t.Fatalf("insert %s: %v", bsonx.ToJSON(d), err)
		}
	}
	if _, err := tx.Commit(ctx); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) begin() *docstore.Tx {
	h.t.Helper()
	tx, err := h.db.Begin(ctx, kv.Options{})
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(tx.Rollback)
	return tx
}

func (h *house) coll(tx *docstore.Tx, name string) *catalog.Collection {
	h.t.Helper()
	c, err := tx.Cat.Lookup(ctx, namespace(name))
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// drain takes all documents of an operator, copied.
func drain(op Operator) (docs []bsonx.Doc, err error) {
	defer func() { err = errors.Join(err, op.Close()) }()
	for {
		doc, err := op.Next(ctx)
		if err == io.EOF {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		docs = append(docs, append(bsonx.Doc(nil), doc...))
	}
}

// aggregate runs a pipeline.
func (h *house) aggregate(ns catalog.Namespace, pipeline bsonx.Value) ([]bsonx.Doc, error) {
	tx := h.begin()
	defer tx.Rollback()
	op, err := h.openPipeline(tx, ns, pipeline)
	if err != nil {
		return nil, err
	}
	return drain(op)
}

// openPipeline plans a pipeline in tx, and has it ready to run.
func (h *house) openPipeline(tx *docstore.Tx, ns catalog.Namespace, pipeline bsonx.Value) (*Execution, error) {
	stages, err := plan.Stages(pipeline)
	if err != nil {
		return nil, err
	}
	scope := expr.NewScope()
	p, err := plan.CompilePipeline(stages, plan.PipelineOptions{NS: ns, Scope: scope})
	if err != nil {
		return nil, err
	}
	o := Options{Scope: scope, Rand: env.Seeded(1).Float64}
	node, err := plan.Aggregate(ctx, tx, plan.AggregateRequest{NS: ns, Coll: h.coll(tx, ns.Coll), Pipeline: p, Eval: o.NewContext()})
	if err != nil {
		return nil, err
	}
	return Open(ctx, tx, node, o)
}

// find is a find command in a test.
type find struct {
	filter, sort, projection string
	skip, limit              int64
	hint                     string
}

// request compiles the find on a collection.
func (h *house) request(tx *docstore.Tx, coll string, f find) (plan.Request, error) {
	r := plan.Request{NS: namespace(coll), Coll: h.coll(tx, coll), Skip: f.skip, Limit: f.limit}
	var err error
	if f.filter != "" {
		if r.Filter, err = query.CompileFilter(bsonx.MustParseJSON(f.filter), query.Options{}); err != nil {
			return r, err
		}
	}
	if f.sort != "" {
		r.SortSpec = bsonx.MustParseJSON(f.sort)
		if r.Sort, err = query.CompileSort(r.SortSpec); err != nil {
			return r, err
		}
	}
	if f.projection != "" {
		r.ProjSpec = bsonx.MustParseJSON(f.projection)
		if r.Projection, err = query.CompileProjection(r.ProjSpec, query.Options{}); err != nil {
			return r, err
		}
	}
	if f.hint != "" {
		r.Hint, err = bsonx.ParseJSONValue(f.hint)
	}
	return r, err
}

// find runs a find and returns its plan too.
func (h *house) find(tx *docstore.Tx, coll string, f find) ([]bsonx.Doc, plan.Node, Totals, error) {
	r, err := h.request(tx, coll, f)
	if err != nil {
		return nil, nil, Totals{}, err
	}
	node, err := plan.Find(ctx, tx, r)
	if err != nil {
		return nil, nil, Totals{}, err
	}
	op, err := Open(ctx, tx, node, Options{})
	if err != nil {
		return nil, nil, Totals{}, err
	}
	docs, err := drain(op)
	return docs, node, Count(op), err
}

// openFind plans a find and opens the plan.
func openFind(t testing.TB, tx *docstore.Tx, r plan.Request) *Execution {
	t.Helper()
	node, err := plan.Find(ctx, tx, r)
	if err != nil {
		t.Fatal(err)
	}
	e, err := Open(ctx, tx, node, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// indexName is the name that a driver would make up: a_1_b_-1.
func indexName(spec bsonx.Doc) string {
	var parts []string
	for path, v := range bsonx.All(bsonx.AsDoc(bsonx.Get(spec, "key"))) {
		n, _ := bsonx.ToInt64Exact(v)
		parts = append(parts, fmt.Sprintf("%s_%d", path, n))
	}
	return strings.Join(parts, "_")
}
