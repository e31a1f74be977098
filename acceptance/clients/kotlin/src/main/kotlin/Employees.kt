import com.mongodb.ReadConcern
import com.mongodb.ReadPreference
import com.mongodb.TransactionOptions
import com.mongodb.WriteConcern
import com.mongodb.client.model.Filters.eq
import com.mongodb.client.model.Updates.set
import com.mongodb.kotlin.client.coroutine.ClientSession
import com.mongodb.kotlin.client.coroutine.MongoClient
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import org.bson.Document

/**
 * Changes an employee's status and writes an event about it, in one transaction, with the
 * two retry loops: as the core API has it, then through a function of one's own.
 */
object Employees {
    private val client = MongoClient.create(System.getenv("MONGODB_URI"))
    private val employees = client.getDatabase("hr_kotlin").getCollection<Document>("employees")
    private val events = client.getDatabase("reporting_kotlin").getCollection<Document>("events")

    private suspend fun change(session: ClientSession, employee: Int) {
        employees.updateOne(session, eq("employee", employee), set("status", "Inactive"))
        events.insertOne(
            session,
            Document("employee", employee).append("status", Document("new", "Inactive").append("old", "Active")),
        )
    }

    private suspend fun updateEmployeeInfo(session: ClientSession) {
        session.startTransaction(
            TransactionOptions.builder()
                .readPreference(ReadPreference.primary())
                .readConcern(ReadConcern.SNAPSHOT)
                .writeConcern(WriteConcern.MAJORITY)
                .build(),
        )
        try {
            change(session, 3)
        } catch (e: Exception) {
            println("Caught an error during the transaction, aborting.")
            session.abortTransaction()
            throw e
        }
        session.commitWithRetry()
    }

    @JvmStatic
    fun main(args: Array<String>) = runBlocking {
        client.getDatabase("hr_kotlin").drop()
        client.getDatabase("reporting_kotlin").drop()
        employees.insertMany(
            listOf(
                Document("employee", 1).append("name", "Ada").append("status", "Active"),
                Document("employee", 3).append("name", "Grace").append("status", "Active"),
            ),
        )

        client.startSession().use { session ->
            runTransactionWithRetry { updateEmployeeInfo(session) }
            session.inTransaction { change(it, 1) }
        }

        for (employee in listOf(1, 3)) {
            val status = employees.find(eq("employee", employee)).first().getString("status")
            println("status of employee $employee: $status")
        }
        println("events: ${events.countDocuments(eq("status.new", "Inactive"))}")
        client.close()
    }
}
