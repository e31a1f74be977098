package acceptance

import (
	"crypto/rand"
	"encoding/binary"
	"io"
	"net"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// shape is how a driver that cannot be had here words its messages: the C# driver, and
// the Ruby driver since it has transactions. Field order and presence are what the
// sources of those drivers do (C#: ClientDocumentHelper, HelloHelper and the two
// wire protocols for commands; Ruby: AppMetadata, ConnectionCommon, SessionsSupported
// and Protocol::Msg); both greet by OP_QUERY and then send documents to write as a
// sequence of their own. C++ needs none: it is made upon libmongoc, and
// clients/c/mongocxx.c makes the same calls.
type shape struct {
	name       string
	queryFlags int32 // of the OP_QUERY that greets.
	greeting   bson.D
	// word puts a command and the generic fields that apply into the driver's order.
	word func(command bson.D, db string, g generic) bson.D
}

// generic is the fields that any command may carry.
type generic struct {
	lsid         bson.D
	clusterTime  any // nil before the first reply.
	txnNumber    int64
	inTxn        bool
	start        bool
	readConcern  bson.D
	writeConcern bson.D
}

var shapes = []shape{
	{
		name: "csharp-3.4.0", queryFlags: 4,
		greeting: bson.D{
			{Key: "isMaster", Value: int32(1)},
			{Key: "helloOk", Value: true},
			{Key: "client", Value: bson.D{
				{Key: "driver", Value: bson.D{{Key: "name", Value: "mongo-csharp-driver"}, {Key: "version", Value: "3.4.0"}}},
				{Key: "os", Value: bson.D{
					{Key: "type", Value: "Linux"},
					{Key: "name", Value: "Debian GNU/Linux 12 (bookworm)"},
					{Key: "architecture", Value: "x86_64"},
				}},
				{Key: "platform", Value: ".NET 8.0.11"},
			}},
			{Key: "compression", Value: bson.A{}},
		},
		word: wordCSharp,
	},
	{
		name: "ruby-2.22.0", queryFlags: 0,
		greeting: bson.D{
			{Key: "isMaster", Value: int32(1)},
			{Key: "helloOk", Value: true},
			{Key: "compression", Value: bson.A{}},
			{Key: "client", Value: bson.D{
				{Key: "driver", Value: bson.D{{Key: "name", Value: "mongo-ruby-driver"}, {Key: "version", Value: "2.22.0"}}},
				{Key: "os", Value: bson.D{
					{Key: "type", Value: "linux"},
					{Key: "name", Value: "linux-gnu"},
					{Key: "architecture", Value: "x86_64"},
				}},
				{Key: "platform", Value: "Ruby 3.1.2, x86_64-linux-gnu, x86_64-pc-linux-gnu, A"},
				{Key: "backpressure", Value: int32(2)}, // since lately, and no other driver has it here.
			}},
		},
		word: wordRuby,
	},
}

func wordCSharp(command bson.D, db string, g generic) bson.D {
	doc := append(bson.D{}, command...)
	if g.writeConcern != nil {
		doc = append(doc, bson.E{Key: "writeConcern", Value: g.writeConcern})
	}
	if g.txnNumber > 0 && !g.inTxn {
		doc = append(doc, bson.E{Key: "txnNumber", Value: g.txnNumber})
	}
	doc = append(doc, bson.E{Key: "$db", Value: db}, bson.E{Key: "lsid", Value: g.lsid})
	if g.clusterTime != nil {
		doc = append(doc, bson.E{Key: "$clusterTime", Value: g.clusterTime})
	}
	if g.inTxn {
		doc = append(doc, bson.E{Key: "txnNumber", Value: g.txnNumber})
		if g.start {
			doc = append(doc, bson.E{Key: "startTransaction", Value: true})
			if g.readConcern != nil {
				doc = append(doc, bson.E{Key: "readConcern", Value: g.readConcern})
			}
		}
		doc = append(doc, bson.E{Key: "autocommit", Value: false})
	}
	return doc
}

func wordRuby(command bson.D, db string, g generic) bson.D {
	doc := bson.D{command[0], {Key: "$db", Value: db}}
	doc = append(doc, command[1:]...)
	if g.writeConcern != nil {
		doc = append(doc, bson.E{Key: "writeConcern", Value: g.writeConcern})
	}
	if g.clusterTime != nil {
		doc = append(doc, bson.E{Key: "$clusterTime", Value: g.clusterTime})
	}
	if g.txnNumber > 0 && !g.inTxn {
		doc = append(doc, bson.E{Key: "txnNumber", Value: g.txnNumber})
	}
	doc = append(doc, bson.E{Key: "lsid", Value: g.lsid})
	if g.inTxn {
		if g.start {
			doc = append(doc, bson.E{Key: "startTransaction", Value: true})
		}
		doc = append(doc, bson.E{Key: "autocommit", Value: false})
		if g.start && g.readConcern != nil {
			doc = append(doc, bson.E{Key: "readConcern", Value: g.readConcern})
		}
		doc = append(doc, bson.E{Key: "txnNumber", Value: g.txnNumber})
	}
	return doc
}

// TestRecordShapes has the same talk with the reference server in each shape.
func TestRecordShapes(t *testing.T) {
	dir, host := recordTo(t)
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			forget(t, host)
			p := newProxy(t, host)
			conn, err := net.Dial("tcp", p.addr)
			if err != nil {
				t.Fatal(err)
			}
			id := make([]byte, 16)
			rand.Read(id)
			k := &talk{t: t, conn: conn, shape: s, db: "shape_" + s.name[:4]}
			k.lsid = bson.D{{Key: "id", Value: bson.Binary{Subtype: 4, Data: id}}}
			k.greet()
			k.commits()
			k.fails()
			k.aborts()
			conn.Close()
			p.save(t, dir, s.name)
		})
	}
}

