// The callback example of the manual: two databases in one transaction.
import assert from 'node:assert/strict';
import { MongoClient } from 'mongodb';

const client = new MongoClient(process.env.MONGODB_URI);
await client.connect();
const foo = client.db('mydb1_node').collection('foo');
const bar = client.db('mydb2_node').collection('bar');
try {
  await foo.drop();
  await bar.drop();
  await foo.insertOne({ abc: 0 }, { writeConcern: { w: 'majority' } });
  await bar.insertOne({ xyz: 0 }, { writeConcern: { w: 'majority' } });

  const session = client.startSession();
  const options = {
    readPreference: 'primary',
    readConcern: { level: 'local' },
    writeConcern: { w: 'majority' }
  };
  try {
    const value = await session.withTransaction(async () => {
      await foo.insertOne({ abc: 1 }, { session });
      await bar.insertOne({ xyz: 999 }, { session });
      return 'done';
    }, options);
    console.log(`withTransaction: ${value}`);
    assert.equal(value, 'done');
  } finally {
    await session.endSession();
  }

  console.log(`foo: ${await foo.countDocuments({})}, bar: ${await bar.countDocuments({})}`);
  assert.equal(await foo.countDocuments({ abc: 1 }), 1);
  assert.equal(await bar.countDocuments({ xyz: 999 }), 1);
} finally {
  await client.close();
}
