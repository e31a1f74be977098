"""Motor: an abort, a duplicate key inside, two sessions in conflict, ten tasks at one document."""

import asyncio
import os

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import DuplicateKeyError, OperationFailure


async def abort(client, items):
    async with await client.start_session() as session:
        session.start_transaction()
        await items.insert_one({"_id": 2}, session=session)
        await items.update_one({"_id": 1}, {"$inc": {"qty": -10}}, session=session)
        assert await items.count_documents({}, session=session) == 2
        await session.abort_transaction()

        # Left by an error, the block aborts.
        try:
            async with session.start_transaction():
                await items.delete_many({}, session=session)
                raise KeyError("changed my mind")
        except KeyError:
            pass
    assert await items.count_documents({}) == 1
    assert (await items.find_one({"_id": 1}))["qty"] == 10
    print("abort: nothing is left of it")


async def duplicate_key(client, items):
    async with await client.start_session() as session:
        session.start_transaction()
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
    first, second = await client.start_session(), await client.start_session()
    first.start_transaction()
    second.start_transaction()
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
    await first.end_session()
    await second.end_session()
    assert (await items.find_one({"_id": 1}))["qty"] == 8
    print("conflict: told at the write, gone at the retry")


async def contended(client, items):
    async def once(session):
        doc = await items.find_one({"_id": 1}, session=session)
        await items.update_one({"_id": 1}, {"$set": {"qty": doc["qty"] + 1}}, session=session)

    async def count_up():
        async with await client.start_session() as session:
            await session.with_transaction(once)

    await asyncio.gather(*(count_up() for _ in range(10)))
    assert (await items.find_one({"_id": 1}))["qty"] == 18
    print("contended: no update was lost")


async def main():
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"])
    await client.drop_database("trouble_motor")
    items = client.trouble_motor.items
    await items.insert_one({"_id": 1, "qty": 10})
    await abort(client, items)
    await duplicate_key(client, items)
    await conflict(client, items)
    await contended(client, items)
    client.close()


asyncio.run(main())
