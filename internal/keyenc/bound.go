package keyenc

import "crypto/sha256"

// BoundBytes is how long a key may be that Bound returns: it leaves 512 bytes
// below the store's limit of 8 KiB.
const BoundBytes = 7680

// hashBytes is what the hash takes at the end of a cut key.
const hashBytes = sha256.Size

// Bound shortens a key that is too long for the store. A key of more than
// BoundBytes less a hash is cut there, and the SHA-256 of all of it put behind, so
// that short has exactly BoundBytes. Equal keys stay equal and others differ.
// Beyond the cut the order is lost: bounds of a range must be cut without a hash
// (see [Prefix]), and what lies between must be looked at in the document.
// The hash is written into key's own memory.
func Bound(key []byte) (short []byte, hashed bool) {
	head, cut := Prefix(key)
	if !cut {
		return key, false
	}
	sum := sha256.Sum256(key)
	return append(head, sum[:]...), true
}

// Prefix is the part of a key that sorts rightly among bounded keys: all of it,
// or what lies before the cut. A lower bound is the prefix; an upper bound that
// was cut is its [Successor].
func Prefix(key []byte) (prefix []byte, cut bool) {
	if n := BoundBytes - hashBytes; len(key) > n {
		return key[:n], true
	}
	return key, false
}
