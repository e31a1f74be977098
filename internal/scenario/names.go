package scenario

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

// names replaces what differs from run to run by names that do not, and gives the
// things back when a later command uses their names.
type names struct {
	env    *env.Env
	prefix string // of the file's databases.
	addr   string

	cursors map[int64]string  // id -> $cursorN
	made    map[string]string // an ObjectId or UUID in hex that the server made up -> its name.
	back    map[string]any    // name -> the thing, for later commands.
	given   map[string]bool   // those that a command has mentioned: printed as they are.
	counts  map[string]int
	blind   bool // give no new names: what has none is printed as <made>.
}

func newNames(e *env.Env, prefix, addr string) *names {
	return &names{
		env: e, prefix: prefix, addr: addr,
		cursors: map[int64]string{}, made: map[string]string{}, back: map[string]any{},
		given: map[string]bool{}, counts: map[string]int{},
	}
}

// fresh makes the next name of its kind.
func (n *names) fresh(kind string) string {
	n.counts[kind]++
	return fmt.Sprintf("$%s%d", kind, n.counts[kind])
}

// cursor names a cursor, once.
func (n *names) cursor(id int64) string {
	if name, ok := n.cursors[id]; ok {
		return name
	}
	name := n.fresh("cursor")
	n.cursors[id], n.back[name] = name, id
	return name
}

func (n *names) oid(hex string) string {
	return n.name("oid", hex, func() any {
		id, err := bson.ObjectIDFromHex(hex)
		if err != nil {
			return nil
		}
		return id
	})
}

func (n *names) uuid(text string) string {
	return n.name("uuid", text, func() any { return uuidBinary(text) })
}

// name names a thing that the server made up, once. thing is the thing itself, nil
// if the text is none.
func (n *names) name(kind, text string, thing func() any) string {
	if n.given[text] {
		return text
	}
	if name, ok := n.made[text]; ok {
		return name
	}
	if n.blind {
		return "<made>"
	}
	name := n.fresh(kind)
	n.made[text] = name
	if t := thing(); t != nil {
		n.back[name] = t
	}
	return name
}

// near tells whether a time in milliseconds is within a day of now.
func (n *names) near(ms int64) bool {
	d := n.env.Now().UnixMilli() - ms
	const day = int64(24 * time.Hour / time.Millisecond)
	return -day < d && d < day
}

func (n *names) date(ms int64) string {
	if n.near(ms) {
		return "<now>"
	}
	return isoDate(ms)
}

var (
	reUUID      = regexp.MustCompile(`\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b`)
	reOID       = regexp.MustCompile(`\b[0-9a-f]{24}\b`)
	reTimestamp = regexp.MustCompile(`Timestamp\((\d+), ?\d+\)`)
	reDate      = regexp.MustCompile(`new Date\((\d+)\)`)
	reISO       = regexp.MustCompile(`\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)`)
	reNumber    = regexp.MustCompile(`\b\d{9,19}\b`)
)

// hide replaces in a text whatever the server made up.
func (n *names) hide(s string) string {
	s = strings.ReplaceAll(s, n.prefix, "")
	s = strings.ReplaceAll(s, n.addr, "<host>")
	if len(s) < 9 {
		return s
	}
	s = reUUID.ReplaceAllStringFunc(s, n.uuid)
	s = reOID.ReplaceAllStringFunc(s, n.oid)
	s = reTimestamp.ReplaceAllStringFunc(s, func(m string) string {
		t, err := strconv.ParseInt(reTimestamp.FindStringSubmatch(m)[1], 10, 64)
		if err == nil && n.near(t*1000) {
			return "Timestamp(<now>)"
		}
		return m
	})
	s = reDate.ReplaceAllStringFunc(s, func(m string) string {
		t, err := strconv.ParseInt(reDate.FindStringSubmatch(m)[1], 10, 64)
		if err == nil && n.near(t) {
			return "new Date(<now>)"
		}
		return m
	})
	s = reISO.ReplaceAllStringFunc(s, func(m string) string {
		t, err := time.Parse(time.RFC3339, m)
		if err == nil && n.near(t.UnixMilli()) {
			return "<now>"
		}
		return m
	})
	return reNumber.ReplaceAllStringFunc(s, func(m string) string {
		if id, err := strconv.ParseInt(m, 10, 64); err == nil && n.cursors[id] != "" {
			return n.cursors[id]
		}
		return m
	})
}

// real gives what a name in a command stands for: itself, mostly.
func (n *names) real(s string) any {
	if v, ok := n.back[s]; ok {
		return v
	}
	return strings.ReplaceAll(s, "$db:", n.prefix)
}

// mention notes what a command holds, so that replies print it as it is.
func (n *names) mention(v any) {
	switch v := v.(type) {
	case bson.D:
		for _, e := range v {
			n.mention(e.Value)
		}
	case bson.A:
		for _, e := range v {
			n.mention(e)
		}
	case bson.ObjectID:
		n.given[v.Hex()] = n.made[v.Hex()] == ""
	case string:
		if reOID.MatchString(v) && len(v) == 24 {
			n.given[v] = n.made[v] == ""
		}
	case bson.Binary:
		if v.Subtype == 4 && len(v.Data) == 16 {
			text := dashed(v.Data)
			n.given[text] = n.made[text] == ""
		}
	}
}
