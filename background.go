package pando

import (
	"context"
	"log/slog"
	"time"

	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/param"
)

var errShutdown = mongoerr.New(mongoerr.InterruptedAtShutdown, "interrupted at shutdown")

// follow has the parameters that are others' to honour reach them, now and whenever they are set.
func (s *Server) follow(params *param.Set) {
	s.store.SetDriftMax(params.MaxAcceptableLogicalClockDriftSecs.Seconds())
	s.store.SetHistoryWindow(params.MinSnapshotHistoryWindowSeconds.Seconds())
	params.MinSnapshotHistoryWindowSeconds.OnChange(func(int64) {
		s.store.SetHistoryWindow(params.MinSnapshotHistoryWindowSeconds.Seconds())
	})
	if s.opt.LogLevel == nil {
		return
	}
	given := s.opt.LogLevel.Level()
	set := func() {
		switch {
		case params.LogLevel.Get() > 0:
			s.opt.LogLevel.Set(slog.LevelDebug)
		case params.Quiet.Get():
			s.opt.LogLevel.Set(slog.LevelWarn)
		default:
			s.opt.LogLevel.Set(given)
		}
	}
	params.LogLevel.OnChange(func(int64) { set() })
	params.Quiet.OnChange(func(bool) { set() })
}

// cursorIdle is how long a cursor keeps its snapshot without being read from.
const cursorIdle = 4 * time.Second

// reapPeriod is how often all session records are looked through for old ones; it
// is what the parameter logicalSessionRefreshMillis shows.
const reapPeriod = 5 * time.Minute

// background starts what the server does by itself.
func (s *Server) background(params *param.Set) {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	inTurn := func(period func() time.Duration, changed <-chan struct{}, do func()) {
		s.tasks.Go(func() {
			t := time.NewTicker(period())
			defer t.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-changed:
					t.Reset(period())
				case <-t.C:
					do()
				}
			}
		})
	}
	every := func(period time.Duration, do func()) {
		inTurn(func() time.Duration { return period }, nil, do)
	}
	changed := make(chan struct{}, 1)
	params.ClientCursorMonitorFrequencySecs.OnChange(func(int64) {
		select {
		case changed <- struct{}{}:
		default: // it has not seen the last one yet.
		}
	})
	inTurn(params.ClientCursorMonitorFrequencySecs.Seconds, changed, func() {
		s.commands.IdleCursors(params.CursorTimeoutMillis.Millis())
	})
	every(cursorIdle/2, func() { s.commands.ParkCursors(cursorIdle) })
	every(time.Minute, func() { s.sessions.ExpireIdle() })
	every(reapPeriod, func() {
		if _, err := s.sessions.Reap(ctx); err != nil && ctx.Err() == nil {
			s.opt.Logger.Error("old session records could not be deleted", slog.Any("error", err))
		}
	})
}

func (s *Server) connections() command.Connections {
	n := s.listener.Stats()
	return command.Connections{Current: n.Current, Available: n.Available, TotalCreated: n.TotalCreated, Active: n.Active}
}

// waiting lists the notes of the transactions that wait for a claim.
func (s *Server) waiting() []string {
	var notes []string
	for _, w := range s.store.Waits() {
		notes = append(notes, w.Waiter)
	}
	return notes
}
