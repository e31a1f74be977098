package acceptance

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"
)

// mongotools is mongodump, mongorestore, mongoexport and mongoimport.
var mongotools = &kit{
	name: "mongotools", version: "mongotools/go.mod", tools: []string{"go"},
	install: func(ctx context.Context, dir string) *exec.Cmd {
		return exec.CommandContext(ctx, "sh", "-ec",
			`for tool in mongodump mongorestore mongoexport mongoimport; do
				go build -C mongotools -o "$0/$tool" "github.com/mongodb/mongo-tools/$tool/main"
			done`, dir)
	},
}

// tool runs one of the tools and returns what it says.
func tool(t *testing.T, uri, name string, args ...string) (said string, err error) {
	t.Helper()
	path := filepath.Join(mongotools.need(t), name)
	cmd := command(t, uri, path, append([]string{"--uri", uri}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	t.Logf("%s %q\n%s", name, args, &out)
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return out.String(), err
}

// mustTool is tool where it must succeed.
func mustTool(t *testing.T, uri, name string, args ...string) string {
	t.Helper()
	said, err := tool(t, uri, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}
