import Transactions._
import org.mongodb.scala._
import org.mongodb.scala.model.Filters.equal
import org.mongodb.scala.model.Updates.set

import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.Future

/**
 * Changes an employee's status and writes an event about it, in one transaction, with the
 * two retry loops: as the core API has it, then through a function of one's own.
 */
object Employees {
  def main(args: Array[String]): Unit = program { client =>
    val employees = client.getDatabase("hr_scala").getCollection("employees")
    val events = client.getDatabase("reporting_scala").getCollection("events")

    def change(session: ClientSession, employee: Int): Future[Unit] =
      for {
        _ <- employees.updateOne(session, equal("employee", employee), set("status", "Inactive")).toFuture()
        event = Document("employee" -> employee, "status" -> Document("new" -> "Inactive", "old" -> "Active"))
        _ <- events.insertOne(session, event).toFuture()
      } yield ()

    def updateEmployeeInfo(session: ClientSession): Future[Unit] = {
      session.startTransaction(
        TransactionOptions
          .builder()
          .readPreference(ReadPreference.primary())
          .readConcern(ReadConcern.SNAPSHOT)
          .writeConcern(WriteConcern.MAJORITY)
          .build()
      )
      change(session, 3)
        .recoverWith { case error =>
          println("Caught an error during the transaction, aborting.")
          abort(session).flatMap(_ => Future.failed(error))
        }
        .flatMap(_ => commitWithRetry(session))
    }

    def status(employee: Int): Future[Unit] =
      employees.find(equal("employee", employee)).first().toFuture().map { found =>
        println(s"status of employee $employee: ${found.getString("status")}")
      }

    for {
      _ <- client.getDatabase("hr_scala").drop().toFuture()
      _ <- client.getDatabase("reporting_scala").drop().toFuture()
      _ <- employees
        .insertMany(
          Seq(
            Document("employee" -> 1, "name" -> "Ada", "status" -> "Active"),
            Document("employee" -> 3, "name" -> "Grace", "status" -> "Active")
          )
        )
        .toFuture()
      _ <- withSession(client)(session => runTransactionWithRetry(() => updateEmployeeInfo(session)))
      _ <- withSession(client)(inTransaction(_)(change(_, 1)))
      _ <- status(1)
      _ <- status(3)
      n <- events.countDocuments(equal("status.new", "Inactive")).toFuture()
    } yield println(s"events: $n")
  }
}
