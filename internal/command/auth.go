package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// authCommands answer logins. There is nobody to authenticate, so each fails with the
// code for an unknown user; what is malformed is told first, as in the original.
func authCommands() []*Spec {
	payload := Field{Name: "payload", Type: Types{bad: badPayload, of: []bsonx.Type{bsonx.TypeBinary, bsonx.TypeString}}, Required: true}
	return []*Spec{
		{Name: "saslStart", NoAuth: true, API: true, Run: runSASLStart, Help: "begins an authentication",
			Fields: NewFields("saslStart",
				Field{Name: "mechanism", Type: Text, Required: true}, payload,
				Field{Name: "autoAuthorize", Type: Any, NoEffect: "the original ignores it too"},
				Field{Name: "options", Type: Document}, Field{Name: "db", Type: Text})},
		{Name: "saslContinue", NoAuth: true, API: true, Run: runSASLContinue, Help: "continues an authentication",
			Fields: NewFields("saslContinue",
				Field{Name: "conversationId", Type: Any, Required: true}, payload,
				Field{Name: "options", Type: Document})},
		{Name: "authenticate", NoAuth: true, API: true, Run: runAuthenticate, Help: "authenticates in one step",
			Fields: NewFields("authenticate",
				Field{Name: "mechanism", Type: Text, Required: true},
				Field{Name: "user", Type: Text}, Field{Name: "db", Type: Text})},
		{Name: "logout", Run: func(context.Context, *Call) error { return nil }, Help: "ends an authentication"},
	}
}

func badPayload(_ string, v bsonx.Value) error {
	return mongoerr.Newf(mongoerr.BadValue, "Invalid SASLPayload type. Expected Base64 or BinData, got: %s", bsonx.TypeName(v.Type))
}

func runSASLStart(ctx context.Context, c *Call) error {
	switch mechanism := c.Args.Str("mechanism"); mechanism {
	case "SCRAM-SHA-1", "SCRAM-SHA-256":
		return runAuthenticate(ctx, c)
	case "MONGODB-X509":
		return mongoerr.Newf(mongoerr.MechanismUnavailable, "Unsupported mechanism '%s' on authentication database '%s'", mechanism, c.Gen.DB)
	default:
		return mongoerr.Newf(mongoerr.MechanismUnavailable, "Received authentication for mechanism %s which is not enabled", mechanism)
	}
}

// runSASLContinue fails: no saslStart has succeeded.
func runSASLContinue(context.Context, *Call) error {
	return mongoerr.New(mongoerr.ProtocolError, "No SASL session state found")
}

// runAuthenticate fails as for an unknown user, and says why.
func runAuthenticate(_ context.Context, c *Call) error {
	c.D.Log.Warn("a client tried to authenticate: this server runs without authentication", "client", c.Peer.Remote)
	return mongoerr.New(mongoerr.AuthenticationFailed, "Authentication failed. Authentication is off on this server: connect without a user.")
}
