package query

import (
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// rename is $rename, at its destination. What it moves it finds in the document as
// it was; at the source stands a renamed.
type rename struct{ from, to []string }

// renamed removes the source of a rename.
type renamed struct{}

func (*rename) creates() bool   { return true }
func (*rename) mindsPath() bool { return true }
func (renamed) creates() bool   { return false }
func (renamed) mindsPath() bool { return false }

func (u *Update) addRename(from string, v bsonx.Value) error {
	// The source is in place before the destination is looked at.
	fromParts, err := splitUpdatePath(from)
	if err != nil {
		return err
	}
	if err := u.place(from, renamed{}, true); err != nil {
		return err
	}
	if v.Type != bsonx.TypeString {
		return bad("The 'to' field for $rename must be a string: %s", element(from, v))
	}
	to := strings.Clone(bsonx.Str(v))
	if strings.IndexByte(to, 0) >= 0 {
		return mongoerr.New(9867600, "Field name can't contain null bytes")
	}
	if isDynamic(from) {
		return bad("The source field for $rename may not be dynamic: %s", from)
	}
	if isDynamic(to) {
		return bad("The destination field for $rename may not be dynamic: %s", to)
	}
	toParts, err := splitUpdatePath(to)
	if err != nil {
		return err
	}
	if from == to {
		return bad("The source and target field for $rename must differ: %s", element(from, v))
	}
	if strings.HasPrefix(to, from+".") || strings.HasPrefix(from, to+".") {
		return bad("The source and target field for $rename must not be on the same path: %s", element(from, v))
	}
	u.deep = u.deep || len(toParts) > len(fromParts)
	return u.place(to, &rename{from: fromParts, to: toParts}, true)
}

func isDynamic(path string) bool {
	for part := range strings.SplitSeq(path, ".") {
		if part == "$" || isArrayBranch(part) {
			return true
		}
	}
	return false
}

// lookUp finds what is to be moved; missing if there is nothing.
func (r *rename) lookUp(a *application) (bsonx.Value, error) {
	v := bsonx.DocValue(a.doc)
	array := ""
	for i, part := range r.from {
		if v.Type != bsonx.TypeDocument && (v.Type != bsonx.TypeArray || !isDigits(part)) {
			return v, mongoerr.Newf(mongoerr.PathNotViable, "cannot use the part (%s of %s) to traverse the element ({%s})",
				r.from[i-1], strings.Join(r.from, "."), element(r.from[i-1], v))
		}
		if v.Type == bsonx.TypeArray && array == "" {
			array = r.from[i-1]
		}
		if v = bsonx.Get(bsonx.AsDoc(v), part); v.Type == bsonx.TypeMissing {
			return v, nil
		}
	}
	if array != "" {
		return v, bad("The source field cannot be an array element, '%s' in doc with %s has an array field called '%s'",
			strings.Join(r.from, "."), a.idElement(), array)
	}
	to := bsonx.DocValue(a.doc)
	for i, part := range r.to {
		if to.Type == bsonx.TypeArray {
			return v, bad("The destination field cannot be an array element, '%s' in doc with %s has an array field called '%s'",
				strings.Join(r.to, "."), a.idElement(), r.to[i-1])
		}
		if to.Type != bsonx.TypeDocument {
			break
		}
		to = bsonx.Get(bsonx.AsDoc(to), part)
	}
	return v, nil
}

func (r *rename) apply(a *application, key string, _ bsonx.Value) (outcome, error) {
	v, err := r.lookUp(a)
	if err != nil || v.Type == bsonx.TypeMissing {
		return same, err
	}
	a.b.Value(key, v)
	return wrote, nil
}

func (renamed) apply(*application, string, bsonx.Value) (outcome, error) { return removed, nil }
