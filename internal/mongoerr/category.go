package mongoerr

// Category is a set of kinds of failure. Rules speak of kinds; which code is of
// which kind stands in codes.txt.
type Category uint16

// The categories. Their members are those of MongoDB 8.2.0, found by letting
// failCommand raise each code and looking at the labels of the reply.
const (
	NetworkError Category = 1 << iota
	RetriableError
	NotPrimaryError
	ShutdownError
	Interruption
	SnapshotError
	NeedRetargettingError
	WriteConcernError
	ExceededTimeLimitError
	VoteAbortError
	TwoPhaseDecisionAckError
	SystemOverloadedError
	CloseConnectionError // the connection is closed instead of an answer.
	NonResumableChangeStreamError
	ExtraInfo                  // an error of it always carries more fields than code and errmsg.
	ResumableChangeStreamError // beside those that are retriable or need retargetting.
)

// Is tells whether c is of one of the kinds.
func (c Code) Is(kinds Category) bool { return categories[c]&kinds != 0 }
