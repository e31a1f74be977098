/* An abort, a duplicate key inside, two sessions in conflict, threads that contend. */
#include "common.h"

#include <pthread.h>

enum { THREADS = 10 };

static mongoc_client_t *client;
static mongoc_collection_t *items;

static mongoc_client_session_t *
begin (void)
{
   mongoc_client_session_t *session = start_session (client);
   bson_error_t error;

   must (mongoc_client_session_start_transaction (session, NULL, &error), "start a transaction", &error);
   return session;
}

/* failed ends the program unless the write failed with this code; it tells whether
 * the failure is transient. */
static bool
failed (bool ok, bson_t *reply, const bson_error_t *error, uint32_t code)
{
   bool transient;

   if (ok) {
      fail ("write", "expected an error");
   }
   if (error->domain != MONGOC_ERROR_SERVER || error->code != code) {
      fprintf (stderr, "expected code %u, not %u of domain %u: %s\n", code, error->code, error->domain, error->message);
      exit (EXIT_FAILURE);
   }
   transient = mongoc_error_has_label (reply, "TransientTransactionError");
   bson_destroy (reply);
   return transient;
}

static bool
insert (int id, const bson_t *opts, bson_t *reply, bson_error_t *error)
{
   bson_t *doc = BCON_NEW ("_id", BCON_INT32 (id), "qty", BCON_INT32 (10));
   bool ok = mongoc_collection_insert_one (items, doc, opts, reply, error);

   bson_destroy (doc);
   return ok;
}

static bool
take (int qty, const bson_t *opts, bson_t *reply, bson_error_t *error)
{
   bson_t *filter = BCON_NEW ("_id", BCON_INT32 (1));
   bson_t *update = BCON_NEW ("$inc", "{", "qty", BCON_INT32 (-qty), "}");
   bool ok = mongoc_collection_update_one (items, filter, update, opts, reply, error);

   bson_destroy (filter);
   bson_destroy (update);
   return ok;
}

static void
abort_one (void)
{
   mongoc_client_session_t *session = begin ();
   bson_t *opts = in_session (session);
   bson_error_t error;

   must (insert (2, opts, NULL, &error), "insert", &error);
   must (take (10, opts, NULL, &error), "update", &error);
   expect ("documents inside", count (items, bson_new (), opts), 2);
   must (mongoc_client_session_abort_transaction (session, &error), "abort", &error);
   bson_destroy (opts);
   mongoc_client_session_destroy (session);
   expect ("documents", count (items, bson_new (), NULL), 1);
   expect ("quantity", number (items, 1, "qty", NULL), 10);
   printf ("abort: nothing is left of it\n");
}

static void
duplicate_key (void)
{
   mongoc_client_session_t *session = begin ();
   bson_t *opts = in_session (session);
   bson_t reply;
   bson_error_t error;

   must (insert (3, opts, NULL, &error), "insert", &error);
   if (failed (insert (1, opts, &reply, &error), &reply, &error, 11000)) {
      fail ("duplicate key", "is not transient");
   }
   failed (insert (4, opts, &reply, &error), &reply, &error, 251);
   mongoc_client_session_abort_transaction (session, &error);
   bson_destroy (opts);
   mongoc_client_session_destroy (session);
   expect ("documents", count (items, bson_new (), NULL), 1);
   printf ("duplicate key: the transaction is over, the error is not transient\n");
}

static bool
take_one (mongoc_client_session_t *session, void *ctx, bson_t **reply, bson_error_t *error)
{
   bson_t *opts = in_session (session);
   bson_t step;
   bool ok = tell (take (1, opts, &step, error), &step, reply);

   (void) ctx;
   bson_destroy (opts);
   return ok;
}

