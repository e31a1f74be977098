package server

import (
	"bufio"
	"context"
	"errors"
	"os"
	"time"

	"github.com/pandodb/pando/internal/mongoerr"
)

// watchAfter is how long a command runs unwatched. It is short against what a
// person or a retry notices, and long against most commands.
const watchAfter = 20 * time.Millisecond

var (
	errDisconnect = mongoerr.New(mongoerr.ClientDisconnect, "operation was interrupted because the client disconnected")
	errStreamOver = mongoerr.New(mongoerr.ExhaustCommandFinished, "the client has asked for something else")
)

// watch looks out for a client that hangs up while its command runs.
//
// start and stop are called by serve. In between, once the timer has fired, the
// reader belongs to peek.
type watch struct {
	conn   *conn
	timer  *time.Timer
	done   chan struct{}           // peek has ended.
	stream context.CancelCauseFunc // ends a stream of replies; nil if there is none yet.
}

func (w *watch) init(c *conn) {
	w.conn = c
	w.done = make(chan struct{}, 1)
	w.timer = time.AfterFunc(time.Hour, w.peek)
	w.timer.Stop()
}

// start begins the watch. stream, if not nil, is called when another request comes.
func (w *watch) start(stream context.CancelCauseFunc) {
	w.stream = stream
	w.timer.Reset(watchAfter)
}

// stop ends the watch; the reader is serve's again when it returns.
func (w *watch) stop() {
	if w.timer.Stop() {
		return
	}
	nc := w.conn.net
	nc.SetReadDeadline(past)
	<-w.done
	// Shutdown sets draining before it sets the deadline: if this undoes its
	// deadline, serve sees draining before it reads again.
	nc.SetReadDeadline(time.Time{})
}

// peek reads ahead until the command ends or its client does.
func (w *watch) peek() {
	defer func() { w.done <- struct{}{} }()
	for {
		err := w.conn.reader.Watch()
		switch {
		case err == nil:
			// Another request is waiting already. It ends a stream of replies;
			// otherwise it has its turn after this one.
			if w.stream != nil {
				w.stream(errStreamOver)
				return
			}
		case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, bufio.ErrBufferFull):
			return
		default:
			w.conn.cancel(errDisconnect)
			return
		}
	}
}
