package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/kv"
	"github.com/pandodb/pando/internal/mongoerr"
)

// The read and write concern of commands that bring none of their own: implicit
// ones, or those that setDefaultRWConcern has stored in config.settings.
var (
	setDefaultRWConcern = Spec{
		Name: "setDefaultRWConcern", Admin: true, Write: true, Help: "sets the default read and write concern",
		Fields: NewFields("setDefaultRWConcern",
			Field{Name: "defaultReadConcern", Type: Document},
			Field{Name: "defaultWriteConcern", Type: Document}),
	}
	getDefaultRWConcern = Spec{
		Name: "getDefaultRWConcern", Admin: true, Help: "tells the default read and write concern",
		Fields: NewFields("getDefaultRWConcern",
			Field{Name: "inMemory", Type: Boolean}),
	}
)

// rwDefaultsID is the _id of the stored defaults.
const rwDefaultsID = "ReadWriteConcernDefaults"

// rwDefaults are the defaults as stored; it is not changed once it is published.
type rwDefaults struct {
	read   string        // a level; "" for the implicit one.
	write  *WriteConcern // nil for the implicit one.
	at     kv.Time       // of the setting; 0 if there never was one.
	wall   int64         // the same in milliseconds on the clock.
	loaded int64         // when this process learned of it.
}

// rwDefaultsOf reads a stored document, nil for none. What it holds was judged when
// it was stored, or was put there by hand: what does not parse counts as not set.
func rwDefaultsOf(doc bsonx.Doc, now int64) *rwDefaults {
	r := &rwDefaults{loaded: now}
	if doc == nil {
		return r
	}
	r.at = kv.Time(bsonx.AsInt64(orZero(bsonx.Get(doc, "updateOpTime"), bsonx.TypeTimestamp)))
	r.wall = bsonx.AsInt64(orZero(bsonx.Get(doc, "updateWallClockTime"), bsonx.TypeDate))
	if v := bsonx.Get(doc, "defaultReadConcern"); v.Type == bsonx.TypeDocument {
		if rc, err := parseReadConcern(v); err == nil {
			r.read = rc.Level
		}
	}
	if v := bsonx.Get(doc, "defaultWriteConcern"); v.Type == bsonx.TypeDocument {
		if wc, err := parseWriteConcern(v, WriteConcern{}); err == nil && wc.HasW {
			wc.Provenance = customDefault
			r.write = &wc
		}
	}
	return r
}

// orZero is v if it is of that type, else a zero of eight bytes.
func orZero(v bsonx.Value, t bsonx.Type) bsonx.Value {
	if v.Type != t {
		return bsonx.Int64(0)
	}
	return v
}

func (d *Dispatcher) loadRWDefaults(ctx context.Context) error {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	doc, err := d.setting(ctx, settingsNS, rwDefaultsID)
	if err != nil {
		return err
	}
	d.rwDefaults.Store(rwDefaultsOf(doc, d.Env.Now().UnixMilli()))
	return nil
}

// defaults are the defaults that hold now.
func (d *Dispatcher) defaults() *rwDefaults {
	if r := d.rwDefaults.Load(); r != nil {
		return r
	}
	return &rwDefaults{loaded: d.Persona.Started.UnixMilli()}
}

// writeConcern is what holds for a command without a w of its own.
func (r *rwDefaults) writeConcern() WriteConcern {
	if r.write != nil {
		return *r.write
	}
	return implicitWriteConcern()
}

func runSetDefaultRWConcern(ctx context.Context, c *Call) error {
	read, write := c.Args.Value("defaultReadConcern"), c.Args.Value("defaultWriteConcern")
	if read.Type == bsonx.TypeMissing && write.Type == bsonx.TypeMissing {
		return mongoerr.New(mongoerr.BadValue, `At least one of the "defaultReadConcern" or "defaultWriteConcern" fields must be present`)
	}
	var level string
	var wc *WriteConcern
	var err error
	if read.Type != bsonx.TypeMissing {
		if level, err = suitableReadConcern(read); err != nil {
			return err
		}
	}
	if write.Type != bsonx.TypeMissing {
		if wc, err = suitableWriteConcern(write); err != nil {
			return err
		}
	}
	// What the command does not name stays as it is stored, not as it is in memory:
	// another command may be naming that at the same time.
	err = c.putSetting(ctx, settingsNS, rwDefaultsID, func(old bsonx.Doc) (bsonx.Doc, error) {
		now := rwDefaultsOf(old, 0)
		if read.Type != bsonx.TypeMissing {
			now.read = level
		}
		if write.Type != bsonx.TypeMissing {
			if wc == nil && now.write != nil {
				return nil, mongoerr.New(mongoerr.IllegalOperation, "The global default write concern cannot be unset once it is set.")
			}
			now.write = wc
		}
		now.at, now.wall = c.D.Store.Visible(), c.D.Env.Now().UnixMilli()
		return now.stored(), nil
	})
	if err != nil {
		return err
	}
	if err := c.D.loadRWDefaults(ctx); err != nil {
		return err
	}
	c.D.defaults().appendTo(c.Reply, false)
	return nil
}

