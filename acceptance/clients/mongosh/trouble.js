// An abort, a duplicate key inside, two sessions in conflict, a cursor, as typed into the shell.
'use strict';

function expect(what, got, want) {
  print(`${what}: ${got}`);
  if (got !== want) throw new Error(`${what}: expected ${want}`);
}

function failure(f) {
  try {
    f();
  } catch (error) {
    return error;
  }
  throw new Error('no error');
}

use('trouble_shell');
db.dropDatabase();
db.items.insertOne({ _id: 1, qty: 10 });

// Abort.
let session = db.getMongo().startSession();
let items = session.getDatabase('trouble_shell').items;
session.startTransaction();
items.insertOne({ _id: 2 });
items.updateOne({ _id: 1 }, { $inc: { qty: -10 } });
expect('documents inside', items.countDocuments({}), 2);
session.abortTransaction();
expect('documents after the abort', db.items.countDocuments({}), 1);
expect('quantity after the abort', db.items.findOne({ _id: 1 }).qty, 10);

// A duplicate key.
session.startTransaction();
items.insertOne({ _id: 3 });
let error = failure(() => items.insertOne({ _id: 1 }));
expect('code', error.code, 11000);
expect('transient', error.hasErrorLabel('TransientTransactionError'), false);
session.abortTransaction();
expect('documents after the duplicate key', db.items.countDocuments({}), 1);

// A conflict.
const other = db.getMongo().startSession();
const theirs = other.getDatabase('trouble_shell').items;
session.startTransaction();
other.startTransaction();
items.findOne({ _id: 1 });
theirs.findOne({ _id: 1 });
items.updateOne({ _id: 1 }, { $inc: { qty: -1 } });
error = failure(() => theirs.updateOne({ _id: 1 }, { $inc: { qty: -1 } }));
expect('code', error.code, 112);
expect('transient', error.hasErrorLabel('TransientTransactionError'), true);
other.abortTransaction();
session.commitTransaction();
expect('quantity', db.items.findOne({ _id: 1 }).qty, 9);

// A cursor of several batches.
db.numbers.insertMany(Array.from({ length: 500 }, (_, n) => ({ _id: n })));
session.startTransaction();
const cursor = session.getDatabase('trouble_shell').numbers.find().sort({ _id: 1 }).batchSize(50);
let seen = 0;
while (cursor.hasNext()) {
  cursor.next();
  if (++seen === 75) db.numbers.deleteMany({ _id: { $gte: 250 } });
}
session.commitTransaction();
expect('seen', seen, 500);
expect('left', db.numbers.countDocuments({}), 250);
session.endSession();
other.endSession();

// What a user looks at.
expect('collections', db.getCollectionNames().sort().join(), 'items,numbers');
expect('indexes', db.items.createIndex({ qty: 1 }), 'qty_1');
expect('version', db.version(), '8.2.0');
