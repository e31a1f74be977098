package command

import (
	"math"
	"strings"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// tri is a boolean that may be absent.
type tri int8

const (
	absent tri = iota
	no
	yes
)

func triOf(v bsonx.Value) tri {
	if bsonx.AsBool(v) {
		return yes
	}
	return no
}

// Generic are the fields that any command may carry (1.6).
type Generic struct {
	DB string

	HasLSID    bool
	LSID       session.ID
	HasTxn     bool
	TxnNumber  int64
	Autocommit tri
	Start      tri
	OrContinue bool // startOrContinueTransaction was given: between servers, it starts.
	Coordinate bool // coordinator: true
	RetryCount bsonx.Value
	StmtID     bsonx.Value

	ReadConcern  bsonx.Value
	WriteConcern bsonx.Value
	MaxTimeMS    int64 // 0 is none.
	ClusterTime  bsonx.Doc

	HasAPI bool
	API    session.API
}

// Starts tells whether the command claims to be a transaction's first.
func (g *Generic) Starts() bool { return g.Start == yes || g.OrContinue }

// InTxn tells whether the command claims to be a transaction's statement.
func (g *Generic) InTxn() bool { return g.HasTxn && g.Autocommit == no }

// Retryable tells whether the command claims to be a retryable write.
func (g *Generic) Retryable() bool { return g.HasTxn && g.Autocommit == absent }

// genericFieldsMax is no less than the number of generic fields.
const genericFieldsMax = 32

var genericFields = NewFields("",
	Field{Name: "lsid", Type: Document},
	Field{Name: "txnNumber", Type: Long},
	Field{Name: "autocommit", Type: Boolean},
	Field{Name: "startTransaction", Type: Boolean},
	Field{Name: "startOrContinueTransaction", Type: Boolean},
	Field{Name: "coordinator", Type: Boolean},
	Field{Name: "txnRetryCounter", Type: Int},
	Field{Name: "stmtId", Type: Any},
	Field{Name: "readConcern", Type: Document},
	Field{Name: "writeConcern", Type: Document},
	Field{Name: "maxTimeMS", Type: Integer},
	Field{Name: "maxTimeMSOpOnly", Type: Integer},
	Field{Name: "$readPreference", Type: Document},
	Field{Name: "$clusterTime", Type: Document},
	Field{Name: "comment", Type: Any},
	Field{Name: "help", Type: Boolean, NotYet: true, Unless: isFalse},
	Field{Name: "apiVersion", Type: Text},
	Field{Name: "apiStrict", Type: Boolean},
	Field{Name: "apiDeprecationErrors", Type: Boolean},
	Field{Name: "$db", Type: Text},
	Field{Name: "$audit", Type: Document, NoEffect: "for servers that relay"},
	Field{Name: "$client", Type: Document, NoEffect: "for servers that relay"},
	Field{Name: "$configTime", Type: Timestamp, NoEffect: "for sharded clusters"},
	Field{Name: "$topologyTime", Type: Timestamp, NoEffect: "for sharded clusters"},
	Field{Name: "$queryOptions", Type: Document, NoEffect: "of the protocol before OP_MSG"},
	Field{Name: "$configServerState", Type: Document, NoEffect: "for sharded clusters"},
	Field{Name: "allowImplicitCollectionCreation", Type: Boolean, NotYet: true, Unless: isTrue},
	Field{Name: "requestGossipRoutingCache", Type: Array, NotYet: true},
	Field{Name: "databaseVersion", Type: Document, NotYet: true},
	Field{Name: "shardVersion", Type: Any, NotYet: true},
	Field{Name: "versionContext", Type: Document, NotYet: true},
	Field{Name: "mayBypassWriteBlocking", Type: Boolean, NoEffect: "writes are never blocked"},
)

// parse splits a request into generic and own fields, and checks both.
func (s *Spec) parse(body bsonx.Doc, seqs []Sequence) (Generic, Args, error) {
	own, owner := s.Fields, s.Fields.owner
	if s.parsesLate { // then the original reads the generic fields before it knows what they are of.
		owner = s.Name
	}
	args := Args{f: own, vals: make([]bsonx.Value, len(own.list)), seqs: seqs}
	var room [genericFieldsMax]bsonx.Value // on the stack: every command has them.
	gen := Args{f: genericFields, vals: room[:len(genericFields.list)]}
	it := bsonx.Walk(body)
	it.Next() // the command itself.
	var rest *bsonx.Builder
	if own.open {
		rest = bsonx.NewBuilder(nil)
	}
	for it.Next() {
		if i, ok := genericFields.index[it.Key()]; ok { // a command's own have other names: see newTable.
			if err := gen.putAt(i, it.Value()); err != nil {
				return Generic{}, args, named(err, owner)
			}
			continue
		}
		if rest != nil {
			rest.Value(it.Key(), it.Value())
			continue
		}
		if err := args.put(it.Key(), it.Value()); err != nil {
			if s.parsesLate {
				args.late = err
				continue
			}
			return Generic{}, args, err
		}
	}
	if rest != nil {
		args.open = rest.Doc()
	}
	for i := range seqs {
		if err := args.takeSequence(&seqs[i]); err != nil {
			return Generic{}, args, err
		}
	}
	g, err := gen.generic(owner)
	if err != nil {
		return g, args, err
	}
	if id := g.StmtID; s.Retry && id.Type != bsonx.TypeMissing && id.Type != bsonx.TypeInt32 { // others do not look at it.
		return g, args, Int.mismatch(own.owner, "stmtId", id)
	}
	if !s.parsesLate {
		err = args.complete()
	}
	return g, args, err
}

// named completes a message of the generic fields, which have no owner of their own.
func named(err error, owner string) error {
	e := mongoerr.From(err)
	const prefix = "BSON field '."
	if len(e.Msg) > len(prefix) && e.Msg[:len(prefix)] == prefix {
		return mongoerr.New(e.Code, "BSON field '"+owner+"."+e.Msg[len(prefix):])
	}
	return err
}

// takeSequence accepts a section of the message as the array field of its name.
func (a *Args) takeSequence(seq *Sequence) error {
	i, ok := a.f.index[seq.Name]
	if !ok {
		return mongoerr.Newf(mongoerr.IDLUnknownField, "BSON field '%s.%s' is an unknown field.", a.f.owner, seq.Name)
	}
	if a.vals[i].Type != bsonx.TypeMissing {
		return mongoerr.Newf(mongoerr.IDLDuplicateField, "BSON field '%s.%s' is a duplicate field", a.f.owner, seq.Name)
	}
	return nil
}

func (a *Args) generic(owner string) (g Generic, err error) {
	for i, v := range a.vals { // few are given, and a look at each by its name would cost more than the rest.
		if v.Type == bsonx.TypeMissing {
			continue
		}
		if err := g.take(a, a.f.list[i].Name, v, owner); err != nil {
			return g, err
		}
	}
	if g.ClusterTime != nil {
		if err := checkClusterTime(g.ClusterTime, owner); err != nil {
			return g, err
		}
	}
	if !g.HasAPI && (a.Has("apiStrict") || a.Has("apiDeprecationErrors")) {
		return g, mongoerr.New(4886600, "Provided apiStrict and/or apiDeprecationErrors without passing apiVersion")
	}
	if err := checkReadPreference(a.Doc("$readPreference")); err != nil {
		return g, err
	}
	return g, a.internalFields()
}

// take is one of the generic fields.
func (g *Generic) take(a *Args, name string, v bsonx.Value, owner string) (err error) {
	switch name {
	case "$db":
		g.DB = bsonx.Str(v)
	case "lsid":
		g.HasLSID = true
		var id lsid
		if id, err = parseLSID(bsonx.AsDoc(v), owner+".lsid"); err == nil {
			g.LSID, err = id.own()
		}
		if err == errInternalSession && a.Has("autocommit") {
			err = mongoerr.NotYet("lsid.txnUUID")
		}
	case "txnNumber":
		g.HasTxn, g.TxnNumber = true, bsonx.AsInt64(v)
	case "autocommit":
		g.Autocommit = triOf(v)
	case "startTransaction":
		g.Start = triOf(v)
	case "startOrContinueTransaction":
		g.OrContinue = true
	case "coordinator":
		g.Coordinate = bsonx.AsBool(v)
	case "txnRetryCounter":
		g.RetryCount = v
	case "stmtId":
		if v.Type != bsonx.TypeNull && v.Type != bsonx.TypeUndefined {
			g.StmtID = v
		}
	case "readConcern":
		g.ReadConcern = v
	case "writeConcern":
		g.WriteConcern = v
	case "maxTimeMS":
		g.MaxTimeMS, err = maxTime(v)
	case "$clusterTime":
		g.ClusterTime = bsonx.AsDoc(v)
	case "apiVersion":
		g.HasAPI, g.API.Version = true, bsonx.Str(v)
	case "apiStrict":
		g.API.Strict = bsonx.AsBool(v)
	case "apiDeprecationErrors":
		g.API.Deprecation = bsonx.AsBool(v)
	}
	return err
}

func maxTime(v bsonx.Value) (int64, error) {
	n, err := whole("maxTimeMS", v)
	if err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, mongoerr.Newf(mongoerr.BadValue, "BSON field 'maxTimeMS' value must be >= 0, actual value '%d'", n)
	}
	if n > 1<<31-1 {
		return 0, mongoerr.Newf(mongoerr.BadValue, "BSON field 'maxTimeMS' value must be <= %d, actual value '%d'", 1<<31-1, n)
	}
	return n, nil
}

