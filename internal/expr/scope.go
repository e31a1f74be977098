package expr

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// Scope is the names that an expression may use beside the fields of its
// document: the built-in variables, and those of the command's let, of $lookup,
// of $let and its like. A name becomes a slot at compile time; a Context holds
// the slots' values. A Scope is for one goroutine at a time.
type Scope struct {
	outer   *Scope
	names   map[string]int
	current int // the slot of a rebound CURRENT; noSlot if it is the root.
	depth   int // nesting of the expression being compiled.
	family  *family
	own     family // of the outermost: the family's.
}

// family is what a scope shares with those within it.
type family struct {
	slots int // how many were handed out.
	folds folds
}

// folds is what is done about constants that fail.
type folds struct {
	later bool  // they do not fail Compile,
	first error // but are kept: this was the first.
}

const noSlot = -1

// NewScope knows the built-in variables only.
func NewScope() *Scope {
	sc := &Scope{current: noSlot}
	sc.family = &sc.own
	return sc
}

// Sub is a scope within sc: it sees sc's names and may hide them.
func (sc *Scope) Sub() *Scope {
	return &Scope{outer: sc, current: sc.current, depth: sc.depth, family: sc.family}
}

// Define adds a variable and returns its slot, for [Context.SetVar]. The caller
// has checked the name with [CheckVariable].
func (sc *Scope) Define(name string) int {
	if sc.names == nil {
		sc.names = map[string]int{}
	}
	slot := sc.family.slots
	sc.family.slots++
	sc.names[strings.Clone(name)] = slot
	if name == "CURRENT" {
		sc.current = slot
	}
	return slot
}

// find returns the slot of a user variable.
func (sc *Scope) find(name string) (int, bool) {
	for ; sc != nil; sc = sc.outer {
		if slot, ok := sc.names[name]; ok {
			return slot, true
		}
	}
	return 0, false
}

// CheckVariable says what is wrong with the name of a variable that a user
// defines: it starts with a lower-case or non-ASCII letter and goes on with
// letters, digits and underscores. CURRENT alone may be redefined.
func CheckVariable(name string) error {
	if name == "" {
		return fail(9, "empty variable names are not allowed")
	}
	if name == "CURRENT" {
		return nil
	}
	if first := name[0]; !(first >= 'a' && first <= 'z' || first >= 0x80) {
		return fail(9, "'%s' starts with an invalid character for a user variable name", name)
	}
	return checkVariableTail(name)
}

// checkVariableUse is CheckVariable for a name that is read: built-in ones
// start with a capital.
func checkVariableUse(name string) error {
	if name == "" {
		return fail(9, "empty variable names are not allowed")
	}
	if first := name[0]; !(first >= 'a' && first <= 'z' || first >= 'A' && first <= 'Z' || first >= 0x80) {
		return fail(9, "'%s' starts with an invalid character for a user variable name", name)
	}
	return checkVariableTail(name)
}

func checkVariableTail(name string) error {
	for i := 1; i < len(name); i++ {
		b := name[i]
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b >= 0x80) {
			return fail(9, "'%s' contains an invalid character for a variable name: '%c'", name, b)
		}
	}
	return nil
}

// IsBuiltin tells whether a variable's value is the server's to give.
func IsBuiltin(name string) bool {
	switch name {
	case "ROOT", "REMOVE", "NOW", "CLUSTER_TIME", "USER_ROLES", "SEARCH_META", "JS_SCOPE", "IS_MR":
		return true
	}
	return false
}

// variable compiles a reference to a variable.
func (sc *Scope) variable(name string) (Expr, error) {
	if slot, ok := sc.find(name); ok {
		return &variable{name: strings.Clone(name), slot: slot}, nil
	}
	switch name {
	case "ROOT", "CURRENT":
		return &builtin{name: "ROOT", get: func(c *Context) bsonx.Value { return bsonx.DocValue(c.root) }}, nil
	case "REMOVE":
		return &constant{bsonx.Missing}, nil
	case "NOW":
		return &builtin{name: name, get: func(c *Context) bsonx.Value { return c.dateValue(c.Now) }}, nil
	case "CLUSTER_TIME":
		return &builtin{name: name, get: func(c *Context) bsonx.Value { return c.timestampValue(c.ClusterTime) }}, nil
	case "USER_ROLES": // nobody is authenticated, so these are nobody's.
		return &constant{bsonx.ArrayValue(bsonx.Empty)}, nil
	case "DESCEND", "PRUNE", "KEEP":
		// What $redact's expression answers with.
		return &constant{bsonx.String(strings.ToLower(name))}, nil
	}
	return nil, fail(17276, "Use of undefined variable: %s", name)
}

// variable reads a slot.
type variable struct {
	name string
	slot int
}

func (x *variable) Eval(c *Context) (bsonx.Value, error) { return c.Var(x.slot), nil }
func (x *variable) children(func(*Expr))                 {}

// builtin is a variable that the context itself knows.
type builtin struct {
	name string
	get  func(*Context) bsonx.Value
}

func (x *builtin) Eval(c *Context) (bsonx.Value, error) { return x.get(c), nil }
func (x *builtin) children(func(*Expr))                 {}
