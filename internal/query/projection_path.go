package query

import (
	"strings"

	"github.com/pandodb/pando/internal/expr"
	"github.com/pandodb/pando/internal/mongoerr"
)

// checkProjectionPath says what is wrong with a dotted path of a projection.
func checkProjectionPath(path string) error {
	if path == "" {
		return mongoerr.New(40352, "FieldPath cannot be constructed with empty string")
	}
	_, err := expr.FieldPath(path)
	return err
}

// add puts a node at a path under parent, where there must be none, nor above, nor under it.
func (p *projectionParser) add(parent *projected, path string, n *projected) error {
	if err := checkProjectionPath(path); err != nil {
		return err
	}
	last := path
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		var err error
		if parent, err = parent.descendTo(path, path[:i]); err != nil {
			return err
		}
		last = path[i+1:]
	}
	if parent.find(last) >= 0 {
		return mongoerr.Newf(31250, "Path collision at %s", path)
	}
	parent.fields = append(parent.fields, projectedField{strings.Clone(last), n})
	return nil
}

// reach returns the node at a path, for a document of what is within.
func (n *projected) reach(path string) (*projected, error) { return n.descendTo(path, path) }

// descendTo goes down along way, a path or what a path begins with, and makes
// what is not there.
func (n *projected) descendTo(path, way string) (*projected, error) {
	at := 0
	for part := range strings.SplitSeq(way, ".") {
		at += len(part) + 1
		i := n.find(part)
		if i < 0 {
			next := &projected{action: descend}
			n.fields = append(n.fields, projectedField{strings.Clone(part), next})
			n = next
			continue
		}
		if n = n.fields[i].node; n.action != descend {
			if at > len(path) {
				return nil, mongoerr.Newf(31250, "Path collision at %s", path)
			}
			_, rest, _ := strings.Cut(path, ".")
			return nil, mongoerr.Newf(31249, "Path collision at %s remaining portion %s", path, rest)
		}
	}
	return n, nil
}