// talk is a connection on which one session works.
type talk struct {
	t     *testing.T
	conn  net.Conn
	shape shape
	db    string
	generic
	request int32
}

// commits writes, reads in two batches and commits, twice, as after a lost answer.
func (k *talk) commits() {
	k.write("insert", "foo", "documents", bson.D{{Key: "_id", Value: 1}, {Key: "abc", Value: 0}})
	k.write("insert", "bar", "documents", bson.D{{Key: "_id", Value: 1}, {Key: "xyz", Value: 0}})
	k.begin()
	k.write("insert", "foo", "documents", bson.D{{Key: "_id", Value: 2}, {Key: "abc", Value: 1}})
	k.write("insert", "bar", "documents", bson.D{{Key: "_id", Value: 2}, {Key: "xyz", Value: 999}}, bson.D{{Key: "_id", Value: 3}})
	k.write("update", "foo", "updates", bson.D{
		{Key: "q", Value: bson.D{{Key: "_id", Value: 1}}},
		{Key: "u", Value: bson.D{{Key: "$inc", Value: bson.D{{Key: "abc", Value: 7}}}}},
	})
	found := k.read(bson.D{{Key: "find", Value: "bar"}, {Key: "filter", Value: bson.D{}},
		{Key: "sort", Value: bson.D{{Key: "_id", Value: 1}}}, {Key: "batchSize", Value: 2}})
	k.read(bson.D{{Key: "getMore", Value: found.Lookup("cursor", "id").AsInt64()}, {Key: "collection", Value: "bar"}, {Key: "batchSize", Value: 2}})
	k.read(bson.D{{Key: "aggregate", Value: "foo"}, {Key: "pipeline", Value: bson.A{
		bson.D{{Key: "$match", Value: bson.D{}}},
		bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}}}},
	}}, {Key: "cursor", Value: bson.D{}}})
	k.end("commitTransaction")
	k.end("commitTransaction")
}

// fails makes a transaction end by a duplicate key, and goes on in vain.
func (k *talk) fails() {
	k.begin()
	k.write("insert", "foo", "documents", bson.D{{Key: "_id", Value: 3}})
	k.write("insert", "foo", "documents", bson.D{{Key: "_id", Value: 1}})
	k.read(bson.D{{Key: "find", Value: "foo"}, {Key: "filter", Value: bson.D{}}})
	k.end("abortTransaction")
}

