import com.mongodb.MongoException
import com.mongodb.TransactionOptions
import com.mongodb.kotlin.client.coroutine.ClientSession

/** Runs [body] in a transaction and commits it, again from the start as long as the server says that this may help. */
suspend fun <T> ClientSession.inTransaction(
    options: TransactionOptions = TransactionOptions.builder().build(),
    body: suspend (ClientSession) -> T,
): T = runTransactionWithRetry {
    startTransaction(options)
    val result = try {
        body(this)
    } catch (e: Throwable) {
        if (hasActiveTransaction()) abortTransaction()
        throw e
    }
    commitWithRetry()
    result
}

suspend fun <T> runTransactionWithRetry(transaction: suspend () -> T): T {
    while (true) {
        try {
            return transaction()
        } catch (e: MongoException) {
            if (!e.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL)) throw e
        }
    }
}

suspend fun ClientSession.commitWithRetry() {
    while (true) {
        try {
            return commitTransaction()
        } catch (e: MongoException) {
            if (!e.hasErrorLabel(MongoException.UNKNOWN_TRANSACTION_COMMIT_RESULT_LABEL)) throw e
        }
    }
}
