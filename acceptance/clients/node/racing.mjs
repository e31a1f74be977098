// Promise.all over all statements of a transaction, the first one too. Whichever is
// sent first starts it; the others may be there before. (MongoDB itself refuses those.)
import { MongoClient } from 'mongodb';

const ROUNDS = 20, STATEMENTS = 10;
const client = new MongoClient(process.env.MONGODB_URI);
const users = client.db('racing_node').collection('users');

try {
  await client.db('racing_node').dropDatabase();
  await users.insertMany(Array.from({ length: STATEMENTS }, (_, i) => ({ _id: i, n: 0 })));
  for (let round = 0; round < ROUNDS; round++) {
    await client.withSession(session => session.withTransaction(() =>
      Promise.all(Array.from({ length: STATEMENTS }, (_, i) =>
        users.updateOne({ _id: i }, { $inc: { n: 1 } }, { session })))));
  }
  const total = (await users.find().toArray()).reduce((sum, { n }) => sum + n, 0);
  console.log(`total: ${total}`);
} finally {
  await client.close();
}
