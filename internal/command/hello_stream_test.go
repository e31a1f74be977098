package command_test

import (
	"context"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/command"
)

// TestHelloRefused holds what a greeting may not ask by its message's form, which
// scenarios cannot write.
func TestHelloRefused(t *testing.T) {
	h := openHouse(t, vfs.NewCrashableMem(), nil)
	hello := bsonx.MustParseJSON(`{"hello": 1, "$db": "admin"}`)
	for want, req := range map[string]command.Request{
		"51756": {Body: hello, Exhaust: true},
		"40472": {Body: hello, Sequences: []command.Sequence{{Name: "compression", Docs: []bsonx.Doc{bsonx.Empty}}}},
	} {
		res := h.d.Run(context.Background(), &command.Peer{ID: 1}, req, nil)
		if got := bsonx.ToJSON(bsonx.Doc(res.Reply)); !strings.Contains(got, `"code":`+want) || res.More {
			t.Errorf("want %s: %s", want, got)
		}
	}
}
