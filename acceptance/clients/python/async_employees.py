"""The same with PyMongo's asynchronous client: callback API, core API, tasks that conflict."""

import asyncio
import os

from pymongo import AsyncMongoClient, WriteConcern
from pymongo.errors import ConnectionFailure, DuplicateKeyError, OperationFailure
from pymongo.read_concern import ReadConcern


async def change(session, employee):
    employees = session.client.hr_async.employees
    events = session.client.reporting_async.events
    await employees.update_one({"employee": employee}, {"$set": {"status": "Inactive"}}, session=session)
    await events.insert_one({"employee": employee, "status": {"new": "Inactive", "old": "Active"}}, session=session)


async def commit_with_retry(session):
    while True:
        try:
            await session.commit_transaction()
            return
        except (ConnectionFailure, OperationFailure) as error:
            if not error.has_error_label("UnknownTransactionCommitResult"):
                raise


async def run_transaction_with_retry(txn_func, session):
    while True:
        try:
            return await txn_func(session)
        except (ConnectionFailure, OperationFailure) as error:
            if not error.has_error_label("TransientTransactionError"):
                raise


async def update_employee_info(session):
    async with await session.start_transaction(
        read_concern=ReadConcern("snapshot"), write_concern=WriteConcern(w="majority")
    ):
        await change(session, 3)
        await commit_with_retry(session)


async def count_up(client):
    counters = client.hr_async.counters

    async def once(session):
        doc = await counters.find_one({"_id": 1}, session=session)
        await counters.update_one({"_id": 1}, {"$set": {"n": doc["n"] + 1}}, session=session)

    async with client.start_session() as session:
        await session.with_transaction(once)


async def main():
    async with AsyncMongoClient(os.environ["MONGODB_URI"]) as client:
        await client.drop_database("hr_async")
        await client.drop_database("reporting_async")
        await client.hr_async.employees.insert_many(
            [{"employee": 1, "status": "Active"}, {"employee": 3, "status": "Active"}]
        )
        async with client.start_session() as session:
            await session.with_transaction(lambda s: change(s, 1))
        async with client.start_session() as session:
            await run_transaction_with_retry(update_employee_info, session)
        statuses = [e["status"] async for e in client.hr_async.employees.find()]
        print(f"statuses: {statuses}")
        assert statuses == ["Inactive", "Inactive"]
        assert await client.reporting_async.events.count_documents({}) == 2

        async with client.start_session() as session:
            await session.start_transaction()
            await client.hr_async.employees.insert_one({"_id": 7}, session=session)
            try:
                await client.hr_async.employees.insert_one({"_id": 7}, session=session)
                raise AssertionError("no duplicate key")
            except DuplicateKeyError:
                await session.abort_transaction()
        assert await client.hr_async.employees.count_documents({}) == 2

        await client.hr_async.counters.insert_one({"_id": 1, "n": 0})
        await asyncio.gather(*(count_up(client) for _ in range(10)))
        counted = (await client.hr_async.counters.find_one({"_id": 1}))["n"]
        print(f"counted: {counted}")
        assert counted == 10


asyncio.run(main())
