package command_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
	"time"
)

// logLine is a line of the log, as far as these tests look at it.
type logLine struct {
	Msg  string         `json:"msg"`
	C    string         `json:"c"`
	ID   int            `json:"id"`
	Ctx  string         `json:"ctx"`
	Attr map[string]any `json:"attr"`
}

// logged returns the lines of a message.
func logged(t *testing.T, log *bytes.Buffer, msg string) (lines []logLine) {
	t.Helper()
	for _, text := range bytes.Split(bytes.TrimSpace(log.Bytes()), []byte("\n")) {
		var l logLine
		if err := json.Unmarshal(text, &l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if l.Msg == msg {
			lines = append(lines, l)
		}
	}
	return lines
}

// TestSlowTransaction has the log tell of a transaction that took long, in one
// line: what it was, what it did, how it ended and where its time went.
func TestSlowTransaction(t *testing.T) {
	var log bytes.Buffer
	inHouse(t, func(h *house) {
		h.d.Log = slog.New(slog.NewJSONHandler(&log, nil))
		c := h.conn()
		c.run(putAll).want(`{"n":4}`)
		quick, slow, lost, expired := lsid(1), lsid(2), lsid(3), lsid(4)
		c.run(inc(1, 1), quick.starting(1)).want(`{"n":1,"nModified":1}`)
		h.pass(99 * time.Millisecond)
		c.run(commit, quick.within(1)).want(`{}`)

		c.run(incAll, slow.starting(1), `{"readConcern":{"level":"snapshot"}}`).want(`{"n":4,"nModified":4}`)
		c.run(getAll, slow.within(1))
		h.pass(100 * time.Millisecond)
		c.run(commit, slow.within(1)).want(`{}`)

		c.run(inc(1, 1), lost.starting(7)).want(`{"n":1,"nModified":1}`)
		h.pass(time.Second)
		c.run(abort, lost.within(7)).want(`{}`)
		c.run(inc(1, 1), expired.starting(1)).want(`{"n":1,"nModified":1}`)
		h.pass(61 * time.Second)
	})
	lines := logged(t, &log, "transaction")
	if len(lines) != 3 {
		t.Fatalf("%d lines: %s", len(lines), log.Bytes())
	}
	for i, want := range []map[string]any{
		{"terminationCause": "committed", "docsExamined": 8.0, "nreturned": 4.0, "nModified": 4.0, "statements": 2.0,
			"timeActiveMicros": 0.0, "timeInactiveMicros": 100_000.0, "durationMillis": 100.0, "wasPrepared": false},
		{"terminationCause": "aborted", "nModified": 1.0, "statements": 1.0, "durationMillis": 1000.0, "readTimestamp": "Timestamp(0, 0)"},
		{"terminationCause": "aborted", "durationMillis": 60_000.0},
	} {
		for name, v := range want {
			if got := lines[i].Attr[name]; got != v {
				t.Errorf("line %d: %s is %v, not %v", i, name, got, v)
			}
		}
		if lines[i].C != "TXN" || lines[i].ID != 51802 || lines[i].Ctx != "conn1" {
			t.Errorf("line %d: %+v", i, lines[i])
		}
	}
	p := lines[0].Attr["parameters"].(map[string]any)
	if p["autocommit"] != false || p["txnNumber"] == nil || p["lsid"] == nil || p["readConcern"].(map[string]any)["level"] != "snapshot" {
		t.Errorf("parameters: %v", p)
	}
	if lines[0].Attr["readTimestamp"] == "Timestamp(0, 0)" {
		t.Error("a snapshot without its time")
	}
}

// TestSlowOperation has the log tell of an operation that took long, and of what it waited for.
func TestSlowOperation(t *testing.T) {
	var log bytes.Buffer
	inHouse(t, func(h *house) {
		h.d.Log = slog.New(slog.NewJSONHandler(&log, nil))
		a, b := h.conn(), h.conn()
		a.run(putAll).want(`{"n":4}`)
		a.run(inc(1, 1), lsid(1).starting(1)).want(`{"n":1,"nModified":1}`)
		p := b.begin(inc(1, 1)).waits()
		h.pass(200 * time.Millisecond)
		a.run(abort, lsid(1).within(1)).want(`{}`)
		p.want(`{"n":1,"nModified":1}`)
		b.run(inc(1, 1)).want(`{"n":1,"nModified":1}`)
		b.runOn("test", `{"profile":0,"slowms":500}`)
		a.run(inc(1, 1), lsid(1).starting(2)).want(`{"n":1,"nModified":1}`)
		b.run(inc(1, 1), `{"maxTimeMS":300}`).want(`error 50`)
		b.runOn("test", `{"profile":0,"slowms":300}`)
		b.run(inc(1, 1), `{"maxTimeMS":300}`)
		a.run(abort, lsid(1).within(2)).want(`{}`)
	})
	lines := logged(t, &log, "Slow query")
	if len(lines) != 2 {
		t.Fatalf("%d lines: %s", len(lines), log.Bytes())
	}
	for name, v := range map[string]any{
		"ns": "test.c", "planSummary": "EXPRESS_IXSCAN { _id: 1 }", "nModified": 1.0, "durationMillis": 200.0, "type": "command", "remote": "client",
	} {
		if got := lines[0].Attr[name]; got != v {
			t.Errorf("%s is %v, not %v", name, got, v)
		}
	}
	if cmd := lines[0].Attr["command"].(map[string]any); cmd["update"] != "c" {
		t.Errorf("command: %v", cmd)
	}
}
