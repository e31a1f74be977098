// Changes an employee's status and writes an event about it, in one transaction:
// by withTransaction, then by the core API with its two retry loops.
import assert from 'node:assert/strict';
import { MongoClient, MongoError } from 'mongodb';

const client = new MongoClient(process.env.MONGODB_URI);
const employees = client.db('hr_node').collection('employees');
const events = client.db('reporting_node').collection('events');

async function change(session, employee) {
  await employees.updateOne({ employee }, { $set: { status: 'Inactive' } }, { session });
  await events.insertOne({ employee, status: { new: 'Inactive', old: 'Active' } }, { session });
}

async function commitWithRetry(session) {
  for (;;) {
    try {
      await session.commitTransaction();
      console.log('Transaction committed.');
      return;
    } catch (error) {
      if (error instanceof MongoError && error.hasErrorLabel('UnknownTransactionCommitResult')) {
        console.log('UnknownTransactionCommitResult, retrying commit operation ...');
        continue;
      }
      throw error;
    }
  }
}

async function runTransactionWithRetry(transaction, session) {
  for (;;) {
    try {
      return await transaction(session);
    } catch (error) {
      if (error instanceof MongoError && error.hasErrorLabel('TransientTransactionError')) {
        console.log('TransientTransactionError, retrying transaction ...');
        continue;
      }
      throw error;
    }
  }
}

async function updateEmployeeInfo(session) {
  session.startTransaction({
    readConcern: { level: 'snapshot' },
    writeConcern: { w: 'majority' },
    readPreference: 'primary'
  });
  try {
    await change(session, 3);
  } catch (error) {
    console.log('Caught an error during the transaction, aborting.');
    await session.abortTransaction();
    throw error;
  }
  await commitWithRetry(session);
}

try {
  await client.db('hr_node').dropDatabase();
  await client.db('reporting_node').dropDatabase();
  await employees.insertMany([
    { employee: 1, name: 'Ada', status: 'Active' },
    { employee: 3, name: 'Grace', status: 'Active' }
  ]);

  await client.withSession(async session =>
    session.withTransaction(async session => change(session, 1), {
      readConcern: { level: 'local' },
      writeConcern: { w: 'majority' }
    })
  );
  await client.withSession(session => runTransactionWithRetry(updateEmployeeInfo, session));

  for (const employee of [1, 3]) {
    const { status } = await employees.findOne({ employee });
    console.log(`status of employee ${employee}: ${status}`);
    assert.equal(status, 'Inactive');
  }
  const n = await events.countDocuments({ 'status.new': 'Inactive' });
  console.log(`events: ${n}`);
  assert.equal(n, 2);
} finally {
  await client.close();
}
