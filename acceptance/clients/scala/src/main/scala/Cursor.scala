import Transactions._
import org.mongodb.scala._
import org.mongodb.scala.model.Aggregates
import org.mongodb.scala.model.Filters.gte
import org.mongodb.scala.model.Sorts.{ascending, descending}
import org.mongodb.scala.model.Updates.inc

import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.{Future, Promise}

/** Cursors of several batches inside a transaction see one snapshot, whatever others do meanwhile. */
object Cursor {
  def main(args: Array[String]): Unit = program { client =>
    val numbers = client.getDatabase("cursor_scala").getCollection("numbers")
    for {
      _ <- client.getDatabase("cursor_scala").drop().toFuture()
      _ <- numbers.insertMany((0 until 1000).map(n => Document("_id" -> n, "n" -> n))).toFuture()
      _ <- withSession(client) { session =>
        session.startTransaction(TransactionOptions.builder().readConcern(ReadConcern.SNAPSHOT).build())
        for {
          (seen, sum) <- readAll(session, numbers)
          // A cursor that is not read to its end is closed inside the transaction as well.
          last <- numbers.aggregate(session, Seq(Aggregates.sort(descending("_id")))).batchSize(10).first().toFuture()
          _ = assert(last.getInteger("_id") == 999, s"the last number: $last")
          _ <- commitWithRetry(session)
        } yield println(s"seen: $seen, sum: $sum")
      }
      left <- numbers.countDocuments().toFuture()
      _ = assert(left == 500, s"left: $left")
    } yield ()
  }

  /** Reads all numbers one by one, while another client changes them after the 150th. */
  private def readAll(session: ClientSession, numbers: MongoCollection[Document]): Future[(Int, Long)] = {
    val done = Promise[(Int, Long)]()
    numbers
      .find(session)
      .sort(ascending("_id"))
      .batchSize(100)
      .subscribe(new Observer[Document] {
        private var subscription: Subscription = _
        private var seen = 0
        private var sum = 0L

        override def onSubscribe(s: Subscription): Unit = {
          subscription = s
          s.request(1)
        }

        override def onNext(number: Document): Unit = {
          seen += 1
          sum += number.getInteger("n").toLong
          if (seen == 150) disturb(numbers).onComplete(r => r.fold(onError, _ => subscription.request(1)))
          else subscription.request(1)
        }

        override def onError(error: Throwable): Unit = done.tryFailure(error)

        override def onComplete(): Unit = done.trySuccess((seen, sum))
      })
    done.future
  }

  private def disturb(numbers: MongoCollection[Document]): Future[Unit] =
    for {
      _ <- numbers.updateMany(Document(), inc("n", 1000000)).toFuture()
      _ <- numbers.deleteMany(gte("_id", 500)).toFuture()
    } yield ()
}
