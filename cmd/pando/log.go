package main

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
)

// openLog returns the log: readable lines on a terminal, one JSON object a line
// in a file or a pipe; its last lines, for getLog; and its level.
func openLog(path string, quiet bool, verbose int) (*slog.Logger, *logTail, *slog.LevelVar, error) {
	out := os.Stderr
	terminal := false
	if path != "" {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			return nil, nil, nil, err
		}
		out = f
	} else if info, err := out.Stat(); err == nil {
		terminal = info.Mode()&os.ModeCharDevice != 0
	}
	level := new(slog.LevelVar)
	switch {
	case quiet:
		level.Set(slog.LevelWarn)
	case verbose > 0:
		level.Set(slog.LevelDebug)
	}
	tail := &logTail{out: out}
	o := &slog.HandlerOptions{Level: level}
	if !terminal {
		return slog.New(slog.NewJSONHandler(tail, o)), tail, level, nil
	}
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey && len(groups) == 0 {
			return slog.String(slog.TimeKey, a.Value.Time().Format("15:04:05"))
		}
		return a
	}
	return slog.New(slog.NewTextHandler(tail, o)), tail, level, nil
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
