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

// TestSettingsAtOnce: two commands that each set one of the defaults, at the same
// time, both do.
func TestSettingsAtOnce(t *testing.T) {
	var g gate
	inHouseOver(t, g.over, func(h *house) {
		if r := h.conn().run(`{"setDefaultRWConcern":1,"defaultReadConcern":{"level":"local"}}`); r.code() != 0 {
			t.Fatal(r)
		}
		g.close()
		read := h.conn().begin(`{"setDefaultRWConcern":1,"defaultReadConcern":{"level":"majority"}}`).waits()
		write := h.conn().begin(`{"setDefaultRWConcern":1,"defaultWriteConcern":{"w":1}}`).waits()
		g.open()
		for _, p := range []*pending{read, write} {
			if r := <-p.done; r.code() != 0 {
				t.Error(r)
			}
		}
		r := h.conn().run(rwDefaultsNow)
		if rc, wc := r.shown("defaultReadConcern"), r.shown("defaultWriteConcern"); rc != `{ level: "majority" }` || wc != `{ w: 1, wtimeout: 0 }` {
			t.Errorf("%s and %s", rc, wc)
		}
	})
}

// TestSettingsMoved: settings whose collection is given another name hold no more.
func TestSettingsMoved(t *testing.T) {
	inHouse(t, func(h *house) {
		c := h.conn()
		if r := c.run(`{"setDefaultRWConcern":1,"defaultReadConcern":{"level":"majority"}}`); r.code() != 0 {
			t.Fatal(r)
		}
		if r := c.run(`{"renameCollection":"config.settings","to":"config.old"}`); r.code() != 0 {
			t.Fatal(r)
		}
		if got := c.run(`{"getDefaultRWConcern":1,"inMemory":true}`).shown("defaultReadConcernSource"); got != `"implicit"` {
			t.Error(got)
		}
	})
}
