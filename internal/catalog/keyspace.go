package catalog

import (
	"bytes"
	"encoding/binary"
	"errors"
)

// The first byte of a key says whose it is. See docs/format/keyspace.md.
const (
	// SpaceCatalog holds entries, database names, drop records and the id counter.
	SpaceCatalog = 0x01
	// SpaceSessions is left to package session: records of retryable writes and outcomes.
	SpaceSessions = 0x02
	// SpaceCounters holds a collection's counts, which only kv's Add writes.
	SpaceCounters = 0x03
	// SpaceFlags holds what indexes have met: see IndexFlags.
	SpaceFlags = 0x04
	// SpaceData holds documents and index entries.
	SpaceData = 0x10
)

// The second byte of a key in SpaceCatalog.
const (
	partEntry    = 'c' // database 0 collection -> entry
	partDatabase = 'd' // lower-case database -> its name
	partNextID   = 'n' // -> the first id that no block has taken
	partDrop     = 'x' // collection id, index id -> marker
)

// The counters of a collection.
const (
	CountDocuments = 1
	CountBytes     = 2
)

// PrefixBytes is the length of what stands before the encoded values in a key of
// SpaceData.
const PrefixBytes = 1 + 8 + 4

// AppendPrefix appends what the keys of one index begin with. Index 0 is the
// documents themselves, keyed by _id.
func AppendPrefix(dst []byte, coll uint64, index uint32) []byte {
	dst = append(dst, SpaceData)
	dst = binary.BigEndian.AppendUint64(dst, coll)
	return binary.BigEndian.AppendUint32(dst, index)
}

// SplitKey takes a key of SpaceData apart. tail is borrowed.
func SplitKey(key []byte) (coll uint64, index uint32, tail []byte, ok bool) {
	if len(key) < PrefixBytes || key[0] != SpaceData {
		return 0, 0, nil, false
	}
	return binary.BigEndian.Uint64(key[1:]), binary.BigEndian.Uint32(key[9:]), key[PrefixBytes:], true
}

// AppendCounterKey appends the key of one of a collection's counters.
func AppendCounterKey(dst []byte, coll uint64, which byte) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, SpaceCounters), coll)
	return append(dst, which)
}

func collectionKey(space byte, coll uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{space}, coll)
}

func flagPrefix(coll uint64, index uint32) []byte {
	return binary.BigEndian.AppendUint32(collectionKey(SpaceFlags, coll), index)
}

func flagsKey(coll uint64, index uint32, bit int) []byte {
	return append(flagPrefix(coll, index), byte(bit))
}

func entryKey(ns Namespace) []byte {
	key := make([]byte, 0, 3+len(ns.DB)+len(ns.Coll))
	key = append(key, SpaceCatalog, partEntry)
	key = append(key, ns.DB...)
	key = append(key, 0)
	return append(key, ns.Coll...)
}

var errBadKey = errors.New("catalog: not an entry's key")

func parseEntryKey(key []byte) (Namespace, error) {
	if len(key) < 2 || key[0] != SpaceCatalog || key[1] != partEntry {
		return Namespace{}, errBadKey
	}
	db, coll, ok := bytes.Cut(key[2:], []byte{0})
	if !ok {
		return Namespace{}, errBadKey
	}
	return Namespace{DB: string(db), Coll: string(coll)}, nil
}

// SplitEntryKey returns the namespace whose entry a key holds; ok is false for other keys.
func SplitEntryKey(key []byte) (ns Namespace, ok bool) {
	ns, err := parseEntryKey(key)
	return ns, err == nil
}

// SplitFlagKey returns the index whose flag a key is; ok is false for other keys.
func SplitFlagKey(key []byte) (coll uint64, index uint32, ok bool) {
	if len(key) != 1+8+4+1 || key[0] != SpaceFlags {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(key[1:]), binary.BigEndian.Uint32(key[9:]), true
}

func databaseKey(lower string) []byte {
	return append([]byte{SpaceCatalog, partDatabase}, lower...)
}

func nextIDKey() []byte { return []byte{SpaceCatalog, partNextID} }

// dropKey names a dropped collection (index 0) or a dropped index.
func dropKey(coll uint64, index uint32) []byte {
	key := binary.BigEndian.AppendUint64([]byte{SpaceCatalog, partDrop}, coll)
	return binary.BigEndian.AppendUint32(key, index)
}

func parseDropKey(key []byte) (coll uint64, index uint32, ok bool) {
	if len(key) != 2+8+4 || key[0] != SpaceCatalog || key[1] != partDrop {
		return 0, 0, false
	}
	return binary.BigEndian.Uint64(key[2:]), binary.BigEndian.Uint32(key[10:]), true
}

// partBounds is the range of one part of SpaceCatalog.
func partBounds(part byte) (lo, hi []byte) {
	return []byte{SpaceCatalog, part}, []byte{SpaceCatalog, part + 1}
}

// databaseBounds is the range of one database's entries.
func databaseBounds(db string) (lo, hi []byte) {
	lo = append([]byte{SpaceCatalog, partEntry}, db...)
	hi = append(bytes.Clone(lo), 1)
	return append(lo, 0), hi
}
