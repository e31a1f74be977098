package catalog

import (
	"math"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// FieldsMax is how many fields an index may have.
const FieldsMax = 32

// indexOptions are the fields that a specification may have, whatever the kind of index.
var indexOptions = []string{
	"key", "name", "v", "ns", "unique", "sparse", "background", "hidden", "dropDups", "partialFilterExpression",
	"expireAfterSeconds", "collation", "storageEngine", "prepareUnique", "clustered", "originalSpec",
	"wildcardProjection", "columnstoreProjection",
	"weights", "default_language", "language_override", "textIndexVersion",
	"bits", "min", "max", "bucketSize", "2dsphereIndexVersion", "coarsestIndexedLevel", "finestIndexedLevel",
}

// ParseIndex reads the specification of an index as createIndexes takes it, and
// refuses what is malformed in the reference server's words. The result has no ID
// yet and keeps spec's bytes. Whether a partial filter is one that may be is the
// caller's to ask, who can compile it.
func ParseIndex(spec bsonx.Doc) (*Index, error) { return parseIndex(spec, spec) }

// ParseIDIndex is ParseIndex for the specification of the index on _id that create
// takes: its errors do not repeat it.
func ParseIDIndex(spec bsonx.Doc) (*Index, error) {
	return parse(specParser{given: spec, asked: spec, terse: true})
}

// ParseKnownOptions is ParseIndex for a caller who wants fields that no kind of index
// has to be ignored, as mongorestore does.
func ParseKnownOptions(spec bsonx.Doc) (*Index, error) {
	b := bsonx.NewBuilder(nil)
	for name, v := range bsonx.All(spec) {
		if slices.Contains(indexOptions, name) {
			b.Value(name, v)
		}
	}
	return parseIndex(b.Doc(), spec)
}

// parseIndex reads a specification. Errors about the time to live cite asked instead.
func parseIndex(spec, asked bsonx.Doc) (*Index, error) {
	return parse(specParser{given: spec, asked: asked})
}

func parse(p specParser) (*Index, error) {
	spec := p.given
	p.version, p.idx = bsonx.Int32(2), &Index{ExpireAfterSeconds: -1, given: spec}
	for name, v := range bsonx.All(spec) {
		if !slices.Contains(indexOptions, name) {
			return nil, p.errorf(mongoerr.InvalidIndexSpecificationOption,
				"The field '%s' is not valid for an index specification. Specification: %s", name, shell(spec))
		}
		if err := p.field(name, v); err != nil {
			return nil, err
		}
	}
	if p.idx.Key == nil {
		return nil, p.errorf(mongoerr.FailedToParse, "The 'key' field is a required property of an index specification")
	}
	if !p.named {
		return nil, p.errorf(mongoerr.FailedToParse, "The 'name' field is a required property of an index specification")
	}
	if err := p.whole(); err != nil {
		return nil, err
	}
	p.idx.Spec = p.idx.spec(p.normal())
	return p.idx, nil
}

type specParser struct {
	given   bsonx.Doc
	asked   bsonx.Doc // before fields were left out.
	terse   bool      // errors do not begin with the specification.
	idx     *Index
	version bsonx.Value
	named   bool
	sparse  bool        // was given, true or false.
	backgnd bsonx.Value // was given.
	extra   string      // the first field that the index on _id may not have.
}

func (p *specParser) errorf(code mongoerr.Code, format string, args ...any) error {
	e := mongoerr.Newf(code, format, args...)
	if p.terse {
		return e
	}
	return e.Prefix("Error in specification " + shell(p.given))
}

func shell(d bsonx.Doc) string { return bsonx.ShellString(bsonx.DocValue(d)) }

func (p *specParser) field(name string, v bsonx.Value) error {
	if p.extra == "" {
		switch name {
		case "key", "name", "v", "ns", "collation":
		default:
			p.extra = name
		}
	}
	switch name {
	case "key":
		if v.Type != bsonx.TypeDocument {
			return p.typeError(name, "an object", v)
		}
		return p.key(bsonx.AsDoc(v))
	case "name":
		if v.Type != bsonx.TypeString {
			return p.typeError(name, "a string", v)
		}
		p.idx.Name, p.named = bsonx.Str(v), true
	case "v":
		return p.versionField(v)
	case "unique":
		return p.flag(name, v, &p.idx.Unique)
	case "sparse":
		p.sparse = true
		return p.flag(name, v, &p.idx.Sparse)
	case "background":
		p.backgnd = v
		var ignored bool
		return p.flag(name, v, &ignored)
	case "hidden":
		if v.Type != bsonx.TypeBool {
			return p.typeError(name, "a bool", v)
		}
		p.idx.Hidden = bsonx.AsBool(v)
	case "partialFilterExpression":
		if v.Type != bsonx.TypeDocument {
			return p.typeError(name, "an object", v)
		}
		p.idx.Partial = bsonx.AsDoc(v)
	case "expireAfterSeconds":
		return p.expire(v)
	case "dropDups":
		var ignored bool
		return p.flag(name, v, &ignored)
	case "bits", "min", "max": // they only say something about 2d indexes, which are refused.
		if !bsonx.IsNumber(v) {
			return p.typeError(name, "a number", v)
		}
	case "ns": // taken and without meaning, as in the reference server.
	default:
		return p.otherField(name, v)
	}
	return nil
}

// otherField is about options of kinds of index that are not built yet.
func (p *specParser) otherField(name string, v bsonx.Value) error {
	switch name {
	case "collation":
		if v.Type != bsonx.TypeDocument {
			return p.typeError(name, "an object", v)
		}
		if l := bsonx.Get(bsonx.AsDoc(v), "locale"); l.Type == bsonx.TypeString && bsonx.Str(l) == "simple" {
			return nil // the same as none.
		}
		return mongoerr.NotYet("index option collation")
	case "wildcardProjection":
		return p.errorf(mongoerr.BadValue, "The field 'wildcardProjection' is only allowed in 'wildcard' indexes")
	case "default_language", "language_override":
		if v.Type != bsonx.TypeString {
			return p.typeError(name, "a string", v)
		}
	case "textIndexVersion", "2dsphereIndexVersion", "bucketSize":
		if !bsonx.IsNumber(v) {
			return p.typeError(name, "a number", v)
		}
	case "weights":
		if v.Type != bsonx.TypeDocument && v.Type != bsonx.TypeString && v.Type != bsonx.TypeArray {
			return p.typeError(name, "an object", v)
		}
		return p.errorf(mongoerr.CannotCreateIndex,
			"Invalid index specification %s; the field '%s' can only be specified with text indexes", shell(p.given), name)
	}
	return mongoerr.NotYet("index option " + name)
}

func (p *specParser) typeError(name, want string, v bsonx.Value) error {
	return p.errorf(mongoerr.TypeMismatch, "The field '%s' must be %s, but got %s", name, want, bsonx.TypeName(v.Type))
}

func (p *specParser) flag(name string, v bsonx.Value, to *bool) error {
	if v.Type != bsonx.TypeBool && !bsonx.IsNumber(v) {
		one := bsonx.NewBuilder(nil)
		one.Value(name, v)
		text := strings.TrimSuffix(strings.TrimPrefix(shell(one.Doc()), "{ "), " }")
		// The missing quote is the reference server's.
		return p.errorf(mongoerr.TypeMismatch, "The field '%s has value %s, which is not convertible to bool", name, text)
	}
	*to = truthy(v)
	return nil
}

func (p *specParser) versionField(v bsonx.Value) error {
	if !bsonx.IsNumber(v) {
		return p.typeError("v", "a number", v)
	}
	n, ok := bsonx.ToInt64Exact(v)
	if !ok || n != int64(int32(n)) {
		return p.errorf(mongoerr.BadValue,
			"Index version must be representable as a 32-bit integer, but got %s", bsonx.ShellString(v))
	}
	if n != 1 && n != 2 {
		return p.errorf(mongoerr.CannotCreateIndex,
			"Invalid index specification %s; cannot create an index with v=%d", shell(p.given), n)
	}
	p.version = bsonx.Int32(int32(n))
	return nil
}

func (p *specParser) expire(v bsonx.Value) error {
	fail := func(what string) error {
		return mongoerr.New(mongoerr.CannotCreateIndex, "TTL index 'expireAfterSeconds' "+what).Prefix(". Index spec: " + shell(p.asked))
	}
	if !bsonx.IsNumber(v) {
		return fail("option must be numeric, but received a type of '" + bsonx.TypeName(v.Type))
	}
	f, _ := bsonx.ToDouble(v)
	switch {
	case math.IsNaN(f):
		return fail("option must not be NaN")
	case f < 0:
		return fail("option cannot be less than 0")
	case f > math.MaxInt32:
		return fail("must be within the range of a 32-bit integer")
	}
	p.idx.ExpireAfterSeconds = int64(f)
	return nil
}

// key reads the key pattern.
func (p *specParser) key(key bsonx.Doc) error {
	p.idx.Key, p.idx.Fields = key, nil
	if bsonx.Len(key) == 0 {
		return p.errorf(mongoerr.CannotCreateIndex, "Index keys cannot be empty.")
	}
	seen := map[string]bool{}
	for path, v := range bsonx.All(key) {
		if seen[path] {
			return p.errorf(mongoerr.BadValue,
				"The field '%s' appears multiple times in the index key pattern %s", path, shell(key))
		}
		seen[path] = true
		desc, err := p.direction(v)
		if err != nil {
			return err
		}
		if err := p.path(path); err != nil {
			return err
		}
		p.idx.Fields = append(p.idx.Fields, Field{Path: path, Desc: desc})
	}
	return nil
}

func (p *specParser) direction(v bsonx.Value) (desc bool, err error) {
	switch {
	case bsonx.IsNumber(v):
		f, _ := bsonx.ToDouble(v)
		switch {
		case math.IsNaN(f):
			return false, p.errorf(mongoerr.CannotCreateIndex, "Values in the index key pattern cannot be NaN.")
		case f == 0:
			return false, p.errorf(mongoerr.CannotCreateIndex, "Values in the index key pattern cannot be 0.")
		}
		return f < 0, nil
	case v.Type == bsonx.TypeString:
		switch s := bsonx.Str(v); s {
		case "":
			return false, p.errorf(mongoerr.CannotCreateIndex, "Values in the index key pattern cannot be empty strings")
		case "text", "hashed", "2d", "2dsphere":
			return false, mongoerr.NotYet("index type " + s)
		default:
			return false, p.errorf(mongoerr.CannotCreateIndex, "Unknown index plugin '%s'", s)
		}
	}
	return false, p.errorf(mongoerr.CannotCreateIndex, "Values in v:2 index key pattern cannot be of type %s. "+
		"Only numbers > 0, numbers < 0, and strings are allowed.", bsonx.TypeName(v.Type))
}

func (p *specParser) path(path string) error {
	if path == "" {
		return p.errorf(mongoerr.CannotCreateIndex, "Index keys cannot be an empty field.")
	}
	if path == "$**" || strings.HasSuffix(path, ".$**") {
		return mongoerr.NotYet("wildcard indexes")
	}
	for i, part := range strings.Split(path, ".") {
		if part == "" {
			return p.errorf(mongoerr.CannotCreateIndex, "Index keys cannot contain an empty field.")
		}
		// The fields of a DBRef are the names with a dollar that documents may have.
		if part[0] == '$' && (i == 0 || part != "$id" && part != "$ref" && part != "$db") {
			return p.errorf(mongoerr.CannotCreateIndex,
				"Index key contains an illegal field name: field name starts with '$'.")
		}
	}
	return nil
}

// whole judges what takes more than one field to judge.
func (p *specParser) whole() error {
	idx := p.idx
	full := func(msg string) error { return idx.SpecError(mongoerr.New(mongoerr.CannotCreateIndex, msg), true) }
	onID := bsonx.CompareDocs(idx.Key, idIndex().Key) == 0
	switch {
	case onID && p.extra != "":
		return mongoerr.Newf(mongoerr.InvalidIndexSpecificationOption,
			"The field '%s' is not valid for an _id index specification. Specification: %s", p.extra, shell(idx.withVersion()))
	case onID:
		idx.Name = IDIndexName
	case len(idx.Fields) == 1 && idx.Fields[0].Path == "_id":
		return mongoerr.Newf(mongoerr.BadValue,
			"The field 'key' for an _id index must be {_id: 1}, but got %s", shell(idx.Key))
	case idx.Name == IDIndexName:
		return mongoerr.Newf(mongoerr.BadValue, "The index name '_id_' is reserved for the _id index, "+
			"which must have key pattern {_id: 1}, found key: %s", shell(idx.Key))
	case idx.Name == "*":
		return mongoerr.New(mongoerr.BadValue, "The index name '*' is not valid.")
	case idx.Name == "":
		return full("index name cannot be empty")
	case strings.ContainsRune(idx.Name, 0):
		return full("index name cannot contain NUL bytes")
	case len(idx.Fields) > FieldsMax:
		return mongoerr.New(mongoerr.Code(13103), "too many compound keys")
	case idx.Partial != nil && idx.Sparse:
		return full(`cannot mix "partialFilterExpression" and "sparse" options`)
	case idx.ExpireAfterSeconds >= 0 && len(idx.Fields) > 1:
		return mongoerr.Newf(mongoerr.CannotCreateIndex, "TTL indexes are single-field indexes, "+
			"compound indexes do not support TTL. Index spec: %s", shell(p.asked))
	}
	return nil
}

// SpecError puts the specification that ParseIndex was given before an error about
// it, with a version added where the reference server has done so by then.
func (i *Index) SpecError(e *mongoerr.Error, versioned bool) error {
	spec := i.given
	if versioned {
		spec = i.withVersion()
	}
	return e.Prefix("Error in specification " + shell(spec))
}

func (i *Index) withVersion() bsonx.Doc {
	if !bsonx.IsMissing(bsonx.Get(i.given, "v")) {
		return i.given
	}
	b := bsonx.NewBuilder(nil)
	b.Fields(i.given)
	b.Int32("v", 2)
	return b.Doc()
}

// normal holds what is shown of a specification and that an Index has no field for.
func (p *specParser) normal() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.Value("v", p.version)
	if !bsonx.IsMissing(p.backgnd) {
		b.Bool("background", truthy(p.backgnd))
	}
	if p.sparse {
		b.Bool("sparse", p.idx.Sparse)
	}
	return b.Doc()
}

// spec is the index as listIndexes shows it. Version, background and the presence
// of sparse are taken from was.
func (i *Index) spec(was bsonx.Doc) bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	b.Value("v", bsonx.Get(was, "v"))
	b.EmbedDoc("key", i.Key)
	b.String("name", i.Name)
	b.Value("background", bsonx.Get(was, "background"))
	if i.Unique {
		b.Bool("unique", true)
	}
	if i.Hidden {
		b.Bool("hidden", true)
	}
	if i.Partial != nil {
		b.EmbedDoc("partialFilterExpression", i.Partial)
	}
	b.Value("sparse", bsonx.Get(was, "sparse"))
	if i.ExpireAfterSeconds >= 0 {
		b.Int32("expireAfterSeconds", int32(i.ExpireAfterSeconds))
	}
	return b.Doc()
}

// truthy is the truth of a boolean or number.
func truthy(v bsonx.Value) bool {
	if v.Type == bsonx.TypeBool {
		return bsonx.AsBool(v)
	}
	f, ok := bsonx.ToDouble(v)
	return ok && f != 0
}
