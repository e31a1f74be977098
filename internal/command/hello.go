package command

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/wire"
)

// What the reference server is, so that one set of expectations serves both.
const (
	mongoVersion   = "8.2.0"
	wireVersionMax = 27
)

// topology is the version of what hello says, and who waits for it to change.
type topology struct {
	process [12]byte

	mu      sync.Mutex // guards the rest; a leaf.
	counter int64
	changed chan struct{} // closed at the next change.
}

func newTopology(process [12]byte) *topology {
	return &topology{process: process, changed: make(chan struct{})}
}

// bump tells waiting clients that something changed.
func (t *topology) bump() {
	t.mu.Lock()
	t.counter++
	close(t.changed)
	t.changed = make(chan struct{})
	t.mu.Unlock()
}

func (t *topology) now() (int64, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counter, t.changed
}

func (t *topology) appendTo(b *bsonx.Builder) {
	counter, _ := t.now()
	b.OpenDoc("topologyVersion")
	b.ObjectID("processId", t.process)
	b.Int64("counter", counter)
	b.Close()
}

func helloCommands() []*Spec {
	fields := func(name string) *Fields {
		return lenientFields(name,
			Field{Name: "helloOk", Type: Truthy},
			Field{Name: "client", Type: Document},
			Field{Name: "compression", Type: Array},
			Field{Name: "topologyVersion", Type: Document},
			Field{Name: "maxAwaitTimeMS", Type: Integer, Bounded: true},
			Field{Name: "saslSupportedMechs", Type: DocOrStr, NoEffect: "no users yet, and the field is omitted for unknown ones"},
			Field{Name: "speculativeAuthenticate", Type: Document, NoEffect: "authentication is off; on failure the field is omitted"},
			Field{Name: "loadBalanced", Type: Boolean, NotYet: true, Unless: isFalse},
			Field{Name: "backpressure", Type: Any, NoEffect: "announces what the driver obeys"},
			Field{Name: "hangUpOnStepDown", Type: oneOf("decimal", "long", "double", "int", "bool"), NoEffect: "connections are never closed at a step-down"},
			Field{Name: "internalClient", Type: Document, NotYet: true},
			Field{Name: "hostInfo", Type: Text, NoEffect: "legacy"},
			Field{Name: "forShell", Type: Any, NoEffect: "legacy"})
	}
	hello := func(name string, aliases ...string) *Spec {
		return &Spec{Name: name, Aliases: aliases, NoAuth: true, API: name == "hello", Read: ReadLocal, Fields: fields(name), Run: runHello,
			Help: "tells the state of this member"}
	}
	return []*Spec{hello("hello"), hello("isMaster", "ismaster")}
}

// runHello answers a greeting, at once or when the topology changes (1.2, 1.5).
func runHello(ctx context.Context, c *Call) error {
	if len(c.Req.Sequences) > 0 {
		return mongoerr.Newf(40472, "The %s command does not support document sequences.", c.Spec.Name)
	}
	await, err := c.awaitable()
	if err != nil {
		return err
	}
	if err := c.greet(); err != nil {
		return err
	}
	if await > 0 {
		c.D.awaitTopology(ctx, await)
		c.more = c.Req.Exhaust
	}
	if c.D.stopping.Load() && await > 0 {
		return mongoerr.New(mongoerr.ShutdownInProgress, "The server is in quiesce mode and will shut down")
	}
	c.appendHello()
	return nil
}

// awaitable returns how long the reply may wait for a change: 0 for not at all.
func (c *Call) awaitable() (time.Duration, error) {
	tv, wait := c.Args.Doc("topologyVersion"), c.Args.Has("maxAwaitTimeMS")
	switch {
	case tv == nil && !wait && c.Req.Exhaust:
		return 0, mongoerr.New(51756, "An isMaster or hello request with exhaust must specify 'maxAwaitTimeMS'")
	case tv == nil && !wait:
		return 0, nil
	case !wait:
		return 0, mongoerr.New(31368, "A request with a 'topologyVersion' must include 'maxAwaitTimeMS'")
	case tv == nil:
		return 0, mongoerr.New(31368, "A request with 'maxAwaitTimeMS' must include a 'topologyVersion'")
	}
	ms := c.Args.Int("maxAwaitTimeMS", 0)
	version, err := NewFields(c.Spec.Name+".topologyVersion",
		Field{Name: "processId", Type: ObjectID, Required: true},
		Field{Name: "counter", Type: Long, Required: true}).Decode(tv)
	if err != nil {
		return 0, err
	}
	process, theirs := version.Value("processId"), version.Int("counter", 0)
	if theirs < 0 {
		return 0, mongoerr.New(31372, "topologyVersion must have a non-negative counter")
	}
	now, _ := c.D.topology.now()
	if process.ObjectID() != c.D.topology.process || theirs < now {
		return 0, nil
	}
	if theirs > now {
		return 0, mongoerr.Newf(31382, "Received a topology version with counter: %d which is greater than the server topology version counter: %d", theirs, now)
	}
	return max(time.Duration(ms)*time.Millisecond, 1), nil
}

