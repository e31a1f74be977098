package command

import (
	"math"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// WriteConcern is when a write counts as done.
type WriteConcern struct {
	W       int64  // a number of members, if Mode is "" and Tags nil.
	Mode    string // "majority" or a name.
	Named   bool   // w was a string (or null, which is the empty name).
	Tags    bsonx.Doc
	J       bool
	Timeout int64
	Given   bool
	HasW    bool

	// Provenance is who has set it, as the client claims; "" if it does not.
	Provenance string
}

// Majority tells whether w is "majority".
func (wc WriteConcern) Majority() bool { return wc.Named && wc.Mode == levelMajority }

// Durable tells whether the reply waits for the disk. A replica set of one
// journals what a majority acknowledges (writeConcernMajorityJournalDefault).
func (wc WriteConcern) Durable() bool { return wc.Majority() || wc.J }

// Unacknowledged tells whether the client asked for no outcome.
func (wc WriteConcern) Unacknowledged() bool {
	return wc.HasW && !wc.Named && wc.Tags == nil && wc.W == 0 && !wc.J
}

// implicitWriteConcern is the default of a replica set without arbiters for which
// none was set.
func implicitWriteConcern() WriteConcern { return WriteConcern{Mode: levelMajority, Named: true} }

// parseWriteConcern reads and checks the document (5.3); without one, or without
// w in it, def is what holds.
func parseWriteConcern(v bsonx.Value, def WriteConcern) (WriteConcern, error) {
	wc := WriteConcern{}
	var fsync bool
	if v.Type != bsonx.TypeMissing {
		for it := bsonx.Walk(bsonx.AsDoc(v)); it.Next(); {
			wc.Given = true
			if err := wc.take(it.Key(), it.Value(), &fsync); err != nil {
				return wc, err
			}
		}
	}
	if wc.J && fsync {
		return wc, mongoerr.New(mongoerr.FailedToParse, "fsync and j options cannot be used together")
	}
	if !wc.HasW {
		wc.W, wc.Mode, wc.Named, wc.Tags = def.W, def.Mode, def.Named, def.Tags
		if def.Provenance != "" {
			wc.Provenance = def.Provenance
		}
		if !wc.Given {
			wc.J, wc.Timeout = def.J, def.Timeout
		}
	}
	return wc, nil
}

func (wc *WriteConcern) take(field string, v bsonx.Value, fsync *bool) error {
	if field != "w" && Boolean.absent(v) {
		v = bsonx.Missing
	}
	switch field {
	case "w":
		wc.HasW = true
		return wc.takeW(v)
	case "j", "fsync":
		n, exact := integer(v)
		switch {
		case bsonx.IsMissing(v):
			return nil
		case v.Type != bsonx.TypeBool && !bsonx.IsNumber(v):
			return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field 'WriteConcernOptions.%s' is the wrong type '%s', expected types '[int, bool, double, long, decimal]'", field, bsonx.TypeName(v.Type))
		}
		on := n != 0 || !exact
		if field == "j" {
			wc.J = on
			return nil
		}
		*fsync = on
	case "wtimeout":
		wc.Timeout, _ = integer(v) // other types count as none, as in the original.
		if wc.Timeout > math.MaxInt32 {
			return mongoerr.New(mongoerr.FailedToParse, "wtimeout must be a 32-bit integer")
		}
	case "provenance":
		if bsonx.IsMissing(v) {
			return nil
		}
		var err error
		wc.Provenance, err = provenanceOf("WriteConcernOptions", v)
		return err
	case "getLastError": // of the protocol before OP_MSG, and ignored by the original too.
	default:
		return mongoerr.Newf(mongoerr.IDLUnknownField, "BSON field 'WriteConcernOptions.%s' is an unknown field.", field)
	}
	return nil
}

func (wc *WriteConcern) takeW(v bsonx.Value) error {
	switch {
	case bsonx.IsNaN(v):
		return mongoerr.New(mongoerr.FailedToParse, "w cannot be NaN")
	case bsonx.IsNumber(v):
		wc.W, _ = integer(v)
		if wc.W < 0 || wc.W > 50 {
			return mongoerr.Newf(mongoerr.FailedToParse, "w has to be a non-negative number and not greater than 50; found: %d", wc.W)
		}
	case v.Type == bsonx.TypeString:
		wc.Named, wc.Mode = true, string([]byte(bsonx.Str(v)))
	case v.Type == bsonx.TypeNull, v.Type == bsonx.TypeUndefined:
		wc.Named = true
	case v.Type == bsonx.TypeDocument:
		return wc.takeTags(bsonx.AsDoc(v))
	default:
		return mongoerr.Newf(mongoerr.FailedToParse, "w has to be a number, string, or object; found: %s", bsonx.TypeName(v.Type))
	}
	return nil
}

// takeTags reads how many members of each tag are asked for.
func (wc *WriteConcern) takeTags(tags bsonx.Doc) error {
	if bsonx.Len(tags) == 0 {
		return mongoerr.New(mongoerr.FailedToParse, "tagged write concern requires tags")
	}
	b := bsonx.NewBuilder(nil)
	for it := bsonx.Walk(tags); it.Next(); {
		v := it.Value()
		if !bsonx.IsNumber(v) {
			return mongoerr.Newf(mongoerr.FailedToParse, "tags must be a single level document with only number values; found: %s: %s",
				it.Key(), bsonx.ShellString(v))
		}
		n, _ := integer(v)
		b.Int64(it.Key(), n)
	}
	wc.Tags = b.Doc()
	return nil
}

// unsatisfied is the writeConcernError of a write concern that a replica set of
// one can never meet (5.4); nil if it can.
func (wc WriteConcern) unsatisfied() bsonx.Doc {
	switch {
	case wc.Tags != nil:
		tag, _ := bsonx.First(wc.Tags)
		return wc.failure(mongoerr.NoSuchKey, "No replica set tag key "+tag+" in config", false)
	case wc.Named && wc.Mode != levelMajority:
		e := wc.unknownMode()
		return wc.failure(e.Code, e.Msg, false)
	case !wc.Named && wc.W > 1:
		return wc.failure(mongoerr.UnsatisfiableWriteConcern, "Not enough data-bearing nodes", false)
	}
	return nil
}

// unknownMode is the error of a name that the configuration does not define.
func (wc WriteConcern) unknownMode() *mongoerr.Error {
	return mongoerr.Newf(mongoerr.UnknownReplWriteConcern, "No write concern mode named '%s' found in replica set configuration", wc.Mode)
}

// failure builds a writeConcernError.
func (wc WriteConcern) failure(code mongoerr.Code, msg string, timedOut bool) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.Int32("code", int32(code))
	b.String("codeName", code.String())
	b.String("errmsg", msg)
	b.OpenDoc("errInfo")
	if timedOut {
		b.Bool("wtimeout", true)
	}
	b.OpenDoc("writeConcern")
	wc.appendTo(b)
	b.Close()
	b.Close()
	return b.Doc()
}

