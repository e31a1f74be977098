package catalog

import "github.com/pandodb/pando/internal/mongoerr"

// oplogNS is where members of the original's replica sets find what to repeat.
var oplogNS = Namespace{DB: "local", Coll: "oplog.rs"}

// refuseOplog refuses the oplog by its name. Without that the collection would be
// missing, hence empty, and mongodump --oplog or a tailing reader would take it for
// that of a server on which nothing happens.
func refuseOplog(ns Namespace) error {
	if ns != oplogNS {
		return nil
	}
	return mongoerr.NotYet(ns.String())
}
