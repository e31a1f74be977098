package failpoint

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// PrimaryWrite asks onPrimaryTransactionalWrite about one statement of a
// retryable write, which session() (mongod prints "lsid - uid -  - :txnNumber")
// made. With an error, the statement is rolled back and fails with it; without,
// it commits. closeConnection says to drop the connection either way.
func (r *Registry) PrimaryWrite(session func() string) (closeConnection bool, err error) {
	data, fired := r.Eval(PrimaryWritePoint, nil)
	if !fired {
		return false, nil
	}
	closeConnection = true
	if v := bsonx.Get(data, "closeConnection"); v.Type == bsonx.TypeBool {
		closeConnection = bsonx.AsBool(v)
	}
	if n, ok := number(bsonx.Get(data, "failBeforeCommitExceptionCode")); ok && n != 0 {
		err = mongoerr.Newf(mongoerr.Code(n), "Failing write for %s due to failpoint. The write must not be reflected.", session())
	}
	return closeConnection, err
}

// GetMore asks failGetMoreAfterCursorCheckout. An error is getMore's answer, and
// ends the cursor.
func (r *Registry) GetMore() error {
	data, fired := r.Eval(GetMorePoint, nil)
	if !fired {
		return nil
	}
	code := mongoerr.InternalError
	if n, ok := number(bsonx.Get(data, "errorCode")); ok {
		code = mongoerr.Code(n)
	}
	return mongoerr.New(code, "Hit the 'failGetMoreAfterCursorCheckout' failpoint")
}
