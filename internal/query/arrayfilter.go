package query

import (
	"bytes"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// arrayFilter says which elements of an array a $[identifier] stands for.
type arrayFilter struct {
	identifier string
	root       *Node
	used       bool // while compiling.
}

type arrayFilters []*arrayFilter

func compileArrayFilters(docs []bsonx.Doc) (arrayFilters, error) {
	var list arrayFilters
	for _, doc := range docs {
		p := parser{inArray: true}
		root, err := p.document(bytes.Clone(doc), topLevel)
		if err != nil {
			return nil, inArrayFilter(err)
		}
		identifier, err := identifierOf(root)
		if err != nil {
			return nil, inArrayFilter(err)
		}
		if identifier == nil {
			return nil, mongoerr.New(mongoerr.FailedToParse, "Cannot use an expression without a top-level field name in arrayFilters")
		}
		if !isIdentifier(*identifier) {
			return nil, inArrayFilter(bad("The top-level field name must be an alphanumeric string beginning with a lowercase letter, found '%s'", *identifier))
		}
		if list.find(*identifier) != nil {
			return nil, mongoerr.Newf(mongoerr.FailedToParse, "Found multiple array filters with the same top-level field name %s", *identifier)
		}
		list = append(list, &arrayFilter{identifier: *identifier, root: root})
	}
	return list, nil
}

func inArrayFilter(err error) error {
	return mongoerr.From(err).Prefix("Error parsing array filter")
}

// identifierOf is the first part of all paths in an array filter, which must be
// one; nil if there is no path.
func identifierOf(n *Node) (id *string, err error) {
	if n.parts != nil {
		return &n.parts[0], nil
	}
	for _, c := range n.Children {
		other, err := identifierOf(c)
		if err != nil {
			return nil, err
		}
		if id == nil {
			id = other
		} else if other != nil && *other != *id {
			return nil, mongoerr.Newf(mongoerr.FailedToParse, "Expected a single top-level field name, found '%s' and '%s'", *id, *other)
		}
	}
	return id, nil
}

func isIdentifier(s string) bool {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	return strings.TrimLeft(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789") == ""
}

func (l arrayFilters) find(identifier string) *arrayFilter {
	for _, f := range l {
		if f.identifier == identifier {
			return f
		}
	}
	return nil
}

// use finds a filter and notes that it is of use.
func (l arrayFilters) use(identifier string) *arrayFilter {
	f := l.find(identifier)
	if f != nil {
		f.used = true
	}
	return f
}

// checkUsed refuses filters that no path of the update names.
func (l arrayFilters) checkUsed(update bsonx.Doc) error {
	for _, f := range l {
		if !f.used {
			return mongoerr.Newf(mongoerr.FailedToParse, "The array filter for identifier '%s' was not used in the update %s",
				f.identifier, bsonx.ShellString(bsonx.DocValue(update)))
		}
	}
	return nil
}

func (f *arrayFilter) matches(v bsonx.Value) bool { return matchesAs(f.root, v) }

// matchesAs tells whether a document whose only field is v, under the name that
// all paths in n begin with, matches n.
func matchesAs(n *Node, v bsonx.Value) bool {
	m := match{field: v}
	ok, _ := m.document(n, nil) // no $expr can be in it, and nothing else fails.
	return ok
}
