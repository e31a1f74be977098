import static com.mongodb.client.model.Filters.eq;
import static com.mongodb.client.model.Sorts.ascending;
import static com.mongodb.client.model.Updates.inc;
import static com.mongodb.client.model.Updates.setOnInsert;

import com.mongodb.MongoConnectionPoolClearedException;
import com.mongodb.ReadConcern;
import com.mongodb.TransactionOptions;
import com.mongodb.WriteConcern;
import com.mongodb.client.ClientSession;
import com.mongodb.client.MongoClient;
import com.mongodb.client.MongoClients;
import com.mongodb.client.MongoCollection;
import com.mongodb.client.MongoDatabase;
import com.mongodb.client.model.UpdateOptions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicLong;
import org.bson.Document;

/**
 * Moves money between accounts, from several threads, until standard input ends, then
 * counts. It goes on through the server's crashes, and shares the accounts with others.
 */
public final class Bank {
    private static final int WORKERS = 8;
    private static final int ACCOUNTS = 64;
    private static final int INITIAL = 1000;
    private static final TransactionOptions OPTIONS = TransactionOptions.builder()
            .readConcern(ReadConcern.SNAPSHOT)
            .writeConcern(WriteConcern.MAJORITY)
            .build();

    private final MongoClient client;
    private final MongoCollection<Document> accounts;
    private final MongoCollection<Document> transfers;
    private final Set<String> acknowledged = ConcurrentHashMap.newKeySet();
    private final AtomicLong attempts = new AtomicLong();
    private volatile boolean closing;

    private Bank(MongoClient client) {
        this.client = client;
        MongoDatabase db = client.getDatabase("bank_shared").withReadConcern(ReadConcern.MAJORITY);
        accounts = db.getCollection("accounts");
        transfers = db.getCollection("transfers");
    }

    /** Moves the money inside the session's transaction, or nothing if there is too little of it. */
    private boolean move(ClientSession session, Document transfer) {
        attempts.incrementAndGet();
        int amount = transfer.getInteger("amount");
        Document from = accounts.find(session, eq("_id", transfer.get("from"))).first();
        if (from.getInteger("balance") < amount) {
            return false;
        }
        accounts.updateOne(session, eq("_id", transfer.get("from")), inc("balance", -amount));
        accounts.updateOne(session, eq("_id", transfer.get("to")), inc("balance", amount));
        transfers.insertOne(session, transfer);
        return true;
    }

    private void transfer(String id) {
        ThreadLocalRandom random = ThreadLocalRandom.current();
        int from = random.nextInt(ACCOUNTS);
        int to = (from + 1 + random.nextInt(ACCOUNTS - 1)) % ACCOUNTS;
        Document transfer = new Document("_id", id).append("from", from).append("to", to)
                .append("amount", 1 + random.nextInt(20));
        while (true) {
            try (ClientSession session = client.startSession()) {
                if (session.withTransaction(() -> move(session, transfer), OPTIONS)) {
                    acknowledged.add(id);
                    if (acknowledged.size() % 25 == 0) {
                        System.out.println("acknowledged " + acknowledged.size());
                    }
                }
                return;
            } catch (MongoConnectionPoolClearedException e) {
                continue; // thrown before anything was sent: the driver does not count it as transient.
            }
        }
    }

    private void work(int worker) {
        for (int n = 0; !closing; n++) {
            transfer("java-" + worker + "-" + n);
        }
    }

    /** Counts inside one snapshot, since others may be at work still. */
    private void count() {
        try (ClientSession session = client.startSession()) {
            session.startTransaction(OPTIONS);
            int[] expected = new int[ACCOUNTS];
            Arrays.fill(expected, INITIAL);
            Set<String> mine = new HashSet<>();
            for (Document t : transfers.find(session)) {
                expected[t.getInteger("from")] -= t.getInteger("amount");
                expected[t.getInteger("to")] += t.getInteger("amount");
                if (t.getString("_id").startsWith("java-")) {
                    mine.add(t.getString("_id"));
                }
            }
            long total = 0;
            for (Document account : accounts.find(session).sort(ascending("_id"))) {
                int balance = account.getInteger("balance");
                Check.equal("account " + account.get("_id"), balance, expected[account.getInteger("_id")]);
                total += balance;
            }
            session.commitTransaction();
            Check.equal("the transfers that are stored", mine, new HashSet<>(acknowledged));
            System.out.printf("transfers: %d, attempts: %d, total: %d%n", mine.size(), attempts.get(), total);
        }
    }

    private void run() throws Exception {
        for (int i = 0; i < ACCOUNTS; i++) {
            accounts.updateOne(eq("_id", i), setOnInsert("balance", INITIAL), new UpdateOptions().upsert(true));
        }
        ExecutorService threads = Executors.newFixedThreadPool(WORKERS);
        List<Future<?>> all = new ArrayList<>();
        for (int worker = 0; worker < WORKERS; worker++) {
            int number = worker;
            all.add(threads.submit(() -> work(number)));
        }
        threads.shutdown();
        System.in.readAllBytes();
        closing = true;
        for (Future<?> one : all) {
            one.get();
        }
        count();
    }

    public static void main(String[] args) throws Exception {
        try (MongoClient client = MongoClients.create(System.getenv("MONGODB_URI"))) {
            new Bank(client).run();
        }
    }
}
