package command

import (
	"context"
	"slices"

	"github.com/pandodb/pando/internal/mongoerr"
)

// later are the commands that MongoDB 8.2 has for clients and administrators and that
// are not here yet; those that its members send each other and that its tests use are
// left out.
var later = []string{
	"analyze", "analyzeShardKey", "appendOplogNote", "applyOps", "autoCompact", "autoSplitVector",
	"cleanupOrphaned", "cleanupStructuredEncryptionData", "cloneCollectionAsCapped", "compact",
	"compactStructuredEncryptionData", "configureQueryAnalyzer", "connPoolStats", "convertToCapped",
	"coordinateCommitTransaction", "createRole", "createUser", "dataSize", "dbHash",
	"dropAllRolesFromDatabase", "dropAllUsersFromDatabase", "dropConnections", "dropRole",
	"dropUser", "filemd5", "flushRouterConfig", "fsync", "fsyncUnlock", "getChangeStreamState",
	"getClusterParameter", "getDatabaseVersion", "getQueryableEncryptionCountInfo", "getShardMap",
	"getShardVersion", "getShardingReady", "getTrafficRecordingStatus", "grantPrivilegesToRole",
	"grantRolesToRole", "grantRolesToUser", "invalidateUserCache", "listDatabasesForAllTenants",
	"logRotate", "mapReduce", "mergeChunks", "planCacheClear", "planCacheClearFilters",
	"planCacheListFilters", "planCacheSetFilter", "prepareTransaction", "reIndex", "releaseMemory",
	"removeQuerySettings", "replSetAbortPrimaryCatchUp", "replSetFreeze", "replSetInitiate", "replSetMaintenance",
	"replSetReconfig", "replSetResizeOplog", "replSetStepDown", "replSetStepUp", "replSetSyncFrom",
	"revokePrivilegesFromRole", "revokeRolesFromRole", "revokeRolesFromUser", "rolesInfo", "rotateCertificates",
	"rotateFTDC", "setChangeStreamState", "setClusterParameter", "setIndexCommitQuorum",
	"setProfilingFilterGlobally", "setQuerySettings", "shardingState", "shutdown", "splitChunk", "splitVector",
	"startTrafficRecording", "stopTrafficRecording", "top", "transitionToShardedCluster", "updateRole",
	"updateUser", "usersInfo", "validateDBMetadata",
}

// laterInTxn are those of them that a transaction may run.
var laterInTxn = []string{"coordinateCommitTransaction", "prepareTransaction", "releaseMemory"}

// laterSpec is the entry of a command that is not here yet, nil if there is no such
// command. It is refused by name, but not before what MongoDB refuses first: most of
// them in a transaction.
func laterSpec(name string) *Spec {
	i := slices.Index(later, name)
	if i < 0 {
		return nil
	}
	s := &Spec{Name: later[i], Read: ReadAll, Write: true, Fields: anyFields(later[i])}
	s.names = []string{s.Name}
	s.Run = func(context.Context, *Call) error { return mongoerr.NotYet(s.Name) }
	if slices.Contains(laterInTxn, s.Name) {
		s.Check = func(*Call) error { return mongoerr.NotYet(s.Name) } // no transaction is harmed.
	}
	return s
}
