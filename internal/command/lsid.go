package command

import (
	"fmt"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// lsid is what a document says that names a session: one of a client's own, or the
// child of one, which servers make for transactions within others.
type lsid struct {
	id      session.ID
	hasUID  bool
	number  bsonx.Value // of a child, Missing if there is none.
	txnUUID bsonx.Value // of a child.
}

// errInternalSession is for a child where there can be none.
var errInternalSession = mongoerr.New(mongoerr.InvalidOptions, "Internal sessions are not supported outside of transactions")

// own is the session if it is a client's own.
func (l *lsid) own() (session.ID, error) {
	switch {
	case l.child():
		return l.id, errInternalSession
	case !bsonx.IsMissing(l.number):
		return l.id, mongoerr.New(mongoerr.InvalidOptions, "Cannot specify txnNumber in lsid without specifying txnUUID")
	}
	return l.id, nil
}

func (l *lsid) child() bool { return !bsonx.IsMissing(l.txnUUID) }

// String is the id as the reference server prints it.
func (l *lsid) String() string {
	text := strings.TrimSuffix(l.id.String(), " -  - ")
	if bsonx.IsMissing(l.number) {
		text += " - "
	} else {
		text += fmt.Sprintf(" - %d", bsonx.AsInt64(l.number))
	}
	_, u := l.txnUUID.Binary()
	return text + fmt.Sprintf(" - %x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// parseLSID decodes a session's name. It is a decoder of its own since every
// command of every driver passes by.
func parseLSID(doc bsonx.Doc, owner string) (l lsid, err error) {
	l.id.UID = session.NobodyUID
	hasID := false
	for name, v := range bsonx.All(doc) {
		null := v.Type == bsonx.TypeNull || v.Type == bsonx.TypeUndefined
		twice := false
		switch name {
		case "id":
			if null {
				continue
			}
			twice, hasID = hasID, true
			err = parseUUID(owner, name, v, l.id.UUID[:])
		case "uid":
			if null {
				continue
			}
			twice, l.hasUID = l.hasUID, true
			err = parseDigest(owner, name, v, &l.id)
		case "txnNumber":
			if null {
				continue
			}
			twice = !bsonx.IsMissing(l.number)
			if l.number = v; !Long.allow(v) {
				err = Long.mismatch(owner, name, v)
			}
		case "txnUUID":
			if null {
				continue
			}
			twice = !bsonx.IsMissing(l.txnUUID)
			l.txnUUID = v
			err = parseUUID(owner, name, v, nil)
		default:
			err = mongoerr.Newf(mongoerr.IDLUnknownField, "BSON field '%s.%s' is an unknown field.", owner, name)
		}
		if err == nil && twice {
			err = mongoerr.Newf(mongoerr.IDLDuplicateField, "BSON field '%s.%s' is a duplicate field", owner, name)
		}
		if err != nil {
			return l, err
		}
	}
	if !hasID {
		return l, missing(owner, "id")
	}
	return l, nil
}

var errUUIDLength = mongoerr.New(mongoerr.InvalidUUID, "uuid must be a 16-byte binary field with UUID (4) subtype")

// parseUUID copies a UUID to to.
func parseUUID(owner, field string, v bsonx.Value, to []byte) error {
	b, err := parseBinary(owner, field, v, 4)
	if err != nil {
		return err
	}
	if len(b) != 16 {
		return errUUIDLength
	}
	copy(to, b)
	return nil
}

// parseDigest sets the user of a session.
func parseDigest(owner, field string, v bsonx.Value, id *session.ID) error {
	b, err := parseBinary(owner, field, v, 0)
	if err != nil {
		return err
	}
	if len(b) != len(id.UID) {
		return mongoerr.Newf(mongoerr.UnsupportedFormat, "Unsupported SHA256Block hash length: %d", len(b))
	}
	copy(id.UID[:], b)
	return nil
}

// parseBinary returns the bytes of a binary value of that kind.
func parseBinary(owner, field string, v bsonx.Value, kind byte) ([]byte, error) {
	if v.Type != bsonx.TypeBinary {
		return nil, UUID.mismatch(owner, field, v)
	}
	sub, b := v.Binary()
	if sub != kind {
		return nil, mongoerr.Newf(mongoerr.TypeMismatch, "BSON field '%s.%s' is the wrong binData type '%s', expected type '%s'",
			owner, field, binarySubtype(sub), binarySubtype(kind))
	}
	return b, nil
}

func binarySubtype(b byte) string {
	switch b {
	case 0:
		return "general"
	case 1:
		return "function"
	case 2:
		return "binary (deprecated)"
	case 3:
		return "UUID(deprecated)"
	case 4:
		return "UUID"
	case 5:
		return "MD5"
	case 6:
		return "encrypt"
	case 7:
		return "column"
	case 8:
		return "sensitive"
	case 9:
		return "vector"
	case 128:
		return "Custom"
	}
	return "invalid"
}
