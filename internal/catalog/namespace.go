package catalog

import (
	"strings"

	"github.com/pandodb/pando/internal/mongoerr"
)

// Limits of names, in bytes.
const (
	DatabaseBytesMax  = 63
	NamespaceBytesMax = 255
)

// Namespace is a collection's or view's full name.
type Namespace struct{ DB, Coll string }

// String is the dotted form; only the database if there is no collection name.
func (n Namespace) String() string {
	if n.Coll == "" {
		return n.DB
	}
	return n.DB + "." + n.Coll
}

// ParseNamespace splits "db.coll" at the first dot, without judging either part.
func ParseNamespace(s string) Namespace {
	db, coll, _ := strings.Cut(s, ".")
	return Namespace{DB: db, Coll: coll}
}

// ValidateDatabase tells if a database may be called so, as every command must
// ask before it does anything with $db. A name is judged together with the
// collection's, if there is one, since the message holds both.
func ValidateDatabase(db string) error { return Namespace{DB: db}.validateDatabase() }

func (n Namespace) validateDatabase() error {
	switch {
	case strings.ContainsRune(n.DB, 0):
		return errNull
	case len(n.DB) > DatabaseBytesMax:
		return mongoerr.Newf(mongoerr.InvalidNamespace,
			"db name must be at most %d characters, found: %d", DatabaseBytesMax, len(n.DB))
	case strings.Contains(n.DB, "."):
		return mongoerr.Newf(mongoerr.InvalidNamespace, "'.' is an invalid character in a db name: %s", n.DB)
	case !n.namedDatabase():
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid namespace specified: %s", n)
	}
	return nil
}

// NamedDatabase tells whether a database's name is made of what names are made of.
func NamedDatabase(db string) bool { return Namespace{DB: db}.namedDatabase() }

func (n Namespace) namedDatabase() bool { return n.DB != "" && !strings.ContainsAny(n.DB, `/\ "`) }

// Named tells whether both parts are there and the database's is made of what names
// are made of.
func (n Namespace) Named() bool { return n.Coll != "" && n.namedDatabase() }

var errNull = mongoerr.New(mongoerr.InvalidNamespace, "namespaces cannot have embedded null characters")

// Validate is the check for a name that is only looked up: reading a collection
// that cannot exist is reading an empty one, unless the name is malformed.
func (n Namespace) Validate() error {
	if err := n.ValidateCursor(); err != nil {
		return err
	}
	if n.Coll[0] == '$' {
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid collection name specified '%s'", n)
	}
	return nil
}

// ValidateCursor is the check for the name of a cursor, which need not be a
// collection's: $cmd.listCollections is one.
func (n Namespace) ValidateCursor() error {
	if err := n.validateDatabase(); err != nil {
		return err
	}
	switch {
	case n.Coll == "":
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid namespace specified: %s", n)
	case strings.ContainsRune(n.Coll, 0):
		return errNull
	case n.Coll[0] == '.':
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Collection names cannot start with '.': %s", n.Coll)
	}
	return nil
}

// ValidateNew is the check for a name about to be created.
func (n Namespace) ValidateNew() error {
	if n.Coll == "" || strings.ContainsRune(n.Coll, 0) {
		return n.Validate()
	}
	if err := n.validateDatabase(); err != nil {
		return err
	}
	switch {
	case strings.Contains(n.DB, "$"):
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid namespace: %s", n)
	case strings.Contains(n.Coll, "$"):
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid collection name: %s", n.Coll)
	case n.Coll[0] == '.':
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Collection names cannot start with '.': %s", n.Coll)
	case strings.HasPrefix(n.Coll, "system.") && !systemAllowed(n):
		return mongoerr.Newf(mongoerr.InvalidNamespace, "Invalid system namespace: %s", n)
	case len(n.String()) > NamespaceBytesMax:
		return mongoerr.Newf(mongoerr.InvalidNamespace,
			"Fully qualified namespace is too long. Namespace: %s Max: %d", n, NamespaceBytesMax)
	}
	return nil
}

// systemAllowed lists the system collections that a client may create.
func systemAllowed(n Namespace) bool {
	switch n.Coll {
	case "system.js", "system.users", "system.views", "system.profile":
		return true
	case "system.version", "system.roles", "system.keys", "system.backup_users":
		return n.DB == "admin"
	}
	return false
}
