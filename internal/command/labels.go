package command

import "github.com/pandodb/pando/internal/mongoerr"

// labels is the one place where error labels are decided (4.1): from the
// command, its transaction fields, the code of its error (0 for none) and the
// code of its write concern error (0 for none).
//
// unchanged tells that the command has run and written nothing, on a connection
// whose earlier writes are known: a driver then prefers the error that it had before.
func labels(s *Spec, g *Generic, code, wcCode mongoerr.Code, stopping, unchanged bool) []mongoerr.Label {
	if s == nil {
		return nil
	}
	ends := s.Txn == Ends
	switch {
	case code != 0 && g.InTxn() && transient(ends, code, wcCode):
		return []mongoerr.Label{mongoerr.TransientTransaction}
	case g.Retryable() || ends && g.InTxn():
		if code.Is(mongoerr.RetriableError) || wcCode.Is(mongoerr.RetriableError) ||
			stopping && (code == mongoerr.ShutdownInProgress || code == mongoerr.InterruptedAtShutdown || code == mongoerr.CallbackCanceled) {
			if unchanged && code != 0 {
				return []mongoerr.Label{mongoerr.RetryableWrite, mongoerr.NoWritesPerformed}
			}
			return []mongoerr.Label{mongoerr.RetryableWrite}
		}
	}
	if code.Is(mongoerr.SystemOverloadedError) {
		return []mongoerr.Label{mongoerr.SystemOverloaded}
	}
	return nil
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
