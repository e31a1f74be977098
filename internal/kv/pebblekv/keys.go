package pebblekv

import (
	"encoding/binary"

	"github.com/pandodb/pando/internal/kv"
)

// The first byte of a stored key. Only this package knows of it; see
// docs/format/store.md. Bytes between are left for a replication log.
const (
	metaSpace byte = 0x01 // the engine's own.
	dataSpace byte = 0x10 // keys of the door, as given.
	dataEnd   byte = dataSpace + 1
)

// The engine's own keys. Each is read once, by Open.
var (
	lastTimeKey = []byte{metaSpace, 't'} // commit time of the batch that wrote it; in every batch.
	ceilingKey  = []byte{metaSpace, 'c'} // no commit has a time above it.
)

// storedKey appends the stored form of a key of the door.
func storedKey(dst, key []byte) []byte {
	return append(append(dst, dataSpace), key...)
}

// storedBounds returns the stored form of a range, in fresh bytes.
func storedBounds(r kv.Range) (lower, upper []byte) {
	lower = storedKey(make([]byte, 0, 1+len(r.Lower)), r.Lower)
	if r.Upper == nil {
		return lower, []byte{dataEnd}
	}
	return lower, storedKey(make([]byte, 0, 1+len(r.Upper)), r.Upper)
}

func encodeTime(t kv.Time) []byte { return binary.BigEndian.AppendUint64(nil, uint64(t)) }

func decodeTime(b []byte) (t kv.Time, ok bool) {
	if len(b) != 8 {
		return 0, false
	}
	return kv.Time(binary.BigEndian.Uint64(b)), true
}
