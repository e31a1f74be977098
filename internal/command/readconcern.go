package command

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// The read concern levels.
const (
	levelLocal        = "local"
	levelAvailable    = "available"
	levelMajority     = "majority"
	levelLinearizable = "linearizable"
	levelSnapshot     = "snapshot"
	levelSerializable = "serializable"
)

// Who has set a concern.
const (
	clientSupplied  = "clientSupplied"
	implicitDefault = "implicitDefault"
	customDefault   = "customDefault"
)

// ReadConcern is what a reader asks of what it reads.
type ReadConcern struct {
	Level string // "" if none was given.
	After kv.Time
	At    kv.Time
	Given bool // a document with something in it.

	// op is afterOpTime, which servers ask of each other, and clients may.
	op *opTime

	// Default tells that Level was nobody's wish but setDefaultRWConcern's.
	Default bool
}

// provenance is who has set it.
func (rc ReadConcern) provenance() string {
	switch {
	case rc.Default:
		return customDefault
	case rc.Given:
		return clientSupplied
	}
	return implicitDefault
}

// opens tells whether the transaction was opened with this read concern, as far as
// that can be told: its snapshot is no older than what the client had seen.
func (rc ReadConcern) opens(t *session.Txn) bool {
	level := rc.Level
	if level == "" {
		level = levelLocal
	}
	return level == t.Level && rc.At == 0 && rc.After <= t.Tx.KV.ReadTime()
}

// Durable tells whether what is read must be durable before the reply goes out.
func (rc ReadConcern) Durable() bool {
	switch rc.Level {
	case levelMajority, levelLinearizable, levelSnapshot, levelSerializable:
		return true
	}
	return false
}

// parseReadConcern reads and checks the document (5.1).
func parseReadConcern(v bsonx.Value) (rc ReadConcern, err error) {
	if v.Type == bsonx.TypeMissing {
		return rc, nil
	}
	var times givenTimes
	for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
		if err := rc.take(it.Key(), it.Value(), &times); err != nil {
			return rc, err
		}
	}
	return rc, rc.checkTimes(times)
}

// givenTimes tells which times stand in a read concern, null ones too.
type givenTimes struct{ after, at bool }

// checkTimes tells which times do not go together, or not with the level.
func (rc *ReadConcern) checkTimes(given givenTimes) error {
	options := func(msg string) error { return mongoerr.New(mongoerr.InvalidOptions, msg) }
	switch {
	case given.after && rc.op != nil:
		return options("Can not specify both afterClusterTime and afterOpTime")
	case given.after && given.at:
		return options("Specifying a timestamp for readConcern snapshot in a causally consistent session is not allowed. See https://docs.mongodb.com/manual/core/read-isolation-consistency-recency/#causal-consistency")
	case given.after && (rc.Level == levelAvailable || rc.Level == levelLinearizable):
		return options("afterClusterTime field can be set only if level is equal to majority, local, or snapshot")
	case rc.op != nil && rc.Level == levelSnapshot:
		return options("afterOpTime field cannot be set if level is equal to snapshot")
	case given.at && rc.Level != levelSnapshot:
		return options("atClusterTime field can be set only if level is equal to snapshot")
	case given.after && rc.After == 0:
		return options("afterClusterTime cannot be a null timestamp")
	case given.at && rc.At.Seconds() == 0:
		return options("atClusterTime cannot be a null timestamp")
	}
	return nil
}

// lasting is a level in bytes of its own: a transaction's outlives the request's.
func lasting(level string) string {
	for _, known := range [...]string{levelLocal, levelAvailable, levelMajority, levelLinearizable, levelSnapshot, levelSerializable} {
		if known == level {
			return known
		}
	}
	return strings.Clone(level)
}

