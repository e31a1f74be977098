package pebblekv

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/kv"
)

// Check walks the store and reports what should not be: a key that is not of a
// known space, too long, or without value; a time above the ceiling; Pebble's
// levels out of order; claims and snapshots that contradict the clock. It may run
// beside transactions. The error is about the walk itself.
func (s *Store) Check(report func(problem string)) error {
	s.files.RLock()
	defer s.files.RUnlock()
	if err := s.usable(); err != nil {
		return err
	}
	s.checking.Add(1) // a damaged file is what is looked for, not a reason to die.
	defer s.checking.Add(-1)
	if err := s.checkKeys(report); err != nil {
		report(fmt.Sprintf("keys: %v", err))
	}
	if err := s.db.CheckLevels(nil); err != nil {
		report(fmt.Sprintf("levels: %v", err))
	}
	s.checkTimes(report)
	s.claims.check(report)
	s.snapshots.check(report)
	s.snapshots.checkSerial(report)
	return nil
}

func (s *Store) checkKeys(report func(string)) error {
	it, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	defer it.Close()
	for ok := it.First(); ok; ok = it.Next() {
		key := it.Key()
		switch {
		case len(it.Value()) == 0:
			report(fmt.Sprintf("key %x has no value", key))
		case key[0] == metaSpace && len(key) == 2 && (key[1] == lastTimeKey[1] || key[1] == ceilingKey[1]):
		case key[0] != dataSpace:
			report(fmt.Sprintf("key %x is of no known space", key))
		case len(key) == 1 || len(key) > 1+kv.KeyBytesMax:
			report(fmt.Sprintf("key %x has a bad length", key))
		}
	}
	return it.Error()
}

func (s *Store) checkTimes(report func(string)) {
	s.committer.Lock()
	defer s.committer.Unlock()
	last, err := s.readTime(lastTimeKey)
	if err != nil {
		report(err.Error())
	}
	ceiling, err := s.readTime(ceilingKey)
	if err != nil {
		report(err.Error())
	}
	if visible := s.Visible(); last != visible {
		report(fmt.Sprintf("the last commit is %d, and %d is visible", last, visible))
	}
	if last > ceiling {
		report(fmt.Sprintf("the last commit %d lies above the ceiling %d", last, ceiling))
	}
	if durable := s.Durable(); durable > last {
		report(fmt.Sprintf("durable %d lies above the last commit %d", durable, last))
	}
}

func (c *claims) check(report func(string)) {
	for i := range c.shards {
		s := &c.shards[i]
		s.mu.Lock()
		held, size := 0, 0
		for key, cl := range s.byKey {
			size += len(key) + claimOverheadBytes
			if cl.holder != nil {
				held++
			} else if len(cl.queue) > 0 {
				report(fmt.Sprintf("claim %x is free and has a queue", key))
			} else if kv.Time(cl.committed.Load()) <= s.floor {
				report(fmt.Sprintf("claim %x is free and below the floor", key))
			}
		}
		if held != s.held || size != s.bytes {
			report(fmt.Sprintf("claims: %d held of %d bytes, counted %d of %d", held, size, s.held, s.bytes))
		}
		s.mu.Unlock()
	}
}

func (s *snapshots) check(report func(string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	refs, txns := 0, 0
	for i, snap := range s.live {
		refs += snap.refs
		if i > 0 && s.live[i-1].time >= snap.time {
			report(fmt.Sprintf("snapshots %d and %d are out of order", s.live[i-1].time, snap.time))
		}
		if snap.gone && snap.refs > 0 {
			report(fmt.Sprintf("snapshot %d is closed and read", snap.time))
		}
	}
	for tx := s.open.first; tx != nil; tx = tx.next {
		txns++
	}
	if refs != txns || txns != s.open.n {
		report(fmt.Sprintf("%d transactions open, counted %d, with %d snapshots", txns, s.open.n, refs))
	}
}

// checkSerial looks at the log that serializable transactions are compared with.
func (s *snapshots) checkSerial(report func(string)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, size, open := &s.serial, 0, 0
	for i, w := range l.commits {
		size += w.bytes
		if i > 0 && l.commits[i-1].at > w.at || w.at > s.newest().time {
			report(fmt.Sprintf("the commit at %d is out of order in the log of writes", w.at))
		}
		if !slices.IsSortedFunc(w.keys, bytes.Compare) {
			report(fmt.Sprintf("the keys of the commit at %d are out of order", w.at))
		}
	}
	for tx := s.open.first; tx != nil; tx = tx.next {
		if tx.reads != nil {
			open++
		}
	}
	if size != l.bytes || open != l.open.Len() || open == 0 && size > 0 || size > l.bytesMax {
		report(fmt.Sprintf("the log of writes has %d bytes for %d transactions, counted %d for %d", size, open, l.bytes, l.open.Len()))
	}
}

// LeakCheck tells what is still held though nobody should hold anything: open
// transactions with their notes and iterators, claims, and who waits. Tests call
// it on their way out.
func (s *Store) LeakCheck() error {
	if leaks := s.snapshots.leaks(); len(leaks) > 0 {
		return fmt.Errorf("pebblekv: %d transactions are open: %s", len(leaks), strings.Join(leaks, ", "))
	}
	if _, held, _, _ := s.claims.stats(); held > 0 {
		return fmt.Errorf("pebblekv: %d claims are held", held)
	}
	if n := s.claims.queues.count(); n > 0 {
		return fmt.Errorf("pebblekv: %d transactions wait", n)
	}
	return nil
}

func (s *snapshots) leaks() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []string
	for tx := s.open.first; tx != nil; tx = tx.next {
		list = append(list, fmt.Sprintf("%q, which reads at %d", tx.note, tx.snap.time))
	}
	return list
}
