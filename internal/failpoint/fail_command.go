package failpoint

import (
	"slices"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Operation is what failCommand looks at.
type Operation struct {
	Names     []string // the command's name and its aliases.
	AppName   string   // of the connection; a greeting's own counts already.
	Namespace string   // "db.coll" of the command.
}

// Failure is what failCommand does to one operation, in the order of its fields.
type Failure struct {
	Block time.Duration   // wait first, interruptibly.
	Stay  bool            // wait as long as the point is on: see Registry.Outlast.
	Err   *mongoerr.Error // a bad configuration, or with Close false the error to answer.
	Close bool            // drop the connection without an answer.

	// Labels, if LabelsSet, are the labels of the error or of the reply with a
	// write concern error, in place of those that the server would give.
	Labels    []mongoerr.Label
	LabelsSet bool

	// WriteConcernError, from [Registry.FailWriteConcern], is attached to the reply as it is.
	WriteConcernError bsonx.Doc
}

// FailCommand asks failCommand about an operation that is about to run: after
// its transaction fields were checked, before anything changed. Without Close
// and Err it runs after the wait. configureFailPoint and unknown commands are not asked about.
func (r *Registry) FailCommand(op Operation) (Failure, bool) {
	data, fired := r.Eval(FailCommandPoint, func(d bsonx.Doc) bool {
		_, hasCode := bsonx.ToInt64Exact(bsonx.Get(d, "errorCode"))
		return op.meant(d) && (hasCode || isTrue(d, "closeConnection") || isTrue(d, "blockConnection"))
	})
	if !fired {
		return Failure{}, false
	}
	var f Failure
	f.Labels, f.LabelsSet = labels(data)
	if isTrue(data, "blockConnection") {
		if f.Block, f.Err = blockTime(data); f.Err != nil {
			return f, true
		}
		f.Stay = bsonx.IsMissing(bsonx.Get(data, "blockTimeMS"))
	}
	if f.Close = isTrue(data, "closeConnection"); !f.Close {
		f.Err = failure(data)
	}
	return f, true
}

// FailWriteConcern asks failCommand about an operation that has run and supports
// write concerns, in place of waiting for its write concern.
func (r *Registry) FailWriteConcern(op Operation) (Failure, bool) {
	data, fired := r.Eval(FailCommandPoint, func(d bsonx.Doc) bool {
		return op.meant(d) && !bsonx.IsMissing(bsonx.Get(d, "writeConcernError"))
	})
	if !fired {
		return Failure{}, false
	}
	v := bsonx.Get(data, "writeConcernError")
	if v.Type != bsonx.TypeDocument {
		return Failure{Err: mongoerr.New(10065, "invalid parameter: expected an object (writeConcernError)")}, true
	}
	f := Failure{WriteConcernError: bsonx.AsDoc(v)}
	f.Labels, f.LabelsSet = labels(data)
	return f, true
}

// meant tells whether the configuration speaks of this operation.
func (op Operation) meant(data bsonx.Doc) bool {
	// No thread here has a name, so a threadName is not met by any.
	if !names(data, "appName", op.AppName) || !names(data, "namespace", op.Namespace) || !bsonx.IsMissing(bsonx.Get(data, "threadName")) {
		return false
	}
	if !bsonx.IsMissing(bsonx.Get(data, "failAllCommands")) { // its value does not count.
		return true
	}
	list := bsonx.Get(data, "failCommands")
	if list.Type != bsonx.TypeArray && list.Type != bsonx.TypeDocument { // whose values count.
		return false
	}
	for _, v := range bsonx.All(bsonx.AsDoc(list)) {
		if v.Type == bsonx.TypeString && slices.Contains(op.Names, bsonx.Str(v)) {
			return true
		}
	}
	return false
}

// names tells whether a filter of the configuration lets an operation through. What
// is no string is the empty one.
func names(data bsonx.Doc, filter, what string) bool {
	v := bsonx.Get(data, filter)
	if v.Type == bsonx.TypeString {
		return bsonx.Str(v) == what
	}
	return bsonx.IsMissing(v) || what == ""
}

func isTrue(data bsonx.Doc, field string) bool {
	v := bsonx.Get(data, field)
	return v.Type == bsonx.TypeBool && bsonx.AsBool(v)
}

func blockTime(data bsonx.Doc) (time.Duration, *mongoerr.Error) {
	v := bsonx.Get(data, "blockTimeMS")
	if bsonx.IsMissing(v) {
		return 0, nil
	}
	switch ms, ok := bsonx.ToInt64Exact(v); {
	case !ok:
		return 0, mongoerr.New(mongoerr.InvalidOptions, "Failed to parse 'blockTimeMS'")
	case ms < 0:
		return 0, mongoerr.New(mongoerr.InvalidOptions, "'blockTimeMS' must be non-negative")
	default:
		return time.Duration(ms) * time.Millisecond, nil
	}
}

// failure makes the error that errorCode asks for; nil for none and for code 0.
func failure(data bsonx.Doc) *mongoerr.Error {
	extra := bsonx.Get(data, "errorExtraInfo")
	if !bsonx.IsMissing(extra) && extra.Type != bsonx.TypeDocument {
		return mongoerr.Newf(mongoerr.TypeMismatch, "\"errorExtraInfo\" had the wrong type. Expected object, found %s", bsonx.TypeName(extra.Type))
	}
	n, ok := bsonx.ToInt64Exact(bsonx.Get(data, "errorCode"))
	code := mongoerr.Code(n)
	if !ok || code == 0 {
		return nil
	}
	e := mongoerr.New(code, "Failing command via 'failCommand' failpoint")
	if !code.Is(mongoerr.ExtraInfo) {
		return e
	}
	if bsonx.IsMissing(extra) {
		return mongoerr.Newf(40671, "Missing required extra info for error code %s", code)
	}
	return e.WithInfo(bsonx.AsDoc(extra))
}

func labels(data bsonx.Doc) (list []mongoerr.Label, set bool) {
	v := bsonx.Get(data, "errorLabels")
	if v.Type != bsonx.TypeArray {
		return nil, false
	}
	for _, l := range bsonx.All(bsonx.AsDoc(v)) {
		if l.Type == bsonx.TypeString {
			list = append(list, mongoerr.Label(bsonx.Str(l)))
		}
	}
	return list, true
}
