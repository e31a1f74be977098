package scenario

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const codeWriteConflict = 112

// hidden are the fields that tell of the moment and not of the command.
var hidden = []string{"ok", "$clusterTime", "operationTime", "electionId", "opTime", "topologyVersion"}

func isHidden(key string) bool { return slices.Contains(hidden, key) }

// failed tells whether a reply reports any failure: of the command, of a write, or
// of its write concern.
func failed(reply bson.Raw) bool {
	if n, _ := reply.Lookup("ok").AsFloat64OK(); n != 1 {
		return true
	}
	for _, key := range []string{"writeErrors", "writeConcernError"} {
		if _, err := reply.LookupErr(key); err == nil {
			return true
		}
	}
	n, _ := reply.Lookup("nErrors").AsInt64OK()
	return n > 0
}

// print turns a reply into the text of an expectation.
func (p *printer) print(reply bson.Raw, st *step) string {
	if n, _ := reply.Lookup("ok").AsFloat64OK(); n != 1 && !st.shows("all") && !st.shows("types") {
		return p.failure(reply, st)
	}
	if id, _ := reply.Lookup("cursor", "id").AsInt64OK(); id != 0 {
		p.names.cursor(id)
	}
	var b strings.Builder
	switch {
	case st.shows("all"):
		p.doc(&b, reply, nil)
		b.WriteByte('\n')
	case st.shows("types"):
		types(&b, reply)
		b.WriteByte('\n')
	case st.shows("cursor"):
		p.doc(&b, reply, isHidden)
		b.WriteByte('\n')
	case len(st.show) > 0 && !st.shows("code"):
		p.chosen(&b, reply, st.show)
	default:
		p.success(&b, reply, st)
	}
	return b.String()
}

// chosen prints some fields of a reply, under the paths by which they were asked for.
func (p *printer) chosen(b *strings.Builder, reply bson.Raw, paths []string) {
	n := 0
	b.WriteByte('{')
	for _, path := range paths {
		v, err := reply.LookupErr(strings.Split(path, ".")...)
		if err != nil {
			continue
		}
		if n++; n > 1 {
			b.WriteByte(',')
		}
		b.WriteString(quote(path))
		b.WriteByte(':')
		p.value(b, v)
	}
	b.WriteString("}\n")
}

func (p *printer) success(b *strings.Builder, reply bson.Raw, st *step) {
	cursor, hasCursor := reply.Lookup("cursor").DocumentOK()
	if hasCursor {
		p.cursor(b, cursor, st)
	}
	rest := func(key string) bool { return isHidden(key) || hasCursor && key == "cursor" }
	var other strings.Builder
	p.doc(&other, reply, rest)
	if !hasCursor || other.String() != "{}" {
		b.WriteString(other.String())
		b.WriteByte('\n')
	}
}

// cursor prints the documents of a batch, one a line, then what else there is to
// say of the cursor: its name if it is open, and any field beyond the usual.
func (p *printer) cursor(b *strings.Builder, cursor bson.Raw, st *step) {
	batch, ok := cursor.Lookup("firstBatch").ArrayOK()
	if !ok {
		batch, _ = cursor.Lookup("nextBatch").ArrayOK()
	}
	docs, _ := batch.Values()
	if st.sorted {
		p.sort(docs)
	}
	for _, d := range docs {
		p.value(b, d)
		b.WriteByte('\n')
	}
	if len(docs) == 0 {
		b.WriteString("(no documents)\n")
	}
	if id, _ := cursor.Lookup("id").AsInt64OK(); id != 0 {
		fmt.Fprintf(b, "cursor: %s\n", p.names.cursors[id])
	}
	var other strings.Builder
	p.doc(&other, cursor, func(key string) bool {
		return slices.Contains([]string{"firstBatch", "nextBatch", "id", "ns"}, key)
	})
	if other.String() != "{}" {
		fmt.Fprintf(b, "cursor: %s\n", other.String())
	}
}

// sort orders documents by their text, before anything in them gets its name: names
// are given in the order of what is printed.
func (p *printer) sort(docs []bson.RawValue) {
	p.names.blind = true
	defer func() { p.names.blind = false }()
	text := func(v bson.RawValue) string {
		var b strings.Builder
		p.value(&b, v)
		return b.String()
	}
	slices.SortStableFunc(docs, func(a, b bson.RawValue) int { return strings.Compare(text(a), text(b)) })
}

// failure prints a failed command: code, labels, text, and the fields beside them,
// or code and labels alone.
func (p *printer) failure(reply bson.Raw, st *step) string {
	code, _ := reply.Lookup("code").AsInt64OK()
	name, _ := reply.Lookup("codeName").StringValueOK()
	var b strings.Builder
	fmt.Fprintf(&b, "error: %s (%d)", name, code)
	if labels := labelsOf(reply); len(labels) > 0 {
		fmt.Fprintf(&b, " [%s]", strings.Join(labels, " "))
	}
	if msg, ok := reply.Lookup("errmsg").StringValueOK(); ok && code != codeWriteConflict && !st.shows("code") {
		b.WriteByte(' ')
		b.WriteString(quote(p.names.hide(msg)))
	}
	b.WriteByte('\n')
	if st.shows("code") {
		return b.String()
	}
	var other strings.Builder
	p.doc(&other, reply, func(key string) bool {
		return isHidden(key) || slices.Contains([]string{"code", "codeName", "errmsg", "errorLabels"}, key)
	})
	if other.String() != "{}" {
		b.WriteString(other.String())
		b.WriteByte('\n')
	}
	return b.String()
}

func labelsOf(reply bson.Raw) []string {
	array, ok := reply.Lookup("errorLabels").ArrayOK()
	if !ok {
		return nil
	}
	values, _ := array.Values()
	labels := make([]string, 0, len(values))
	for _, v := range values {
		label, _ := v.StringValueOK()
		labels = append(labels, label)
	}
	slices.Sort(labels)
	return labels
}

// types prints a document's names and types: what a reply has whose values are the server's own.
func types(b *strings.Builder, d bson.Raw) {
	elems, _ := d.Elements()
	b.WriteByte('{')
	for i, e := range elems {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(e.Key())
		b.WriteString(": ")
		if sub, ok := e.Value().DocumentOK(); ok {
			types(b, sub)
			continue
		}
		b.WriteString(e.Value().Type.String())
	}
	b.WriteByte('}')
}
