package command

import (
	"context"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// admit checks what comes before fail points (3.5, steps 2 and 4).
func (d *Dispatcher) admit(_ context.Context, c *Call) error {
	if c.Spec.Check != nil {
		if err := c.Spec.Check(c); err != nil {
			return err
		}
	}
	if err := c.Spec.checkTxnFields(&c.Gen); err != nil {
		return err
	}
	if c.Gen.DB == "" && bsonx.Get(c.Req.Body, "$db").Type == bsonx.TypeMissing {
		return mongoerr.New(40571, "OP_MSG requests require a $db argument")
	}
	return nil
}

// admitLate checks what comes after fail points and before the session is
// touched (3.5, steps 5 to 11): a failure here leaves a transaction alive.
func (d *Dispatcher) admitLate(_ context.Context, c *Call) error {
	if err := c.checkTxnPlace(); err != nil {
		return err
	}
	if c.Spec.Admin && c.Gen.DB != "admin" {
		return mongoerr.Newf(mongoerr.Unauthorized, "%s may only be run against the admin database.", c.Spec.Name)
	}
	if d.stopping.Load() && !c.Spec.NoAuth {
		return mongoerr.New(mongoerr.ShutdownInProgress, "The server is in quiesce mode and will shut down")
	}
	if err := c.checkReadConcern(); err != nil {
		return err
	}
	if err := c.checkAPI(); err != nil {
		return err
	}
	return c.checkWriteConcern()
}

// checkTxnPlace is the allow-list (3.9).
func (c *Call) checkTxnPlace() error {
	g, s := &c.Gen, c.Spec
	refused := func(format string, args ...any) error {
		return mongoerr.Newf(mongoerr.OperationNotSupportedInTransaction, format, args...)
	}
	if g.Retryable() && !s.Retry && s.Txn != Beside {
		return mongoerr.Newf(50768,
			"txnNumber may only be provided for multi-document transactions and retryable write commands. autocommit:false was not provided, and %s is not a retryable write command.", s.Name)
	}
	if !g.InTxn() {
		return nil
	}
	switch {
	case s.Txn == Ends && g.Start == yes:
		return refused("Cannot start a transaction with %s", map[string]string{"commitTransaction": "a commit", "abortTransaction": "an abort"}[s.Name])
	case s.Txn == Ends, s.Txn == Beside:
		return nil
	case s.Name == "count":
		return refused("Cannot run 'count' in a multi-document transaction. Please see http://dochub.mongodb.org/core/transaction-count for a recommended alternative.")
	case s.Txn == Refused:
		return refused("Cannot run '%s' in a multi-document transaction.", s.Name)
	case s.Txn == NotFirst && g.Start == yes:
		return refused("Cannot run %s as the first operation in a multi-document transaction.", s.Name)
	case g.DB == "local":
		return refused("Cannot run command against the 'local' database in a transaction.")
	case g.DB == "config":
		return refused("Cannot run command against the config database in a transaction.")
	}
	if c.Arg.Type == bsonx.TypeString {
		if coll := bsonx.Str(c.Arg); coll == "system.profile" || coll == "system.views" {
			return refused("Cannot run command against the '%s.%s' collection in a transaction.", g.DB, coll)
		}
	}
	return nil
}

// checkReadConcern parses the read concern and asks whether it may stand here.
func (c *Call) checkReadConcern() (err error) {
	if c.ReadConcern, err = parseReadConcern(c.Gen.ReadConcern); err != nil {
		return err
	}
	rc := &c.ReadConcern
	if level := c.D.defaults().read; level != "" && !rc.Given && c.Spec.takesDefaultRead() && (!c.Gen.InTxn() || c.Gen.Start == yes) {
		rc.Level, rc.Default = level, true
	}
	if !c.Gen.InTxn() {
		return c.Spec.supports(*rc, c.Gen.ReadConcern)
	}
	if rc.Given && c.Gen.Start != yes && !c.Gen.OrContinue {
		return mongoerr.New(mongoerr.InvalidOptions, "Only the first command in a transaction may specify a readConcern")
	}
	switch rc.Level {
	case levelAvailable, levelLinearizable:
		return mongoerr.New(mongoerr.InvalidOptions,
			"The readConcern level must be either 'local' (default), 'majority' or 'snapshot' in order to run in a transaction")
	}
	return nil
}

// checkWriteConcern parses the write concern and asks whether it may stand here.
func (c *Call) checkWriteConcern() (err error) {
	given := c.Gen.WriteConcern
	if given.Type != bsonx.TypeMissing {
		switch {
		case !c.Spec.Write:
			return mongoerr.New(mongoerr.InvalidOptions, "Command does not support writeConcern")
		case c.Gen.InTxn() && c.Spec.Txn != Ends && !isEmpty(given):
			return mongoerr.New(mongoerr.InvalidOptions, "writeConcern is not allowed within a multi-statement transaction")
		}
	}
	c.WriteConcern, err = parseWriteConcern(given, c.D.defaults().writeConcern())
	return err
}

// checkAPI is the stable API (1.6).
func (c *Call) checkAPI() error {
	g := &c.Gen
	if !g.HasAPI {
		return nil
	}
	if g.API.Version != "1" {
		return mongoerr.Newf(mongoerr.APIVersionError, "Cannot accept API version %s", g.API.Version)
	}
	if g.API.Strict && !c.Spec.API {
		return mongoerr.Newf(mongoerr.APIStrictError,
			"Provided apiStrict:true, but the command %s is not in API Version 1. Information on supported commands and migrations in API Version 1 can be found at https://dochub.mongodb.org/core/manual-versioned-api.", c.Spec.Name)
	}
	g.API.Version = strings.Clone(g.API.Version) // it outlives the request's bytes.
	return nil
}
