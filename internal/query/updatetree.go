package query

import (
	"slices"

	"github.com/pandodb/pando/internal/mongoerr"
)

// tree is what an update does at one place of a document and under it. It is
// one of three: a leaf with an operator; branches for elements of an array; or
// named children, of which a positional $ is one that gets its name late.
type tree struct {
	op         operator
	branches   []branch // sorted by identifier.
	children   []child  // in the order of compareParts.
	positional *tree
}

type child struct {
	name string
	tree *tree
}

// branch is $[identifier], or $[] if the identifier is empty.
type branch struct {
	identifier string
	filter     *arrayFilter // nil for $[].
	tree       *tree
}

// add puts an operator at a path, which must not meet another operator.
func (t *tree) add(u *Update, path string, parts []string, op operator) error {
	at := 0 // length of the path so far.
	for i, part := range parts {
		if t.op != nil {
			return conflict(path, path[:at-1])
		}
		next, err := t.step(u, path, path[:max(at-1, 0)], part)
		if err != nil {
			return err
		}
		at += len(part) + 1
		t = next
		if i == len(parts)-1 {
			break
		}
	}
	if t.op != nil || len(t.children) > 0 || len(t.branches) > 0 || t.positional != nil {
		return conflict(path, path)
	}
	t.op = op
	return nil
}

func conflict(path, at string) error {
	return mongoerr.Newf(mongoerr.ConflictingUpdateOperators, "Updating the path '%s' would create a conflict at '%s'", path, at)
}

// step goes to the subtree for a part, which it makes if need be.
func (t *tree) step(u *Update, path, parent, part string) (*tree, error) {
	if isArrayBranch(part) {
		if len(t.children) > 0 || t.positional != nil {
			return nil, conflict(path, parent)
		}
		return t.branch(u, path, branchIdentifier(part))
	}
	if len(t.branches) > 0 {
		return nil, conflict(path, parent)
	}
	if part == "$" {
		if t.positional == nil {
			t.positional = &tree{}
		}
		return t.positional, nil
	}
	i, found := slices.BinarySearchFunc(t.children, part, func(c child, p string) int { return compareParts(c.name, p) })
	if !found {
		t.children = slices.Insert(t.children, i, child{part, &tree{}})
	}
	return t.children[i].tree, nil
}

func (t *tree) branch(u *Update, path, identifier string) (*tree, error) {
	i, found := slices.BinarySearchFunc(t.branches, identifier, compareBranch)
	if found {
		return t.branches[i].tree, nil
	}
	b := branch{identifier: identifier, tree: &tree{}}
	if identifier != "" {
		if b.filter = u.filters.use(identifier); b.filter == nil {
			return nil, bad("No array filter found for identifier '%s' in path '%s'", identifier, path)
		}
	}
	t.branches = slices.Insert(t.branches, i, b)
	return b.tree, nil
}

func compareBranch(b branch, identifier string) int {
	switch {
	case b.identifier < identifier:
		return -1
	case b.identifier > identifier:
		return 1
	}
	return 0
}

// merged is a tree that does what both do; at is where, for the error that there
// is if both have an operator at one place.
func merged(a, b *tree, at string) (*tree, error) {
	if a.op != nil || b.op != nil || (len(a.branches) > 0) != (len(b.branches) > 0) {
		return nil, mongoerr.Newf(mongoerr.ConflictingUpdateOperators, "Update created a conflict at '%s'", at)
	}
	m := &tree{branches: slices.Clone(a.branches), children: slices.Clone(a.children), positional: a.positional}
	var err error
	for _, c := range b.children {
		if m.children, err = withChild(m.children, c, at); err != nil {
			return nil, err
		}
	}
	for _, br := range b.branches {
		i, found := slices.BinarySearchFunc(m.branches, br.identifier, compareBranch)
		if !found {
			m.branches = slices.Insert(m.branches, i, br)
			continue
		}
		if m.branches[i].tree, err = merged(m.branches[i].tree, br.tree, at+".$["+br.identifier+"]"); err != nil {
			return nil, err
		}
	}
	if m.positional == nil {
		m.positional = b.positional
	} else if b.positional != nil {
		m.positional, err = merged(m.positional, b.positional, at+".$")
	}
	return m, err
}

// withChild returns children and one more, merged with that of the same name. It
// may change the list that it is given.
func withChild(children []child, c child, parent string) ([]child, error) {
	i, found := slices.BinarySearchFunc(children, c.name, func(c child, p string) int { return compareParts(c.name, p) })
	if !found {
		return slices.Insert(children, i, c), nil
	}
	at := c.name
	if parent != "" {
		at = parent + "." + c.name
	}
	m, err := merged(children[i].tree, c.tree, at)
	if err != nil {
		return nil, err
	}
	children[i] = child{c.name, m}
	return children, nil
}

// hasPositional tells whether there is a positional $ in the tree.
func (t *tree) hasPositional() bool {
	if t.positional != nil {
		return true
	}
	for _, c := range t.children {
		if c.tree.hasPositional() {
			return true
		}
	}
	for _, b := range t.branches {
		if b.tree.hasPositional() {
			return true
		}
	}
	return false
}

// leaves calls f with each operator and its path under t, until f says stop by an error.
func (t *tree) leaves(path string, f func(path string, op operator) error) error {
	if t.op != nil {
		return f(path, t.op)
	}
	visit := func(name string, sub *tree) error {
		if path != "" {
			name = path + "." + name
		}
		return sub.leaves(name, f)
	}
	for _, c := range t.children {
		if err := visit(c.name, c.tree); err != nil {
			return err
		}
	}
	for _, b := range t.branches {
		if err := visit("$["+b.identifier+"]", b.tree); err != nil {
			return err
		}
	}
	if t.positional != nil {
		return visit("$", t.positional)
	}
	return nil
}
