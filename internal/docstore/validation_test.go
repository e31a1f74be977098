package docstore

import (
	"testing"

	"github.com/pandodb/pando/internal/catalog"
)

// TestValidationRule holds that a rule is compiled once for an entry, is another for a changed
// one, and is as old as the snapshot that asks.
func TestValidationRule(t *testing.T) {
	f := newFixture(t)
	set := func(options string) {
		t.Helper()
		_, err := f.db.Alter(ctx, []catalog.Namespace{f.ns}, func(tx *Tx) error {
			_, err := tx.Cat.Modify(ctx, f.coll(tx), func(c *catalog.Collection) { c.Options = doc(t, options) })
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	rule := func(tx *Tx) *ValidationRule {
		t.Helper()
		r, err := ValidationRuleOf(f.coll(tx))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	old := f.begin()
	defer old.Rollback()
	set(`{"validator":{"a":{"$gt":0}}}`)
	tx := f.begin()
	defer tx.Rollback()
	first := rule(tx)
	if first == nil || first.Moderate || !first.Refuse || first.Log {
		t.Fatalf("strict rule: %+v", first)
	}
	again := f.begin()
	defer again.Rollback()
	if rule(again) != first {
		t.Error("compiled twice")
	}
	set(`{"validator":{"a":{"$gt":0}},"validationLevel":"moderate","validationAction":"errorAndLog"}`)
	newer := f.begin()
	defer newer.Rollback()
	if r := rule(newer); r == first || !r.Moderate || !r.Refuse || !r.Log {
		t.Errorf("changed rule: %+v", r)
	}
	if r := rule(tx); r == nil || r.Moderate {
		t.Errorf("an older snapshot sees %+v", r)
	}
	if r := rule(old); r != nil {
		t.Errorf("a snapshot from before sees %+v", r)
	}
	set(`{"validator":{"a":{"$gt":0}},"validationLevel":"off"}`)
	last := f.begin()
	defer last.Rollback()
	if r := rule(last); r != nil {
		t.Errorf("switched off: %+v", r)
	}
}
