"""Motor: asyncio.gather over all statements of a transaction, the first one too. Whichever
is sent first starts it; the others may be there before. (MongoDB itself refuses those.)"""

import asyncio
import os

from motor.motor_asyncio import AsyncIOMotorClient

ROUNDS, STATEMENTS = 20, 10


async def main():
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"], minPoolSize=STATEMENTS)
    await client.drop_database("racing_motor")
    users = client.racing_motor.users
    await users.insert_many({"_id": i, "n": 0} for i in range(STATEMENTS))

    async def all_at_once(session):
        await asyncio.gather(
            *(users.update_one({"_id": i}, {"$inc": {"n": 1}}, session=session) for i in range(STATEMENTS))
        )

    async with await client.start_session() as session:
        for _ in range(ROUNDS):
            async with session.start_transaction():
                await all_at_once(session)

    total = sum([doc["n"] async for doc in users.find()])
    print(f"total: {total}")
    client.close()


asyncio.run(main())
