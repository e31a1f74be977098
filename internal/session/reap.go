package session

import (
	"bytes"
	"context"
	"errors"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
)

// Reap deletes the rows that no retry can ask for any more: those older than the
// least lifetime whose sessions have expired. It returns how many.
func (m *Manager) Reap(ctx context.Context) (int, error) {
	old, err := m.oldRows(ctx)
	if err != nil {
		return 0, err
	}
	n := 0
	for _, id := range old {
		switch done, err := m.reapOne(ctx, id); {
		case err != nil:
			return n, err
		case done:
			n++
		}
	}
	return n, nil
}

// oldRows lists the sessions whose rows are old, those in use included.
func (m *Manager) oldRows(ctx context.Context) ([]ID, error) {
	tx, err := m.db.Begin(ctx, kv.Options{})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	it, err := tx.KV.Scan(ctx, rowRange())
	if err != nil {
		return nil, err
	}
	defer it.Close()
	var old []ID
	for it.Next() {
		if id, row := idOfKey(it.Key()); row && m.isOld(it.Value()) {
			old = append(old, id)
		}
	}
	return old, it.Err()
}

// isOld tells whether a row is older than the least lifetime.
func (m *Manager) isOld(row bsonx.Doc) bool {
	limit := m.env.Now().Add(-m.conf.RecordLife).UnixMilli()
	v := bsonx.Get(row, "lastWriteDate")
	return v.Type == bsonx.TypeDate && bsonx.AsInt64(v) < limit
}

// reapOne deletes one session's row and chunks, unless somebody uses the session or
// has since the row was found. Whoever begins to waits meanwhile, and then finds no row.
func (m *Manager) reapOne(ctx context.Context, id ID) (done bool, err error) {
	s := m.vacant(id)
	if s == nil {
		return false, nil
	}
	defer m.vacate(s)
	tx, err := m.db.Begin(ctx, kv.Options{Note: "reaper of session records"})
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	key := rowKey(id)
	if err := tx.KV.Lock(ctx, kv.How{}, key); err != nil {
		if _, taken := errors.AsType[*kv.Conflict](err); taken {
			return false, nil // it was written just now.
		}
		return false, err
	}
	switch row, err := tx.KV.Get(ctx, key, nil); {
	case errors.Is(err, kv.ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	case !m.isOld(row):
		return false, nil
	}
	it, err := tx.KV.Scan(ctx, kv.Range{Lower: key, Upper: append(bytes.Clone(key), 0xff, 0xff, 0xff, 0xff, 0xff), KeysOnly: true})
	if err != nil {
		return false, err
	}
	var keys [][]byte
	for it.Next() {
		keys = append(keys, bytes.Clone(it.Key()))
	}
	if err := errors.Join(it.Err(), it.Close()); err != nil {
		return false, err
	}
	for _, k := range keys {
		if err := tx.KV.Delete(k); err != nil {
			return false, err
		}
	}
	_, err = tx.Commit(ctx)
	return err == nil, err
}

// vacant checks out a session that nobody uses, in a place of its own; nil if
// there is one already.
func (m *Manager) vacant(id ID) *Session {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sessions[id] != nil {
		return nil
	}
	s := m.add(id)
	s.gate <- struct{}{}
	return s
}

// vacate gives the place up: whoever waits for it looks the session up again. If
// somebody has touched the session meanwhile it stays, with what it may have opened.
func (m *Manager) vacate(s *Session) {
	m.mu.Lock()
	s.mu.Lock()
	s.forgotten = s.lastUse.IsZero()
	if s.forgotten {
		delete(m.sessions, s.ID)
	}
	s.mu.Unlock()
	m.mu.Unlock()
	<-s.gate
}
