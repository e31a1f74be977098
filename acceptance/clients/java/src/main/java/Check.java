import com.mongodb.MongoException;
import java.util.Objects;

/** What the programs hold their findings against. */
final class Check {
    private Check() {
    }

    static void equal(String what, Object got, Object want) {
        if (!Objects.equals(got, want)) {
            throw new AssertionError(what + ": " + got + ", expected " + want);
        }
    }

    /** Runs what must fail with a server's error, and returns that error. */
    static MongoException failure(Runnable operation) {
        try {
            operation.run();
        } catch (MongoException e) {
            return e;
        }
        throw new AssertionError("no error");
    }
}
