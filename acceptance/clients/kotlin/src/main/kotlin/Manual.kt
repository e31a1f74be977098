import com.mongodb.ReadConcern
import com.mongodb.ReadPreference
import com.mongodb.TransactionOptions
import com.mongodb.WriteConcern
import com.mongodb.kotlin.client.coroutine.MongoClient
import kotlinx.coroutines.runBlocking
import org.bson.Document

/** The first example of the manual: two databases in one transaction. */
object Manual {
    @JvmStatic
    fun main(args: Array<String>) = runBlocking {
        MongoClient.create(System.getenv("MONGODB_URI")).use { client ->
            val foo = client.getDatabase("mydb1_kotlin").getCollection<Document>("foo")
            val bar = client.getDatabase("mydb2_kotlin").getCollection<Document>("bar")
            foo.drop()
            bar.drop()
            foo.withWriteConcern(WriteConcern.MAJORITY).insertOne(Document("abc", 0))
            bar.withWriteConcern(WriteConcern.MAJORITY).insertOne(Document("xyz", 0))

            val options = TransactionOptions.builder()
                .readPreference(ReadPreference.primary())
                .readConcern(ReadConcern.LOCAL)
                .writeConcern(WriteConcern.MAJORITY)
                .build()
            client.startSession().use { session ->
                val value = session.inTransaction(options) {
                    foo.insertOne(it, Document("abc", 1))
                    bar.insertOne(it, Document("xyz", 999))
                    "done"
                }
                check(value == "done")

                val closed = IllegalStateException("the shop is closed")
                val error = runCatching {
                    session.inTransaction(options) {
                        foo.insertOne(it, Document("abc", 2))
                        throw closed
                    }
                }.exceptionOrNull()
                check(error === closed) { "the error of the block was lost: $error" }
            }

            check(foo.countDocuments(Document("abc", 1)) == 1L)
            println("foo: ${foo.countDocuments()}, bar: ${bar.countDocuments()}")
        }
    }
}
