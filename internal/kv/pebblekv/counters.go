package pebblekv

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// counters is the newest value of counters that were added to lately. The
// committer's mutex guards it. It may forget any of them at any time.
type counters struct {
	values map[string]int64
}

// countersMax is where the memory is emptied, and fills again.
const countersMax = 8192

// fold adds what a batch counts to the counters, and writes their new values in
// the same batch. The committer calls it, so additions never meet.
func (s *Store) fold(b *batch) error {
	for _, a := range b.adds {
		if a.delta == 0 {
			continue
		}
		was, err := s.counter(a.key)
		if err != nil {
			return err
		}
		now := was + a.delta
		b.set(storedKey(nil, a.key), binary.LittleEndian.AppendUint64(nil, uint64(now)))
		s.counters.values[string(a.key)] = now
	}
	return nil
}

func (s *Store) counter(key []byte) (int64, error) {
	if value, ok := s.counters.values[string(key)]; ok {
		return value, nil
	}
	if len(s.counters.values) >= countersMax {
		clear(s.counters.values)
	}
	value, closer, err := s.db.Get(storedKey(nil, key))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read counter %x: %w", key, err)
	}
	defer closer.Close()
	if len(value) != 8 {
		return 0, fmt.Errorf("counter %x has %d bytes", key, len(value))
	}
	return int64(binary.LittleEndian.Uint64(value)), nil
}

// forget drops the counters in [lo, hi).
func (c *counters) forget(lo, hi []byte) {
	for key := range c.values {
		if bytes.Compare([]byte(key), lo) >= 0 && (hi == nil || bytes.Compare([]byte(key), hi) < 0) {
			delete(c.values, key)
		}
	}
}
