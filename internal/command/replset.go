package command

import (
	"context"

	"github.com/pandodb/pando/internal/bsonx"
	"github.com/pandodb/pando/internal/mongoerr"
	"github.com/pandodb/pando/internal/session"
)

// switchOrNumber is Truthy with the words of these commands.
var switchOrNumber = Types{of: Truthy.of, bad: func(field string, v bsonx.Value) error {
	return mongoerr.Newf(mongoerr.TypeMismatch, "Expected boolean or number type for field \"%s\", found %s", field, bsonx.TypeName(v.Type))
}}

func replSetCommands() []*Spec {
	return []*Spec{
		{Name: "replSetGetStatus", Admin: true, Run: runReplSetGetStatus, Help: "tells the state of the replica set",
			Fields: lenientFields("replSetGetStatus", Field{Name: "initialSync", Type: switchOrNumber, NoEffect: "there has been none"})},
		{Name: "replSetGetConfig", Admin: true, Run: runReplSetGetConfig, Help: "tells the replica set's configuration",
			Fields: lenientFields("replSetGetConfig", Field{Name: "commitmentStatus", Type: switchOrNumber, NotYet: true, Unless: isFalse})},
	}
}

// runReplSetGetStatus describes a replica set of one.
func runReplSetGetStatus(_ context.Context, c *Call) error {
	b, d := c.Reply, c.D
	visible, durable := d.Store.Visible(), d.Store.Durable()
	b.String("set", d.Persona.SetName)
	b.Date("date", c.started.UnixMilli())
	b.Int32("myState", 1)
	b.Int64("term", session.Term)
	b.String("syncSourceHost", "")
	b.Int32("syncSourceId", -1)
	b.Int64("heartbeatIntervalMillis", 2000)
	b.Int32("majorityVoteCount", 1)
	b.Int32("writeMajorityCount", 1)
	b.Int32("votingMembersCount", 1)
	b.Int32("writableVotingMembersCount", 1)
	b.OpenDoc("optimes")
	appendOpTime(b, "lastCommittedOpTime", durable)
	b.Date("lastCommittedWallTime", int64(durable.Seconds())*1000)
	appendOpTime(b, "readConcernMajorityOpTime", durable)
	appendOpTime(b, "appliedOpTime", visible)
	appendOpTime(b, "durableOpTime", durable)
	appendOpTime(b, "writtenOpTime", visible)
	b.Date("lastAppliedWallTime", int64(visible.Seconds())*1000)
	b.Date("lastDurableWallTime", int64(durable.Seconds())*1000)
	b.Date("lastWrittenWallTime", int64(visible.Seconds())*1000)
	b.Close()
	b.OpenArray("members")
	b.OpenDoc("0")
	b.Int32("_id", 0)
	b.String("name", d.advertised(c.Peer))
	b.Double("health", 1)
	b.Int32("state", 1)
	b.String("stateStr", "PRIMARY")
	b.Int64("uptime", int64(d.Env.Since(d.Persona.Started).Seconds()))
	appendOpTime(b, "optime", visible)
	b.Date("optimeDate", int64(visible.Seconds())*1000)
	b.String("syncSourceHost", "")
	b.Int32("syncSourceId", -1)
	b.String("infoMessage", "")
	b.Timestamp("electionTime", uint64(d.Persona.Started.Unix())<<32|1)
	b.Date("electionDate", d.Persona.Started.UnixMilli())
	b.Int32("configVersion", 1)
	b.Int64("configTerm", session.Term)
	b.Bool("self", true)
	b.String("lastHeartbeatMessage", "")
	b.Close()
	b.Close()
	return nil
}

func runReplSetGetConfig(_ context.Context, c *Call) error {
	b, d := c.Reply, c.D
	b.OpenDoc("config")
	b.String("_id", d.Persona.SetName)
	b.Int32("version", 1)
	b.Int32("term", session.Term)
	b.OpenArray("members")
	b.OpenDoc("0")
	b.Int32("_id", 0)
	b.String("host", d.advertised(c.Peer))
	b.Bool("arbiterOnly", false)
	b.Bool("buildIndexes", true)
	b.Bool("hidden", false)
	b.Double("priority", 1)
	b.EmbedDoc("tags", bsonx.Empty)
	b.Int64("secondaryDelaySecs", 0)
	b.Int32("votes", 1)
	b.Close()
	b.Close()
	b.Int64("protocolVersion", 1)
	b.Bool("writeConcernMajorityJournalDefault", true)
	b.OpenDoc("settings")
	b.Bool("chainingAllowed", true)
	b.Int32("heartbeatIntervalMillis", 2000)
	b.Int32("heartbeatTimeoutSecs", 10)
	b.Int32("electionTimeoutMillis", 10000)
	b.EmbedDoc("getLastErrorModes", bsonx.Empty)
	b.OpenDoc("getLastErrorDefaults")
	b.Int32("w", 1)
	b.Int32("wtimeout", 0)
	b.Close()
	b.Close()
	b.Close()
	return nil
}
