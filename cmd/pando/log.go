package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// logging is the log, its last lines for getLog, and its level.
type logging struct {
	*slog.Logger
	tail  *logTail
	level *slog.LevelVar

	// forMachines is set if standard error is the log and no terminal: then what is
	// said there has the log's form, whatever it is.
	forMachines bool
}

// openLog returns readable lines on a terminal, one JSON object a line in a file or a pipe.
func openLog(path string, quiet bool, verbose int) (*logging, error) {
	out := os.Stderr
	terminal := false
	if path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, fmt.Errorf("open the log: %w", err)
		}
		out = f
	} else if info, err := out.Stat(); err == nil {
		terminal = info.Mode()&os.ModeCharDevice != 0
	}
	l := &logging{tail: &logTail{out: out}, level: new(slog.LevelVar), forMachines: path == "" && !terminal}
	switch {
	case quiet:
		l.level.Set(slog.LevelWarn)
	case verbose > 0:
		l.level.Set(slog.LevelDebug)
	}
	o := &slog.HandlerOptions{Level: l.level}
	if !terminal {
		l.Logger = slog.New(slog.NewJSONHandler(l.tail, o))
		return l, nil
	}
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05"))
		}
		return a
	}
	l.Logger = slog.New(slog.NewTextHandler(l.tail, o))
	return l, nil
}

// fatal logs what ends the process.
func (l *logging) fatal(err error) error {
	l.Error("cannot go on", slog.Any("error", err))
	if l.forMachines {
		return loggedError{err}
	}
	return err
}

// logTailLines is how many lines getLog can show.
const logTailLines = 1024

// logTail passes lines on and remembers the last ones.
type logTail struct {
	out io.Writer

	mu   sync.Mutex // guards last; a leaf.
	last []string
}

// Write takes one line.
func (t *logTail) Write(line []byte) (int, error) {
	t.mu.Lock()
	if len(t.last) >= logTailLines {
		t.last = append(t.last[:0], t.last[1:]...)
	}
	t.last = append(t.last, strings.TrimSuffix(string(line), "\n"))
	t.mu.Unlock()
	return t.out.Write(line)
}

func (t *logTail) lines() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.last...)
}
