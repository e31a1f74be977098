package query

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/env"
	"github.com/pandodb/pando/internal/golden"
)

// dice makes random documents, filters, updates, projections and sorts, as JSON.
type dice struct{ env *env.Env }

func (d dice) n(n int) int { return int(d.env.Uint64() % uint64(n)) }

func (d dice) one(list ...string) string { return list[d.n(len(list))] }

func (d dice) number() string {
	return d.one("0", "1", "2", "3", "-1", "1.5", "2.0", `{"$numberLong":"2"}`, `{"$numberDecimal":"2.50"}`, `{"$numberDouble":"NaN"}`,
		`{"$numberDouble":"-0.0"}`, `{"$numberLong":"9007199254740993"}`, "2147483647")
}

func (d dice) scalar() string {
	switch d.n(8) {
	case 0, 1, 2, 3:
		return d.number()
	case 4:
		return d.one(`"x"`, `"xy"`, `""`, `"Y"`)
	case 5:
		return "null"
	case 6:
		return d.one("true", "false")
	}
	return d.one(`{"$date":"2020-01-01T00:00:00Z"}`, `{"$oid":"65e07b90aabbccddeeff0011"}`, `{"$minKey":1}`, `{"$maxKey":1}`,
		`{"$timestamp":{"t":5,"i":1}}`, `{"$binary":{"base64":"AQID","subType":"00"}}`, `{"$regularExpression":{"pattern":"x","options":""}}`)
}

