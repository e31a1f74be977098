package session

import (
	"fmt"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// API is the stable-API parameters, which all statements of a transaction share.
type API struct {
	Version             string
	Strict, Deprecation bool
}

// AppendTo writes the parameters that were given, as fields.
func (a API) AppendTo(b *bsonx.Builder) {
	if a.Version == "" {
		return
	}
	b.String("apiVersion", a.Version)
	b.Bool("apiStrict", a.Strict)
	b.Bool("apiDeprecationErrors", a.Deprecation)
}

// String names the parameters that were given, as messages print them.
func (a API) String() string {
	var parts []string
	if a.Version != "" {
		parts = append(parts, fmt.Sprintf("apiVersion: %q", a.Version))
	}
	if a.Strict {
		parts = append(parts, "apiStrict: true")
	}
	if a.Deprecation {
		parts = append(parts, "apiDeprecationErrors: true")
	}
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}
