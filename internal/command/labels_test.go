package command

import (
	"slices"
	"testing"

	"github.com/pandodb/pando/internal/mongoerr"
)

// The rules of section 4.1 of the behaviour that drivers rely on.
func TestLabels(t *testing.T) {
	inTxn := Generic{HasTxn: true, Autocommit: no}
	retryable := Generic{HasTxn: true}
	plain := Generic{}
	crud, commit := &Spec{Name: "insert"}, &Spec{Name: "commitTransaction", Txn: Ends}
	transient := []mongoerr.Label{mongoerr.TransientTransaction}
	retry := []mongoerr.Label{mongoerr.RetryableWrite}
	for _, c := range []struct {
		name     string
		spec     *Spec
		gen      Generic
		code, wc mongoerr.Code
		stopping bool
		want     []mongoerr.Label
	}{
		{"conflict in a transaction", crud, inTxn, mongoerr.WriteConflict, 0, false, transient},
		{"conflict outside", crud, plain, mongoerr.WriteConflict, 0, false, nil},
		{"conflict at commit", commit, inTxn, mongoerr.WriteConflict, 0, false, transient},
		{"duplicate key", crud, inTxn, mongoerr.DuplicateKey, 0, false, nil},
		{"no such transaction", crud, inTxn, mongoerr.NoSuchTransaction, 0, false, transient},
		{"no such transaction at commit", commit, inTxn, mongoerr.NoSuchTransaction, 0, false, transient},
		{"the same, not durably so", commit, inTxn, mongoerr.NoSuchTransaction, mongoerr.WriteConcernTimeout, false, nil},
		{"not primary in a statement", crud, inTxn, mongoerr.NotWritablePrimary, 0, false, transient},
		{"not primary at commit", commit, inTxn, mongoerr.NotWritablePrimary, 0, false, retry},
		{"not primary in a retryable write", crud, retryable, mongoerr.NotWritablePrimary, 0, false, retry},
		{"not primary in a plain write", crud, plain, mongoerr.NotWritablePrimary, 0, false, nil},
		{"write concern error of a retryable write", crud, retryable, 0, mongoerr.ShutdownInProgress, false, retry},
		{"write concern error of a statement", crud, inTxn, 0, mongoerr.ShutdownInProgress, false, nil},
		{"interrupted", crud, inTxn, mongoerr.Interrupted, 0, false, nil},
		{"over its lifetime", crud, inTxn, mongoerr.TransactionExceededLifetimeLimitSeconds, 0, false, nil},
		{"snapshot too old", crud, inTxn, mongoerr.SnapshotTooOld, 0, false, transient},
		{"internal transactions", crud, inTxn, mongoerr.InternalTransactionNotSupported, 0, false, nil},
		{"already committed", commit, inTxn, mongoerr.TransactionCommitted, 0, false, nil},
	} {
		if got := labels(c.spec, &c.gen, verdict{code: c.code, wcCode: c.wc, stopping: c.stopping}); !slices.Equal(got, c.want) {
			t.Errorf("%s: labels %v, want %v", c.name, got, c.want)
		}
	}
}
