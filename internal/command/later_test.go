package command

import "testing"

// TestLater: what is refused as not here yet is not here.
func TestLater(t *testing.T) {
	table := newTable(commands()...)
	for _, name := range later {
		if table.byName[name] != nil {
			t.Errorf("%s is here: take it off the list", name)
		}
	}
}
