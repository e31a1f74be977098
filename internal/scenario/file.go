package scenario

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/datadriven"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

// Mode says what a run's results are good for.
type Mode int

const (
	Ours      Mode = iota // compare; a rewrite may only touch steps marked differs.
	Reference             // compare, or write the expectations; steps marked differs are not judged.
)

// notImplemented is how a reply says that something is known and not done yet.
const notImplemented = "error: NotImplemented (238)"

// step is a directive and its arguments.
type step struct {
	session, conn, db     string
	show                  []string
	until, keepTime       string
	differs, later        string
	force, outside, raw   bool
	fails, blocks, sorted bool
}

func (st *step) shows(what string) bool { return slices.Contains(st.show, what) }

// file is one scenario file while it runs.
type file struct {
	ctx      context.Context
	env      *env.Env
	addr     string
	mode     Mode
	names    *names
	out      *printer
	conns    map[string]*conn
	sessions map[string]*session
	dbs      map[string]bool // used, to be dropped in the end.
	later    string          // what the whole file waits for; see header.
	over     bool            // that was met: no more steps are run.
}

// header is what the first comment of a file says about the whole of it: "# alone:"
// and "# later:" lines with their reasons.
type header struct{ alone, later string }

func readHeader(path string) (header, error) {
	text, err := os.ReadFile(path)
	var h header
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "#") {
			break
		}
		if why, ok := strings.CutPrefix(line, "# alone: "); ok {
			h.alone = strings.TrimSpace(why)
		}
		if why, ok := strings.CutPrefix(line, "# later: "); ok {
			h.later = strings.TrimSpace(why)
		}
	}
	return h, err
}

// RunFile runs the scenario file at path against the server at addr. It stops at the
// first step that comes out differently, unless it is told to keep going: then it
// tells of all of them, those included that only follow from an earlier one.
func RunFile(t *testing.T, addr, path string, mode Mode, keepGoing bool) {
	h, err := readHeader(path)
	if err != nil {
		t.Fatal(err)
	}
	e := env.System()
	n := newNames(e, prefixFor(e), addr)
	f := &file{
		ctx: t.Context(), env: e, addr: addr, mode: mode,
		names: n, out: &printer{names: n},
		conns: map[string]*conn{}, sessions: map[string]*session{}, dbs: map[string]bool{},
		later: h.later,
	}
	defer f.clean(t)
	var differences []string
	datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
		st, err := parseStep(d)
		if err != nil {
			d.Fatalf(t, "%v", err)
		}
		if f.over {
			return d.Expected
		}
		got, err := f.step(d, st)
		if mode == Ours && (st.later != "" || f.later != "") {
			if refused := strings.Contains(got, notImplemented); refused {
				f.over = f.later != ""
				return d.Expected
			} else if st.later != "" {
				d.Fatalf(t, "is no longer refused with 238: remove later\n%s", got)
			}
		}
		if keepGoing && !(mode == Reference && st.differs != "") && (err != nil || got != d.Expected) {
			differences = append(differences, fmt.Sprintf("%s: %s\n%s\nexpected:\n%sfound: (%v)\n%s", d.Pos, d.FullCmd(), d.Input, d.Expected, err, got))
			return d.Expected
		}
		if err != nil && !(mode == Reference && st.differs != "") {
			d.Fatalf(t, "%v\n%s", err, got)
		}
		return f.judge(t, d, st, got)
	})
	for _, text := range differences {
		t.Error(text)
	}
	if mode == Ours && f.later != "" && !f.over {
		t.Errorf("%s: nothing is refused with 238 any more: remove the line # later", path)
	}
	for name, c := range f.conns {
		if c.late != nil {
			t.Errorf("%s: the command on connection %s is still waiting: a wait step is missing", path, name)
		}
	}
}

// judge decides which text stands: what came, or, where this mode has no say, what is expected.
func (f *file) judge(t *testing.T, d *datadriven.TestData, st *step, got string) string {
	switch {
	case f.mode == Reference && st.differs != "":
		return d.Expected
	case f.mode == Ours && d.Rewrite && st.differs == "" && got != d.Expected:
		d.Fatalf(t, "only the reference writes expectations; ours gave:\n%s", got)
	}
	return got
}

func parseStep(d *datadriven.TestData) (*step, error) {
	st := &step{}
	texts := map[string]*string{
		"session": &st.session, "conn": &st.conn, "db": &st.db, "time": &st.keepTime,
		"until": &st.until, "differs": &st.differs, "later": &st.later,
	}
	flags := map[string]*bool{
		"continue": &st.force, "outside": &st.outside, "raw": &st.raw,
		"error": &st.fails, "blocks": &st.blocks, "sort": &st.sorted,
	}
	for _, arg := range d.CmdArgs {
		switch {
		case arg.Key == "show":
			st.show = arg.Vals
		case texts[arg.Key] != nil && len(arg.Vals) > 0:
			*texts[arg.Key] = strings.Join(arg.Vals, ", ")
		case flags[arg.Key] != nil && len(arg.Vals) == 0:
			*flags[arg.Key] = true
		default:
			return nil, fmt.Errorf("unknown argument %s", arg)
		}
	}
	if st.conn == "" {
		if st.conn = st.session; st.conn == "" {
			st.conn = "main"
		}
	}
	return st, nil
}