// expired is the writeConcernError of a write whose own time is over.
func (wc WriteConcern) expired() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.Int32("code", int32(mongoerr.MaxTimeMSExpired))
	b.String("codeName", mongoerr.MaxTimeMSExpired.String())
	b.String("errmsg", "operation exceeded time limit")
	b.OpenDoc("errInfo")
	b.OpenDoc("writeConcern")
	b.Int32("w", int32(wc.W))
	b.Int32("wtimeout", 0)
	b.Close()
	b.Close()
	return b.Doc()
}

func (wc WriteConcern) appendTo(b *bsonx.Builder) {
	wc.appendFields(b)
	provenance := clientSupplied
	switch {
	case wc.Provenance != "":
		provenance = wc.Provenance
	case !wc.HasW:
		provenance = implicitDefault
	}
	b.String("provenance", provenance)
}

// appendFields writes it as a client would.
func (wc WriteConcern) appendFields(b *bsonx.Builder) {
	switch {
	case wc.Tags != nil:
		b.EmbedDoc("w", wc.Tags)
	case wc.Named:
		b.String("w", wc.Mode)
	default:
		b.Int32("w", int32(wc.W))
	}
	if wc.J {
		b.Bool("j", true)
	}
	b.Int32("wtimeout", int32(wc.Timeout))
}
