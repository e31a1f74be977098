"""Motor: moves money between accounts, from several tasks, until standard input ends, then
counts. It goes on through the server's crashes, and shares the accounts with others."""

import asyncio
import os
import random
import sys

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern
from pymongo.errors import PyMongoError
from pymongo.read_concern import ReadConcern

WORKERS, ACCOUNTS, INITIAL = 8, 64, 1000
OPTIONS = {"read_concern": ReadConcern("snapshot"), "write_concern": WriteConcern("majority")}


class Bank:
    def __init__(self, client):
        self.client = client
        db = client.get_database("bank_shared", read_concern=ReadConcern("majority"))
        self.accounts, self.transfers = db.accounts, db.transfers
        self.acknowledged = set()
        self.attempts = 0
        self.closing = False

    async def move(self, session, transfer):
        """Moves the money inside the session's transaction, or nothing if there is too little of it."""
        self.attempts += 1
        source = await self.accounts.find_one({"_id": transfer["from"]}, session=session)
        if source["balance"] < transfer["amount"]:
            return False
        for account, amount in ((transfer["from"], -transfer["amount"]), (transfer["to"], transfer["amount"])):
            await self.accounts.update_one({"_id": account}, {"$inc": {"balance": amount}}, session=session)
        await self.transfers.insert_one(transfer, session=session)
        return True

    async def transact(self, session, transfer):
        # Motor's with_transaction commits as it leaves its block, and does not try that again.
        while True:
            session.start_transaction(**OPTIONS)
            try:
                if not await self.move(session, transfer):
                    await session.abort_transaction()
                    return False
                await self.commit(session)
                return True
            except PyMongoError as error:
                if session.in_transaction:
                    await session.abort_transaction()
                if not error.has_error_label("TransientTransactionError"):
                    raise

    async def commit(self, session):
        while True:
            try:
                return await session.commit_transaction()
            except PyMongoError as error:
                if not error.has_error_label("UnknownTransactionCommitResult"):
                    raise

    async def work(self, worker):
        n = 0
        while not self.closing:
            source, target = random.sample(range(ACCOUNTS), 2)
            transfer = {"_id": f"motor-{worker}-{n}", "from": source, "to": target, "amount": random.randint(1, 20)}
            n += 1
            async with await self.client.start_session() as session:
                moved = await self.transact(session, transfer)
            if moved:
                self.acknowledged.add(transfer["_id"])
                if len(self.acknowledged) % 25 == 0:
                    print(f"acknowledged {len(self.acknowledged)}", flush=True)

    async def count(self):
        """Counts inside one snapshot, since others may be at work still."""
        expected, mine = dict.fromkeys(range(ACCOUNTS), INITIAL), set()
        async with await self.client.start_session() as session:
            async with session.start_transaction(**OPTIONS):
                async for transfer in self.transfers.find({}, session=session):
                    expected[transfer["from"]] -= transfer["amount"]
                    expected[transfer["to"]] += transfer["amount"]
                    if transfer["_id"].startswith("motor-"):
                        mine.add(transfer["_id"])
                balances = {a["_id"]: a["balance"] async for a in self.accounts.find({}, session=session)}
        assert balances == expected, (balances, expected)
        assert mine == self.acknowledged, mine ^ self.acknowledged
        print(f"transfers: {len(mine)}, attempts: {self.attempts}, total: {sum(balances.values())}")

    async def run(self):
        for account in range(ACCOUNTS):
            await self.accounts.update_one({"_id": account}, {"$setOnInsert": {"balance": INITIAL}}, upsert=True)
        workers = asyncio.gather(*(self.work(worker) for worker in range(WORKERS)))
        end = asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        await asyncio.wait({asyncio.ensure_future(end), workers}, return_when=asyncio.FIRST_COMPLETED)
        self.closing = True
        await workers
        await self.count()


async def main():
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"], maxPoolSize=WORKERS)
    await Bank(client).run()
    client.close()


asyncio.run(main())
