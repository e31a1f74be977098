import com.mongodb.ReadConcern;
import com.mongodb.ReadPreference;
import com.mongodb.TransactionOptions;
import com.mongodb.WriteConcern;
import com.mongodb.client.ClientSession;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import org.bson.Document;

/** The callback example of the manual: two databases in one transaction. */
public final class Manual {
    public static void main(String[] args) {
        try (MongoClient client = MongoClients.create(System.getenv("MONGODB_URI"))) {
            MongoCollection<Document> foo = client.getDatabase("mydb1_java").getCollection("foo");
            MongoCollection<Document> bar = client.getDatabase("mydb2_java").getCollection("bar");
            foo.drop();
            bar.drop();
            foo.withWriteConcern(WriteConcern.MAJORITY).insertOne(new Document("abc", 0));
            bar.withWriteConcern(WriteConcern.MAJORITY).insertOne(new Document("xyz", 0));

            TransactionOptions options = TransactionOptions.builder()
                    .readPreference(ReadPreference.primary())
                    .readConcern(ReadConcern.LOCAL)
                    .writeConcern(WriteConcern.MAJORITY)
                    .build();
            try (ClientSession session = client.startSession()) {
                String value = session.withTransaction(() -> {
                    foo.insertOne(session, new Document("abc", 1));
                    bar.insertOne(session, new Document("xyz", 999));
                    return "done";
                }, options);
                Check.equal("withTransaction", value, "done");

                RuntimeException closed = new RuntimeException("the shop is closed");
                try {
                    session.withTransaction(() -> {
                        foo.insertOne(session, new Document("abc", 2));
                        throw closed;
                    });
                    throw new AssertionError("the callback's error was lost");
                } catch (RuntimeException e) {
                    Check.equal("the callback's error", e, closed);
                }
            }

            Check.equal("abc: 1", foo.countDocuments(new Document("abc", 1)), 1L);
            System.out.printf("foo: %d, bar: %d%n", foo.countDocuments(), bar.countDocuments());
        }
    }
}