// whole is a number that must have no fraction; name is its field's, for the message.
func whole(name string, v bsonx.Value) (int64, error) {
	n, exact := integer(v)
	switch {
	case exact:
		return n, nil
	case v.Type == bsonx.TypeDecimal, v.Type == bsonx.TypeDouble && math.Abs(bsonx.AsDouble(v)) >= 1<<63:
		return 0, mongoerr.Newf(mongoerr.FailedToParse, "Cannot represent as a 64-bit integer: %s: %s", name, bsonx.ShellString(v))
	case bsonx.IsNaN(v):
		return 0, mongoerr.Newf(mongoerr.FailedToParse, "Expected an integer, but found NaN in: %s: %s", name, bsonx.ShellString(v))
	}
	return 0, mongoerr.Newf(mongoerr.FailedToParse, "Expected an integer: %s: %s", name, bsonx.ShellString(v))
}

// internalFields refuses what only servers send each other.
func (a *Args) internalFields() error {
	if v := a.Value("maxTimeMSOpOnly"); v.Type != bsonx.TypeMissing {
		const most = 1<<31 - 1 + 100
		n, err := whole("maxTimeMSOpOnly", v)
		if err != nil {
			return err
		}
		if n < 0 || n > most {
			return mongoerr.Newf(mongoerr.BadValue, "%d value for maxTimeMSOpOnly is out of range [0, %d]", n, most)
		}
		return mongoerr.New(mongoerr.InvalidOptions, "Can not specify maxTimeMSOpOnly for non internal clients")
	}
	return nil
}

