"""Motor: asyncio.gather inside a transaction, after a first statement that was awaited:
the statements arrive at once, on several connections, and all of them are done."""

import asyncio
import os

from motor.motor_asyncio import AsyncIOMotorClient


async def main():
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"])
    await client.drop_database("parallel_motor")
    users, log = client.parallel_motor.users, client.parallel_motor.log
    await users.insert_many({"_id": i, "n": 0} for i in range(20))
    await log.insert_one({"_id": "start"})

    async def count_all(session):
        await log.insert_one({"what": "counting"}, session=session)
        await asyncio.gather(*(users.update_one({"_id": i}, {"$inc": {"n": i}}, session=session) for i in range(20)))
        positive, all_of_them, grouped = await asyncio.gather(
            users.count_documents({"n": {"$gt": 0}}, session=session),
            users.find({}, session=session).to_list(None),
            users.aggregate([{"$group": {"_id": None, "total": {"$sum": "$n"}}}], session=session).to_list(None),
        )
        assert positive == 19
        assert len(all_of_them) == 20
        assert grouped[0]["total"] == 190

    async with await client.start_session() as session:
        await session.with_transaction(count_all)

    total = sum([doc["n"] async for doc in users.find()])
    print(f"total: {total}")
    client.close()


asyncio.run(main())
