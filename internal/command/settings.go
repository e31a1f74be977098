package command

import (
	"context"
	"errors"
	"log/slog"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/kv"
)

// What the server itself keeps durably are documents in collections that clients
// can read, where the original has them.
var (
	settingsNS = catalog.Namespace{DB: "config", Coll: "settings"}
	versionNS  = catalog.Namespace{DB: "admin", Coll: "system.version"}
)

// Load reads what was set durably before; it is called once, before the first command.
func (d *Dispatcher) Load(ctx context.Context) error {
	if err := d.loadRWDefaults(ctx); err != nil {
		return err
	}
	return d.loadFCV(ctx)
}

// noteSettings notes that the command may change a collection of settings: a
// client may write there, as it may in the original.
func (c *Call) noteSettings(ns catalog.Namespace) {
	switch ns {
	case settingsNS:
		c.settings = &settingsNS
	case versionNS:
		c.settings = &versionNS
	}
}

// reload follows a client's write to a collection of settings. The write is done
// whatever comes of it, so a failure is the log's.
func (d *Dispatcher) reload(ctx context.Context, ns catalog.Namespace) {
	load := d.loadRWDefaults
	if ns == versionNS {
		load = d.loadFCV
	}
	if err := load(context.WithoutCancel(ctx)); err != nil {
		d.Log.Error("stored settings could not be read", slog.Any("error", err))
	}
}

// setting reads a setting's document, nil if there is none.
func (d *Dispatcher) setting(ctx context.Context, ns catalog.Namespace, id string) (bsonx.Doc, error) {
	tx, err := d.db.Begin(ctx, kv.Options{})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	coll, err := tx.Cat.Lookup(ctx, ns)
	if err != nil || coll == nil {
		return nil, err
	}
	doc, err := tx.Get(ctx, coll, bsonx.String(id), nil)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, nil
	}
	return doc, err
}

// putSetting stores a document of the server's own in place of the one with its
// _id. next makes it of that one, which is nil if there is none; it may run several
// times. Whatever write concern the command has, nothing acts on a setting before
// it is durable.
func (c *Call) putSetting(ctx context.Context, ns catalog.Namespace, id string, next func(old bsonx.Doc) (bsonx.Doc, error)) error {
	err := c.Write(ctx, func(tx *docstore.Tx) error {
		coll, err := c.targetOrNew(ctx, tx, ns)
		if err != nil {
			return err
		}
		key := bsonx.String(id)
		if err := tx.Claim(ctx, coll, key); err != nil {
			return err
		}
		old, err := tx.Get(ctx, coll, key, nil)
		if errors.Is(err, kv.ErrNotFound) {
			old, err = nil, nil
		}
		if err != nil {
			return err
		}
		doc, err := next(old)
		switch {
		case err != nil:
			return err
		case old == nil:
			return tx.Insert(ctx, coll, doc)
		}
		return tx.Update(ctx, coll, old, doc)
	})
	if err != nil {
		return err
	}
	return c.D.Store.WaitDurable(ctx, c.depends)
}
