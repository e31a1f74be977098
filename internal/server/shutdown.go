package server

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pandodb/pando/internal/mongoerr"
)

var errShutdown = mongoerr.New(mongoerr.InterruptedAtShutdown, "interrupted at shutdown")

// Shutdown ends the server. No connection is taken any more and idle ones are
// closed; a running command may finish and send its reply within the grace time;
// then it is cancelled with InterruptedAtShutdown, which its client is told; then
// the connection is cut. Shutdown returns when all of that is over, or at ctx's
// end with an error that tells how many commands have not returned.
//
// Clients that wait for a change in hello are answered by the dispatcher, which
// must be told first.
func (s *Server) Shutdown(ctx context.Context) error {
	s.draining.Store(true)
	var errs []error
	for _, l := range s.listeners {
		errs = append(errs, l.Close())
	}
	s.each((*conn).hurry)
	done := make(chan struct{})
	go func() {
		s.work.Wait()
		close(done)
	}()
	defer s.cancel(errShutdown)
	for _, push := range []func(){
		func() { s.cancel(errShutdown) },
		func() { s.each((*conn).cut) },
	} {
		grace := time.NewTimer(s.opt.Grace)
		select {
		case <-done:
			grace.Stop()
			return errors.Join(errs...)
		case <-grace.C:
		case <-ctx.Done():
			grace.Stop()
		}
		push()
	}
	select {
	case <-done:
	case <-ctx.Done():
		s.each((*conn).cut)
		if n := s.active.Get(); n > 0 {
			errs = append(errs, fmt.Errorf("%d commands did not end in time: %w", n, ctx.Err()))
		}
	}
	return errors.Join(errs...)
}

// each calls f for every open connection.
func (s *Server) each(f func(*conn)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		f(c)
	}
}