// stored is the document that rwDefaultsOf reads.
func (r *rwDefaults) stored() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.String("_id", rwDefaultsID)
	if r.read != "" {
		r.appendRead(b)
	}
	if r.write != nil {
		r.appendWrite(b)
	}
	r.appendUpdate(b)
	return b.Doc()
}

// suitableReadConcern is the level of a default read concern; "" unsets it.
func suitableReadConcern(v bsonx.Value) (string, error) {
	rc, err := parseReadConcern(v)
	if err != nil {
		return "", err
	}
	unsuitable := func(what string) error {
		return mongoerr.Newf(mongoerr.BadValue, "%s is not suitable for the default read concern", what)
	}
	switch {
	case rc.Level == levelSnapshot || rc.Level == levelLinearizable || rc.Level == levelSerializable:
		return "", unsuitable("level: '" + rc.Level + "'")
	case rc.After != 0:
		return "", unsuitable("'afterClusterTime'")
	case rc.At != 0:
		return "", unsuitable("'atClusterTime'")
	case rc.Level != "" && bsonx.Get(bsonx.AsDoc(v), "provenance").Type != bsonx.TypeMissing:
		return "", mongoerr.New(mongoerr.BadValue, "'provenance' must be unset in default read concern")
	}
	return rc.Level, nil
}

// suitableWriteConcern is a default write concern; nil unsets it.
func suitableWriteConcern(v bsonx.Value) (*WriteConcern, error) {
	wc, err := parseWriteConcern(v, WriteConcern{})
	switch {
	case err != nil:
		return nil, err
	case !wc.Given:
		return nil, nil
	case !wc.HasW:
		return nil, mongoerr.New(mongoerr.BadValue, "Default write concern must have 'w' field.")
	case !wc.Named && wc.Tags == nil && wc.W == 0:
		return nil, mongoerr.New(mongoerr.BadValue, "Unacknowledged write concern is not suitable for the default write concern")
	case wc.Provenance != "":
		return nil, mongoerr.New(mongoerr.BadValue, "'provenance' must be unset in default write concern")
	case wc.Named && wc.Mode != levelMajority:
		return nil, wc.unknownMode()
	}
	return &wc, nil
}

func runGetDefaultRWConcern(ctx context.Context, c *Call) error {
	inMemory := c.Args.Bool("inMemory", false)
	if !inMemory {
		if err := c.D.loadRWDefaults(ctx); err != nil {
			return err
		}
	}
	c.D.defaults().appendTo(c.Reply, inMemory)
	return nil
}

// appendTo writes the reply of both commands.
func (r *rwDefaults) appendTo(b *bsonx.Builder, inMemory bool) {
	source := func(set bool) string {
		if set {
			return "global"
		}
		return "implicit"
	}
	r.appendRead(b)
	r.appendWrite(b)
	if r.at != 0 {
		r.appendUpdate(b)
	}
	b.String("defaultWriteConcernSource", source(r.write != nil))
	b.String("defaultReadConcernSource", source(r.read != ""))
	if inMemory {
		b.Bool("inMemory", true)
	}
	b.Date("localUpdateWallClockTime", r.loaded)
}

func (r *rwDefaults) appendRead(b *bsonx.Builder) {
	b.OpenDoc("defaultReadConcern")
	level := r.read
	if level == "" {
		level = levelLocal
	}
	b.String("level", level)
	b.Close()
}

func (r *rwDefaults) appendWrite(b *bsonx.Builder) {
	b.OpenDoc("defaultWriteConcern")
	r.writeConcern().appendFields(b)
	b.Close()
}

func (r *rwDefaults) appendUpdate(b *bsonx.Builder) {
	b.Timestamp("updateOpTime", uint64(r.at))
	b.Date("updateWallClockTime", r.wall)
}
