package command

import "github.com/pandodb/pando/internal/mongoerr"

// verdict is what labels are given for, beside the command itself.
type verdict struct {
	code     mongoerr.Code // of the error; 0 for none.
	wcCode   mongoerr.Code // of the write concern error; 0 for none.
	stopping bool          // the server shuts down.

	// unchanged tells that the command has run and written nothing, on a connection
	// whose earlier writes are known: a driver then prefers the error that it had before.
	unchanged bool
}

// labels is the one place where error labels are decided (4.1).
func labels(s *Spec, g *Generic, v verdict) []mongoerr.Label {
	if s == nil {
		return nil
	}
	ends := s.Txn == Ends
	switch {
	case v.code != 0 && g.InTxn() && transient(ends, v.code, v.wcCode):
		return []mongoerr.Label{mongoerr.TransientTransaction}
	case (g.Retryable() || ends && g.InTxn()) && v.retriable():
		if v.unchanged && v.code != 0 {
			return []mongoerr.Label{mongoerr.RetryableWrite, mongoerr.NoWritesPerformed}
		}
		return []mongoerr.Label{mongoerr.RetryableWrite}
	case v.code.Is(mongoerr.SystemOverloadedError):
		return []mongoerr.Label{mongoerr.SystemOverloaded}
	}
	return nil
}

// retriable tells whether sending a retryable write again may help.
func (v verdict) retriable() bool {
	if v.code.Is(mongoerr.RetriableError) || v.wcCode.Is(mongoerr.RetriableError) {
		return true
	}
	return v.stopping && (v.code == mongoerr.ShutdownInProgress || v.code == mongoerr.InterruptedAtShutdown || v.code == mongoerr.CallbackCanceled)
}

// transient tells whether running the whole transaction again may help.
func transient(ends bool, code, wcCode mongoerr.Code) bool {
	switch code {
	case mongoerr.InternalTransactionNotSupported:
		return false
	case mongoerr.WriteConflict, mongoerr.LockTimeout, mongoerr.PreparedTransactionInProgress,
		mongoerr.ShardCannotRefreshDueToLocksHeld, mongoerr.StaleDbVersion, mongoerr.StaleEpoch, mongoerr.StaleConfig:
		return true
	case mongoerr.NoSuchTransaction:
		return !ends || wcCode == 0
	}
	return code.Is(mongoerr.SnapshotError) || !ends && code.Is(mongoerr.RetriableError)
}
