import static com.mongodb.client.model.Filters.eq;
import static com.mongodb.client.model.Updates.inc;
import static com.mongodb.client.model.Updates.set;

import com.mongodb.MongoException;
import com.mongodb.MongoWriteException;
import com.mongodb.client.ClientSession;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bson.Document;

/** An abort, a duplicate key inside, two sessions in conflict, ten threads at one document. */
public final class Trouble {
    private final MongoClient client;
    private final MongoCollection<Document> items;

    private Trouble(MongoClient client) {
        this.client = client;
        items = client.getDatabase("trouble_java").getCollection("items");
    }

    private static Document id(int id) {
        return new Document("_id", id);
    }

    private int quantity() {
        return items.find(id(1)).first().getInteger("qty");
    }

    private void abort() {
        try (ClientSession session = client.startSession()) {
            session.startTransaction();
            items.insertOne(session, id(2));
            items.updateOne(session, id(1), inc("qty", -10));
            Check.equal("documents inside", items.countDocuments(session), 2L);
            session.abortTransaction();

            // Closing a session aborts what it left open.
            session.startTransaction();
            items.deleteOne(session, id(1));
        }
        Check.equal("documents after the aborts", items.countDocuments(), 1L);
        Check.equal("quantity after the aborts", quantity(), 10);
        System.out.println("abort: nothing is left of it");
    }

    private void duplicateKey() {
        try (ClientSession session = client.startSession()) {
            session.startTransaction();
            items.insertOne(session, id(3));
            MongoException error = Check.failure(() -> items.insertOne(session, id(1)));
            Check.equal("class of the error", error.getClass(), MongoWriteException.class);
            Check.equal("code", error.getCode(), 11000);
            Check.equal("transient", error.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL), false);
            error = Check.failure(() -> items.insertOne(session, id(4)));
            Check.equal("code of the next statement", error.getCode(), 251);
            session.abortTransaction();
        }
        Check.equal("documents after the duplicate key", items.countDocuments(), 1L);
        System.out.println("duplicate key: the transaction is over, the error is not transient");
    }

    private void conflict() {
        try (ClientSession first = client.startSession(); ClientSession second = client.startSession()) {
            first.startTransaction();
            second.startTransaction();
            items.find(first, id(1)).first();
            items.find(second, id(1)).first();
            items.updateOne(first, id(1), inc("qty", -1));
            MongoException error = Check.failure(() -> items.updateOne(second, id(1), inc("qty", -1)));
            Check.equal("code", error.getCode(), 112);
            Check.equal("transient", error.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL), true);
            second.abortTransaction();
            first.commitTransaction();
            second.withTransaction(() -> items.updateOne(second, id(1), inc("qty", -1)));
        }
        Check.equal("quantity after both", quantity(), 8);
        System.out.println("conflict: told at the write, gone at the retry");
    }

    private void contended() throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(10);
        List<Future<?>> all = new ArrayList<>();
        for (int i = 0; i < 10; i++) {
            all.add(threads.submit(() -> {
                try (ClientSession session = client.startSession()) {
                    session.withTransaction(() -> {
                        int qty = items.find(session, eq("_id", 1)).first().getInteger("qty");
                        return items.updateOne(session, eq("_id", 1), set("qty", qty + 1));
                    });
                }
            }));
        }
        for (Future<?> one : all) {
            one.get();
        }
        threads.shutdown();
        Check.equal("quantity after ten more", quantity(), 18);
        System.out.println("contended: no update was lost");
    }

    public static void main(String[] args) throws Exception {
        try (MongoClient client = MongoClients.create(System.getenv("MONGODB_URI"))) {
            client.getDatabase("trouble_java").drop();
            Trouble trouble = new Trouble(client);
            trouble.items.insertOne(id(1).append("qty", 10));
            trouble.abort();
            trouble.duplicateKey();
            trouble.conflict();
            trouble.contended();
        }
    }
}
