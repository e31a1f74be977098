import Transactions._
import org.mongodb.scala._
import org.mongodb.scala.model.{Accumulators, Aggregates}
import org.mongodb.scala.model.Filters.{equal, gt}
import org.mongodb.scala.model.Updates.inc

import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.Future

/**
 * Futures inside a transaction, after a first statement that was awaited: the
 * statements arrive at once, on several connections, and all of them are done.
 */
object Parallel {
  def main(args: Array[String]): Unit = program { client =>
    val db = client.getDatabase("parallel_scala")
    val users = db.getCollection("users")
    val log = db.getCollection("log")

    def countAll(session: ClientSession): Future[Unit] =
      for {
        _ <- log.insertOne(session, Document("what" -> "counting")).toFuture()
        _ <- Future.sequence(
          (0 until 20).map(i => users.updateOne(session, equal("_id", i), inc("n", i)).toFuture())
        )
        positive = users.countDocuments(session, gt("n", 0)).toFuture()
        all = users.find(session).toFuture()
        grouped = users.aggregate(session, Seq(Aggregates.group(null, Accumulators.sum("total", "$n")))).first().toFuture()
        _ <- positive.map(n => assert(n == 19, s"positive: $n"))
        _ <- all.map(docs => assert(docs.size == 20, s"all: ${docs.size}"))
        _ <- grouped.map(doc => assert(doc.getInteger("total") == 190, s"grouped: $doc"))
      } yield ()

    for {
      _ <- db.drop().toFuture()
      _ <- users.insertMany((0 until 20).map(i => Document("_id" -> i, "n" -> 0))).toFuture()
      _ <- log.insertOne(Document("_id" -> "start")).toFuture()
      _ <- withSession(client)(inTransaction(_)(countAll))
      docs <- users.find().toFuture()
    } yield println(s"total: ${docs.map(_.getInteger("n").toInt).sum}")
  }
}
