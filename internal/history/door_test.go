package history

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/command"
	"github.com/pandodb/pando/internal/docstore"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/failpoint"
	"github.com/pandodb/pando/internal/kv/pebblekv"
	"github.com/pandodb/pando/internal/param"
	"github.com/pandodb/pando/internal/session"
	"github.com/pandodb/pando/internal/wire"
)

// inProcess is a door to a dispatcher over a store in memory. Nobody waits there,
// as in the reference server. The house is checked on the way out.
func inProcess(t *testing.T) door {
	t.Helper()
	ctx, e := context.Background(), env.Seeded(1)
	engine, err := pebblekv.Open("db", pebblekv.Options{FS: vfs.NewMem(), Env: e})
	if err != nil {
		t.Fatal(err)
	}
	db, err := docstore.Open(ctx, engine, e)
	if err != nil {
		t.Fatal(err)
	}
	sessions := session.NewManager(db, engine, e, session.Config{
		Lifetime: func() time.Duration { return time.Hour }, Timeout: time.Hour, SessionsMax: 1000, RecordLife: time.Hour,
	})
	d := command.New(command.Config{
		Store: engine, DB: db, Sessions: sessions, Params: param.New(), FailPoints: failpoint.New(e), Env: e, Log: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(func() {
		if n := sessions.Counts().Open; n != 0 {
			t.Errorf("%d transactions are left open", n)
		}
		if err := engine.LeakCheck(); err != nil {
			t.Error(err)
		}
		if err := db.Check(ctx, func(p string) { t.Errorf("check: %s", p) }); err != nil {
			t.Error(err)
		}
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	ask := door(func(cmd bsonx.Doc) (bsonx.Doc, error) {
		peer := command.Peer{ID: 1, Remote: "client"}
		return d.Run(ctx, &peer, command.Request{Body: cmd}, nil).Reply, nil
	})
	ask.must(t, `{"setParameter":1,"writeConflictWaitMillis":0,"$db":"admin"}`)
	return ask
}

// overTCP is a door to the server of a connection string, with an empty database.
func overTCP(t *testing.T, uri string) door {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	id := int32(0)
	ask := door(func(cmd bsonx.Doc) (bsonx.Doc, error) {
		id++
		if _, err := conn.Write(wire.AppendMsg(nil, id, 0, cmd)); err != nil {
			return nil, err
		}
		m, err := readMessage(conn)
		if err != nil {
			return nil, err
		}
		if len(m) < headerBytes+5 || binary.LittleEndian.Uint32(m[12:]) != opMsg {
			return nil, errors.New("the reply is no OP_MSG")
		}
		return bsonx.Doc(m[headerBytes+5:]), nil
	})
	ask.must(t, `{"dropDatabase":1,"$db":"interleave"}`)
	ask.must(t, `{"create":"c0","$db":"interleave"}`)
	t.Cleanup(func() { ask.must(t, `{"dropDatabase":1,"$db":"interleave"}`) })
	return ask
}
