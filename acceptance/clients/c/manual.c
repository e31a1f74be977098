/* The callback example of the manual: two collections of two databases are written
 * in one transaction, which the driver begins, commits and tries again. */
#include "common.h"

static bool
insert_both (mongoc_client_session_t *session, void *ctx, bson_t **reply, bson_error_t *error)
{
   mongoc_client_t *client = ctx;
   mongoc_collection_t *foo = mongoc_client_get_collection (client, "mydb1_c", "foo");
   mongoc_collection_t *bar = mongoc_client_get_collection (client, "mydb2_c", "bar");
   bson_t *one = BCON_NEW ("abc", BCON_INT32 (1));
   bson_t *other = BCON_NEW ("xyz", BCON_INT32 (999));
   bson_t *opts = in_session (session);
   bson_t step;
   bool ok;

   ok = tell (mongoc_collection_insert_one (foo, one, opts, &step, error), &step, reply) &&
        tell (mongoc_collection_insert_one (bar, other, opts, &step, error), &step, reply);
   bson_destroy (one);
   bson_destroy (other);
   bson_destroy (opts);
   mongoc_collection_destroy (foo);
   mongoc_collection_destroy (bar);
   return ok;
}

/* create makes a collection anew, with one document that is none of the transaction's. */
static void
create (mongoc_client_t *client, const char *database, const char *name, const char *field)
{
   mongoc_collection_t *collection = mongoc_client_get_collection (client, database, name);
   bson_t *zero = BCON_NEW (field, BCON_INT32 (0));
   bson_error_t error;

   drop_database (client, database);
   must (mongoc_collection_insert_one (collection, zero, NULL, NULL, &error), "insert", &error);
   bson_destroy (zero);
   mongoc_collection_destroy (collection);
}

int
main (void)
{
   mongoc_client_t *client, *look;
   mongoc_client_session_t *session;
   mongoc_transaction_opt_t *opts;
   mongoc_read_concern_t *snapshot;
   mongoc_write_concern_t *majority;
   mongoc_collection_t *foo, *bar;
   bson_error_t error;

   mongoc_init ();
   client = connect_client ();
   create (client, "mydb1_c", "foo", "abc");
   create (client, "mydb2_c", "bar", "xyz");

   snapshot = mongoc_read_concern_new ();
   mongoc_read_concern_set_level (snapshot, MONGOC_READ_CONCERN_LEVEL_SNAPSHOT);
   majority = mongoc_write_concern_new ();
   mongoc_write_concern_set_wmajority (majority, 1000);
   opts = mongoc_transaction_opts_new ();
   mongoc_transaction_opts_set_read_concern (opts, snapshot);
   mongoc_transaction_opts_set_write_concern (opts, majority);

   session = start_session (client);
   must (mongoc_client_session_with_transaction (session, insert_both, opts, client, NULL, &error),
         "transaction",
         &error);
   mongoc_client_session_destroy (session);

   /* What another client sees. */
   look = connect_client ();
   foo = mongoc_client_get_collection (look, "mydb1_c", "foo");
   bar = mongoc_client_get_collection (look, "mydb2_c", "bar");
   printf ("foo: %lld, bar: %lld\n",
           (long long) count (foo, bson_new (), NULL),
           (long long) count (bar, bson_new (), NULL));
   expect ("ones", count (foo, BCON_NEW ("abc", BCON_INT32 (1)), NULL), 1);
   expect ("999s", count (bar, BCON_NEW ("xyz", BCON_INT32 (999)), NULL), 1);

   mongoc_collection_destroy (foo);
   mongoc_collection_destroy (bar);
   mongoc_transaction_opts_destroy (opts);
   mongoc_read_concern_destroy (snapshot);
   mongoc_write_concern_destroy (majority);
   mongoc_client_destroy (look);
   mongoc_client_destroy (client);
   mongoc_cleanup ();
   return EXIT_SUCCESS;
}
