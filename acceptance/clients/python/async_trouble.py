"""The same with PyMongo's asynchronous client: an abort, a duplicate key inside, two sessions
in conflict, a cursor of several batches."""

import asyncio
import os

from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError, OperationFailure


async def abort(client, items):
    async with client.start_session() as session:
        await session.start_transaction()
        await items.insert_one({"_id": 2}, session=session)
        await items.update_one({"_id": 1}, {"$inc": {"qty": -10}}, session=session)
        assert await items.count_documents({}, session=session) == 2
        await session.abort_transaction()

        # Left by an error, the block aborts.
        try:
            async with await session.start_transaction():
                await items.delete_many({}, session=session)
                raise KeyError("changed my mind")
        except KeyError:
            pass
    assert await items.count_documents({}) == 1
    assert (await items.find_one({"_id": 1}))["qty"] == 10
    print("abort: nothing is left of it")


async def duplicate_key(client, items):
    async with client.start_session() as session:
        await session.start_transaction()
        await items.insert_one({"_id": 3}, session=session)
        try:
            await items.insert_one({"_id": 1}, session=session)
            raise AssertionError("no duplicate key")
        except DuplicateKeyError as error:
            assert error.code == 11000
            assert error.details["keyValue"] == {"_id": 1}
            assert not error.has_error_label("TransientTransactionError")
        try:
            await items.insert_one({"_id": 4}, session=session)
            raise AssertionError("the transaction goes on")
        except OperationFailure as error:
            assert error.code == 251
        await session.abort_transaction()
    assert await items.count_documents({}) == 1
    print("duplicate key: the transaction is over, the error is not transient")


async def conflict(client, items):
    async with client.start_session() as first, client.start_session() as second:
        await first.start_transaction()
        await second.start_transaction()
        await items.find_one({"_id": 1}, session=first)
        await items.find_one({"_id": 1}, session=second)
        await items.update_one({"_id": 1}, {"$inc": {"qty": -1}}, session=first)
        try:
            await items.update_one({"_id": 1}, {"$inc": {"qty": -1}}, session=second)
            raise AssertionError("no conflict")
        except OperationFailure as error:
            assert error.code == 112
            assert error.has_error_label("TransientTransactionError")
        await second.abort_transaction()
        await first.commit_transaction()
        await second.with_transaction(lambda s: items.update_one({"_id": 1}, {"$inc": {"qty": -1}}, session=s))
    assert (await items.find_one({"_id": 1}))["qty"] == 8
    print("conflict: told at the write, gone at the retry")


async def cursor(client):
    numbers = client.trouble_async.numbers
    await numbers.insert_many({"_id": n, "n": n} for n in range(1000))
    async with client.start_session() as session, await session.start_transaction():
        seen = total = 0
        async for doc in numbers.find({}, session=session, batch_size=100).sort("_id"):
            seen, total = seen + 1, total + doc["n"]
            if seen == 150:
                await numbers.update_many({}, {"$inc": {"n": 1_000_000}})
                await numbers.delete_many({"_id": {"$gte": 500}})
    assert (seen, total) == (1000, 499500), (seen, total)
    assert await numbers.count_documents({}) == 500
    print("cursor: ten batches of one snapshot")


async def main():
    async with AsyncMongoClient(os.environ["MONGODB_URI"]) as client:
        await client.drop_database("trouble_async")
        items = client.trouble_async.items
        await items.insert_one({"_id": 1, "qty": 10})
        await abort(client, items)
        await duplicate_key(client, items)
        await conflict(client, items)
        await cursor(client)


asyncio.run(main())
