package pando_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/pandodb/pando"
)

// open starts a server with parameters, and a client of it.
func open(t *testing.T, parameters map[string]string) (*pando.Server, *mongo.Client) {
	t.Helper()
	srv, err := pando.Open(t.Context(), pando.Options{DBPath: t.TempDir(), Parameters: parameters})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	client, err := mongo.Connect(options.Client().ApplyURI(srv.URI()).SetRetryReads(false))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(t.Context()) })
	return srv, client
}

func run(t *testing.T, client *mongo.Client, command bson.D) bson.Raw {
	t.Helper()
	reply, err := client.Database("admin").RunCommand(t.Context(), command).Raw()
	if err != nil {
		t.Fatal(err)
	}
	return reply
}

// TestCursorMonitorFrequency: how often idle cursors are looked for can be set while
// the server waits to look for them.
func TestCursorMonitorFrequency(t *testing.T) {
	_, client := open(t, map[string]string{
		"clientCursorMonitorFrequencySecs": "3600", "cursorTimeoutMillis": "1", "enableTimeoutOfInactiveSessionCursors": "true",
	})
	items := client.Database("test").Collection("items")
	if _, err := items.InsertMany(t.Context(), []any{bson.D{}, bson.D{}, bson.D{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := items.Find(t.Context(), bson.D{}, options.Find().SetBatchSize(1)); err != nil {
		t.Fatal(err)
	}
	status := bson.D{{Key: "serverStatus", Value: 1}}
	openCursors := func() int64 {
		return run(t, client, status).Lookup("metrics", "cursor", "open", "total").AsInt64()
	}
	if n := openCursors(); n != 1 {
		t.Fatalf("%d cursors are open", n)
	}
	run(t, client, bson.D{{Key: "setParameter", Value: 1}, {Key: "clientCursorMonitorFrequencySecs", Value: 1}})
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	timeout := time.After(time.Minute)
	for openCursors() != 0 {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal("the cursor is still open")
		}
	}
}

// TestListensOnAll: the address that is told is one to connect to.
func TestListensOnAll(t *testing.T) {
	srv, err := pando.Open(t.Context(), pando.Options{DBPath: t.TempDir(), BindIP: " * "})
	if err != nil {
		t.Fatal(err)
	}
	defer srv.Close()
	if uri := srv.URI(); !strings.HasPrefix(uri, "mongodb://127.0.0.1:") {
		t.Error(uri)
	}
}

// TestShutdownTimeout: a server that may take no time to stop waits for no command.
func TestShutdownTimeout(t *testing.T) {
	srv, client := open(t, map[string]string{"enableTestCommands": "1", "shutdownTimeoutMillisForSignaledShutdown": "0"})
	run(t, client, bson.D{{Key: "configureFailPoint", Value: "failCommand"}, {Key: "mode", Value: "alwaysOn"}, {Key: "data", Value: bson.D{
		{Key: "failCommands", Value: bson.A{"count"}}, {Key: "blockConnection", Value: true}, {Key: "blockTimeMS", Value: 300}}}})
	counted := make(chan error, 1)
	go func() {
		counted <- client.Database("test").RunCommand(t.Context(), bson.D{{Key: "count", Value: "items"}}).Err()
	}()
	run(t, client, bson.D{{Key: "waitForFailPoint", Value: "failCommand"}, {Key: "timesEntered", Value: 1}, {Key: "maxTimeMS", Value: 60_000}})
	srv.Close()
	// One that was waited for is told at its end that the server is about to stop.
	const shutdownInProgress = 91
	err := <-counted
	if told, ok := errors.AsType[mongo.CommandError](err); err == nil || ok && told.Code == shutdownInProgress {
		t.Errorf("a command of 300 ms was waited for: %v", err)
	}
}
