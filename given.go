package pando

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
)

// parsed is the document of the settings that were given, as getCmdLineOpts shows it:
// sections as documents, names in order, parameters as texts.
func parsed(given map[string]any, parameters map[string]string) bsonx.Doc {
	all := maps.Clone(given)
	if all == nil {
		all = map[string]any{}
	}
	for name, value := range parameters {
		all["setParameter."+name] = value
	}
	b := bsonx.NewBuilder(nil)
	open := ""
	for _, key := range slices.Sorted(maps.Keys(all)) {
		section, name, ok := strings.Cut(key, ".")
		if !ok {
			section, name = "", key
		}
		if section != open {
			if open != "" {
				b.Close()
			}
			if section != "" {
				b.OpenDoc(section)
			}
			open = section
		}
		appendGiven(b, name, all[key])
	}
	if open != "" {
		b.Close()
	}
	return b.Doc()
}

func appendGiven(b *bsonx.Builder, name string, value any) {
	switch v := value.(type) {
	case bool:
		b.Bool(name, v)
	case int:
		b.Int32(name, int32(v))
	case float64:
		b.Double(name, v)
	default:
		b.String(name, fmt.Sprint(v))
	}
}