func (d dice) list(max int, f func() string) string {
	var parts []string
	for range d.n(max + 1) {
		parts = append(parts, f())
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func (d dice) object(names []string, max int, f func() string) string {
	var parts []string
	seen := map[string]bool{}
	for range d.n(max + 1) {
		name := d.one(names...)
		if !seen[name] {
			seen[name] = true
			parts = append(parts, fmt.Sprintf("%q:%s", name, f()))
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

var someNames = []string{"a", "b", "c", "0", "1"}

func (d dice) value(depth int) string {
	if depth > 0 {
		switch d.n(4) {
		case 0:
			return d.list(3, func() string { return d.value(depth - 1) })
		case 1:
			return d.object(someNames, 3, func() string { return d.value(depth - 1) })
		}
	}
	return d.scalar()
}

func (d dice) document(id int) string {
	fields := d.object([]string{"a", "b", "c"}, 3, func() string { return d.value(3) })
	return fmt.Sprintf(`{"_id":%d`, id) + strings.Replace(","+fields[1:], ",}", "}", 1)
}

func (d dice) path() string {
	path := d.one("a", "b", "c")
	for d.n(2) == 0 {
		path += "." + d.one(someNames...)
	}
	return path
}

func (d dice) filter(depth int) string {
	if depth > 0 && d.n(3) == 0 {
		var parts []string
		for range 1 + d.n(3) {
			parts = append(parts, d.filter(depth-1))
		}
		return fmt.Sprintf(`{"%s":[%s]}`, d.one("$and", "$or", "$nor"), strings.Join(parts, ","))
	}
	out := fmt.Sprintf(`{%q:%s`, d.path(), d.predicate(depth))
	if d.n(3) == 0 {
		out += fmt.Sprintf(`,%q:%s`, "_id", `{"$gte":1}`)
	}
	return out + "}"
}

func (d dice) predicate(depth int) string {
	if d.n(3) == 0 {
		return d.plain()
	}
	ops := []string{}
	for range 1 + d.n(2) {
		ops = append(ops, d.operator(depth))
	}
	return "{" + strings.Join(ops, ",") + "}"
}

// plain is a value that a filter may compare with.
func (d dice) plain() string {
	return d.value(2)
}

func (d dice) operator(depth int) string {
	switch d.n(12) {
	case 0, 1, 2, 3:
		v := d.plain()
		for strings.HasPrefix(v, `{"$regular`) {
			v = d.plain()
		}
		return fmt.Sprintf(`"%s":%s`, d.one("$eq", "$ne", "$gt", "$gte", "$lt", "$lte"), v)
	case 4:
		return fmt.Sprintf(`"%s":%s`, d.one("$in", "$nin", "$all"), d.list(3, func() string { return d.value(1) }))
	case 5:
		return `"$exists":` + d.one("true", "false")
	case 6:
		return `"$type":` + d.one(`"number"`, `"array"`, `"object"`, `"string"`, `"null"`, `["int","array"]`, `"double"`)
	case 7:
		return `"$size":` + d.one("0", "1", "2")
	case 8:
		return `"$mod":` + d.one("[2,0]", "[2,1]", "[3,1]", "[-2,-1]")
	case 9:
		if depth > 0 {
			return `"$not":{` + d.operator(depth-1) + `}`
		}
		return `"$regex":` + d.one(`"x"`, `"^x"`, `"y$"`)
	case 10:
		return fmt.Sprintf(`"%s":%s`, d.one("$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"), d.one("1", "2", "[0,1]", "0", `{"$binary":{"base64":"AQ==","subType":"00"}}`))
	}
	if depth > 0 && d.n(2) == 0 {
		return `"$elemMatch":{` + d.operator(depth-1) + `}`
	}
	return fmt.Sprintf(`"$elemMatch":{%q:%s}`, d.one(someNames...), d.predicate(max(depth-1, 0)))
}

func (d dice) update() string {
	if d.n(12) == 0 {
		return d.object([]string{"a", "b", "c"}, 3, func() string { return d.value(2) })
	}
	if d.n(6) == 0 {
		return "[" + d.stage() + "]" // of two the server may keep the place of a field that the first took away.
	}
	var ops []string
	seen := map[string]bool{}
	for range 1 + d.n(3) {
		name := d.one("$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$addToSet", "$pop", "$pull", "$pullAll", "$bit", "$rename", "$setOnInsert")
		if !seen[name] {
			seen[name] = true
			ops = append(ops, fmt.Sprintf(`"%s":{%q:%s}`, name, d.updatePath(name), d.operand(name)))
		}
	}
	return "{" + strings.Join(ops, ",") + "}"
}

func (d dice) updatePath(op string) string {
	path := d.path()
	if op != "$rename" && d.n(4) == 0 {
		path += d.one(".$[]", ".$[].a", ".$[e]", ".$[e].b")
	}
	return path
}

func (d dice) operand(op string) string {
	switch op {
	case "$inc", "$mul":
		return d.number()
	case "$push":
		if d.n(2) == 0 {
			out := `{"$each":` + d.list(3, func() string { return d.value(1) })
			if d.n(2) == 0 {
				out += `,"$slice":` + d.one("0", "2", "-2", "5")
			}
			if d.n(2) == 0 {
				out += `,"$position":` + d.one("0", "1", "-1", "9")
			}
			if d.n(2) == 0 {
				out += `,"$sort":` + d.one("1", "-1", `{"a":1}`, `{"b":-1}`)
			}
			return out + "}"
		}
		return d.value(2)
	case "$addToSet":
		if d.n(2) == 0 {
			return `{"$each":` + d.list(3, func() string { return d.value(1) }) + "}"
		}
		return d.value(2)
	case "$pop":
		return d.one("1", "-1")
	case "$pull":
		return d.predicate(1)
	case "$pullAll":
		return d.list(3, func() string { return d.value(1) })
	case "$bit":
		return d.one(`{"and":6}`, `{"or":9}`, `{"xor":{"$numberLong":"3"}}`)
	case "$rename":
		return strconv.Quote(d.path())
	}
	return d.value(2)
}

func (d dice) stage() string {
	switch d.n(4) {
	case 0:
		return fmt.Sprintf(`{"$unset":%q}`, d.path())
	case 1:
		return `{"$project":` + d.projection(false) + `}`
	case 2:
		return fmt.Sprintf(`{"$replaceWith":{"k":"$%s"}}`, d.path())
	}
	return fmt.Sprintf(`{"$set":{%q:%s}}`, d.path(), d.one(`"$a"`, `"$b.a"`, "1", `{"$add":["$c",1]}`, `"$$REMOVE"`, `{"a":"$b"}`))
}

func (d dice) projection(find bool) string {
	var parts []string
	truth := d.one("0", "1")
	for range 1 + d.n(3) {
		v := truth
		switch {
		case find && d.n(5) == 0:
			v = d.one(`{"$slice":1}`, `{"$slice":-1}`, `{"$slice":[1,2]}`, `{"$elemMatch":{"a":1}}`, `{"$elemMatch":{"$gt":1}}`)
		case truth == "1" && d.n(4) == 0:
			v = d.one(`"$a"`, `"$b.c"`, `{"x":"$c"}`, `{"$literal":5}`, `["$a"]`)
		}
		parts = append(parts, fmt.Sprintf("%q:%s", d.path(), v))
	}
	if d.n(4) == 0 {
		parts = append(parts, `"_id":0`)
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func (d dice) sort() string {
	var parts []string
	for range 1 + d.n(3) {
		parts = append(parts, fmt.Sprintf("%q:%s", d.path(), d.one("1", "-1")))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// match gives an update's case a filter that matches its document, so that a
// positional $ stands for something, or takes the document away for an upsert.
func (d dice) match(t *testing.T, c *goldenCase) {
	switch d.n(3) {
	case 0:
		return
	case 1:
		c.query = parseDoc(t, d.one(`{"_id":1}`, `{"_id":1,"a":2}`, `{"a.b":1}`, `{"b":{"c":1}}`, `{"_id":{"$in":[3]},"a":[{"a":1}]}`, `{"_id":1,"c":{"$gt":1}}`))
		c.docs = nil
		return
	}
	for range 50 {
		q := parseDoc(t, d.filter(1))
		f, err := CompileFilter(q, Options{})
		if err != nil {
			continue
		}
		if ok, pos, _ := f.MatchPosition(c.docs[0], nil); ok && pos.OK {
			c.query = q
			c.text = strings.ReplaceAll(c.text, "$[]", "$")
			c.input = parseValue(t, c.text)
			return
		}
	}
}

// setting reads a number of the environment.
func setting(name string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil {
		return n
	}
	return otherwise
}

// TestRandom compares our answers to random questions with the reference
// server's. PANDO_DIFF_SEED and PANDO_DIFF_ROUNDS say which and how many.
func TestRandom(t *testing.T) {
	coll := reference(t)
	seed := setting("PANDO_DIFF_SEED", 1)
	failures := 0
	for round := range setting("PANDO_DIFF_ROUNDS", 20) {
		d := dice{env.Seeded(uint64(seed + round))}
		var docs []bsonx.Doc
		for i := range 20 {
			docs = append(docs, parseDoc(t, d.document(i)))
		}
		fill(t, coll, docs)
		check := func(text, q string, ask, ours func(goldenCase) string) {
			c := goldenCase{text: text, docs: docs, input: parseValue(t, text)}
			if q != "" {
				c.query = parseDoc(t, q)
			}
			want, got := ask(c), ours(c)
			if want != got && !strings.HasPrefix(want, "!! 16746") && failures < 10 {
				failures++
				t.Errorf("seed %d: %s | %s\n got %s\nwant %s", seed+round, text, q, got, want)
				for _, doc := range docs {
					t.Logf("+ %s", golden.Doc(t, doc))
				}
			}
		}
		for range 20 {
			check(d.filter(2), "", func(c goldenCase) string { return askFilter(t, coll, c) }, func(c goldenCase) string { return ourFilter(t, c) })
			check(d.projection(true), "", func(c goldenCase) string { return askProjection(t, coll, c) }, func(c goldenCase) string { return ourProjection(t, c) })
			check(d.sort(), "", func(c goldenCase) string { return askSort(t, coll, c) }, func(c goldenCase) string { return ourSort(t, c) })
		}
		for range 20 {
			c := goldenCase{text: d.update(), docs: []bsonx.Doc{docs[d.n(len(docs))]}}
			c.input = parseValue(t, c.text)
			if strings.Contains(c.text, "$[e]") {
				c.filters = []bsonx.Doc{parseDoc(t, d.one(`{"e":1}`, `{"e":{"$gt":1}}`, `{"e.a":1}`, `{"e":{"$exists":true}}`))}
			}
			d.match(t, &c)
			fill(t, coll, c.docs)
			if want, got := askUpdate(t, coll, c), ourUpdate(t, c); want != got && failures < 10 {
				failures++
				t.Errorf("seed %d: %s | %v | %v\n on %v\n got %s\nwant %s", seed+round, c.text, c.query, c.filters, c.docs, got, want)
			}
		}
	}
}
