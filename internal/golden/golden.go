package golden

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Files are the golden files that match a pattern; that there are none fails.
func Files(t testing.TB, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files %s: %v", pattern, err)
	}
	return files
}

// Write makes lines the whole of a file.
func Write(t testing.TB, path string, lines []string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Value reads one value of extended JSON.
func Value(t testing.TB, s string) bsonx.Value {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+s+`}`), false, &d); err != nil {
		t.Fatalf("%s: %v", s, err)
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return bsonx.Get(bsonx.Doc(raw), "v")
}

// Raw is a value as the driver has it, for commands to the reference server.
func Raw(v bsonx.Value) bson.RawValue { return bson.RawValue{Type: bson.Type(v.Type), Value: v.Data} }

// Doc is how a document stands in a golden file.
func Doc(t testing.TB, d []byte) string {
	t.Helper()
	out, err := bson.MarshalExtJSON(bson.Raw(d), true, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// Error is how an error stands in a golden file, behind a mark.
func Error(mark string, code int32, msg string) string {
	return fmt.Sprintf("%s %d %s", mark, code, strings.NewReplacer("\n", `\n`, "\x00", `\0`).Replace(msg))
}

// Refusal is Error for an error of ours.
func Refusal(mark string, err error) string {
	e := mongoerr.From(err)
	return Error(mark, int32(e.Code), e.Msg)
}

// CommandError is Error for what the reference server answered a command with,
// without what it says before the message itself.
func CommandError(t testing.TB, err error, contexts []string) string {
	t.Helper()
	failure, ok := errors.AsType[mongo.CommandError](err)
	if !ok {
		t.Fatal(err)
	}
	msg := failure.Message
	for _, c := range contexts {
		msg = strings.TrimPrefix(msg, c)
	}
	return Error("!", failure.Code, msg)
}

// Connect returns a client of the reference server for the rest of the test.
func Connect(t testing.TB, uri string) *mongo.Client {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) })
	return client
}
