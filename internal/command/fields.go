package command

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// Field is one field of a command, or of a document inside one.
type Field struct {
	Name     string
	Type     Types
	Required bool

	// NotYet refuses the field by name (238): MongoDB knows it, Pando does not
	// do it yet. With Unless, only values other than this one are refused: an
	// option that asks for what happens anyway is honoured.
	NotYet bool
	Unless func(bsonx.Value) bool

	// NoEffect is a field that is honoured by doing nothing, and why that is so.
	NoEffect string

	// AtLeast is the least value of a number, if Bounded.
	Bounded bool
	AtLeast int64
}

// Fields are the fields of one document, by name.
type Fields struct {
	owner  string
	list   []Field
	index  map[string]int
	needed []int
	open   bool // names that are not in the list are kept: see anyFields.
	loose  bool // names that are not in the list are passed over: see lenientFields.
}

// NewFields makes the decoder of a document; owner is its name in messages.
func NewFields(owner string, list ...Field) *Fields {
	f := &Fields{owner: owner, list: list, index: make(map[string]int, len(list))}
	for i, fd := range list {
		f.index[fd.Name] = i
		if fd.Required {
			f.needed = append(f.needed, i)
		}
	}
	return f
}

// lenientFields makes the decoder of the few documents in which the original
// passes over what it does not know.
func lenientFields(owner string, list ...Field) *Fields {
	f := NewFields(owner, list...)
	f.loose = true
	return f
}

// Args are decoded fields. The bytes are those of the request.
type Args struct {
	f    *Fields
	vals []bsonx.Value
	seqs []Sequence
	open bsonx.Doc // the fields that an open list does not name.
	late error     // what is wrong, for a command that tells it late.
}

// Sequence is a field that came as its own section of the message.
type Sequence struct {
	Name string
	Docs []bsonx.Doc
}

// Decode checks a document that stands inside a command and returns its fields.
func (f *Fields) Decode(doc bsonx.Doc) (Args, error) {
	a := Args{f: f, vals: make([]bsonx.Value, len(f.list))}
	for it := bsonx.Walk(doc); it.Next(); {
		if err := a.put(it.Key(), it.Value()); err != nil {
			return a, err
		}
	}
	return a, a.complete()
}

// put takes one field.
func (a *Args) put(name string, v bsonx.Value) error {
	i, ok := a.f.index[name]
	if !ok && a.f.loose {
		return nil
	}
	if !ok {
		return mongoerr.Newf(mongoerr.IDLUnknownField, "BSON field '%s.%s' is an unknown field.", a.f.owner, name)
	}
	return a.putAt(i, v)
}

// putAt takes the field with that place in the list.
func (a *Args) putAt(i int, v bsonx.Value) error {
	fd := &a.f.list[i]
	if fd.Type.absent(v) {
		return nil
	}
	if !fd.Type.allow(v) {
		return fd.Type.mismatch(a.f.owner, fd.Name, v)
	}
	if a.vals[i].Type != bsonx.TypeMissing {
		return mongoerr.Newf(mongoerr.IDLDuplicateField, "BSON field '%s.%s' is a duplicate field", a.f.owner, fd.Name)
	}
	if fd.NotYet && (fd.Unless == nil || !fd.Unless(v)) {
		return mongoerr.NotYet(a.f.owner + "." + fd.Name)
	}
	if fd.Bounded {
		if n, _ := integer(v); n < fd.AtLeast {
			return mongoerr.Newf(mongoerr.BadValue, "BSON field '%s' value must be >= %d, actual value '%d'", fd.Name, fd.AtLeast, n)
		}
	}
	a.vals[i] = v
	return nil
}

// complete tells what is missing.
func (a *Args) complete() error {
	for _, i := range a.f.needed {
		name := a.f.list[i].Name
		if a.vals[i].Type == bsonx.TypeMissing && a.sequence(name) == nil {
			return missing(a.f.owner, name)
		}
	}
	return nil
}

func missing(owner, field string) error {
	return mongoerr.Newf(mongoerr.IDLFailedToParse, "BSON field '%s.%s' is missing but a required field", owner, field)
}

