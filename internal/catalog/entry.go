package catalog

import (
	"bytes"
	"fmt"

	"github.com/pandodb/pando/internal/bsonx"
)

// encode returns the stored form of an entry. The namespace is in its key, and
// the index on _id goes without saying.
func (c *Collection) encode() []byte {
	b := bsonx.NewBuilder(nil)
	b.Int64("id", int64(c.ID))
	b.Binary("uuid", 4, c.UUID[:])
	b.Int32("kind", int32(c.Kind))
	b.EmbedDoc("options", c.Options)
	b.Int64("nextIndex", int64(c.nextIndex))
	b.OpenArray("indexes")
	n := 0
	for _, idx := range c.Indexes {
		if idx.ID == IDIndex {
			continue
		}
		b.OpenDoc(bsonx.Index(n))
		b.Int64("id", int64(idx.ID))
		b.Int32("state", int32(idx.State))
		b.EmbedDoc("spec", idx.Spec)
		b.Close()
		n++
	}
	b.Close()
	return b.Doc()
}

// decodeEntry reads an entry; value is kept.
func decodeEntry(key, value []byte) (*Collection, error) {
	ns, err := parseEntryKey(key)
	if err != nil {
		return nil, err
	}
	if err := bsonx.Validate(value, bsonx.DepthMax*2); err != nil {
		return nil, fmt.Errorf("catalog: entry of %s: %w", ns, err)
	}
	c := &Collection{NS: ns, key: bytes.Clone(key), Options: bsonx.Empty, derived: &derived{}}
	for name, v := range bsonx.All(value) {
		switch {
		case name == "id" && v.Type == bsonx.TypeInt64:
			c.ID = uint64(bsonx.AsInt64(v))
		case name == "uuid" && v.Type == bsonx.TypeBinary && len(v.Data) == 5+16:
			copy(c.UUID[:], v.Data[5:])
		case name == "kind" && v.Type == bsonx.TypeInt32:
			c.Kind = Kind(bsonx.AsInt32(v))
		case name == "options" && v.Type == bsonx.TypeDocument:
			c.Options = bsonx.AsDoc(v)
		case name == "nextIndex" && v.Type == bsonx.TypeInt64:
			c.nextIndex = uint32(bsonx.AsInt64(v))
		case name == "indexes" && v.Type == bsonx.TypeArray:
			if err := c.decodeIndexes(bsonx.AsDoc(v)); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("catalog: entry of %s: unexpected field %q", ns, name)
		}
	}
	c.Cap = capOf(c.Options)
	if c.ID == 0 {
		return nil, fmt.Errorf("catalog: entry of %s has no id", ns)
	}
	return c, nil
}

func (c *Collection) decodeIndexes(list bsonx.Doc) error {
	if c.Kind == KindCollection {
		c.Indexes = append(c.Indexes, idIndex())
	}
	for _, v := range bsonx.All(list) {
		d := bsonx.AsDoc(v)
		id, state, spec := bsonx.Get(d, "id"), bsonx.Get(d, "state"), bsonx.Get(d, "spec")
		if id.Type != bsonx.TypeInt64 || state.Type != bsonx.TypeInt32 || spec.Type != bsonx.TypeDocument {
			return fmt.Errorf("catalog: entry of %s: malformed index", c.NS)
		}
		idx, err := ParseIndex(bsonx.AsDoc(spec))
		if err != nil {
			return fmt.Errorf("catalog: entry of %s: %w", c.NS, err)
		}
		idx.ID, idx.State = uint32(bsonx.AsInt64(id)), State(bsonx.AsInt32(state))
		c.Indexes = append(c.Indexes, idx)
	}
	return nil
}
