package command

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/session"
)

// applyAll changes every document that matches, inside one transaction. The
// scan does not see what it wrote.
func (c *Call) applyAll(ctx context.Context, tx *docstore.Tx, ch *change, o *outcome) error {
	w, err := c.changing(ctx, tx, ch)
	if err != nil {
		return err
	}
	if w.coll != nil {
		op, err := w.matches(ctx)
		if err != nil {
			return err
		}
		defer op.Close()
		for {
			doc, err := op.Next(ctx)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return err
			}
			if err := w.one(ctx, slices.Clone(doc), o); err != nil {
				return err
			}
		}
	}
	if ch.upsert && o.matched == 0 {
		o.upserted, err = c.upsert(ctx, tx, ch)
	}
	return err
}

// applyManyGroup is how many documents of a multi-document write outside a
// transaction are committed together while nobody else wants them.
const applyManyGroup = 128

// applyMany changes every document that matches on one snapshot, each as it is
// newest and only if it still matches (STORAGE section 3). It holds no document
// while it waits for another.
func (c *Call) applyMany(ctx context.Context, ch *change) (o outcome, err error) {
	found := false
	for again := true; again; {
		found, err = c.applyFound(ctx, ch, &o)
		// The collection was changed since the snapshot, and is there anew in the next.
		_, conflict := errors.AsType[*kv.Conflict](err)
		again = conflict && !found
	}
	if err == nil && !found && ch.upsert {
		err = c.Write(ctx, func(tx *docstore.Tx) error {
			o.upserted, err = c.upsert(ctx, tx, ch)
			return err
		})
	}
	c.count(o)
	return o, err
}

// applyFound is applyMany without its upsert; found tells if anything matched.
func (c *Call) applyFound(ctx context.Context, ch *change, o *outcome) (found bool, err error) {
	err = c.Read(ctx, func(tx *docstore.Tx) error {
		w, err := c.changing(ctx, tx, ch)
		if err != nil || w.coll == nil {
			return err
		}
		op, err := w.matches(ctx)
		if err != nil {
			return err
		}
		defer op.Close()
		for {
			ids, err := nextIDs(ctx, op)
			if len(ids) == 0 || err != nil {
				return err
			}
			found = true
			if err := c.applyGroup(ctx, ch, ids, o); err != nil {
				return err
			}
		}
	})
	return found, err
}

// nextIDs reads the next documents' ids, owned.
func nextIDs(ctx context.Context, op session.Source) (ids []bsonx.Value, err error) {
	for len(ids) < applyManyGroup {
		doc, err := op.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		id := bsonx.Get(doc, "_id")
		ids = append(ids, owned(id))
	}
	return ids, nil
}

// applyGroup changes the documents of ids in one commit or, if somebody is in the
// way, each in its own.
func (c *Call) applyGroup(ctx context.Context, ch *change, ids []bsonx.Value, o *outcome) error {
	group := outcome{}
	err := c.once(ctx, func(tx *docstore.Tx) error {
		group = outcome{}
		return c.applyIDs(ctx, tx, ch, ids, &group)
	})
	if err == nil {
		o.merge(group)
		return nil
	}
	if _, ok := errors.AsType[*kv.Conflict](err); !ok && len(ids) == 1 {
		return err
	}
	for i := range ids {
		var one outcome
		err := c.Write(ctx, func(tx *docstore.Tx) error {
			one = outcome{}
			return c.applyIDs(ctx, tx, ch, ids[i:i+1], &one)
		})
		if err != nil {
			return err
		}
		o.merge(one)
	}
	return nil
}

func (o *outcome) merge(p outcome) {
	o.matched += p.matched
	o.modified += p.modified
	o.removed += p.removed
}

// applyIDs changes those documents of ids that are still there and still match.
func (c *Call) applyIDs(ctx context.Context, tx *docstore.Tx, ch *change, ids []bsonx.Value, o *outcome) error {
	w, err := c.changing(ctx, tx, ch)
	if err != nil || w.coll == nil {
		return err
	}
	for _, id := range ids {
		doc, err := tx.Get(ctx, w.coll, id, nil)
		if errors.Is(err, kv.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		ch.vars.ctx.Reset()
		if ok, err := ch.filter.Matches(doc, ch.vars.ctx); !ok {
			if err != nil {
				return c.duringChange(ctx, ch, err)
			}
			continue
		}
		if err := w.one(ctx, doc, o); err != nil {
			return err
		}
	}
	return nil
}
