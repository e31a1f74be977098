/* The callback example of the manual with the calls that the C++ driver, which is made
 * upon libmongoc, makes: it adds its name to the driver's, each write is a bulk
 * operation, and its transactions are libmongoc's with_transaction. */
#include "common.h"

typedef struct {
   mongoc_collection_t *foo, *bar;
} collections_t;

static bool
insert_one (mongoc_collection_t *collection,
            mongoc_client_session_t *session,
            const char *field,
            int value,
            bson_t **reply,
            bson_error_t *error)
{
   bson_t *opts = session ? in_session (session) : bson_new ();
   mongoc_bulk_operation_t *bulk;
   bson_t *doc, answer;
   bson_oid_t id;
   bool ok;

   bson_oid_init (&id, NULL);
   doc = BCON_NEW ("_id", BCON_OID (&id), field, BCON_INT32 (value));
   BSON_APPEND_BOOL (opts, "ordered", true);
   bulk = mongoc_collection_create_bulk_operation_with_opts (collection, opts);
   ok = mongoc_bulk_operation_insert_with_opts (bulk, doc, NULL, error) &&
        mongoc_bulk_operation_execute (bulk, &answer, error);
   if (!ok && reply) {
      *reply = bson_copy (&answer);
   }
   bson_destroy (&answer);
   mongoc_bulk_operation_destroy (bulk);
   bson_destroy (doc);
   bson_destroy (opts);
   return ok;
}

static bool
insert_both (mongoc_client_session_t *session, void *ctx, bson_t **reply, bson_error_t *error)
{
   collections_t *in = ctx;

   return insert_one (in->foo, session, "abc", 1, reply, error) &&
          insert_one (in->bar, session, "xyz", 999, reply, error);
}

int
main (void)
{
   mongoc_client_t *client;
   mongoc_client_session_t *session;
   collections_t both;
   bson_error_t error;

   mongoc_init ();
   mongoc_handshake_data_append ("mongocxx", "3.7.0", "CXX=GNU 12.2.0 stdcxx=201703 / ");
   client = connect_client ();
   drop_database (client, "mydb1_cxx");
   drop_database (client, "mydb2_cxx");
   both.foo = mongoc_client_get_collection (client, "mydb1_cxx", "foo");
   both.bar = mongoc_client_get_collection (client, "mydb2_cxx", "bar");
   must (insert_one (both.foo, NULL, "abc", 0, NULL, &error), "insert", &error);
   must (insert_one (both.bar, NULL, "xyz", 0, NULL, &error), "insert", &error);

   session = start_session (client);
   must (mongoc_client_session_with_transaction (session, insert_both, NULL, &both, NULL, &error), "transaction", &error);
   mongoc_client_session_destroy (session);

   printf ("foo: %d, bar: %d\n", (int) count (both.foo, bson_new (), NULL), (int) count (both.bar, bson_new (), NULL));
   mongoc_collection_destroy (both.foo);
   mongoc_collection_destroy (both.bar);
   mongoc_client_destroy (client);
   mongoc_cleanup ();
   return 0;
}
