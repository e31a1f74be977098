package command

import (
	"context"
	"maps"
	"slices"

	"github.com/pandodb/pando/internal/bsonx"
)

// TxnRule is whether a command runs inside a transaction (3.9).
type TxnRule uint8

// The rules.
const (
	Refused  TxnRule = iota // 263
	Optional                // 263 unless transactionDDL is on.
	Anywhere                // also as the first statement.
	NotFirst                // 263 with startTransaction.
	Ends                    // commitTransaction, abortTransaction.
	Beside                  // runs beside the transaction, whatever it carries.
)

// Spec is a command's table entry: what the dispatcher must do before and after.
type Spec struct {
	Name     string
	Aliases  []string
	Admin    bool        // may only be run against the admin database.
	NoAuth   bool        // needs no authentication, hence takes no txnNumber (1.6).
	Txn      TxnRule     // inside transactions.
	Read     ReadSupport // which read concerns it takes.
	NotAfter bool        // takes no afterClusterTime.
	Write    bool        // takes a write concern.
	Writes   bool        // changes documents: its reply's durability follows the write concern.
	Retry    bool        // a retryable write.
	API      bool        // in API version 1.
	OldAPI   bool        // deprecated in it.
	Test     bool        // only with enableTestCommands.
	Help     string      // a line for listCommands.
	Fields   *Fields
	Run      func(ctx context.Context, c *Call) error

	// Check, if there is one, finds the mistakes that the original finds while it
	// parses: they leave a transaction alive.
	Check func(c *Call) error

	// parsesLate leaves missing fields to Run: the original finds them out only
	// after the transaction was touched.
	parsesLate bool

	names []string // all of them; the table fills it in.
}

// table is every command, by name and alias.
type table struct {
	byName map[string]*Spec
	all    []*Spec
}

func newTable(specs ...*Spec) *table {
	t := &table{byName: map[string]*Spec{}}
	for _, s := range specs {
		if s.Fields == nil {
			s.Fields = NewFields(s.Name)
		}
		for _, f := range s.Fields.list {
			if _, generic := genericFields.index[f.Name]; generic {
				panic("command: " + s.Name + " hides the generic field " + f.Name)
			}
		}
		t.all = append(t.all, s)
		s.names = append(slices.Clone(s.Aliases), s.Name)
		for _, n := range s.names {
			if t.byName[n] != nil {
				panic("command: two commands named " + n)
			}
			t.byName[n] = s
		}
	}
	slices.SortFunc(t.all, func(a, b *Spec) int {
		switch {
		case a.Name < b.Name:
			return -1
		case a.Name > b.Name:
			return 1
		}
		return 0
	})
	return t
}

// Names lists every name and alias, sorted.
func (t *table) Names() []string { return slices.Sorted(maps.Keys(t.byName)) }

// isString tells whether v is the string s; for Field.Unless.
func isString(s string) func(bsonx.Value) bool {
	return func(v bsonx.Value) bool { return v.Type == bsonx.TypeString && bsonx.Str(v) == s }
}

// isBoolean tells whether v is true or false; for Field.Unless.
func isBoolean(v bsonx.Value) bool { return v.Type == bsonx.TypeBool }

// isFalse is a switch in its off position; for Field.Unless.
func isFalse(v bsonx.Value) bool {
	n, exact := integer(v)
	return (v.Type == bsonx.TypeBool || bsonx.IsNumber(v)) && n == 0 && exact
}

// isTrue is a switch in its on position; for Field.Unless.
func isTrue(v bsonx.Value) bool { return v.Type == bsonx.TypeBool && bsonx.AsBool(v) }

// isEmptyArray is a list of nothing; for Field.Unless.
func isEmptyArray(v bsonx.Value) bool {
	return v.Type == bsonx.TypeArray && bsonx.Len(bsonx.AsDoc(v)) == 0
}

// isSimpleCollation is the collation that compares bytes; for Field.Unless.
func isSimpleCollation(v bsonx.Value) bool {
	if v.Type != bsonx.TypeDocument {
		return false
	}
	d := bsonx.AsDoc(v)
	locale := bsonx.Get(d, "locale")
	return bsonx.Len(d) == 0 || bsonx.Len(d) == 1 && isString("simple")(locale)
}
