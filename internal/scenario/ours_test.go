package scenario

import (
	"context"
	"net/url"
	"testing"

	"github.com/pandodb/pando"
)

// TestPando holds the files against our own server, which waits for nobody where
// the reference server does not. When all have run, the store must be whole.
func TestPando(t *testing.T) {
	u, err := url.Parse(openOurs(t).URI())
	if err != nil {
		t.Fatal(err)
	}
	runAll(t, u.Host, Ours)
}

// openOurs starts our server as scenarios expect it, and in the end checks its store.
func openOurs(t *testing.T) *pando.Server {
	dir := t.TempDir()
	srv, err := pando.Open(t.Context(), pando.Options{DBPath: dir, Parameters: map[string]string{
		"enableTestCommands": "1", "writeConflictWaitMillis": "0",
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
		err := pando.Check(context.Background(), dir, func(problem string) { t.Error(problem) })
		if err != nil {
			t.Error(err)
		}
	})
	return srv
}
