package param

import "math"

// Set is one server's parameters. All of it is safe for concurrent use.
type Set struct {
	// Transactions and sessions.
	TransactionLifetimeLimitSeconds   *Int // an open transaction's time from its first statement.
	TransactionSizeLimitBytes         *Int
	MaxTransactionLockRequestMillis   *Int // maxTransactionLockRequestTimeoutMillis; negative: no limit.
	LocalLogicalSessionTimeoutMinutes *Int
	MaxConcurrentTransactions         *Int // maxConcurrentMultiDocumentTransactions, of MongoDB 9.0.
	MaxSessions                       *Int

	TransactionRecordMinimumLifetimeMinutes *Int // how long records of retryable writes are kept at least.

	MinSnapshotHistoryWindowSeconds    *Int // minSnapshotHistoryWindowInSeconds
	MaxAcceptableLogicalClockDriftSecs *Int

	// Cursors and memory.
	MaxOpenCursors                   *Int  // Pando's own.
	TimeoutOfSessionCursors          *Bool // enableTimeoutOfInactiveSessionCursors
	CursorTimeoutMillis              *Int
	ClientCursorMonitorFrequencySecs *Int
	SortMemoryBytes                  *Int // internalQueryMaxBlockingSortMemoryUsageBytes

	// The server.
	ShutdownTimeoutMillis *Int // shutdownTimeoutMillisForSignaledShutdown
	EnableTestCommands    *Bool
	LogLevel              *Int
	FeatureCompatibility  *Version // what setFeatureCompatibilityVersion has set.
	Quiet                 *Bool

	// Pando's own.
	TransactionDDL            *Bool   // drop, dropIndexes, renameCollection and collMod inside transactions.
	WriteConflictWaitersMax   *Int    // how many may wait for one document.
	OverloadBaseBackoffMillis *Int    // how long clients that are told of an overload should wait at first.
	WriteConflictWaitMillis   *Int    // how long a transaction waits for another's claim: docs/performance.md.
	TransactionIsolation      *Choice // what each transaction gets that asks for nothing stronger.

	table
}

// Serializable is the value of TransactionIsolation besides "snapshot".
const Serializable = "serializable"

// New returns all parameters at their defaults.
func New() *Set {
	s := &Set{}
	const i32, i64 = math.MaxInt32, math.MaxInt64
	// name, when, kind, default, at least, at most

	s.TransactionLifetimeLimitSeconds = s.int("transactionLifetimeLimitSeconds", Anytime, kindInt, 60, 1, i32)
	s.TransactionSizeLimitBytes = s.int("transactionSizeLimitBytes", Anytime, kindLong, i64, 0, i64)
	s.MaxTransactionLockRequestMillis = s.int("maxTransactionLockRequestTimeoutMillis", Anytime, kindInt, 5, -i32-1, i32)
	s.LocalLogicalSessionTimeoutMinutes = s.int("localLogicalSessionTimeoutMinutes", Startup, kindInt, 30, -i32-1, i32)
	s.TransactionRecordMinimumLifetimeMinutes = s.int("TransactionRecordMinimumLifetimeMinutes", Startup, kindInt, 30, -i32-1, i32)
	s.MaxSessions = s.int("maxSessions", Startup, kindInt, 1_000_000, -i32-1, i32)
	s.MaxAcceptableLogicalClockDriftSecs = s.int("maxAcceptableLogicalClockDriftSecs", Startup, kindLong, 31_536_000, 1, i64)
	s.MinSnapshotHistoryWindowSeconds = s.int("minSnapshotHistoryWindowInSeconds", Anytime, kindInt, 300, 0, i32)
	s.CursorTimeoutMillis = s.int("cursorTimeoutMillis", Anytime, kindLong, 600_000, -i64-1, i64)
	s.ClientCursorMonitorFrequencySecs = s.int("clientCursorMonitorFrequencySecs", Anytime, kindInt, 4, 1, i32)
	s.SortMemoryBytes = s.int("internalQueryMaxBlockingSortMemoryUsageBytes", Anytime, kindInt, 100<<20, 0, i32)
	s.ShutdownTimeoutMillis = s.int("shutdownTimeoutMillisForSignaledShutdown", Anytime, kindInt, 15_000, 0, i32)
	s.LogLevel = s.int("logLevel", Anytime, kindLogLevel, 0, 0, i32)
	s.TimeoutOfSessionCursors = s.bool("enableTimeoutOfInactiveSessionCursors", Anytime, false)
	s.EnableTestCommands = s.bool("enableTestCommands", Startup, false)
	s.Quiet = s.bool("quiet", Anytime, false)
	s.TransactionDDL = s.bool("transactionDDL", Anytime, false)
	s.WriteConflictWaitMillis = s.int("writeConflictWaitMillis", Anytime, kindInt, 50, 0, i32)

	s.WriteConflictWaitersMax = s.int("writeConflictWaitersMax", Anytime, kindInt, 1000, 0, i32)
	s.OverloadBaseBackoffMillis = s.int("overloadBaseBackoffMillis", Anytime, kindInt, 100, 1, 10_000)
	s.MaxConcurrentTransactions = s.int("maxConcurrentMultiDocumentTransactions", Anytime, kindInt, 10_000, 0, i32)
	s.MaxOpenCursors = s.int("maxOpenCursors", Anytime, kindInt, 100_000, 1, i32)

	s.fixedInt("logicalSessionRefreshMillis", Startup, kindInt, 300_000)
	s.fixedInt("AbortExpiredTransactionsSessionCheckoutTimeout", Anytime, kindInt, 100)
	s.fixedInt("KillSessionsMaxConcurrency", Startup, kindInt, 100)
	s.fixedInt("KillSessionsPerHostTimeoutMS", Startup, kindInt, 60_000)
	s.fixedInt("cachePressureQueryPeriodMilliseconds", Anytime, kindInt, 1000)
	s.fixedInt("maxBSONDepth", Startup, kindInt, 200)
	s.fixedInt("maxNumberOfTransactionOperationsInSingleOplogEntry", Startup, kindInt, i32)
	s.fixedInt("internalDocumentSourceGroupMaxMemoryBytes", Anytime, kindLong, 100<<20)
	s.fixedInt("sessionMaxBatchSize", Anytime, kindInt, 1000)
	s.fixedInt("sessionWriteConcernTimeoutSystemMillis", Anytime, kindInt, 60_000)
	s.fixedInt("temporarilyUnavailableBackoffBaseMs", Anytime, kindLong, 1000)
	s.fixedInt("temporarilyUnavailableMaxRetries", Anytime, kindLong, 10)
	s.fixedDouble("transactionTooLargeForCacheThreshold", Anytime, 0.75)
	s.fixedBool("coordinateCommitReturnImmediatelyAfterPersistingDecision", Anytime, false)
	s.fixedBool("disableLogicalSessionCacheRefresh", Startup, false)
	s.fixedBool("ingressRequestRateLimiterEnabled", Anytime, false)
	s.fixedBool("notablescan", Anytime, false)
	s.fixedBool("requireApiVersion", Anytime, false)
	s.fixedBool("storeFindAndModifyImagesInSideCollection", Anytime, true)
	s.TransactionIsolation = s.choice("transactionIsolation", Anytime, "snapshot", Serializable)
	s.shown("authenticationMechanisms", Startup, array())
	s.FeatureCompatibility = s.version("featureCompatibilityVersion", "8.2")

	s.sort()
	return s
}
