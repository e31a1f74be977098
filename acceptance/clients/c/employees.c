/* Changes an employee's status and writes an event about it, in one transaction: by
 * the callback API, then by the core API with the manual's two retry loops. */
#include "common.h"

typedef bool (*txn_func_t) (mongoc_client_t *, mongoc_client_session_t *, bson_t *reply, bson_error_t *);

/* change writes to both collections. A failed write leaves its labels in the reply. */
static bool
change (mongoc_client_t *client, int employee, const bson_t *opts, bson_t *reply, bson_error_t *error)
{
   mongoc_collection_t *employees = mongoc_client_get_collection (client, "hr_c", "employees");
   mongoc_collection_t *events = mongoc_client_get_collection (client, "reporting_c", "events");
   bson_t *filter = BCON_NEW ("employee", BCON_INT32 (employee));
   bson_t *update = BCON_NEW ("$set", "{", "status", BCON_UTF8 ("Inactive"), "}");
   bson_t *event = BCON_NEW ("employee", BCON_INT32 (employee), "status", "{",
                             "new", BCON_UTF8 ("Inactive"), "old", BCON_UTF8 ("Active"), "}");
   bool ok;

   ok = mongoc_collection_update_one (employees, filter, update, opts, reply, error);
   if (ok) {
      bson_destroy (reply);
      ok = mongoc_collection_insert_one (events, event, opts, reply, error);
   }
   bson_destroy (filter);
   bson_destroy (update);
   bson_destroy (event);
   mongoc_collection_destroy (employees);
   mongoc_collection_destroy (events);
   return ok;
}

/* update_first is the callback: the driver begins and commits around it. */
static bool
update_first (mongoc_client_session_t *session, void *client, bson_t **reply, bson_error_t *error)
{
   bson_t *opts = in_session (session);
   bson_t step;
   bool ok = tell (change (client, 1, opts, &step, error), &step, reply);

   bson_destroy (opts);
   return ok;
}

static bool
commit_with_retry (mongoc_client_session_t *session, bson_t *reply, bson_error_t *error)
{
   while (true) {
      if (mongoc_client_session_commit_transaction (session, reply, error)) {
         printf ("Transaction committed.\n");
         return true;
      }
      if (!mongoc_error_has_label (reply, "UnknownTransactionCommitResult")) {
         return false;
      }
      printf ("UnknownTransactionCommitResult, retrying commit operation ...\n");
      bson_destroy (reply);
   }
}

static bool
update_employee_info (mongoc_client_t *client, mongoc_client_session_t *session, bson_t *reply, bson_error_t *error)
{
   mongoc_transaction_opt_t *txn = mongoc_transaction_opts_new ();
   mongoc_read_concern_t *snapshot = mongoc_read_concern_new ();
   mongoc_write_concern_t *majority = mongoc_write_concern_new ();
   bson_t *opts;
   bool ok;

   mongoc_read_concern_set_level (snapshot, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT);
   mongoc_write_concern_set_w (majority, MONGOC_WRITE_CONCERN_W_MAJORITY);
   mongoc_transaction_opts_set_read_concern (txn, snapshot);
   mongoc_transaction_opts_set_write_concern (txn, majority);
   must (mongoc_client_session_start_transaction (session, txn, error), "start a transaction", error);
   mongoc_transaction_opts_destroy (txn);
   mongoc_read_concern_destroy (snapshot);
   mongoc_write_concern_destroy (majority);

   opts = in_session (session);
   ok = change (client, 3, opts, reply, error);
   bson_destroy (opts);
   if (!ok) {
      bson_error_t ignored;

      printf ("caught an error during the transaction, aborting: %s\n", error->message);
      mongoc_client_session_abort_transaction (session, &ignored);
      return false;
   }
   bson_destroy (reply);
   return commit_with_retry (session, reply, error);
}

static void
run_transaction_with_retry (txn_func_t txn, mongoc_client_t *client, mongoc_client_session_t *session)
{
   bool done = false;

   while (!done) {
      bson_t reply;
      bson_error_t error;

      done = txn (client, session, &reply, &error);
      if (!done && !mongoc_error_has_label (&reply, "TransientTransactionError")) {
         fail ("transaction", error.message);
      }
      if (!done) {
         printf ("TransientTransactionError, retrying transaction ...\n");
      }
      bson_destroy (&reply);
   }
}

static void
hire (mongoc_collection_t *employees, int employee, const char *name)
{
   bson_t *doc = BCON_NEW ("_id", BCON_INT32 (employee), "employee", BCON_INT32 (employee),
                           "name", BCON_UTF8 (name), "status", BCON_UTF8 ("Active"));
   bson_error_t error;

   must (mongoc_collection_insert_one (employees, doc, NULL, NULL, &error), "insert", &error);
   bson_destroy (doc);
}

static void
print_status (mongoc_collection_t *employees, int employee)
{
   bson_t *filter = BCON_NEW ("employee", BCON_INT32 (employee));
   mongoc_cursor_t *cursor = mongoc_collection_find_with_opts (employees, filter, NULL, NULL);
   const bson_t *doc;
   bson_iter_t it;

   if (!mongoc_cursor_next (cursor, &doc) || !bson_iter_init_find (&it, doc, "status")) {
      fail ("employee", "has no status");
   }
   printf ("status of employee %d: %s\n", employee, bson_iter_utf8 (&it, NULL));
   mongoc_cursor_destroy (cursor);
   bson_destroy (filter);
}

int
main (void)
{
   mongoc_client_t *client;
   mongoc_client_session_t *session;
   mongoc_collection_t *employees, *events;
   bson_error_t error;

   mongoc_init ();
   client = connect_client ();
   drop_database (client, "hr_c");
   drop_database (client, "reporting_c");
   employees = mongoc_client_get_collection (client, "hr_c", "employees");
   events = mongoc_client_get_collection (client, "reporting_c", "events");
   hire (employees, 1, "Ada");
   hire (employees, 3, "Grace");

   session = start_session (client);
   must (mongoc_client_session_with_transaction (session, update_first, NULL, client, NULL, &error),
         "transaction",
         &error);
   run_transaction_with_retry (update_employee_info, client, session);
   mongoc_client_session_destroy (session);

   print_status (employees, 1);
   print_status (employees, 3);
   expect ("inactive", count (employees, BCON_NEW ("status", BCON_UTF8 ("Inactive")), NULL), 2);
   expect ("events", count (events, BCON_NEW ("status.new", BCON_UTF8 ("Inactive")), NULL), 2);
   mongoc_collection_destroy (employees);
   mongoc_collection_destroy (events);
   mongoc_client_destroy (client);
   mongoc_cleanup ();
   return EXIT_SUCCESS;
}
