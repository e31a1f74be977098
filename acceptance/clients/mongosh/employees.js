// The shell's example of the manual: an employee and an event, with both retry loops.
'use strict';

function updateEmployeeInfo(session) {
  const employees = session.getDatabase('hr_shell').employees;
  const events = session.getDatabase('reporting_shell').events;
  session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' } });
  try {
    employees.updateOne({ employee: 3 }, { $set: { status: 'Inactive' } });
    events.insertOne({ employee: 3, status: { new: 'Inactive', old: 'Active' } });
  } catch (error) {
    print('Caught exception during transaction, aborting.');
    session.abortTransaction();
    throw error;
  }
  commitWithRetry(session);
}

function commitWithRetry(session) {
  while (true) {
    try {
      session.commitTransaction();
      print('Transaction committed.');
      break;
    } catch (error) {
      if (error.hasErrorLabel && error.hasErrorLabel('UnknownTransactionCommitResult')) {
        print('UnknownTransactionCommitResult, retrying commit operation ...');
        continue;
      }
      throw error;
    }
  }
}

function runTransactionWithRetry(txnFunc, session) {
  while (true) {
    try {
      txnFunc(session);
      break;
    } catch (error) {
      if (error.hasErrorLabel && error.hasErrorLabel('TransientTransactionError')) {
        print('TransientTransactionError, retrying transaction ...');
        continue;
      }
      throw error;
    }
  }
}

function expect(what, got, want) {
  print(`${what}: ${got}`);
  if (got !== want) throw new Error(`${what}: expected ${want}`);
}

db.getSiblingDB('hr_shell').dropDatabase();
db.getSiblingDB('reporting_shell').dropDatabase();
db.getSiblingDB('hr_shell').employees.insertMany([
  { employee: 1, status: 'Active' },
  { employee: 3, status: 'Active' }
]);

const session = db.getMongo().startSession({ readPreference: { mode: 'primary' } });
runTransactionWithRetry(updateEmployeeInfo, session);
session.withTransaction(() => {
  session.getDatabase('hr_shell').employees.updateOne({ employee: 1 }, { $set: { status: 'On leave' } });
  session.getDatabase('reporting_shell').events.insertOne({ employee: 1, status: { new: 'On leave', old: 'Active' } });
});
session.endSession();

const hr = db.getSiblingDB('hr_shell');
expect('status of employee 3', hr.employees.findOne({ employee: 3 }).status, 'Inactive');
expect('status of employee 1', hr.employees.findOne({ employee: 1 }).status, 'On leave');
expect('events', db.getSiblingDB('reporting_shell').events.countDocuments({}), 2);
