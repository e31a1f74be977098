import com.mongodb.MongoException
import com.mongodb.client.model.Filters.eq
import com.mongodb.client.model.Updates.inc
import com.mongodb.client.model.Updates.set
import com.mongodb.kotlin.client.coroutine.MongoClient
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.bson.Document

/** An abort, a duplicate key inside, two sessions in conflict, ten coroutines at one document. */
object Trouble {
    private val client = MongoClient.create(System.getenv("MONGODB_URI"))
    private val items = client.getDatabase("trouble_kotlin").getCollection<Document>("items")

    private fun id(id: Int) = Document("_id", id)

    private suspend fun quantity() = items.find(id(1)).first().getInteger("qty")

    private suspend fun failure(operation: suspend () -> Unit): MongoException {
        try {
            operation()
        } catch (e: MongoException) {
            return e
        }
        error("no error")
    }

    private fun expect(what: String, got: Any?, want: Any?) = check(got == want) { "$what: $got, expected $want" }

    private suspend fun abort() {
        client.startSession().use { session ->
            session.startTransaction()
            items.insertOne(session, id(2))
            items.updateOne(session, id(1), inc("qty", -10))
            expect("documents inside", items.countDocuments(session), 2L)
            session.abortTransaction()
        }
        expect("documents after the abort", items.countDocuments(), 1L)
        expect("quantity after the abort", quantity(), 10)
        println("abort: nothing is left of it")
    }

    private suspend fun duplicateKey() {
        client.startSession().use { session ->
            session.startTransaction()
            items.insertOne(session, id(3))
            val duplicate = failure { items.insertOne(session, id(1)) }
            expect("code", duplicate.code, 11000)
            expect("transient", duplicate.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL), false)
            expect("code of the next statement", failure { items.insertOne(session, id(4)) }.code, 251)
            session.abortTransaction()
        }
        expect("documents after the duplicate key", items.countDocuments(), 1L)
        println("duplicate key: the transaction is over, the error is not transient")
    }

    private suspend fun conflict() {
        val first = client.startSession()
        val second = client.startSession()
        first.startTransaction()
        second.startTransaction()
        items.find(first, id(1)).first()
        items.find(second, id(1)).first()
        items.updateOne(first, id(1), inc("qty", -1))
        val conflict = failure { items.updateOne(second, id(1), inc("qty", -1)) }
        expect("code", conflict.code, 112)
        expect("transient", conflict.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL), true)
        second.abortTransaction()
        first.commitTransaction()
        second.inTransaction { items.updateOne(it, id(1), inc("qty", -1)) }
        first.close()
        second.close()
        expect("quantity after both", quantity(), 8)
        println("conflict: told at the write, gone at the retry")
    }

    private suspend fun countUp() = client.startSession().use { session ->
        session.inTransaction {
            val qty = items.find(it, eq("_id", 1)).first().getInteger("qty")
            items.updateOne(it, eq("_id", 1), set("qty", qty + 1))
        }
    }

    private suspend fun contended() {
        coroutineScope {
            repeat(10) { launch { countUp() } }
        }
        expect("quantity after ten more", quantity(), 18)
        println("contended: no update was lost")
    }

    @JvmStatic
    fun main(args: Array<String>) = runBlocking {
        client.getDatabase("trouble_kotlin").drop()
        items.insertOne(id(1).append("qty", 10))
        abort()
        duplicateKey()
        conflict()
        contended()
        client.close()
    }
}