// aborts aborts a transaction that lives, looks, and leaves.
func (k *talk) aborts() {
	k.begin()
	k.write("delete", "foo", "deletes", bson.D{{Key: "q", Value: bson.D{}}, {Key: "limit", Value: 0}})
	k.read(bson.D{{Key: "findAndModify", Value: "bar"}, {Key: "query", Value: bson.D{{Key: "_id", Value: 1}}},
		{Key: "update", Value: bson.D{{Key: "$set", Value: bson.D{{Key: "xyz", Value: 5}}}}}, {Key: "new", Value: true}})
	k.end("abortTransaction")
	k.inTxn, k.txnNumber = false, 0
	k.read(bson.D{{Key: "find", Value: "foo"}, {Key: "filter", Value: bson.D{}}, {Key: "sort", Value: bson.D{{Key: "_id", Value: 1}}}})
	k.read(bson.D{{Key: "endSessions", Value: bson.A{k.lsid}}})
}

func (k *talk) begin() {
	k.txnNumber++
	k.inTxn, k.start = true, true
	k.readConcern = bson.D{{Key: "level", Value: "snapshot"}}
}

func (k *talk) end(command string) {
	k.writeConcern = bson.D{{Key: "w", Value: "majority"}}
	k.send("admin", bson.D{{Key: command, Value: 1}}, "", nil)
	k.writeConcern = nil
}

func (k *talk) write(command, coll, field string, docs ...bson.D) {
	if !k.inTxn {
		k.txnNumber++
	}
	k.send(k.db, bson.D{{Key: command, Value: coll}, {Key: "ordered", Value: true}}, field, docs)
}

func (k *talk) read(command bson.D) bson.Raw { return k.send(k.db, command, "", nil) }

// send words and sends a command, with documents as a sequence of their own if there are any.
func (k *talk) send(db string, command bson.D, field string, docs []bson.D) bson.Raw {
	const opMsg = 2013
	body := append(make([]byte, 4), 0) // no flags, and then the command's section.
	body = append(body, k.marshal(k.shape.word(command, db, k.generic))...)
	if field != "" {
		sequence := append([]byte(field), 0)
		for _, doc := range docs {
			sequence = append(sequence, k.marshal(doc)...)
		}
		body = append(body, 1)
		body = binary.LittleEndian.AppendUint32(body, uint32(4+len(sequence)))
		body = append(body, sequence...)
	}
	reply := k.exchange(opMsg, body)[5:]
	k.start = false
	k.clusterTime = bson.Raw(reply).Lookup("$clusterTime")
	return reply
}

func (k *talk) greet() {
	const opQuery = 2004
	body := binary.LittleEndian.AppendUint32(nil, uint32(k.shape.queryFlags))
	body = append(body, "admin.$cmd\x00"...)
	body = append(body, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff) // skip none, return one and no cursor.
	body = append(body, k.marshal(k.shape.greeting)...)
	k.exchange(opQuery, body)
}

func (k *talk) marshal(doc bson.D) []byte {
	text, err := bson.Marshal(doc)
	if err != nil {
		k.t.Fatal(err)
	}
	return text
}

// exchange sends a message and returns what follows the header of the answer.
func (k *talk) exchange(opcode uint32, body []byte) []byte {
	k.t.Helper()
	k.request++
	head := binary.LittleEndian.AppendUint32(nil, uint32(16+len(body)))
	head = binary.LittleEndian.AppendUint32(head, uint32(k.request))
	head = binary.LittleEndian.AppendUint32(head, 0)
	head = binary.LittleEndian.AppendUint32(head, opcode)
	if _, err := k.conn.Write(append(head, body...)); err != nil {
		k.t.Fatal(err)
	}
	if _, err := io.ReadFull(k.conn, head); err != nil {
		k.t.Fatal(err)
	}
	answer := make([]byte, binary.LittleEndian.Uint32(head)-16)
	if _, err := io.ReadFull(k.conn, answer); err != nil {
		k.t.Fatal(err)
	}
	return answer
}