func (d *Dispatcher) awaitTopology(ctx context.Context, wait time.Duration) {
	_, changed := d.topology.now()
	if d.stopping.Load() {
		return
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-changed:
	case <-t.C:
	case <-ctx.Done():
	}
}

// greet takes what the client says of itself.
func (c *Call) greet() error {
	if client := c.Args.Doc("client"); client != nil {
		if c.Peer.Metadata != nil {
			return mongoerr.New(mongoerr.ClientMetadataCannotBeMutated, "The client metadata document may only be sent in the first hello")
		}
		if err := checkMetadata(client); err != nil {
			return err
		}
		c.Peer.Metadata = slices.Clone(client)
		if app := bsonx.Get(bsonx.AsDoc(bsonx.Get(client, "application")), "name"); app.Type == bsonx.TypeString {
			c.Peer.AppName = string([]byte(bsonx.Str(app)))
		}
		c.D.peers.put(c.Peer)
	}
	if c.Args.Bool("helloOk", false) {
		c.Peer.HelloOK = true
	}
	if c.Args.Has("compression") {
		offered, err := c.Args.Strings("compression")
		if err != nil {
			return err
		}
		c.Peer.Compressors = wire.Negotiate(offered, wire.Compressors())
	}
	return nil
}

func checkMetadata(client bsonx.Doc) error {
	if len(client) > 512 {
		return mongoerr.New(mongoerr.ClientMetadataDocumentTooLarge, "The client metadata document must be less then or equal to 512 bytes")
	}
	if app := bsonx.Get(client, "application"); app.Type == bsonx.TypeDocument {
		if name := bsonx.Get(bsonx.AsDoc(app), "name"); name.Type == bsonx.TypeString && len(bsonx.Str(name)) > 128 {
			return mongoerr.New(mongoerr.ClientMetadataAppNameTooLarge, "The 'client.application.name' field must be less then or equal to 128 bytes in length")
		}
	}
	for _, path := range [][2]string{{"driver", "name"}, {"driver", "version"}, {"os", "type"}} {
		sub := bsonx.Get(client, path[0])
		if sub.Type != bsonx.TypeDocument || bsonx.Get(bsonx.AsDoc(sub), path[1]).Type != bsonx.TypeString {
			return mongoerr.Newf(mongoerr.ClientMetadataMissingField, "Missing required field '%s.%s' in the client metadata document", path[0], path[1])
		}
	}
	return nil
}

// appendHello is a primary's reply (1.3).
func (c *Call) appendHello() {
	b, d := c.Reply, c.D
	if c.Peer.Compressors != nil {
		b.OpenArray("compression")
		for i, n := range c.Peer.Compressors {
			b.String(bsonx.Index(i), n)
		}
		b.Close()
	}
	if c.Peer.HelloOK && c.Args.Bool("helloOk", false) {
		b.Bool("helloOk", true)
	}
	d.topology.appendTo(b)
	me := d.advertised(c.Peer)
	b.OpenArray("hosts")
	b.String("0", me)
	b.Close()
	b.String("setName", d.Persona.SetName)
	b.Int32("setVersion", 1)
	if c.Spec.Name == "hello" {
		b.Bool("isWritablePrimary", true)
	} else {
		b.Bool("ismaster", true)
	}
	b.Bool("secondary", false)
	b.String("primary", me)
	b.String("me", me)
	b.ObjectID("electionId", d.Persona.Elected)
	d.appendLastWrite(b)
	b.Int32("maxBsonObjectSize", bsonx.DocBytesMax)
	b.Int32("maxMessageSizeBytes", bsonx.MessageBytesMax)
	b.Int32("maxWriteBatchSize", bsonx.BatchOpsMax)
	b.Date("localTime", d.Env.Now().UnixMilli())
	b.Int32("logicalSessionTimeoutMinutes", int32(d.Params.LocalLogicalSessionTimeoutMinutes.Get()))
	b.Int32("connectionId", int32(c.Peer.ID))
	b.Int32("minWireVersion", 0)
	b.Int32("maxWireVersion", wireVersionMax)
	b.Bool("readOnly", false)
}

func (d *Dispatcher) appendLastWrite(b *bsonx.Builder) {
	visible, durable := d.Store.Visible(), d.Store.Durable()
	b.OpenDoc("lastWrite")
	appendOpTime(b, "opTime", visible)
	b.Date("lastWriteDate", int64(visible.Seconds())*1000)
	appendOpTime(b, "majorityOpTime", durable)
	b.Date("majorityWriteDate", int64(durable.Seconds())*1000)
	b.Close()
}

// advertised is the address that drivers are told to come back to.
func (d *Dispatcher) advertised(p *Peer) string {
	if d.Persona.Advertise != "" {
		return d.Persona.Advertise
	}
	return p.Local
}
