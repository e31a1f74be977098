/* A cursor of ten batches inside a transaction, while another changes what it reads. */
#include "common.h"

/* change_numbers is what another does while the cursor is read. */
static void
change_numbers (mongoc_collection_t *numbers)
{
   bson_t *all = bson_new ();
   bson_t *add = BCON_NEW ("$inc", "{", "n", BCON_INT32 (1000000), "}");
   bson_t *half = BCON_NEW ("_id", "{", "$gte", BCON_INT32 (500), "}");
   bson_error_t error;

   must (mongoc_collection_update_many (numbers, all, add, NULL, NULL, &error), "update", &error);
   must (mongoc_collection_delete_many (numbers, half, NULL, NULL, &error), "delete", &error);
   bson_destroy (all);
   bson_destroy (add);
   bson_destroy (half);
}

static void
read_all (mongoc_client_t *client, mongoc_collection_t *numbers)
{
   mongoc_client_session_t *session = start_session (client);
   bson_t *filter = bson_new ();
   bson_t *opts = BCON_NEW ("sort", "{", "_id", BCON_INT32 (1), "}", "batchSize", BCON_INT32 (100));
   mongoc_cursor_t *cursor;
   const bson_t *doc;
   bson_iter_t it;
   bson_error_t error;
   int64_t seen = 0, total = 0;

   must (mongoc_client_session_start_transaction (session, NULL, &error), "start a transaction", &error);
   must (mongoc_client_session_append (session, opts, &error), "session option", &error);
   cursor = mongoc_collection_find_with_opts (numbers, filter, opts, NULL);
   while (mongoc_cursor_next (cursor, &doc)) {
      if (!bson_iter_init_find (&it, doc, "n")) {
         fail ("n", "no field");
      }
      total += bson_iter_as_int64 (&it);
      if (++seen == 150) {
         change_numbers (numbers);
      }
   }
   if (mongoc_cursor_error (cursor, &error)) {
      fail ("cursor", error.message);
   }
   mongoc_cursor_destroy (cursor);
   must (mongoc_client_session_commit_transaction (session, NULL, &error), "commit", &error);
   bson_destroy (filter);
   bson_destroy (opts);
   mongoc_client_session_destroy (session);
   printf ("seen: %lld, sum: %lld\n", (long long) seen, (long long) total);
}

/* fill inserts the thousand documents. */
static void
fill (mongoc_collection_t *numbers)
{
   mongoc_bulk_operation_t *bulk = mongoc_collection_create_bulk_operation_with_opts (numbers, NULL);
   bson_error_t error;
   int i;

   for (i = 0; i < 1000; i++) {
      bson_t *doc = BCON_NEW ("_id", BCON_INT32 (i), "n", BCON_INT32 (i));

      must (mongoc_bulk_operation_insert_with_opts (bulk, doc, NULL, &error), "bulk", &error);
      bson_destroy (doc);
   }
   must (mongoc_bulk_operation_execute (bulk, NULL, &error) != 0, "bulk", &error);
   mongoc_bulk_operation_destroy (bulk);
}

int
main (void)
{
   mongoc_client_t *client;
   mongoc_collection_t *numbers;

   mongoc_init ();
   client = connect_client ();
   drop_database (client, "cursor_c");
   numbers = mongoc_client_get_collection (client, "cursor_c", "numbers");
   fill (numbers);
   read_all (client, numbers);
   expect ("left", count (numbers, bson_new (), NULL), 500);
   mongoc_collection_destroy (numbers);
   mongoc_client_destroy (client);
   mongoc_cleanup ();
   return EXIT_SUCCESS;
}