func (rc *ReadConcern) take(field string, v bsonx.Value, given *givenTimes) (err error) {
	if Text.absent(v) && (field == "level" || field == "provenance") {
		return nil
	}
	rc.Given = true
	switch field {
	case "level":
		if v.Type != bsonx.TypeString {
			return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field 'readConcern.level' is the wrong type '%s', expected type 'string'", bsonx.TypeName(v.Type))
		}
		switch l := bsonx.Str(v); l {
		case levelLocal, levelAvailable, levelMajority, levelLinearizable, levelSnapshot, levelSerializable:
			rc.Level = lasting(l)
		default:
			return mongoerr.Newf(mongoerr.BadValue, "Enumeration value '%s' for field 'readConcern.level' is not a valid value.", l)
		}
	case "afterClusterTime", "atClusterTime":
		if v.Type != bsonx.TypeTimestamp {
			return mongoerr.Newf(mongoerr.TypeMismatch, "\"%s\" had the wrong type. Expected 17, found %s", field, bsonx.TypeName(v.Type))
		}
		if ts := kv.Time(bsonx.AsInt64(v)); field == "atClusterTime" {
			rc.At, given.at = ts, true
		} else {
			rc.After, given.after = ts, true
		}
	case "provenance":
		_, err = provenanceOf("readConcern", v)
	case "afterOpTime":
		rc.op, err = parseOpTime(field, v)
	default:
		return mongoerr.Newf(mongoerr.IDLUnknownField, "BSON field 'readConcern.%s' is an unknown field.", field)
	}
	return err
}

// provenanceOf reads who has set a concern: servers tell each other; from a client
// it changes nothing but what an error shows.
func provenanceOf(owner string, v bsonx.Value) (string, error) {
	if v.Type != bsonx.TypeString {
		return "", Text.mismatch(owner, "provenance", v)
	}
	switch p := bsonx.Str(v); p {
	case clientSupplied, implicitDefault, customDefault, "getLastErrorDefaults", "internalWriteDefault":
		return strings.Clone(p), nil
	default:
		return "", mongoerr.Newf(mongoerr.BadValue, "Enumeration value '%s' for field '%s.provenance' is not a valid value.", p, owner)
	}
}

// shown is the concern as currentOp and the log show it.
func (rc ReadConcern) shown() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	switch {
	case rc.Level != "":
		b.String("level", rc.Level)
	case !rc.Given:
		b.String("level", levelLocal)
	}
	if rc.After != 0 {
		b.Timestamp("afterClusterTime", uint64(rc.After))
	}
	if rc.At != 0 {
		b.Timestamp("atClusterTime", uint64(rc.At))
	}
	b.String("provenance", rc.provenance())
	return b.Doc()
}

// ReadSupport is which read concerns a command takes.
type ReadSupport uint8

// The kinds of support.
const (
	ReadLocal    ReadSupport = iota // none or local.
	ReadMajority                    // every level but snapshot.
	ReadAll                         // every level.
)

// takesDefaultRead tells whether the default read concern is meant for the command:
// for reads, not for writes, whichever concerns they take.
func (s *Spec) takesDefaultRead() bool { return s.Read != ReadLocal && s.Name != "getMore" }

// supports tells why a command outside a transaction does not take rc.
func (s *Spec) supports(rc ReadConcern, shown bsonx.Value) error {
	why := ""
	switch {
	case rc.Level == levelSerializable:
		return mongoerr.New(mongoerr.InvalidOptions, "readConcern level 'serializable' is for the first command of a transaction")
	case rc.Level == "" || rc.Level == levelLocal:
		return nil
	case s.Read == ReadLocal:
		why = "read concern not supported"
	case rc.Level == levelSnapshot && s.Read != ReadAll:
		why = "read concern snapshot not supported"
	default:
		return nil
	}
	b := bsonx.NewBuilder(nil)
	b.OpenDoc("readConcern")
	b.Fields(bsonx.AsDoc(shown))
	b.String("provenance", clientSupplied)
	b.Close()
	return mongoerr.Newf(mongoerr.InvalidOptions, "Command %s does not support %s :: caused by :: %s",
		s.Name, bsonx.ShellString(bsonx.DocValue(b.Doc())), why)
}
