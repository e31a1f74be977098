package command

import (
	"context"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

func sessionCommands() []*Spec {
	return []*Spec{
		{Name: "startSession", Run: runStartSession, Help: "makes a session", Fields: anyFields("startSession")},
		{Name: "refreshSessions", API: true, Run: runRefreshSessions, Help: "keeps sessions from expiring"},
		{Name: "endSessions", API: true, Run: runEndSessions, Help: "lets sessions expire"},
		{Name: "killSessions", Txn: Beside, Fields: lenientFields("killSessions"), Run: runKillSessions, Help: "ends what sessions do"},
		{Name: "killAllSessions", Txn: Beside, Fields: lenientFields("killAllSessions"), Run: runKillAllSessions, Help: "ends what all sessions do"},
		{Name: "refreshLogicalSessionCacheNow", Test: true, Run: runRefreshCache, Help: "ends the sessions that have expired"},
		{Name: "reapLogicalSessionCacheNow", Test: true, Run: runReapCache, Help: "deletes the records of sessions that have expired"},
		{Name: "killAllSessionsByPattern", Txn: Beside, Fields: lenientFields("killAllSessionsByPattern"), Run: runKillByPattern, Help: "ends what certain sessions do"},
	}
}

func runStartSession(_ context.Context, c *Call) error {
	id := session.ID{UUID: c.D.Env.UUID(), UID: session.NobodyUID}
	if err := c.D.Sessions.Touch(id); err != nil {
		return err
	}
	c.Reply.OpenDoc("id")
	c.Reply.Binary("id", 4, id.UUID[:])
	c.Reply.Close()
	c.Reply.Int32("timeoutMinutes", int32(c.D.Params.LocalLogicalSessionTimeoutMinutes.Get()))
	return nil
}

// sessionList parses the command's own field: an array of session ids.
func (c *Call) sessionList(owner string) ([]session.ID, error) {
	in := c.Spec.Name
	if in == "killSessions" {
		in = "KillSessionsCmd"
	}
	if in == c.Spec.Name && Array.absent(c.Arg) { // endSessions and refreshSessions take it for no sessions.
		return nil, nil
	}
	if err := c.checkArg(in, Array); err != nil {
		return nil, err
	}
	docs, err := elements(bsonx.AsDoc(c.Arg), in+"."+owner)
	if err != nil {
		return nil, err
	}
	ids := make([]session.ID, len(docs))
	for i, d := range docs {
		l, err := parseLSID(d, in+"."+owner)
		if err != nil {
			return nil, err
		}
		switch {
		case l.child() && owner == "killSessions":
			return nil, errKillChild
		case l.child() && owner == "endSessionsFromClient":
			return nil, mongoerr.Newf(mongoerr.InvalidOptions, "Cannot specify a child session id %s", &l)
		case l.child(): // it lives as long as its parent.
			ids[i] = l.id
			continue
		}
		if ids[i], err = l.own(); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

var errKillChild = mongoerr.New(mongoerr.InvalidOptions, "Cannot kill a child session")

func anyOf(ids []session.ID) func(session.ID) bool {
	set := make(map[session.ID]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return func(id session.ID) bool { return set[id] }
}

func runRefreshSessions(_ context.Context, c *Call) error {
	ids, err := c.sessionList("refreshSessionsFromClient")
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := c.D.Sessions.Touch(id); err != nil {
			return err
		}
	}
	return nil
}

// runRefreshCache does at once what is done every minute: there is no copy of the
// sessions that would have to be brought up to date.
func runRefreshCache(_ context.Context, c *Call) error {
	c.D.Sessions.ExpireIdle()
	return nil
}

func runReapCache(ctx context.Context, c *Call) error {
	_, err := c.D.Sessions.Reap(ctx)
	return err
}

// runEndSessions forgets sessions that are idle. An open transaction stays: it
// ends by its lifetime, as in the original (2.2).
func runEndSessions(_ context.Context, c *Call) error {
	ids, err := c.sessionList("endSessionsFromClient")
	if err != nil {
		return err
	}
	match := anyOf(ids)
	c.D.Sessions.Forget(func(id session.ID, _ time.Time) bool { return match(id) })
	return nil
}

func (c *Call) kill(match func(session.ID) bool) error {
	cause := mongoerr.New(mongoerr.Interrupted, "operation was interrupted")
	c.D.ops.killSessions(match, c, cause)
	c.D.Sessions.Kill(match)
	return nil
}

func everySession(session.ID) bool { return true }

func runKillSessions(_ context.Context, c *Call) error {
	ids, err := c.sessionList("killSessions")
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		return c.kill(everySession)
	}
	return c.kill(anyOf(ids))
}

// runKillAllSessions kills the sessions of users; while there are no users, an
// empty list is everybody's and any other is nobody's.
func runKillAllSessions(_ context.Context, c *Call) error {
	if err := c.checkArg("KillAllSessionsCmd", Array); err != nil {
		return err
	}
	users := NewFields("KillAllSessionsCmd.killAllSessions", Field{Name: "db", Type: Text, Required: true}, Field{Name: "user", Type: Text, Required: true})
	docs, err := elements(bsonx.AsDoc(c.Arg), users.owner)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if _, err := users.Decode(d); err != nil {
			return err
		}
	}
	if len(docs) > 0 {
		return nil
	}
	return c.kill(everySession)
}

var sessionPattern = NewFields("KillAllSessionsByPatternCmd.killAllSessionsByPattern",
	Field{Name: "lsid", Type: Document}, Field{Name: "uid", Type: UUID},
	Field{Name: "users", Type: Array, NotYet: true, Unless: isEmptyArray}, Field{Name: "roles", Type: Array, NotYet: true, Unless: isEmptyArray})

func runKillByPattern(_ context.Context, c *Call) error {
	if err := c.checkArg("KillAllSessionsByPatternCmd", Array); err != nil {
		return err
	}
	docs, err := elements(bsonx.AsDoc(c.Arg), sessionPattern.owner)
	if err != nil {
		return err
	}
	patterns := make([]func(session.ID) bool, len(docs))
	for i, d := range docs {
		if patterns[i], err = matching(d); err != nil {
			return err
		}
	}
	if len(patterns) == 0 {
		return c.kill(everySession)
	}
	return c.kill(func(id session.ID) bool {
		for _, p := range patterns {
			if p(id) {
				return true
			}
		}
		return false
	})
}

// matching is what one pattern of killAllSessionsByPattern says.
func matching(pattern bsonx.Doc) (func(session.ID) bool, error) {
	a, err := sessionPattern.Decode(pattern)
	if err != nil {
		return nil, err
	}
	var whose session.ID
	if a.Has("uid") {
		if err := parseDigest(sessionPattern.owner, "uid", a.Value("uid"), &whose); err != nil {
			return nil, err
		}
	}
	if doc := a.Doc("lsid"); doc != nil {
		l, err := parseLSID(doc, sessionPattern.owner+".lsid")
		switch {
		case err != nil:
			return nil, err
		case !l.hasUID:
			return nil, missing(sessionPattern.owner+".lsid", "uid")
		case l.child():
			return nil, errKillChild
		}
		return func(s session.ID) bool { return s == l.id }, nil
	}
	if a.Has("uid") {
		return func(s session.ID) bool { return s.UID == whose.UID }, nil
	}
	return everySession, nil
}
