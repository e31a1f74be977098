package pando

import (
	"context"
	"errors"
	"fmt"

	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/kv/pebblekv"
)

// Check walks the store in a directory that no server has open, and reports each
// thing that is wrong with it. The error is why it could not be walked.
func Check(ctx context.Context, dir string, report func(problem string)) error {
	if there, err := pebblekv.Exists(dir); err != nil {
		return err
	} else if !there { // opening would make one.
		return fmt.Errorf("there is no store in %s", dir)
	}
	e := env.System()
	store, err := pebblekv.Open(dir, pebblekv.Options{Env: e, Die: func(err error) { report(err.Error()) }})
	if err != nil {
		return err
	}
	db, err := docstore.Open(ctx, store, e)
	if err == nil {
		err = db.Check(ctx, report)
	}
	return errors.Join(err, store.Close())
}
