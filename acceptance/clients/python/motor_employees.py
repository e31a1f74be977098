"""Motor: changes an employee's status and writes an event about it, in one transaction,
by with_transaction, then by the core API with its two retry loops."""

import asyncio
import os

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import WriteConcern
from pymongo.errors import ConnectionFailure, OperationFailure
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference


async def change(session, employee):
    employees = session.client.hr_motor.employees
    events = session.client.reporting_motor.events
    await employees.update_one({"employee": employee}, {"$set": {"status": "Inactive"}}, session=session)
    await events.insert_one({"employee": employee, "status": {"new": "Inactive", "old": "Active"}}, session=session)


async def update_employee_info(session):
    async with session.start_transaction(
        read_concern=ReadConcern("snapshot"),
        write_concern=WriteConcern(w="majority"),
        read_preference=ReadPreference.PRIMARY,
    ):
        await change(session, 3)
        await commit_with_retry(session)


async def commit_with_retry(session):
    while True:
        try:
            await session.commit_transaction()
            print("Transaction committed.")
            return
        except (ConnectionFailure, OperationFailure) as error:
            if not error.has_error_label("UnknownTransactionCommitResult"):
                raise
            print("UnknownTransactionCommitResult, retrying commit operation ...")


async def run_transaction_with_retry(txn_func, session):
    while True:
        try:
            return await txn_func(session)
        except (ConnectionFailure, OperationFailure) as error:
            if not error.has_error_label("TransientTransactionError"):
                raise
            print("TransientTransactionError, retrying transaction ...")


async def main():
    client = AsyncIOMotorClient(os.environ["MONGODB_URI"])
    await client.drop_database("hr_motor")
    await client.drop_database("reporting_motor")
    await client.hr_motor.employees.insert_many(
        [
            {"employee": 1, "name": "Ada", "status": "Active"},
            {"employee": 3, "name": "Grace", "status": "Active"},
        ]
    )
    async with await client.start_session() as session:
        await session.with_transaction(
            lambda s: change(s, 1), read_concern=ReadConcern("local"), write_concern=WriteConcern("majority", wtimeout=1000)
        )
    async with await client.start_session() as session:
        await run_transaction_with_retry(update_employee_info, session)

    for employee in (1, 3):
        found = await client.hr_motor.employees.find_one({"employee": employee})
        print(f"status of employee {employee}: {found['status']}")
    print(f"events: {await client.reporting_motor.events.count_documents({'status.new': 'Inactive'})}")
    client.close()


asyncio.run(main())