// step runs one directive and returns its text.
func (f *file) step(d *datadriven.TestData, st *step) (string, error) {
	c, err := f.dial(st.conn)
	if err != nil {
		return "", err
	}
	if d.Cmd == "wait" {
		return f.wait(c, st)
	}
	if c.late != nil {
		return "", fmt.Errorf("connection %s has a command waiting", st.conn)
	}
	cmds, err := parseCommands(d.Input)
	if err != nil {
		return "", err
	}
	if len(cmds) == 0 {
		return "", errors.New("a step without a command")
	}
	switch d.Cmd {
	case "run":
		if st.blocks {
			return f.block(c, st, cmds)
		}
		return f.run(c, st, cmds)
	case "poll":
		return f.poll(c, st, cmds)
	}
	return "", fmt.Errorf("unknown directive %q", d.Cmd)
}

func (f *file) run(c *conn, st *step, cmds []bson.D) (string, error) {
	var b strings.Builder
	for _, cmd := range cmds {
		reply, err := c.call(f.send(cmd, st))
		text, err := f.told(st, result{reply, err})
		b.WriteString(text)
		if err != nil {
			return b.String(), err
		}
	}
	return b.String(), nil
}

// send completes a command and notes the database that it may make.
func (f *file) send(cmd bson.D, st *step) bson.D {
	full := f.complete(cmd, st)
	for _, e := range full {
		if name, ok := e.Value.(string); ok && e.Key == "$db" {
			f.dbs[name] = true
		}
	}
	return full
}

// told prints a result and checks it against the step's word on failure.
func (f *file) told(st *step, r result) (string, error) {
	if r.err != nil {
		if st.fails {
			return "connection closed\n", nil
		}
		return "", r.err
	}
	if st.keepTime != "" {
		t, i, ok := r.reply.Lookup("operationTime").TimestampOK()
		if !ok {
			return "", errors.New("the reply has no operationTime")
		}
		f.names.back["$time:"+st.keepTime] = bson.Timestamp{T: t, I: i}
	}
	text := f.out.print(r.reply, st)
	switch {
	case st.fails && !failed(r.reply):
		return text, errors.New("expected an error")
	case !st.fails && failed(r.reply):
		return text, errors.New("unexpected error")
	}
	return text, nil
}

// poll repeats a command until its reply contains what the step waits for.
func (f *file) poll(c *conn, st *step, cmds []bson.D) (string, error) {
	if st.until == "" || len(cmds) != 1 {
		return "", errors.New("poll takes until=(text) and one command")
	}
	ctx, cancel := context.WithTimeout(f.ctx, replyWait)
	defer cancel()
	for {
		reply, err := c.call(f.send(cmds[0], st))
		if err != nil {
			return "", err
		}
		if text := f.out.print(reply, st); strings.Contains(text, st.until) {
			return text, nil
		} else if ctx.Err() != nil {
			return text, fmt.Errorf("no %q in the reply after %v", st.until, replyWait)
		}
	}
}

func (f *file) dial(name string) (*conn, error) {
	if c := f.conns[name]; c != nil {
		return c, nil
	}
	c, err := dial(f.ctx, f.env, f.addr, f.names.prefix+"app")
	if err == nil {
		f.conns[name] = c
	}
	return c, err
}

func (f *file) session(name string) *session {
	s := f.sessions[name]
	if s == nil {
		s = newSession(f.env)
		f.sessions[name] = s
		f.names.made[dashed(s.id.Data)] = "$" + name
	}
	return s
}

// clean ends the file's sessions and drops its databases.
func (f *file) clean(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(f.ctx), 20*time.Second)
	defer cancel()
	c, err := dial(ctx, f.env, f.addr, "clean")
	if err != nil {
		t.Logf("clean: %v", err)
		return
	}
	defer c.close()
	var ids bson.A
	for _, s := range f.sessions {
		ids = append(ids, bson.D{{Key: "id", Value: s.id}})
	}
	if len(ids) > 0 { // an empty list would kill everybody's.
		c.call(bson.D{{Key: "killSessions", Value: ids}, {Key: "$db", Value: "admin"}})
	}
	for _, c := range f.conns {
		c.close()
	}
	for db := range f.dbs {
		if strings.HasPrefix(db, f.names.prefix) {
			c.call(bson.D{{Key: "dropDatabase", Value: 1}, {Key: "$db", Value: db}})
		}
	}
}
