import static com.mongodb.client.model.Filters.eq;
import static com.mongodb.client.model.Updates.set;

import com.mongodb.MongoException;
import com.mongodb.ReadConcern;
import com.mongodb.ReadPreference;
import com.mongodb.TransactionOptions;
import com.mongodb.WriteConcern;
import com.mongodb.client.ClientSession;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import java.util.List;
import java.util.function.Consumer;
import org.bson.Document;

/**
 * Changes an employee's status and writes an event about it, in one transaction: by
 * withTransaction, then by the core API with its two retry loops.
 */
public final class Employees {
    private final MongoClient client;
    private final MongoCollection<Document> employees;
    private final MongoCollection<Document> events;

    private Employees(MongoClient client) {
        this.client = client;
        employees = client.getDatabase("hr_java").getCollection("employees");
        events = client.getDatabase("reporting_java").getCollection("events");
    }

    private void change(ClientSession session, int employee) {
        employees.updateOne(session, eq("employee", employee), set("status", "Inactive"));
        events.insertOne(session, new Document("employee", employee)
                .append("status", new Document("new", "Inactive").append("old", "Active")));
    }

    private void updateEmployeeInfo(ClientSession session) {
        session.startTransaction(TransactionOptions.builder()
                .readPreference(ReadPreference.primary())
                .readConcern(ReadConcern.SNAPSHOT)
                .writeConcern(WriteConcern.MAJORITY)
                .build());
        try {
            change(session, 3);
        } catch (RuntimeException e) {
            System.out.println("Caught an error during the transaction, aborting.");
            session.abortTransaction();
            throw e;
        }
        commitWithRetry(session);
    }

    private static void commitWithRetry(ClientSession session) {
        while (true) {
            try {
                session.commitTransaction();
                System.out.println("Transaction committed.");
                return;
            } catch (MongoException e) {
                if (!e.hasErrorLabel(MongoException.UNKNOWN_TRANSACTION_COMMIT_RESULT_LABEL)) {
                    throw e;
                }
                System.out.println("UnknownTransactionCommitResult, retrying commit operation ...");
            }
        }
    }

    private static void runTransactionWithRetry(Consumer<ClientSession> transaction, ClientSession session) {
        while (true) {
            try {
                transaction.accept(session);
                return;
            } catch (MongoException e) {
                if (!e.hasErrorLabel(MongoException.TRANSIENT_TRANSACTION_ERROR_LABEL)) {
                    throw e;
                }
                System.out.println("TransientTransactionError, retrying transaction ...");
            }
        }
    }

    private void run() {
        client.getDatabase("hr_java").drop();
        client.getDatabase("reporting_java").drop();
        employees.insertMany(List.of(
                new Document("employee", 1).append("name", "Ada").append("status", "Active"),
                new Document("employee", 3).append("name", "Grace").append("status", "Active")));

        try (ClientSession session = client.startSession()) {
            session.withTransaction(() -> {
                change(session, 1);
                return null;
            });
            runTransactionWithRetry(this::updateEmployeeInfo, session);
        }

        for (int employee : new int[] {1, 3}) {
            String status = employees.find(eq("employee", employee)).first().getString("status");
            System.out.printf("status of employee %d: %s%n", employee, status);
        }
        System.out.printf("events: %d%n", events.countDocuments(eq("status.new", "Inactive")));
    }

    public static void main(String[] args) {
        try (MongoClient client = MongoClients.create(System.getenv("MONGODB_URI"))) {
            new Employees(client).run();
        }
    }
}
