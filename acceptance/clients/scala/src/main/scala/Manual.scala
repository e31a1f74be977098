import Transactions._
import org.mongodb.scala._

import scala.concurrent.ExecutionContext.Implicits.global

/** The first example of the manual: two databases in one transaction. */
object Manual {
  def main(args: Array[String]): Unit = program { client =>
    val foo = client.getDatabase("mydb1_scala").getCollection("foo")
    val bar = client.getDatabase("mydb2_scala").getCollection("bar")
    val options = TransactionOptions
      .builder()
      .readPreference(ReadPreference.primary())
      .readConcern(ReadConcern.LOCAL)
      .writeConcern(WriteConcern.MAJORITY)
      .build()
    val closed = new RuntimeException("the shop is closed")

    for {
      _ <- foo.drop().toFuture()
      _ <- bar.drop().toFuture()
      _ <- foo.withWriteConcern(WriteConcern.MAJORITY).insertOne(Document("abc" -> 0)).toFuture()
      _ <- bar.withWriteConcern(WriteConcern.MAJORITY).insertOne(Document("xyz" -> 0)).toFuture()
      value <- withSession(client)(inTransaction(_, options) { session =>
        for {
          _ <- foo.insertOne(session, Document("abc" -> 1)).toFuture()
          _ <- bar.insertOne(session, Document("xyz" -> 999)).toFuture()
        } yield "done"
      })
      _ = assert(value == "done")
      error <- withSession(client)(inTransaction(_, options) { session =>
        foo.insertOne(session, Document("abc" -> 2)).toFuture().map(_ => throw closed)
      }).failed
      _ = assert(error eq closed, s"the error of the block was lost: $error")
      ones <- foo.countDocuments(Document("abc" -> 1)).toFuture()
      _ = assert(ones == 1)
      foos <- foo.countDocuments().toFuture()
      bars <- bar.countDocuments().toFuture()
    } yield println(s"foo: $foos, bar: $bars")
  }
}
