package exec

import (
	"context"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/plan"
)

// covered makes documents from index entries. An entry that may mean more than it
// says (null is also what a missing field leaves) has its document fetched.
type covered struct {
	base
	plan    *plan.Covered
	scan    *indexScan
	project *projector
	whole   check
	values  []bsonx.Value
	paths   [][]string
	b       [2]bsonx.Builder
	bufs    [2][]byte
	doc     []byte
}

func (r *run) covered(n *plan.Covered) (Operator, error) {
	c := &covered{base: r.base(n), plan: n, scan: r.indexScan(n.Input), project: r.projector(n.Projection, nil), whole: r.check(n.Whole)}
	c.scan.covers = true
	for _, f := range n.Input.Index.Fields {
		c.paths = append(c.paths, strings.Split(f.Path, "."))
	}
	return c, nil
}

// Next gives the next document, in the projection's shape.
func (c *covered) Next(ctx context.Context) (bsonx.Doc, error) {
	for {
		p, err := c.scan.next(ctx)
		if err != nil {
			c.stats.EOF = true
			return nil, err
		}
		doc, ok, err := c.build(p)
		if err != nil {
			return nil, err
		}
		if !ok {
			c.stats.DocsExamined++
			if doc, err = c.run.read(ctx, &plan.Fetch{Coll: c.plan.Coll}, p.id, &c.doc); err != nil {
				return nil, err
			}
			if p.long {
				if ok, err := c.whole.matches(doc); err != nil {
					return nil, err
				} else if !ok {
					c.stats.Passed++
					continue
				}
			}
		}
		if doc, err = c.project.apply(doc); err != nil {
			return nil, err
		}
		return c.gave(doc)
	}
}

// build makes the document that the entry tells of; ok is false if it does not
// tell enough.
func (c *covered) build(p place) (doc bsonx.Doc, ok bool, err error) {
	if p.long {
		return nil, false, nil
	}
	if c.values, err = c.scan.it.Values(c.values[:0]); err != nil {
		return nil, false, err
	}
	for _, v := range c.values {
		if bsonx.IsNullish(v) {
			return nil, false, nil
		}
	}
	// Values may share scratch with IDValue: they are used first.
	at := 0
	c.b[0].Reset(c.bufs[0][:0])
	doc = c.b[0].Doc()
	for i, path := range c.paths {
		c.bufs[at] = doc
		at = 1 - at
		c.b[at].Reset(c.bufs[at][:0])
		setPath(&c.b[at], doc, path, c.values[i])
		doc = c.b[at].Doc()
	}
	c.bufs[at] = doc
	id, ok, err := c.scan.it.IDValue()
	if err != nil || !ok {
		return nil, false, err
	}
	at = 1 - at
	c.b[at].Reset(c.bufs[at][:0])
	c.b[at].Value("_id", id)
	for it := bsonx.Walk(doc); it.Next(); {
		if it.Key() != "_id" {
			c.b[at].Value(it.Key(), it.Value())
		}
	}
	doc = c.b[at].Doc()
	c.bufs[at] = doc
	return doc, true, nil
}

// Close ends the scan.
func (c *covered) Close() error   { return c.scan.Close() }
func (c *covered) places() places { return c.scan }