// checkArg checks the value that stands at the command's own name; owner is the
// command in messages.
func (c *Call) checkArg(owner string, t Types) error {
	switch {
	case t.absent(c.Arg):
		return missing(owner, c.Spec.Name)
	case !t.allow(c.Arg):
		return t.mismatch(owner, c.Spec.Name, c.Arg)
	}
	return nil
}

func (a *Args) sequence(name string) *Sequence {
	for i := range a.seqs {
		if a.seqs[i].Name == name {
			return &a.seqs[i]
		}
	}
	return nil
}

// Value is a field's value, or Missing. It panics on a name that is not in the
// command's table: that is a mistake in this package.
func (a *Args) Value(name string) bsonx.Value {
	i, ok := a.f.index[name]
	if !ok {
		panic("command: " + a.f.owner + " has no field " + name)
	}
	return a.vals[i]
}

// Has tells whether the field was given.
func (a *Args) Has(name string) bool { return a.Value(name).Type != bsonx.TypeMissing }

// Doc is a document or array field's bytes, nil if absent.
func (a *Args) Doc(name string) bsonx.Doc {
	if v := a.Value(name); v.Type == bsonx.TypeDocument || v.Type == bsonx.TypeArray {
		return bsonx.AsDoc(v)
	}
	return nil
}

// Str is a string field's text in the request's bytes, "" if absent.
func (a *Args) Str(name string) string {
	if v := a.Value(name); v.Type == bsonx.TypeString {
		return bsonx.Str(v)
	}
	return ""
}

// Bool is a boolean (or Truthy) field, or what it is when absent.
func (a *Args) Bool(name string, absent bool) bool {
	v := a.Value(name)
	switch {
	case v.Type == bsonx.TypeMissing:
		return absent
	case v.Type == bsonx.TypeBool:
		return bsonx.AsBool(v)
	}
	n, exact := integer(v)
	return n != 0 || !exact
}

// Int is a number field, or what it is when absent. Fractions are cut, and what
// is out of range is the nearest int64.
func (a *Args) Int(name string, absent int64) int64 {
	v := a.Value(name)
	if v.Type == bsonx.TypeMissing {
		return absent
	}
	n, _ := integer(v)
	return n
}

// Docs are the documents of an array field or of its section of the message. An
// element that is no document is the client's error.
func (a *Args) Docs(name string) ([]bsonx.Doc, error) {
	if s := a.sequence(name); s != nil {
		return s.Docs, nil
	}
	return elements(a.Doc(name), a.f.owner, name)
}

// elements are the documents of an array, the parts of whose name messages say. Null
// and undefined among them are passed over.
func elements(array bsonx.Doc, name ...string) ([]bsonx.Doc, error) {
	var docs []bsonx.Doc
	for i, v := range bsonx.All(array) {
		switch v.Type {
		case bsonx.TypeDocument:
			docs = append(docs, bsonx.AsDoc(v))
		case bsonx.TypeNull, bsonx.TypeUndefined:
		default:
			return nil, Document.mismatch(strings.Join(name, "."), i, v)
		}
	}
	return docs, nil
}

// Strings are copies of the strings of an array field.
func (a *Args) Strings(name string) ([]string, error) {
	var list []string
	for it := bsonx.Walk(a.Doc(name)); it.Next(); {
		v := it.Value()
		if Text.absent(v) {
			continue
		}
		if v.Type != bsonx.TypeString {
			return nil, Text.mismatch(a.f.owner, name+"."+it.Key(), v)
		}
		list = append(list, strings.Clone(bsonx.Str(v)))
	}
	return list, nil
}

// integer is a number's whole part, held within int64; exact tells if nothing was lost.
func integer(v bsonx.Value) (n int64, exact bool) {
	switch v.Type {
	case bsonx.TypeInt32:
		return int64(bsonx.AsInt32(v)), true
	case bsonx.TypeInt64:
		return bsonx.AsInt64(v), true
	case bsonx.TypeBool:
		if bsonx.AsBool(v) {
			return 1, true
		}
		return 0, true
	case bsonx.TypeDouble, bsonx.TypeDecimal:
		if n, ok := bsonx.ToInt64Exact(v); ok {
			return n, true
		}
		n, _ := bsonx.ToInt64Clamped(v)
		return n, false
	}
	return 0, false
}
