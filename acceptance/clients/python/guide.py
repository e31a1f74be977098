"""The callback example of PyMongo's guide: several inserts into the restaurants, or none."""

import os

from pymongo import MongoClient

client = MongoClient(os.environ["MONGODB_URI"])
client.drop_database("sample_restaurants_python")
restaurants = client["sample_restaurants_python"]["restaurants"]


def insert_documents(session):
    collection = session.client["sample_restaurants_python"]["restaurants"]
    collection.insert_one({"name": "PyMongo Pizza", "cuisine": "Pizza"}, session=session)
    collection.insert_one({"name": "PyMongo Pasta", "cuisine": "Pasta"}, session=session)
    collection.insert_many(
        [{"name": "PyMongo Curry", "cuisine": "Indian"}, {"name": "PyMongo Bagels", "cuisine": "Bagels"}],
        session=session,
    )


def insert_and_fail(session):
    insert_documents(session)
    raise ValueError("the kitchen is closed")


with client.start_session() as session:
    try:
        session.with_transaction(insert_documents)
        print("Transaction succeeded")
    except Exception as error:
        print(f"Transaction failed: {error}")
        raise
names = sorted(r["name"] for r in restaurants.find())
print(names)
assert names == ["PyMongo Bagels", "PyMongo Curry", "PyMongo Pasta", "PyMongo Pizza"]

with client.start_session() as session:
    try:
        session.with_transaction(insert_and_fail)
        raise AssertionError("the callback's error was lost")
    except ValueError as error:
        print(f"Transaction failed: {error}")
assert restaurants.count_documents({}) == 4

# As a context manager: commits at the end of the block, aborts if it is left by an error.
with client.start_session() as session:
    with session.start_transaction():
        restaurants.delete_one({"cuisine": "Bagels"}, session=session)
    try:
        with session.start_transaction():
            restaurants.delete_many({}, session=session)
            raise KeyError("changed my mind")
    except KeyError:
        pass
left = restaurants.count_documents({})
print(f"left: {left}")
assert left == 3
client.close()
