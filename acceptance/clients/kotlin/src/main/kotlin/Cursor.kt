import com.mongodb.ReadConcern
import com.mongodb.TransactionOptions
import com.mongodb.client.model.Aggregates
import com.mongodb.client.model.Filters.gte
import com.mongodb.client.model.Sorts.ascending
import com.mongodb.client.model.Sorts.descending
import com.mongodb.client.model.Updates.inc
import com.mongodb.kotlin.client.coroutine.MongoClient
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import org.bson.Document

/** Flows over several batches inside a transaction see one snapshot, whatever others do meanwhile. */
object Cursor {
    @JvmStatic
    fun main(args: Array<String>) = runBlocking {
        MongoClient.create(System.getenv("MONGODB_URI")).use { client ->
            client.getDatabase("cursor_kotlin").drop()
            val numbers = client.getDatabase("cursor_kotlin").getCollection<Document>("numbers")
            numbers.insertMany(List(1000) { Document("_id", it).append("n", it) })

            var seen = 0
            var sum = 0L
            client.startSession().use { session ->
                session.startTransaction(TransactionOptions.builder().readConcern(ReadConcern.SNAPSHOT).build())
                numbers.find(session).sort(ascending("_id")).batchSize(100).collect {
                    seen++
                    sum += it.getInteger("n")
                    if (seen == 150) {
                        numbers.updateMany(Document(), inc("n", 1_000_000))
                        numbers.deleteMany(gte("_id", 500))
                    }
                }
                // A flow that is not collected to its end closes its cursor inside the transaction as well.
                val last = numbers.aggregate(session, listOf(Aggregates.sort(descending("_id")))).batchSize(10).first()
                check(last.getInteger("_id") == 999) { "the last number: $last" }
                session.commitWithRetry()
            }
            println("seen: $seen, sum: $sum")
            check(numbers.countDocuments() == 500L)
        }
    }
}
