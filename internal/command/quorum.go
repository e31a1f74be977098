package command

import (
	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
)

// checkCommitQuorum judges the quorum of an index build. One voting member, the
// one that builds, is whatever quorum there can be.
func (c *Call) checkCommitQuorum() error {
	v := c.Args.Value("commitQuorum")
	if v.Type == bsonx.TypeString {
		switch name := bsonx.Str(v); name {
		case "votingMembers", levelMajority:
			return nil
		case "":
			return mongoerr.New(mongoerr.FailedToParse, "commitQuorum can't be an empty string")
		default:
			return mongoerr.Newf(mongoerr.UnknownReplWriteConcern, "No write concern mode named '%s' found in replica set configuration", name)
		}
	}
	switch n, _ := integer(v); {
	case n < 0 || n > 50:
		return mongoerr.New(mongoerr.FailedToParse, "commitQuorum has to be a non-negative number and not greater than 50")
	case n > 1:
		return mongoerr.New(mongoerr.UnsatisfiableCommitQuorum, "Not enough data-bearing nodes to satisfy commit quorum")
	}
	return nil
}

func (c *Call) appendCommitQuorum() {
	switch v := c.Args.Value("commitQuorum"); v.Type {
	case bsonx.TypeMissing:
		c.Reply.String("commitQuorum", "votingMembers")
	case bsonx.TypeString:
		c.Reply.Value("commitQuorum", v)
	default:
		n, _ := integer(v)
		c.Reply.Int32("commitQuorum", int32(n))
	}
}
