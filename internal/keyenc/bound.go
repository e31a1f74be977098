package keyenc

import "crypto/sha256"

// BoundBytes is how long a key may be that Bound returns: it leaves 512 bytes
// below the store's limit of 8 KiB.
const BoundBytes = 7680

// HashBytes is what the hash takes at the end of a cut key.
const HashBytes = sha256.Size

// Bound shortens a key that is too long for the store. A key of more than
// BoundBytes-HashBytes is cut there, and the SHA-256 of all of it put behind, so
// that short has exactly BoundBytes. Equal keys stay equal and others differ.
// Beyond the cut the order is lost: bounds of a range must be cut without a hash
// (see [Prefix]), and what lies between must be looked at in the document.
// The hash is written into key's own memory.
func Bound(key []byte) (short []byte, hashed bool) { return BoundTo(key, BoundBytes) }

// BoundTo is Bound with a limit of the caller's, as where two encodings share a key.
func BoundTo(key []byte, bytesMax int) (short []byte, hashed bool) {
	cut := bytesMax - HashBytes
	if len(key) <= cut {
		return key, false
	}
	sum := sha256.Sum256(key)
	return append(key[:cut], sum[:]...), true
}

// Prefix is the part of a key that sorts rightly among bounded keys: all of it,
// or what lies before the cut. A lower bound is the prefix; an upper bound that
// was cut is its [Successor].
func Prefix(key []byte, bytesMax int) (prefix []byte, cut bool) {
	if n := bytesMax - HashBytes; len(key) > n {
		return key[:n], true
	}
	return key, false
}

// Split takes the fields, one for each of desc, off the front of a bounded key,
// which other bytes may follow. It needs no mark to know a cut key: its fields do
// not end before the cut, as those of a whole key do. The fields of a cut key
// cannot be decoded beyond the cut.
func Split(key []byte, desc []bool, bytesMax int) (fields, rest []byte, hashed bool, err error) {
	head := key[:min(len(key), bytesMax-HashBytes)]
	left := head
	for _, d := range desc {
		if left, err = Skip(left, d); err != nil {
			break
		}
	}
	switch {
	case err == nil:
		n := len(head) - len(left)
		return key[:n:n], key[n:], false, nil
	case err == ErrTruncated && len(key) >= bytesMax:
		return key[:bytesMax:bytesMax], key[bytesMax:], true, nil
	}
	return nil, nil, false, err
}
