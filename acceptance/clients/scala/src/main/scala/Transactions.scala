import org.mongodb.scala._

import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.Future
import scala.concurrent.duration._
import scala.concurrent.Await

/** What the driver leaves to its users: the retry loops around a transaction. */
object Transactions {
  def withSession[T](client: MongoClient)(body: ClientSession => Future[T]): Future[T] =
    client.startSession().toFuture().flatMap { session =>
      body(session).andThen { case _ => session.close() }
    }

  /** Runs the body in a transaction and commits it, again from the start as long as the server says that this may help. */
  def inTransaction[T](session: ClientSession, options: TransactionOptions = TransactionOptions.builder().build())(
      body: ClientSession => Future[T]
  ): Future[T] = runTransactionWithRetry { () =>
    session.startTransaction(options)
    body(session)
      .recoverWith { case error => abort(session).transformWith(_ => Future.failed(error)) }
      .flatMap(result => commitWithRetry(session).map(_ => result))
  }

  def runTransactionWithRetry[T](transaction: () => Future[T]): Future[T] =
    transaction().recoverWith {
      case error: MongoException if error.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL) =>
        runTransactionWithRetry(transaction)
    }

  def commitWithRetry(session: ClientSession): Future[Unit] =
    commit(session).recoverWith {
      case error: MongoException if error.hasErrorLabel(MongoException.UNKNOWN_TRANSACTION_COMMIT_RESULT_LABEL) =>
        commitWithRetry(session)
    }

  def commit(session: ClientSession): Future[Unit] = session.commitTransaction().toSingle().toFuture().map(_ => ())

  def abort(session: ClientSession): Future[Unit] = session.abortTransaction().toSingle().toFuture().map(_ => ())

  /** Runs a program against the server that the environment names, and waits for its end. */
  def program(body: MongoClient => Future[Unit]): Unit = {
    val client = MongoClient(sys.env("MONGODB_URI"))
    try Await.result(body(client), 50.seconds)
    finally client.close()
  }
}
