"""The callback example of PyMongo's guide, as it stands there for the asynchronous client."""

import asyncio
import os

from pymongo import AsyncMongoClient


async def insert_documents(session):
    collection = session.client["sample_restaurants_async"]["restaurants"]
    await collection.insert_one({"name": "PyMongo Pizza", "cuisine": "Pizza"}, session=session)
    await collection.insert_one({"name": "PyMongo Pasta", "cuisine": "Pasta"}, session=session)
    await collection.insert_many(
        [{"name": "PyMongo Curry", "cuisine": "Indian"}, {"name": "PyMongo Bagels", "cuisine": "Bagels"}],
        session=session,
    )


async def insert_and_fail(session):
    await insert_documents(session)
    raise ValueError("the kitchen is closed")


async def main():
    async with AsyncMongoClient(os.environ["MONGODB_URI"]) as client:
        await client.drop_database("sample_restaurants_async")
        restaurants = client["sample_restaurants_async"]["restaurants"]
        async with client.start_session() as session:
            try:
                await session.with_transaction(insert_documents)
                print("Transaction succeeded")
            except Exception as error:
                print(f"Transaction failed: {error}")
                raise
        names = sorted([r["name"] async for r in restaurants.find()])
        print(names)
        assert names == ["PyMongo Bagels", "PyMongo Curry", "PyMongo Pasta", "PyMongo Pizza"]

        async with client.start_session() as session:
            try:
                await session.with_transaction(insert_and_fail)
                raise AssertionError("the callback's error was lost")
            except ValueError as error:
                print(f"Transaction failed: {error}")
        assert await restaurants.count_documents({}) == 4


asyncio.run(main())
