package command

import (
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

// unknown is the error about a command that is not in the table.
func unknown(name string) *mongoerr.Error {
	if slices.Contains(later, name) {
		return mongoerr.NotYet(name)
	}
	return mongoerr.Newf(mongoerr.CommandNotFound, "no such command: '%s'", name)
}
