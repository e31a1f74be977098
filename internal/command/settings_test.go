package command_test

import (
	"context"
	"testing"
)

const rwDefaultsNow = `{"getDefaultRWConcern":1}`

// TestSettingsSurvive has what was set durably hold after the power was cut.
func TestSettingsSurvive(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		if r := c.run(`{"setDefaultRWConcern":1,"defaultWriteConcern":{"w":2},"defaultReadConcern":{"level":"majority"}}`); r.code() != 0 {
			t.Fatal(r)
		}
		c.run(`{"setFeatureCompatibilityVersion":"8.0","confirm":true}`).want(` concern: 100`)
		h = h.crash()
		c = h.conn()
		c.run(`{"insert":"c","documents":[{"_id":1}]}`).want(`{"n":1}`)
		if err := h.d.Load(context.Background()); err != nil {
			t.Fatal(err)
		}
		c.run(`{"insert":"c","documents":[{"_id":2}]}`).want(`{"n":1} concern: 100`)
		c.run(`{"getParameter":1,"featureCompatibilityVersion":1}`).want(`{"featureCompatibilityVersion":{"version":"8.0"}}`)
		r := c.run(rwDefaultsNow)
		for field, want := range map[string]string{
			"defaultReadConcern": `{ level: "majority" }`, "defaultWriteConcern": `{ w: 2, wtimeout: 0 }`,
			"defaultReadConcernSource": `"global"`, "defaultWriteConcernSource": `"global"`,
		} {
			if got := r.shown(field); got != want {
				t.Errorf("%s: %s", field, got)
			}
		}
	})
}
