// Promise.all inside a transaction, after a first statement that was awaited: the
// statements arrive at once, on several connections, and all of them are done.
import assert from 'node:assert/strict';
import { MongoClient } from 'mongodb';

const client = new MongoClient(process.env.MONGODB_URI);
const users = client.db('parallel_node').collection('users');
const log = client.db('parallel_node').collection('log');

try {
  await client.db('parallel_node').dropDatabase();
  await users.insertMany(Array.from({ length: 20 }, (_, i) => ({ _id: i, n: 0 })));
  await log.insertOne({ _id: 'start' });

  await client.withSession(session => session.withTransaction(async () => {
    await log.insertOne({ what: 'counting' }, { session });
    await Promise.all(Array.from({ length: 20 }, (_, i) =>
      users.updateOne({ _id: i }, { $inc: { n: i } }, { session })));
    const found = await Promise.all([
      users.countDocuments({ n: { $gt: 0 } }, { session }),
      users.find({}, { session }).toArray(),
      users.aggregate([{ $group: { _id: null, total: { $sum: '$n' } } }], { session }).toArray()
    ]);
    assert.equal(found[0], 19);
    assert.equal(found[1].length, 20);
    assert.equal(found[2][0].total, 190);
  }));

  const total = (await users.find().toArray()).reduce((sum, { n }) => sum + n, 0);
  console.log(`total: ${total}`);
  assert.equal(total, 190);
} finally {
  await client.close();
}