func checkClusterTime(doc bsonx.Doc, owner string) error {
	v := bsonx.Get(doc, "clusterTime")
	if v.Type == bsonx.TypeMissing {
		return mongoerr.Newf(mongoerr.IDLFailedToParse, "BSON field '%s.$clusterTime.clusterTime' is missing but a required field", owner)
	}
	if v.Type != bsonx.TypeTimestamp {
		return mongoerr.Newf(mongoerr.TypeMismatch, "BSON field '%s.$clusterTime.clusterTime' is the wrong type '%s', expected type 'timestamp'", owner, bsonx.TypeName(v.Type))
	}
	if sig := bsonx.Get(doc, "signature"); sig.Type != bsonx.TypeMissing && !plainSignature(sig) {
		return checkSignature(sig, owner+".$clusterTime")
	}
	return nil
}

// plainSignature tells whether a signature is what every driver sends with every
// command: there is nothing more to check then.
func plainSignature(v bsonx.Value) bool {
	if v.Type != bsonx.TypeDocument {
		return false
	}
	doc := bsonx.AsDoc(v)
	hash := bsonx.Get(doc, "hash")
	if hash.Type != bsonx.TypeBinary || bsonx.IsMissing(bsonx.Get(doc, "keyId")) || bsonx.Len(doc) != 2 {
		return false
	}
	_, sum := hash.Binary()
	return len(sum) == len(noHash)
}

