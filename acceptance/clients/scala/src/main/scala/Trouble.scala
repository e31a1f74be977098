import Transactions._
import org.mongodb.scala._
import org.mongodb.scala.model.Filters.equal
import org.mongodb.scala.model.Updates.{inc, set}

import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.Future

/** An abort, a duplicate key inside, two sessions in conflict, ten futures at one document. */
object Trouble {
  def main(args: Array[String]): Unit = program { client =>
    val trouble = new Trouble(client)
    for {
      _ <- client.getDatabase("trouble_scala").drop().toFuture()
      _ <- trouble.items.insertOne(Document("_id" -> 1, "qty" -> 10)).toFuture()
      _ <- trouble.abort()
      _ <- trouble.duplicateKey()
      _ <- trouble.conflict()
      _ <- trouble.contended()
    } yield ()
  }
}

final class Trouble(client: MongoClient) {
  val items: MongoCollection[Document] = client.getDatabase("trouble_scala").getCollection("items")

  private def expect(what: String, got: Any, want: Any): Unit = assert(got == want, s"$what: $got, expected $want")

  private def id(id: Int) = Document("_id" -> id)

  private def quantity(): Future[Int] = items.find(id(1)).first().toFuture().map(_.getInteger("qty"))

  private def failure(operation: SingleObservable[_]): Future[MongoException] =
    operation.toFuture().failed.map { case error: MongoException => error }

  private def transient(error: MongoException) =
    error.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL)

  def abort(): Future[Unit] = withSession(client) { session =>
    session.startTransaction()
    for {
      _ <- items.insertOne(session, id(2)).toFuture()
      _ <- items.updateOne(session, id(1), inc("qty", -10)).toFuture()
      inside <- items.countDocuments(session).toFuture()
      _ = expect("documents inside", inside, 2L)
      _ <- Transactions.abort(session)
      after <- items.countDocuments().toFuture()
      _ = expect("documents after the abort", after, 1L)
      qty <- quantity()
      _ = expect("quantity after the abort", qty, 10)
    } yield println("abort: nothing is left of it")
  }

  def duplicateKey(): Future[Unit] = withSession(client) { session =>
    session.startTransaction()
    for {
      _ <- items.insertOne(session, id(3)).toFuture()
      duplicate <- failure(items.insertOne(session, id(1)))
      _ = expect("code", duplicate.getCode, 11000)
      _ = expect("transient", transient(duplicate), false)
      next <- failure(items.insertOne(session, id(4)))
      _ = expect("code of the next statement", next.getCode, 251)
      _ <- Transactions.abort(session)
      after <- items.countDocuments().toFuture()
      _ = expect("documents after the duplicate key", after, 1L)
    } yield println("duplicate key: the transaction is over, the error is not transient")
  }

  def conflict(): Future[Unit] = withSession(client) { first =>
    withSession(client) { second =>
      first.startTransaction()
      second.startTransaction()
      for {
        _ <- items.find(first, id(1)).first().toFuture()
        _ <- items.find(second, id(1)).first().toFuture()
        _ <- items.updateOne(first, id(1), inc("qty", -1)).toFuture()
        error <- failure(items.updateOne(second, id(1), inc("qty", -1)))
        _ = expect("code", error.getCode, 112)
        _ = expect("transient", transient(error), true)
        _ <- Transactions.abort(second)
        _ <- commitWithRetry(first)
        _ <- inTransaction(second)(items.updateOne(_, id(1), inc("qty", -1)).toFuture())
        qty <- quantity()
        _ = expect("quantity after both", qty, 8)
      } yield println("conflict: told at the write, gone at the retry")
    }
  }

  def contended(): Future[Unit] = {
    def once(session: ClientSession) =
      for {
        doc <- items.find(session, equal("_id", 1)).first().toFuture()
        _ <- items.updateOne(session, equal("_id", 1), set("qty", doc.getInteger("qty") + 1)).toFuture()
      } yield ()

    for {
      _ <- Future.sequence(Seq.fill(10)(withSession(client)(inTransaction(_)(once))))
      qty <- quantity()
      _ = expect("quantity after ten more", qty, 18)
    } yield println("contended: no update was lost")
  }
}
