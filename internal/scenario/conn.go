package scenario

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/pandodb/pando/internal/env"
)

// replyWait bounds every reply: a step that hangs fails its file, not the whole run.
const replyWait = 60 * time.Second

const opMsg = 2013

// conn is one connection. One command at a time is under way on it.
type conn struct {
	net  net.Conn
	env  *env.Env
	id   int32       // the server's connectionId, as $currentOp shows it.
	next int32       // the last request's id.
	late chan result // the reply of a command that was left waiting; nil if there is none.
}

// result is a reply or why there is none.
type result struct {
	reply bson.Raw
	err   error
}

// dial connects and says hello under the given application name.
func dial(ctx context.Context, e *env.Env, addr, app string) (*conn, error) {
	var d net.Dialer
	nc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &conn{net: nc, env: e}
	hello := bson.D{
		{Key: "hello", Value: 1}, {Key: "helloOk", Value: true},
		{Key: "client", Value: bson.D{
			{Key: "application", Value: bson.D{{Key: "name", Value: app}}},
			{Key: "driver", Value: bson.D{{Key: "name", Value: "scenario"}, {Key: "version", Value: "1"}}},
			{Key: "os", Value: bson.D{{Key: "type", Value: "linux"}}},
		}},
		{Key: "$db", Value: "admin"},
	}
	reply, err := c.call(hello)
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("hello: %w", err)
	}
	id, _ := reply.Lookup("connectionId").AsInt64OK()
	c.id = int32(id)
	return c, nil
}

func (c *conn) close() { c.net.Close() }

// call sends a command and waits for its reply.
func (c *conn) call(cmd bson.D) (bson.Raw, error) {
	if err := c.send(cmd); err != nil {
		return nil, err
	}
	return c.receive()
}

// send writes one OP_MSG with the whole command in its body section.
func (c *conn) send(cmd bson.D) error {
	body, err := bson.Marshal(cmd)
	if err != nil {
		return err
	}
	c.next++
	msg := make([]byte, 0, 21+len(body))
	msg = binary.LittleEndian.AppendUint32(msg, uint32(21+len(body)))
	msg = binary.LittleEndian.AppendUint32(msg, uint32(c.next))
	msg = binary.LittleEndian.AppendUint32(msg, 0)
	msg = binary.LittleEndian.AppendUint32(msg, opMsg)
	msg = binary.LittleEndian.AppendUint32(msg, 0) // flags.
	msg = append(msg, 0)                           // a body section.
	msg = append(msg, body...)
	if err := c.net.SetDeadline(c.env.Now().Add(replyWait)); err != nil {
		return err
	}
	_, err = c.net.Write(msg)
	return err
}

// receive reads one OP_MSG and returns its body.
func (c *conn) receive() (bson.Raw, error) {
	var head [21]byte
	if _, err := io.ReadFull(c.net, head[:]); err != nil {
		return nil, err
	}
	size := int(binary.LittleEndian.Uint32(head[:]))
	if op := binary.LittleEndian.Uint32(head[12:]); op != opMsg || head[20] != 0 {
		return nil, fmt.Errorf("reply is not a plain OP_MSG: opcode %d, section %d", op, head[20])
	}
	if size < 26 || size > 64<<20 {
		return nil, fmt.Errorf("reply of %d bytes", size)
	}
	if to := int32(binary.LittleEndian.Uint32(head[8:])); to != c.next {
		return nil, fmt.Errorf("reply to request %d, expected to %d", to, c.next)
	}
	body := make([]byte, size-len(head))
	if _, err := io.ReadFull(c.net, body); err != nil {
		return nil, err
	}
	raw := bson.Raw(body)
	return raw, raw.Validate()
}
