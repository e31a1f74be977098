// Moves money between accounts until standard input ends, then counts. It goes on
// through the server's crashes.
import assert from 'node:assert/strict';
import { MongoClient, MongoNetworkError } from 'mongodb';

const WORKERS = 16, ACCOUNTS = 64, INITIAL = 1000;

const client = new MongoClient(process.env.MONGODB_URI, {
  maxPoolSize: WORKERS,
  readConcern: { level: 'majority' },
  writeConcern: { w: 'majority' },
  monitorCommands: true
});
const db = client.db('bank_node');
const accounts = db.collection('accounts');
const transfers = db.collection('transfers');

const acknowledged = new Map();
let again = 0, lost = 0, unknown = 0, denied = 0, closing = false;

// The driver itself asks once more for a commit whose answer was lost; it counts as well.
client.on('commandFailed', event => {
  if (event.commandName === 'commitTransaction' && event.failure instanceof MongoNetworkError) lost++;
});

const random = n => Math.floor(Math.random() * n);

// Moves the money inside the session's transaction; false if there is too little of it.
async function move(session, { _id, from, to, amount }) {
  const { balance } = await accounts.findOne({ _id: from }, { session });
  if (balance < amount) return false;
  for (const [id, by] of [[from, -amount], [to, amount]]) {
    const { modifiedCount } = await accounts.updateOne({ _id: id }, { $inc: { balance: by } }, { session });
    assert.equal(modifiedCount, 1);
  }
  await transfers.insertOne({ _id, from, to, amount }, { session });
  return true;
}

// Commits, asking as long as the outcome is unknown. False: known not to have happened.
async function commit(session) {
  for (let asked = false; ;) {
    try {
      await session.commitTransaction();
      return true;
    } catch (error) {
      // Driver 7.8 leaves the label out when its own retry used up its attempts.
      if (error.hasErrorLabel?.('UnknownTransactionCommitResult') || error instanceof MongoNetworkError) {
        if (!asked) unknown++;
        asked = true;
        continue;
      }
      if (!error.hasErrorLabel?.('TransientTransactionError')) throw error;
      if (asked) denied++;
      return false;
    }
  }
}

async function transfer(_id) {
  const from = random(ACCOUNTS);
  const tr = { _id, from, to: (from + 1 + random(ACCOUNTS - 1)) % ACCOUNTS, amount: 1 + random(20) };
  await client.withSession(async session => {
    for (; ; again++) {
      session.startTransaction({ readConcern: { level: 'snapshot' } });
      try {
        if (!await move(session, tr)) {
          await session.abortTransaction();
          return;
        }
      } catch (error) {
        await session.abortTransaction();
        if (error.hasErrorLabel?.('TransientTransactionError') || error instanceof MongoNetworkError) continue;
        throw error;
      }
      if (await commit(session)) break;
    }
    acknowledged.set(_id, tr);
    if (acknowledged.size % 25 === 0) console.log(`acknowledged ${acknowledged.size}`);
  });
}

async function count() {
  const stored = await transfers.find().toArray();
  const expected = Array(ACCOUNTS).fill(INITIAL);
  for (const tr of stored) {
    assert.deepEqual(acknowledged.get(tr._id), tr, `transfer ${tr._id} is stored and was not acknowledged so`);
    expected[tr.from] -= tr.amount;
    expected[tr.to] += tr.amount;
  }
  for (const _id of acknowledged.keys()) {
    assert(await transfers.findOne({ _id }), `transfer ${_id} was acknowledged and is not there`);
  }
  const balances = (await accounts.find().sort({ _id: 1 }).toArray()).map(({ balance }) => balance);
  assert.deepEqual(balances, expected);
  const total = balances.reduce((sum, n) => sum + n, 0);
  console.log(`transfers: ${stored.length}, begun again: ${again}, answers to commits lost: ${lost}, ` +
    `still unknown after the driver's retry: ${unknown}, of these not done: ${denied}, total: ${total}`);
  assert.equal(stored.length, acknowledged.size);
  assert.equal(total, ACCOUNTS * INITIAL);
}

process.stdin.on('end', () => { closing = true; });
process.stdin.resume();
try {
  await db.dropDatabase();
  await accounts.insertMany(Array.from({ length: ACCOUNTS }, (_, _id) => ({ _id, balance: INITIAL })));
  await db.createCollection('transfers');
  await Promise.all(Array.from({ length: WORKERS }, async (_, worker) => {
    for (let n = 0; !closing; n++) await transfer(`${worker}-${n}`);
  }));
  await count();
} finally {
  await client.close();
}
