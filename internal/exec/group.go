package exec

import (
	"context"
	"io"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/plan"
	"github.com/pandodb/pando/internal/query"
)

// grouper is $group: it reads all of its input, in memory, and gives the groups in
// the order in which they were first met. Past the budget it fails: nothing is
// spilled to disk yet.
type grouper struct {
	base
	stage  *plan.Group
	ctx    *expr.Context
	index  map[string]int
	groups []group
	bytes  int64
	key    []byte // scratch.
	filled bool
	at     int
	single *bsonx.Builder // an _id of one field.
	b      bsonx.Builder
	buf    []byte
}

// group is one group under way.
type group struct {
	id   bsonx.Value
	accs []accumulator
}

// groupBytes is what a group costs beside its values.
const groupBytes = 128

func (r *run) group(b base, s *plan.Group) *grouper {
	return &grouper{base: b, stage: s, ctx: r.NewContext(), index: map[string]int{}, single: bsonx.NewBuilder(nil)}
}

// Next gives the next group.
func (g *grouper) Next(ctx context.Context) (bsonx.Doc, error) {
	if !g.filled {
		if err := g.fill(ctx); err != nil {
			return nil, err
		}
		g.filled = true
	}
	if g.at == len(g.groups) {
		return nil, g.done()
	}
	of := &g.groups[g.at]
	g.at++
	g.ctx.Reset()
	g.b.Reset(g.buf[:0])
	g.b.Value("_id", of.id)
	for i, f := range g.stage.Fields {
		g.b.Value(f.Field, of.accs[i].result(g.ctx))
	}
	doc := g.b.Doc()
	g.buf = doc
	return g.gave(doc)
}

func (g *grouper) fill(ctx context.Context) error {
	for {
		doc, err := g.next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := g.take(doc); err != nil {
			return err
		}
		if g.bytes > g.run.MemoryBytesMax {
			return fail(mongoerr.QueryExceededMemoryLimitNoDiskUseAllowed,
				"Exceeded memory limit for $group, but didn't allow external spilling; pass allowDiskUse:true to opt in")
		}
		g.stats.BytesHeld = max(g.stats.BytesHeld, g.bytes)
	}
}

func (g *grouper) take(doc bsonx.Doc) error {
	g.ctx.Reset()
	g.ctx.SetRoot(doc)
	id, err := g.stage.ID.Eval(g.ctx)
	if err != nil {
		return err
	}
	if bsonx.IsMissing(id) {
		id = bsonx.Null
	}
	if name := g.stage.Single; name != "" {
		g.single.Rewind()
		g.single.Value(name, id)
		id = bsonx.DocValue(g.single.Doc())
	}
	of, err := g.find(id)
	if err != nil {
		return err
	}
	for i := range g.stage.Fields {
		v := bsonx.Missing
		if arg := g.stage.Fields[i].Arg; arg != nil {
			if v, err = arg.Eval(g.ctx); err != nil {
				return err
			}
		}
		grown, err := of.accs[i].add(doc, v)
		if err != nil {
			return err
		}
		g.bytes += grown
	}
	return nil
}

// find returns the group of an _id, new if need be.
func (g *grouper) find(id bsonx.Value) (*group, error) {
	g.key = keyenc.Append(g.key[:0], id, false)
	if i, ok := g.index[string(g.key)]; ok {
		return &g.groups[i], nil
	}
	of := group{id: clone(id), accs: make([]accumulator, len(g.stage.Fields))}
	for i := range g.stage.Fields {
		acc, err := g.accumulator(&g.stage.Fields[i], of.id)
		if err != nil {
			return nil, err
		}
		of.accs[i] = acc
	}
	g.index[string(g.key)] = len(g.groups)
	g.groups = append(g.groups, of)
	g.bytes += int64(len(g.key) + len(id.Data) + groupBytes*(1+len(of.accs)))
	return &g.groups[len(g.groups)-1], nil
}

// Close lets the groups go.
func (g *grouper) Close() error {
	g.index, g.groups, g.filled, g.at = nil, nil, true, 0
	return g.base.Close()
}

// accumulator is one field of one group.
type accumulator interface {
	// add takes a value, which is borrowed, of doc, and tells by how many bytes
	// what is held has grown.
	add(doc bsonx.Doc, v bsonx.Value) (int64, error)

	// result is the value so far, in fresh bytes or c's.
	result(c *expr.Context) bsonx.Value
}

// accumulator makes the accumulator of a field, for the group called id.
func (g *grouper) accumulator(f *plan.Accumulator, id bsonx.Value) (accumulator, error) {
	n := int64(1)
	if f.N != nil {
		c := g.run.NewContext()
		c.SetRoot(bsonx.Empty)
		if id.Type == bsonx.TypeDocument {
			c.SetRoot(bsonx.AsDoc(id))
		}
		v, err := f.N.Eval(c)
		if err != nil {
			return nil, err
		}
		if n, err = plan.GroupSize(v); err != nil {
			return nil, err
		}
	}
	return newAccumulator(f.Op, n, f.Sort), nil
}

func newAccumulator(op string, n int64, sort *query.Sort) accumulator {
	switch op {
	case "$sum":
		return &sum{}
	case "$count":
		return &counter{}
	case "$avg":
		return &mean{}
	case "$min", "$max":
		return &extreme{want: sign(op == "$max")}
	case "$first":
		return &first{}
	case "$last":
		return &last{}
	case "$push":
		return &push{max: -1}
	case "$addToSet":
		return &set{seen: map[string]struct{}{}}
	case "$mergeObjects":
		return &merge{}
	case "$stdDevPop", "$stdDevSamp":
		return &deviation{sample: op == "$stdDevSamp"}
	case "$firstN":
		return &push{max: n, nulls: true}
	case "$lastN":
		return &tail{max: n}
	case "$minN", "$maxN":
		return &ranked{max: n, desc: op == "$maxN", list: true, skipNull: true}
	case "$top", "$topN":
		return &ranked{max: n, sort: sort, list: op == "$topN"}
	case "$bottom", "$bottomN":
		return &ranked{max: n, sort: sort, list: op == "$bottomN", bottom: true}
	}
	panic("exec: no accumulator " + op)
}

func sign(positive bool) int {
	if positive {
		return 1
	}
	return -1
}

// clone copies a borrowed value.
func clone(v bsonx.Value) bsonx.Value {
	return bsonx.Value{Type: v.Type, Data: append([]byte(nil), v.Data...)}
}

// orNull is v, or null for a missing one.
func orNull(v bsonx.Value) bsonx.Value {
	if bsonx.IsMissing(v) {
		return bsonx.Null
	}
	return v
}
