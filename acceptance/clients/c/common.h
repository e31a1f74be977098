/* What the programs here share: how they connect, print what they found, and give up. */
#ifndef COMMON_H
#define COMMON_H

#include <mongoc/mongoc.h>
#include <stdio.h>
#include <stdlib.h>

static inline void
fail (const char *what, const char *why)
{
   fprintf (stderr, "%s: %s\n", what, why);
   exit (EXIT_FAILURE);
}

/* must ends the program unless a call that fills in an error has succeeded. */
static inline void
must (bool ok, const char *what, const bson_error_t *error)
{
   if (!ok) {
      fail (what, error->message);
   }
}

static inline void
expect (const char *what, int64_t got, int64_t want)
{
   printf ("%s: %lld\n", what, (long long) got);
   if (got != want) {
      fprintf (stderr, "%s: expected %lld\n", what, (long long) want);
      exit (EXIT_FAILURE);
   }
}

static inline mongoc_uri_t *
address (void)
{
   const char *text = getenv ("MONGODB_URI");
   bson_error_t error;
   mongoc_uri_t *uri;

   if (!text) {
      fail ("MONGODB_URI", "not set");
   }
   uri = mongoc_uri_new_with_error (text, &error);
   must (uri != NULL, text, &error);
   return uri;
}

static inline mongoc_client_t *
connect_client (void)
{
   mongoc_uri_t *uri = address ();
   mongoc_client_t *client = mongoc_client_new_from_uri (uri);

   mongoc_uri_destroy (uri);
   mongoc_client_set_error_api (client, MONGOC_ERROR_API_VERSION_2);
   return client;
}

static inline mongoc_client_session_t *
start_session (mongoc_client_t *client)
{
   bson_error_t error;
   mongoc_client_session_t *session = mongoc_client_start_session (client, NULL, &error);

   must (session != NULL, "start a session", &error);
   return session;
}

/* in_session makes the options of an operation that belongs to a session. */
static inline bson_t *
in_session (const mongoc_client_session_t *session)
{
   bson_t *opts = bson_new ();
   bson_error_t error;

   must (mongoc_client_session_append (session, opts, &error), "session option", &error);
   return opts;
}

static inline void
drop_database (mongoc_client_t *client, const char *name)
{
   mongoc_database_t *database = mongoc_client_get_database (client, name);
   bson_error_t error;

   must (mongoc_database_drop (database, &error), "drop", &error);
   mongoc_database_destroy (database);
}

/* tell ends a transaction's step: the callback API reads the labels of a failed one
 * from a reply on the heap. */
static inline bool
tell (bool ok, bson_t *step, bson_t **reply)
{
   if (!ok) {
      *reply = bson_copy (step);
   }
   bson_destroy (step);
   return ok;
}

/* count counts with the options of a session, or without where opts is NULL. */
static inline int64_t
count (mongoc_collection_t *collection, bson_t *filter, const bson_t *opts)
{
   bson_error_t error;
   int64_t n = mongoc_collection_count_documents (collection, filter, opts, NULL, NULL, &error);

   must (n >= 0, "count", &error);
   bson_destroy (filter);
   return n;
}

/* number reads a number of the document that has this _id. */
static inline int64_t
number (mongoc_collection_t *collection, int id, const char *field, const bson_t *opts)
{
   bson_t *filter = BCON_NEW ("_id", BCON_INT32 (id));
   mongoc_cursor_t *cursor = mongoc_collection_find_with_opts (collection, filter, opts, NULL);
   const bson_t *doc;
   bson_iter_t it;
   bson_error_t error;
   int64_t n;

   if (!mongoc_cursor_next (cursor, &doc)) {
      fail (field, mongoc_cursor_error (cursor, &error) ? error.message : "no document");
   }
   if (!bson_iter_init_find (&it, doc, field)) {
      fail (field, "no field");
   }
   n = bson_iter_as_int64 (&it);
   mongoc_cursor_destroy (cursor);
   bson_destroy (filter);
   return n;
}

#endif
