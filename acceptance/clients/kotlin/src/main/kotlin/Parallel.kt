import com.mongodb.client.model.Accumulators
import com.mongodb.client.model.Aggregates
import com.mongodb.client.model.Filters.eq
import com.mongodb.client.model.Filters.gt
import com.mongodb.client.model.Updates.inc
import com.mongodb.kotlin.client.coroutine.MongoClient
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.runBlocking
import org.bson.Document

/**
 * Coroutines inside a transaction, after a first statement that was awaited: the
 * statements arrive at once, on several connections, and all of them are done.
 */
object Parallel {
    @JvmStatic
    fun main(args: Array<String>) = runBlocking {
        MongoClient.create(System.getenv("MONGODB_URI")).use { client ->
            val db = client.getDatabase("parallel_kotlin")
            db.drop()
            val users = db.getCollection<Document>("users")
            val log = db.getCollection<Document>("log")
            users.insertMany(List(20) { Document("_id", it).append("n", 0) })
            log.insertOne(Document("_id", "start"))

            client.startSession().use { session ->
                session.inTransaction {
                    log.insertOne(it, Document("what", "counting"))
                    coroutineScope {
                        List(20) { i -> async { users.updateOne(it, eq("_id", i), inc("n", i)) } }.awaitAll()
                        val positive = async { users.countDocuments(it, gt("n", 0)) }
                        val all = async { users.find(it).toList() }
                        val total = async {
                            users.aggregate(it, listOf(Aggregates.group(null, Accumulators.sum("total", "\$n")))).first()
                        }
                        check(positive.await() == 19L)
                        check(all.await().size == 20)
                        check(total.await().getInteger("total") == 190)
                    }
                }
            }

            println("total: ${users.find().toList().sumOf { it.getInteger("n") }}")
        }
    }
}
