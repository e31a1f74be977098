// An abort, a duplicate key inside, two sessions in conflict.
import assert from 'node:assert/strict';
import { MongoClient, MongoServerError } from 'mongodb';

const client = new MongoClient(process.env.MONGODB_URI);
const items = client.db('trouble_node').collection('items');

async function abort() {
  const session = client.startSession();
  session.startTransaction();
  await items.insertOne({ _id: 2 }, { session });
  await items.updateOne({ _id: 1 }, { $inc: { qty: -10 } }, { session });
  assert.equal(await items.countDocuments({}, { session }), 2);
  await session.abortTransaction();
  await session.endSession();
  assert.equal(await items.countDocuments(), 1);
  assert.equal((await items.findOne({ _id: 1 })).qty, 10);
  console.log('abort: nothing is left of it');
}

async function duplicateKey() {
  await client.withSession(async session => {
    session.startTransaction();
    await items.insertOne({ _id: 3 }, { session });
    const error = await items.insertOne({ _id: 1 }, { session }).catch(error => error);
    assert(error instanceof MongoServerError);
    assert.equal(error.code, 11000);
    assert.equal(error.hasErrorLabel('TransientTransactionError'), false);
    assert.deepEqual(error.keyValue, { _id: 1 });
    const next = await items.insertOne({ _id: 4 }, { session }).catch(error => error);
    assert.equal(next.code, 251);
    await session.abortTransaction();
  });
  assert.equal(await items.countDocuments(), 1);
  console.log('duplicate key: the transaction is over, the error is not transient');
}

async function conflict() {
  const first = client.startSession();
  const second = client.startSession();
  first.startTransaction();
  second.startTransaction();
  await items.findOne({ _id: 1 }, { session: first });
  await items.findOne({ _id: 1 }, { session: second });
  await items.updateOne({ _id: 1 }, { $inc: { qty: -1 } }, { session: first });
  const error = await items.updateOne({ _id: 1 }, { $inc: { qty: -1 } }, { session: second }).catch(error => error);
  assert.equal(error.code, 112);
  assert.equal(error.hasErrorLabel('TransientTransactionError'), true);
  await second.abortTransaction();
  await first.commitTransaction();

  await second.withTransaction(() => items.updateOne({ _id: 1 }, { $inc: { qty: -1 } }, { session: second }));
  await first.endSession();
  await second.endSession();
  assert.equal((await items.findOne({ _id: 1 })).qty, 8);
  console.log('conflict: told at the write, gone at the retry');
}

async function contended() {
  // Ten at once count one document up; withTransaction tries again until each is through.
  await Promise.all(Array.from({ length: 10 }, () => client.withSession(session =>
    session.withTransaction(async () => {
      const { qty } = await items.findOne({ _id: 1 }, { session });
      await items.updateOne({ _id: 1 }, { $set: { qty: qty + 1 } }, { session });
    })
  )));
  assert.equal((await items.findOne({ _id: 1 })).qty, 18);
  console.log('contended: no update was lost');
}

try {
  await client.db('trouble_node').dropDatabase();
  await items.insertOne({ _id: 1, qty: 10 });
  await abort();
  await duplicateKey();
  await conflict();
  await contended();
} finally {
  await client.close();
}