// signature is checked for its shape: what it says means nothing while nobody signs.
var signature = lenientFields("signature",
	Field{Name: "hash", Type: UUID, Required: true},
	Field{Name: "keyId", Type: Any, Required: true})

func checkSignature(v bsonx.Value, owner string) error {
	if v.Type != bsonx.TypeDocument {
		return Document.mismatch(owner, "signature", v)
	}
	a, err := signature.Decode(bsonx.AsDoc(v))
	if err != nil {
		e := mongoerr.From(err)
		return mongoerr.New(e.Code, strings.Replace(e.Msg, "'signature.", "'"+owner+".signature.", 1))
	}
	if _, hash := a.Value("hash").Binary(); len(hash) != len(noHash) {
		return mongoerr.Newf(mongoerr.UnsupportedFormat, "Unsupported SHA1Block hash length: %d", len(hash))
	}
	return nil
}

// checkRetryCounter refuses what only the servers of a sharded cluster send each other.
func (g *Generic) checkRetryCounter() error {
	if !g.HasTxn || g.RetryCount.Type == bsonx.TypeMissing {
		return nil
	}
	switch n, _ := integer(g.RetryCount); {
	case g.Retryable():
		return mongoerr.New(mongoerr.InvalidOptions, "Cannot specify txnRetryCounter for a retryable write")
	case n < 0:
		return mongoerr.New(mongoerr.InvalidOptions, "txnRetryCounter cannot be negative")
	}
	return mongoerr.New(mongoerr.InvalidOptions, "txnRetryCounter is only supported in sharded clusters")
}

// checkTxnFields is the chain of conditions among lsid, txnNumber, autocommit and
// startTransaction (A1, step 2).
func (s *Spec) checkTxnFields(g *Generic) error {
	options := func(msg string) error { return mongoerr.New(mongoerr.InvalidOptions, msg) }
	switch {
	case s.NoAuth && g.Autocommit != absent:
		return mongoerr.New(mongoerr.OperationNotSupportedInTransaction, "This command is not supported in transactions")
	case s.NoAuth && g.HasTxn:
		return mongoerr.New(50889, "It is illegal to provide a txnNumber for this command")
	}
	if !g.HasTxn {
		switch {
		case g.Autocommit != absent:
			return options("'autocommit' field requires a transaction number to also be specified")
		case g.Start != absent:
			return options("'startTransaction' field requires 'autocommit' field to also be specified")
		}
		return nil
	}
	switch {
	case !g.HasLSID:
		return options("Transaction number requires a session ID to also be specified")
	case g.TxnNumber < 0:
		return options("Transaction number cannot be negative")
	case g.Autocommit == yes:
		return options("Specifying autocommit=true is not allowed.")
	case g.Start != absent && g.Autocommit == absent:
		return options("'startTransaction' field requires 'autocommit' field to also be specified")
	case g.Start == no:
		return options("Specifying startTransaction=false is not allowed.")
	}
	return nil
}
