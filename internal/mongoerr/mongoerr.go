// Package mongoerr is the list of failures that a client may see: code, name,
// message and labels, in the reference server's own words.
package mongoerr

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
)

// Code is the number that drivers switch on. Its String form is the codeName they print.
type Code int32

// Label tells a driver what it may retry.
type Label string

// The labels that a server sends.
const (
	TransientTransaction Label = "TransientTransactionError"
	RetryableWrite       Label = "RetryableWriteError"
	NoWritesPerformed    Label = "NoWritesPerformed"
	SystemOverloaded     Label = "SystemOverloadedError"
	Retryable            Label = "RetryableError"
)

// Error is a failure that is meant for the client. Any other error that reaches
// the dispatcher is ours: it is logged whole and sent as InternalError without its text.
// Errors are not changed after they are made; they may be shared.
type Error struct {
	Code   Code
	Msg    string
	Labels []Label
	Info   bsonx.Doc // fields that stand beside code and errmsg (keyPattern, errInfo); nil for most.
	cause  error     // for the log; never sent.
}

// New makes an error with a message in the reference server's own words.
func New(code Code, msg string) *Error { return &Error{Code: code, Msg: msg} }

// Newf is New with a format.
func Newf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Msg: fmt.Sprintf(format, args...)}
}

// NotYet is the error for what MongoDB knows and Pando does not do yet: 238, with its name.
func NotYet(what string) *Error {
	return Newf(NotImplemented, "%s is not implemented by Pando yet", what)
}

// Error is the message that is sent.
func (e *Error) Error() string { return fmt.Sprintf("%s (%d): %s", e.Code, int32(e.Code), e.Msg) }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.cause }

// Because returns a copy of e with a cause for the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With returns a copy of e with more labels.
func (e *Error) With(labels ...Label) *Error {
	c := *e
	c.Labels = append(slices.Clone(e.Labels), labels...)
	return &c
}

// WithInfo returns a copy of e with extra reply fields.
func (e *Error) WithInfo(info bsonx.Doc) *Error {
	c := *e
	c.Info = info
	return &c
}

// Prefix returns a copy of e whose message begins with a context, as
// "context :: caused by :: message".
func (e *Error) Prefix(context string) *Error {
	c := *e
	c.Msg = context + " :: caused by :: " + e.Msg
	return &c
}

// From returns the client's view of any error; nil for nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	return Newf(InternalError, "internal error").Because(err)
}
