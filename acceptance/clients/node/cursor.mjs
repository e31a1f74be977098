// A cursor over several batches inside one transaction, while others write.
import assert from 'node:assert/strict';
import { MongoClient } from 'mongodb';

const client = new MongoClient(process.env.MONGODB_URI);
const numbers = client.db('cursor_node').collection('numbers');

try {
  await client.db('cursor_node').dropDatabase();
  await numbers.insertMany(Array.from({ length: 1000 }, (_, n) => ({ _id: n, n })));
  await client.withSession(async session => {
    session.startTransaction({ readConcern: { level: 'snapshot' } });
    let seen = 0, sum = 0;
    for await (const { n } of numbers.find({}, { session, batchSize: 100, sort: { _id: 1 } })) {
      seen++;
      sum += n;
      if (seen === 150) {
        await numbers.updateMany({}, { $inc: { n: 1_000_000 } });
        await numbers.deleteMany({ _id: { $gte: 500 } });
      }
    }
    // A cursor that is not read to its end is closed inside the transaction as well.
    for await (const { _id } of numbers.aggregate([{ $sort: { _id: -1 } }], { session, cursor: { batchSize: 10 } })) {
      assert.equal(_id, 999);
      break;
    }
    await session.commitTransaction();
    console.log(`seen: ${seen}, sum: ${sum}`);
    assert.equal(seen, 1000);
    assert.equal(sum, 499500);
  });
  assert.equal(await numbers.countDocuments(), 500);
} finally {
  await client.close();
}
