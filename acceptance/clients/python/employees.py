"""Changes an employee's status and writes an event about it, in one transaction:
by with_transaction, then by the core API with its two retry loops."""

import os

from pymongo import MongoClient, WriteConcern
from pymongo.errors import ConnectionFailure, OperationFailure
from pymongo.read_concern import ReadConcern


def change(session, employee):
    employees = session.client.hr_python.employees
    events = session.client.reporting_python.events
    employees.update_one({"employee": employee}, {"$set": {"status": "Inactive"}}, session=session)
    events.insert_one({"employee": employee, "status": {"new": "Inactive", "old": "Active"}}, session=session)


def update_employee_info(session):
    with session.start_transaction(read_concern=ReadConcern("snapshot"), write_concern=WriteConcern(w="majority")):
        change(session, 3)
        commit_with_retry(session)


def commit_with_retry(session):
    while True:
        try:
            session.commit_transaction()
            print("Transaction committed.")
            return
        except (ConnectionFailure, OperationFailure) as error:
            if error.has_error_label("UnknownTransactionCommitResult"):
                print("UnknownTransactionCommitResult, retrying commit operation ...")
                continue
            raise


def run_transaction_with_retry(txn_func, session):
    while True:
        try:
            return txn_func(session)
        except (ConnectionFailure, OperationFailure) as error:
            if error.has_error_label("TransientTransactionError"):
                print("TransientTransactionError, retrying transaction ...")
                continue
            raise


def main():
    with MongoClient(os.environ["MONGODB_URI"]) as client:
        client.drop_database("hr_python")
        client.drop_database("reporting_python")
        client.hr_python.employees.insert_many([
            {"employee": 1, "name": "Ada", "status": "Active"},
            {"employee": 3, "name": "Grace", "status": "Active"},
        ])
        with client.start_session() as session:
            session.with_transaction(lambda s: change(s, 1), write_concern=WriteConcern("majority", wtimeout=1000))
        with client.start_session() as session:
            run_transaction_with_retry(update_employee_info, session)

        for employee in (1, 3):
            status = client.hr_python.employees.find_one({"employee": employee})["status"]
            print(f"status of employee {employee}: {status}")
            assert status == "Inactive"
        events = client.reporting_python.events.count_documents({"status.new": "Inactive"})
        print(f"events: {events}")
        assert events == 2


main()
