package scenario

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

// session is a named session of a file: its id and where its numbers stand.
type session struct {
	id   bson.Binary
	txn  int64 // the newest number used.
	open bool  // a transaction was begun and neither committed nor aborted by command.
}

func newSession(e *env.Env) *session {
	id := e.UUID()
	return &session{id: bson.Binary{Subtype: 4, Data: id[:]}}
}

func uuidBinary(text string) bson.Binary {
	data, _ := hex.DecodeString(strings.ReplaceAll(text, "-", ""))
	return bson.Binary{Subtype: 4, Data: data}
}

// parseCommands reads the commands of a step: extended JSON documents, one after
// the other, on as many lines as they like.
func parseCommands(input string) ([]bson.D, error) {
	var cmds []bson.D
	dec := json.NewDecoder(strings.NewReader(input))
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); err == io.EOF {
			return cmds, nil
		} else if err != nil {
			return nil, err
		}
		var cmd bson.D
		if err := bson.UnmarshalExtJSON(raw, false, &cmd); err != nil {
			return nil, fmt.Errorf("%s: %w", raw, err)
		}
		if len(cmd) == 0 {
			return nil, fmt.Errorf("a command without a name")
		}
		cmds = append(cmds, cmd)
	}
}

// complete returns the command as it is sent: with names replaced by what they
// stand for, the session's fields and $db.
func (f *file) complete(cmd bson.D, st *step) bson.D {
	cmd = f.replace("", cmd).(bson.D)
	f.names.mention(cmd)
	if st.session != "" && !st.raw {
		cmd = f.session(st.session).dress(cmd, st)
	}
	if has(cmd, "$db") {
		return cmd
	}
	db := st.db
	switch {
	case db != "":
	case endsTxn(cmd[0].Key) && !st.raw:
		db = "admin"
	default:
		db = "test"
	}
	return append(cmd, bson.E{Key: "$db", Value: f.database(db)})
}

// dress adds lsid and, as the session stands and the step wants, the transaction's fields.
func (s *session) dress(cmd bson.D, st *step) bson.D {
	number, explicit := take(&cmd, "txnNumber")
	start, starts := take(&cmd, "startTransaction")
	autocommit, hasAutocommit := take(&cmd, "autocommit")
	if !has(cmd, "lsid") {
		cmd = append(cmd, bson.E{Key: "lsid", Value: bson.D{{Key: "id", Value: s.id}}})
	}
	ends := endsTxn(cmd[0].Key)
	inside := starts || ends || st.force || s.open && !st.outside && !explicit
	if explicit {
		if n, ok := number.(int32); ok {
			number = int64(n)
		}
		if n, ok := number.(int64); ok && n > s.txn {
			s.txn = n
		}
	} else if inside {
		if starts {
			s.txn++
		}
		number = s.txn
	}
	if explicit || inside {
		cmd = append(cmd, bson.E{Key: "txnNumber", Value: number})
	}
	if hasAutocommit {
		cmd = append(cmd, bson.E{Key: "autocommit", Value: autocommit})
	} else if inside {
		cmd = append(cmd, bson.E{Key: "autocommit", Value: false})
	}
	if starts {
		cmd = append(cmd, bson.E{Key: "startTransaction", Value: start})
	}
	s.open = (s.open || starts) && !ends
	return cmd
}

func endsTxn(name string) bool { return name == "commitTransaction" || name == "abortTransaction" }

func has(d bson.D, key string) bool {
	for _, e := range d {
		if e.Key == key {
			return true
		}
	}
	return false
}

// take removes a field of d and returns it.
func take(d *bson.D, key string) (any, bool) {
	for i, e := range *d {
		if e.Key == key {
			*d = append((*d)[:i:i], (*d)[i+1:]...)
			return e.Value, true
		}
	}
	return nil, false
}

var reSession = regexp.MustCompile(`^\$[a-z]+$`)

// replace puts into a command what its names stand for. The key decides where a
// string is a session or a namespace.
func (f *file) replace(key string, v any) any {
	switch v := v.(type) {
	case bson.D:
		out := make(bson.D, len(v))
		for i, e := range v {
			sub := e.Key
			if sub == "id" && isSessionKey(key) {
				sub = "lsid.id"
			}
			out[i] = bson.E{Key: e.Key, Value: f.replace(sub, e.Value)}
		}
		return out
	case bson.A:
		out := make(bson.A, len(v))
		for i, e := range v {
			out[i] = f.replace(key, e)
		}
		return out
	case string:
		return f.replaceString(key, v)
	}
	return v
}

func isSessionKey(key string) bool {
	switch key {
	case "lsid", "killSessions", "endSessions", "refreshSessions":
		return true
	}
	return false
}

func (f *file) replaceString(key, s string) any {
	if reSession.MatchString(s) {
		if isSessionKey(key) {
			return bson.D{{Key: "id", Value: f.session(s[1:]).id}}
		}
		if key == "lsid.id" {
			return f.session(s[1:]).id
		}
	}
	switch key {
	case "renameCollection", "to", "ns", "namespace":
		if db, coll, ok := strings.Cut(s, "."); ok {
			return f.database(db) + "." + coll
		}
	case "db":
		return f.database(s)
	}
	return f.names.real(s)
}

// database is the real name of a file's database.
func (f *file) database(name string) string {
	switch name {
	case "admin", "config", "local", "":
		return name
	}
	return f.names.prefix + name
}

// prefixFor makes the prefix of a file's databases: short, since names are bounded, and its own.
func prefixFor(e *env.Env) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(e.Uint64()))
	return "s" + hex.EncodeToString(b[:]) + "_"
}
