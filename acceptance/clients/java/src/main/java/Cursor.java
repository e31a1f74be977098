import static com.mongodb.client.model.Filters.gte;
import static com.mongodb.client.model.Sorts.ascending;
import static com.mongodb.client.model.Sorts.descending;
import static com.mongodb.client.model.Updates.inc;

import com.mongodb.ReadConcern;
import com.mongodb.TransactionOptions;
import com.mongodb.client.ClientSession;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoCursor;
import com.mongodb.client.model.Aggregates;
import java.util.List;
import java.util.stream.IntStream;
import org.bson.Document;

/** Cursors of several batches inside a transaction see one snapshot, whatever others do meanwhile. */
public final class Cursor {
    public static void main(String[] args) {
        try (MongoClient client = MongoClients.create(System.getenv("MONGODB_URI"));
                ClientSession session = client.startSession()) {
            client.getDatabase("cursor_java").drop();
            MongoCollection<Document> numbers = client.getDatabase("cursor_java").getCollection("numbers");
            numbers.insertMany(IntStream.range(0, 1000).mapToObj(n -> new Document("_id", n).append("n", n)).toList());

            session.startTransaction(TransactionOptions.builder().readConcern(ReadConcern.SNAPSHOT).build());
            int seen = 0;
            long sum = 0;
            for (Document number : numbers.find(session).sort(ascending("_id")).batchSize(100)) {
                seen++;
                sum += number.getInteger("n");
                if (seen == 150) {
                    numbers.updateMany(new Document(), inc("n", 1_000_000));
                    numbers.deleteMany(gte("_id", 500));
                }
            }
            // A cursor that is not read to its end is closed inside the transaction as well.
            try (MongoCursor<Document> cursor =
                    numbers.aggregate(session, List.of(Aggregates.sort(descending("_id")))).batchSize(10).iterator()) {
                Check.equal("the last number", cursor.next().getInteger("_id"), 999);
            }
            session.commitTransaction();
            System.out.printf("seen: %d, sum: %d%n", seen, sum);
            Check.equal("left", numbers.countDocuments(), 500L);
        }
    }
}
