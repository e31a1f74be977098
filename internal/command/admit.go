package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/catalog"
	"github.com/pandodb/pando/internal/mongoerr"
)

// admit checks what comes before fail points (3.5, steps 2 and 4): what can be
// said of the command's text alone, and of how its fields fit together.
func (d *Dispatcher) admit(_ context.Context, c *Call) error {
	if err := c.parseConcerns(); err != nil {
		return err
	}
	if err := c.checkStrict(); err != nil {
		return err
	}
	if c.Spec.Check != nil {
		if err := c.Spec.Check(c); err != nil {
			return err
		}
	}
	if err := c.checkAPI(); err != nil {
		return err
	}
	if err := c.Spec.checkTxnFields(&c.Gen); err != nil {
		return err
	}
	if c.Gen.DB == "" {
		switch db := bsonx.Get(c.Req.Body, "$db"); {
		case bsonx.IsMissing(db):
			return mongoerr.New(40571, "OP_MSG requests require a $db argument")
		case Text.absent(db):
			return missing(c.Spec.Fields.owner, "$db")
		}
	}
	return c.checkDatabase()
}

// checkDatabase judges $db, of commands too that do nothing with it. Where a
// collection is named the two are judged together, later, since the message holds both.
func (c *Call) checkDatabase() error {
	named := catalog.NamedDatabase(c.Gen.DB)
	switch err := catalog.ValidateDatabase(c.Gen.DB); {
	case err == nil || !named && c.Arg.Type == bsonx.TypeString:
		return nil
	case !named:
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid database name: '%s'", c.Gen.DB)
	default:
		return err
	}
}

// admitLate checks what comes after fail points and before the session is
// touched (3.5, steps 5 to 11): a failure here leaves a transaction alive.
func (d *Dispatcher) admitLate(_ context.Context, c *Call) error {
	if err := c.checkTxnPlace(); err != nil {
		return err
	}
	if err := c.Gen.checkRetryCounter(); err != nil {
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
	if err := c.checkWriteConcern(); err != nil {
		return err
	}
	if c.statements.n > 0 {
		_, err := c.stmtIDs(c.statements.n)
		return err
	}
	return nil
}

// checkTxnPlace is the allow-list (3.9).
func (c *Call) checkTxnPlace() error {
	g, s := &c.Gen, c.Spec
	refused := refusedInTxn
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
	case s.Txn == Refused, s.Txn == Optional && !c.D.Params.TransactionDDL.Get():
		return refused("Cannot run '%s' in a multi-document transaction.", s.Name)
	case s.Txn == NotFirst && g.Start == yes:
		return refused("Cannot run %s as the first operation in a multi-document transaction.", s.Name)
	}
	return c.checkTxnTargets()
}

func refusedInTxn(format string, args ...any) error {
	return mongoerr.Newf(mongoerr.OperationNotSupportedInTransaction, format, args...)
}

// checkTxnTargets asks whether a transaction may touch what the command names.
func (c *Call) checkTxnTargets() error {
	refused := refusedInTxn
	ns := catalog.Namespace{DB: c.Gen.DB}
	if c.Arg.Type == bsonx.TypeString {
		ns.Coll = bsonx.Str(c.Arg)
	}
	spaces := []catalog.Namespace{ns}
	if c.statements.bulk != nil {
		spaces = c.statements.bulk.spaces
	}
	for _, ns := range spaces {
		switch {
		case ns.DB == "local":
			return refused("Cannot run command against the 'local' database in a transaction.")
		case ns.DB == "config":
			return refused("Cannot run command against the config database in a transaction.")
		case ns.Coll == "system.profile" || ns.Coll == "system.views":
			return refused("Cannot run command against the '%s' collection in a transaction.", ns)
		}
	}
	return nil
}

// parseConcerns decodes the write concern and the read concern.
func (c *Call) parseConcerns() (err error) {
	if c.WriteConcern, err = parseWriteConcern(c.Gen.WriteConcern, c.D.defaults().writeConcern()); err != nil {
		return err
	}
	c.ReadConcern, err = parseReadConcern(c.Gen.ReadConcern)
	return err
}

func errLaterReadConcern() error {
	return mongoerr.New(mongoerr.InvalidOptions, "Only the first command in a transaction may specify a readConcern")
}

// checkReadConcern asks whether the read concern may stand here.
func (c *Call) checkReadConcern() error {
	rc := &c.ReadConcern
	if level := c.D.defaults().read; level != "" && !rc.Given && c.Spec.takesDefaultRead() && (!c.Gen.InTxn() || c.Gen.Starts()) {
		rc.Level, rc.Default = level, true
	}
	if !c.Gen.InTxn() {
		if err := c.Spec.supports(*rc, c.Gen.ReadConcern); err != nil {
			return err
		}
		if rc.After != 0 && c.Spec.NotAfter {
			return mongoerr.New(mongoerr.InvalidOptions, "afterClusterTime is not allowed for this command")
		}
		return nil
	}
	if rc.Given && !c.Gen.Starts() && !c.D.racing() {
		return errLaterReadConcern()
	}
	switch rc.Level {
	case levelAvailable, levelLinearizable:
		return mongoerr.New(mongoerr.InvalidOptions,
			"The readConcern level must be either 'local' (default), 'majority' or 'snapshot' in order to run in a transaction")
	}
	if rc.op != nil {
		return mongoerr.New(mongoerr.InvalidOptions, "The readConcern cannot specify 'afterOpTime' in a transaction")
	}
	return nil
}

// checkWriteConcern asks whether a write concern may stand here.
func (c *Call) checkWriteConcern() error {
	given := c.Gen.WriteConcern
	if given.Type == bsonx.TypeMissing {
		return nil
	}
	switch {
	case !c.Spec.Write:
		return mongoerr.New(mongoerr.InvalidOptions, "Command does not support writeConcern")
	case c.Gen.InTxn() && c.Spec.Txn != Ends && !isEmpty(given):
		return mongoerr.New(mongoerr.InvalidOptions, "writeConcern is not allowed within a multi-statement transaction")
	}
	return nil
}
