package exec

import (
	"bytes"
	"context"
	"io"

	"github.com/pandodb/pando/internal/keyenc"
	"github.com/pandodb/pando/internal/plan"
)

// unionOf gives the places of all branches, one branch after the other, each place once.
type unionOf struct {
	base
	branches branches
	at       int
	last     []byte // the id that was given last, borrowed.
	seen     map[string]struct{}
}

func (u *unionOf) next(ctx context.Context) (place, error) {
	for u.at < len(u.branches) {
		p, err := u.branches[u.at].next(ctx)
		if err == io.EOF {
			u.at++
			continue
		}
		if err != nil {
			return p, err
		}
		u.stats.DupsTested++
		if _, twice := u.seen[string(p.id)]; twice {
			u.stats.DupsDropped++
			u.stats.Passed++
			continue
		}
		u.seen[string(p.id)] = struct{}{}
		u.last = p.id
		u.stats.Returned++
		return p, nil
	}
	return place{}, u.done()
}

// Close closes the branches.
func (u *unionOf) Close() error { return u.branches.Close() }

// merged gives the places of all branches in the order of their keys behind the
// first fields, each place once. There are few branches: it looks at all of them.
type merged struct {
	base
	plan     *plan.Merge
	branches branches
	heads    []head // one for each branch, once begun.
	last     int    // the branch that gave the last place, to be moved on; -1: none.
	seen     map[string]struct{}
}

type head struct {
	place place
	key   []byte // what is compared.
	ended bool
	stale bool // the branch was parked since.
}

func (m *merged) next(ctx context.Context) (place, error) {
	if m.heads == nil {
		m.heads = make([]head, len(m.branches))
		m.last = -1
		for i := range m.heads {
			m.heads[i].stale = true
		}
	}
	for i := range m.heads {
		if m.heads[i].stale {
			if err := m.move(ctx, i); err != nil {
				return place{}, err
			}
		}
	}
	for {
		if m.last >= 0 {
			if err := m.move(ctx, m.last); err != nil {
				return place{}, err
			}
		}
		if m.last = m.least(); m.last < 0 {
			return place{}, m.done()
		}
		p := m.heads[m.last].place
		m.stats.DupsTested++
		if _, twice := m.seen[string(p.id)]; twice {
			m.stats.DupsDropped++
			m.stats.Passed++
			continue
		}
		m.seen[string(p.id)] = struct{}{}
		m.stats.Returned++
		return p, nil
	}
}

// move takes a branch to its next place.
func (m *merged) move(ctx context.Context, i int) error {
	h := &m.heads[i]
	h.stale = false
	p, err := m.branches[i].next(ctx)
	if err == io.EOF {
		h.ended = true
		return nil
	}
	if err != nil {
		return err
	}
	h.place, h.key = p, p.key
	for _, f := range m.plan.Fields {
		if h.key, err = keyenc.Skip(h.key, f.Desc); err != nil {
			return err
		}
	}
	return nil
}

// least is the branch whose place comes next, or -1.
func (m *merged) least() int {
	best := -1
	for i := range m.heads {
		if m.heads[i].ended {
			continue
		}
		if best < 0 {
			best = i
			continue
		}
		c := bytes.Compare(m.heads[i].key, m.heads[best].key)
		if m.plan.Reverse {
			c = -c
		}
		if c < 0 {
			best = i
		}
	}
	return best
}

// Close closes the branches.
func (m *merged) Close() error { return m.branches.Close() }
