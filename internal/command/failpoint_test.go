package command_test

import (
	"fmt"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/failpoint"
	"github.com/pandodb/pando/internal/mongoerr"
)

// TestTopologyVersionOfErrors: an error that says something about the replica set
// carries the version of the topology, a shutdown only when this server shuts down.
// A client compares the version with the one it knows, and takes an error that
// tells nothing newer for an old one.
func TestTopologyVersionOfErrors(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		for code, carries := range map[mongoerr.Code]bool{
			mongoerr.NotWritablePrimary:              true,
			mongoerr.NotPrimaryNoSecondaryOk:         true,
			mongoerr.InterruptedDueToReplStateChange: true,
			mongoerr.ShutdownInProgress:              false,
			mongoerr.InterruptedAtShutdown:           false,
			mongoerr.Interrupted:                     false,
		} {
			data := doc(t, fmt.Sprintf(`{"failCommands":["ping"],"errorCode":%d}`, code))
			if _, err := h.points.Configure(failpoint.FailCommandPoint, bsonx.String("alwaysOn"), bsonx.DocValue(data)); err != nil {
				t.Fatal(err)
			}
			r := c.run(`{"ping":1}`)
			r.want(fmt.Sprintf("error %d", code))
			if got := r.shown("topologyVersion", "counter") != ""; got != carries {
				t.Errorf("%s: with topologyVersion: %t", code, got)
			}
		}
	})
}
