import com.mongodb.client.model.Filters.eq
import com.mongodb.client.model.Updates.inc
import com.mongodb.kotlin.client.coroutine.MongoClient
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.flow.toList
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withContext
import org.bson.Document

/**
 * Coroutines for all statements of a transaction, the first one too. Whichever is sent
 * first starts it; the others may be there before. (MongoDB itself refuses those.)
 */
object Racing {
    private const val ROUNDS = 20
    private const val STATEMENTS = 10

    @JvmStatic
    fun main(args: Array<String>) = runBlocking {
        MongoClient.create(System.getenv("MONGODB_URI")).use { client ->
            client.getDatabase("racing_kotlin").drop()
            val users = client.getDatabase("racing_kotlin").getCollection<Document>("users")
            users.insertMany(List(STATEMENTS) { Document("_id", it).append("n", 0) })

            client.startSession().use { session ->
                repeat(ROUNDS) {
                    session.startTransaction()
                    withContext(Dispatchers.Default) {
                        repeat(STATEMENTS) { i -> launch { users.updateOne(session, eq("_id", i), inc("n", 1)) } }
                    }
                    session.commitTransaction()
                }
            }
            println("total: ${users.find().toList().sumOf { it.getInteger("n") }}")
        }
    }
}
