"""Motor: cursors of several batches inside a transaction see one snapshot."""

import asyncio
import os

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.read_concern import ReadConcern


async def main():
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"])
    await client.drop_database("cursor_motor")
    numbers = client.cursor_motor.numbers
    await numbers.insert_many({"_id": n, "n": n} for n in range(1000))

    async with await client.start_session() as session:
        async with session.start_transaction(read_concern=ReadConcern("snapshot")):
            seen = total = 0
            async for doc in numbers.find({}, session=session, batch_size=100).sort("_id"):
                seen, total = seen + 1, total + doc["n"]
                if seen == 150:
                    await numbers.update_many({}, {"$inc": {"n": 1_000_000}})
                    await numbers.delete_many({"_id": {"$gte": 500}})
            # A cursor that is not read to its end is closed inside the transaction as well.
            last = numbers.aggregate([{"$sort": {"_id": -1}}], session=session, batchSize=10)
            assert (await last.next())["_id"] == 999
            await last.close()
            # to_list asks for batches as it needs them.
            first = await numbers.find({}, session=session, batch_size=7).sort("_id").to_list(30)
            assert [doc["n"] for doc in first] == list(range(30))
    print(f"seen: {seen}, sum: {total}")
    assert await numbers.count_documents({}) == 500
    client.close()


asyncio.run(main())