static void
conflict (void)
{
   mongoc_client_session_t *first = begin ();
   mongoc_client_session_t *second = begin ();
   bson_t *in_first = in_session (first);
   bson_t *in_second = in_session (second);
   bson_t reply;
   bson_error_t error;

   number (items, 1, "qty", in_first);
   number (items, 1, "qty", in_second);
   must (take (1, in_first, NULL, &error), "update", &error);
   if (!failed (take (1, in_second, &reply, &error), &reply, &error, 112)) {
      fail ("conflict", "is transient");
   }
   mongoc_client_session_abort_transaction (second, &error);
   must (mongoc_client_session_commit_transaction (first, NULL, &error), "commit", &error);
   must (mongoc_client_session_with_transaction (second, take_one, NULL, NULL, NULL, &error), "again", &error);
   bson_destroy (in_first);
   bson_destroy (in_second);
   mongoc_client_session_destroy (first);
   mongoc_client_session_destroy (second);
   expect ("quantity", number (items, 1, "qty", NULL), 8);
   printf ("conflict: told at the write, gone at the retry\n");
}

/* count_up reads the quantity and writes one more. */
static bool
count_up (mongoc_client_session_t *session, void *ctx, bson_t **reply, bson_error_t *error)
{
   mongoc_collection_t *theirs = ctx;
   bson_t *opts = in_session (session);
   bson_t *filter = BCON_NEW ("_id", BCON_INT32 (1));
   mongoc_cursor_t *cursor = mongoc_collection_find_with_opts (theirs, filter, opts, NULL);
   const bson_t *doc, *failure;
   bson_iter_t it;
   bool ok = false;

   if (!mongoc_cursor_next (cursor, &doc)) {
      if (!mongoc_cursor_error_document (cursor, error, &failure)) {
         fail ("items", "no document");
      }
      *reply = bson_copy (failure);
   } else if (bson_iter_init_find (&it, doc, "qty")) {
      bson_t *update = BCON_NEW ("$set", "{", "qty", BCON_INT64 (bson_iter_as_int64 (&it) + 1), "}");
      bson_t step;

      ok = tell (mongoc_collection_update_one (theirs, filter, update, opts, &step, error), &step, reply);
      bson_destroy (update);
   }
   mongoc_cursor_destroy (cursor);
   bson_destroy (filter);
   bson_destroy (opts);
   return ok;
}

static void *
work (void *pool)
{
   mongoc_client_t *mine = mongoc_client_pool_pop (pool);
   mongoc_collection_t *theirs = mongoc_client_get_collection (mine, "trouble_c", "items");
   mongoc_client_session_t *session = start_session (mine);
   bson_error_t error;

   must (mongoc_client_session_with_transaction (session, count_up, NULL, theirs, NULL, &error), "count up", &error);
   mongoc_client_session_destroy (session);
   mongoc_collection_destroy (theirs);
   mongoc_client_pool_push (pool, mine);
   return NULL;
}

/* contended lets ten threads count one document up at once: the driver tries again
 * until each is through. */
static void
contended (void)
{
   mongoc_uri_t *uri = address ();
   mongoc_client_pool_t *pool = mongoc_client_pool_new (uri);
   pthread_t threads[THREADS];
   int i;

   mongoc_client_pool_set_error_api (pool, MONGOC_ERROR_API_VERSION_2);
   for (i = 0; i < THREADS; i++) {
      if (pthread_create (&threads[i], NULL, work, pool) != 0) {
         fail ("thread", "could not be created");
      }
   }
   for (i = 0; i < THREADS; i++) {
      pthread_join (threads[i], NULL);
   }
   expect ("quantity", number (items, 1, "qty", NULL), 8 + THREADS);
   mongoc_client_pool_destroy (pool);
   mongoc_uri_destroy (uri);
   printf ("contended: no update was lost\n");
}

int
main (void)
{
   bson_error_t error;

   mongoc_init ();
   client = connect_client ();
   drop_database (client, "trouble_c");
   items = mongoc_client_get_collection (client, "trouble_c", "items");
   must (insert (1, NULL, NULL, &error), "insert", &error);
   abort_one ();
   duplicate_key ();
   conflict ();
   contended ();
   mongoc_collection_destroy (items);
   mongoc_client_destroy (client);
   mongoc_cleanup ();
   return EXIT_SUCCESS;
}
