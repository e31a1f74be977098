"""Motor: the callback example of the manual, two databases in one transaction."""

import asyncio
import os

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference


async def callback(session):
    await session.client.mydb1_motor.foo.insert_one({"abc": 1}, session=session)
    await session.client.mydb2_motor.bar.insert_one({"xyz": 999}, session=session)
    return "done"


async def callback_that_fails(session):
    await callback(session)
    raise ValueError("the shop is closed")


async def main():
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"])
    foo, bar = client.mydb1_motor.foo, client.mydb2_motor.bar
    await foo.drop()
    await bar.drop()
    majority = WriteConcern("majority", wtimeout=1000)
    await foo.with_options(write_concern=majority).insert_one({"abc": 0})
    await bar.with_options(write_concern=majority).insert_one({"xyz": 0})

    async with await client.start_session() as session:
        value = await session.with_transaction(
            callback,
            read_concern=ReadConcern("local"),
            write_concern=majority,
            read_preference=ReadPreference.PRIMARY,
        )
        assert value == "done", value
        try:
            await session.with_transaction(callback_that_fails)
            raise AssertionError("the callback's error was lost")
        except ValueError:
            pass

    assert await foo.count_documents({"abc": 1}) == 1
    assert await bar.count_documents({"xyz": 999}) == 1
    print(f"foo: {await foo.count_documents({})}, bar: {await bar.count_documents({})}")
    client.close()


asyncio.run(main())
