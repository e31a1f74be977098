package session

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"github.com/pandodb/pando/internal/bsonx"
)

// ID is a logical session's identity: the client's UUID and the digest of its user.
type ID struct {
	UUID [16]byte
	UID  [32]byte
}

// NobodyUID is the user digest of a server without authentication.
var NobodyUID = sha256.Sum256(nil)

// String is the id as the reference server prints it in messages.
func (id ID) String() string {
	u := id.UUID
	return fmt.Sprintf("%x-%x-%x-%x-%x - %s -  - ", u[:4], u[4:6], u[6:8], u[8:10], u[10:],
		base64.StdEncoding.EncodeToString(id.UID[:]))
}

// AppendTo writes the id as the fields id and uid.
func (id ID) AppendTo(b *bsonx.Builder) {
	b.Binary("id", 4, id.UUID[:])
	b.Binary("uid", 0, id.UID[:])
}

// Doc is {id: UUID, uid: digest}.
func (id ID) Doc() bsonx.Doc {
	b := bsonx.NewBuilder(nil)
	id.AppendTo(b)
	return b.Doc()
}
