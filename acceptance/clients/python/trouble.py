"""An abort, a duplicate key inside, two sessions in conflict, a cursor of several batches."""

import os

from pymongo import MongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure

client = MongoClient(os.environ["MONGODB_URI"])
client.drop_database("trouble_python")
items = client.trouble_python.items
items.insert_one({"_id": 1, "qty": 10})


def abort():
    with client.start_session() as session:
        session.start_transaction()
        items.insert_one({"_id": 2}, session=session)
        items.update_one({"_id": 1}, {"$inc": {"qty": -10}}, session=session)
        assert items.count_documents({}, session=session) == 2
        session.abort_transaction()
    assert items.count_documents({}) == 1
    assert items.find_one({"_id": 1})["qty"] == 10
    print("abort: nothing is left of it")


def duplicate_key():
    with client.start_session() as session:
        session.start_transaction()
        items.insert_one({"_id": 3}, session=session)
        try:
            items.insert_one({"_id": 1}, session=session)
            raise AssertionError("no duplicate key")
        except DuplicateKeyError as error:
            assert error.code == 11000
            assert error.details["keyValue"] == {"_id": 1}
            assert not error.has_error_label("TransientTransactionError")
        try:
            items.insert_one({"_id": 4}, session=session)
            raise AssertionError("the transaction goes on")
        except OperationFailure as error:
            assert error.code == 251
        session.abort_transaction()
    assert items.count_documents({}) == 1
    print("duplicate key: the transaction is over, the error is not transient")


def conflict():
    with client.start_session() as first, client.start_session() as second:
        first.start_transaction()
        second.start_transaction()
        items.find_one({"_id": 1}, session=first)
        items.find_one({"_id": 1}, session=second)
        items.update_one({"_id": 1}, {"$inc": {"qty": -1}}, session=first)
        try:
            items.update_one({"_id": 1}, {"$inc": {"qty": -1}}, session=second)
            raise AssertionError("no conflict")
        except OperationFailure as error:
            assert error.code == 112
            assert error.has_error_label("TransientTransactionError")
        second.abort_transaction()
        first.commit_transaction()
        second.with_transaction(lambda s: items.update_one({"_id": 1}, {"$inc": {"qty": -1}}, session=s))
    assert items.find_one({"_id": 1})["qty"] == 8
    print("conflict: told at the write, gone at the retry")


def cursor():
    numbers = client.trouble_python.numbers
    numbers.insert_many({"_id": n, "n": n} for n in range(1000))
    with client.start_session() as session, session.start_transaction():
        seen = total = 0
        for doc in numbers.find({}, session=session, batch_size=100).sort("_id"):
            seen, total = seen + 1, total + doc["n"]
            if seen == 150:
                numbers.update_many({}, {"$inc": {"n": 1_000_000}})
                numbers.delete_many({"_id": {"$gte": 500}})
    assert (seen, total) == (1000, 499500), (seen, total)
    assert numbers.count_documents({}) == 500
    print("cursor: ten batches of one snapshot")


abort()
duplicate_key()
conflict()
cursor()
client.close()
