package server

import (
	"context"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/wire"
)

// TestDriverGreets lets the Go driver connect with each compressor.
func TestDriverGreets(t *testing.T) {
	s := serve(t, Options{Handler: handler{"hello": greet, "isMaster": greet, "ismaster": greet, "ping": func(_ context.Context, m *wire.Message, dst []byte) Reply {
		b := bsonx.NewBuilder(nil)
		b.Int32("compressor", int32(m.Compressor))
		b.Double("ok", 1)
		return Reply{Doc: append(dst, b.Doc()...)}
	}}})
	for name, want := range map[string]wire.Compressor{"": wire.Uncompressed, "snappy": wire.Snappy, "zlib": wire.Zlib, "zstd": wire.Zstd} {
		o := options.Client().ApplyURI("mongodb://" + s.Addrs()[0].String() + "/?directConnection=true").SetServerSelectionTimeout(5 * time.Second)
		if name != "" {
			o.SetCompressors([]string{name})
		}
		c, err := mongo.Connect(o)
		if err != nil {
			t.Fatal(err)
		}
		var got struct{ Compressor wire.Compressor }
		if err := c.Database("admin").RunCommand(t.Context(), bson.D{{Key: "ping", Value: 1}}).Decode(&got); err != nil || got.Compressor != want {
			t.Errorf("%q: %v, %v", name, got, err)
		}
		if err := c.Disconnect(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func greet(ctx context.Context, m *wire.Message, dst []byte) Reply {
	stream := m.Flags&wire.ExhaustAllowed != 0 && !bsonx.IsMissing(bsonx.Get(m.Body, "topologyVersion"))
	if stream {
		wait, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		defer cancel()
		<-wait.Done()
	}
	b := bsonx.NewBuilder(nil)
	b.Bool("helloOk", true)
	b.Bool("isWritablePrimary", true)
	b.OpenDoc("topologyVersion")
	b.ObjectID("processId", [12]byte{1})
	b.Int64("counter", 0)
	b.Close()
	b.Int32("minWireVersion", 0)
	b.Int32("maxWireVersion", 27)
	if v := bsonx.Get(m.Body, "compression"); !bsonx.IsMissing(v) {
		b.EmbedArray("compression", bsonx.AsDoc(v))
	}
	b.Double("ok", 1)
	return Reply{Doc: append(dst, b.Doc()...), More: stream}
}
