//! An abort, a duplicate key inside, two sessions in conflict, tasks that contend.

use futures::future::try_join_all;
use mongodb::bson::{Document, doc};
use mongodb::error::{Error, ErrorKind, Result, TRANSIENT_TRANSACTION_ERROR, WriteFailure};
use mongodb::{Client, ClientSession, Collection};
use pando_acceptance::connect;

async fn quantity(items: &Collection<Document>, session: Option<&mut ClientSession>) -> Result<i32> {
    let found = match session {
        Some(session) => items.find_one(doc! { "_id": 1 }).session(session).await?,
        None => items.find_one(doc! { "_id": 1 }).await?,
    };
    Ok(found.and_then(|item| item.get_i32("qty").ok()).expect("a quantity"))
}

async fn take(items: &Collection<Document>, session: &mut ClientSession, qty: i32) -> Result<()> {
    items.update_one(doc! { "_id": 1 }, doc! { "$inc": { "qty": -qty } }).session(session).await?;
    Ok(())
}

/// The server's code of a failed command, or of a failed write.
fn code(error: &Error) -> i32 {
    match error.kind.as_ref() {
        ErrorKind::Command(failed) => failed.code,
        ErrorKind::Write(WriteFailure::WriteError(failed)) => failed.code,
        _ => panic!("{error}"),
    }
}

async fn abort(client: &Client, items: &Collection<Document>) -> Result<()> {
    let mut session = client.start_session().await?;
    session.start_transaction().await?;
    items.insert_one(doc! { "_id": 2 }).session(&mut session).await?;
    take(items, &mut session, 10).await?;
    assert_eq!(items.count_documents(doc! {}).session(&mut session).await?, 2);
    session.abort_transaction().await?;
    assert_eq!(items.count_documents(doc! {}).await?, 1);
    assert_eq!(quantity(items, None).await?, 10);
    println!("abort: nothing is left of it");
    Ok(())
}

async fn duplicate_key(client: &Client, items: &Collection<Document>) -> Result<()> {
    let mut session = client.start_session().await?;
    session.start_transaction().await?;
    items.insert_one(doc! { "_id": 3 }).session(&mut session).await?;
    let error = items.insert_one(doc! { "_id": 1 }).session(&mut session).await.unwrap_err();
    assert_eq!(code(&error), 11000);
    assert!(!error.contains_label(TRANSIENT_TRANSACTION_ERROR));
    let error = items.insert_one(doc! { "_id": 4 }).session(&mut session).await.unwrap_err();
    assert_eq!(code(&error), 251);
    session.abort_transaction().await?;
    assert_eq!(items.count_documents(doc! {}).await?, 1);
    println!("duplicate key: the transaction is over, the error is not transient");
    Ok(())
}

async fn conflict(client: &Client, items: &Collection<Document>) -> Result<()> {
    let mut first = client.start_session().await?;
    let mut second = client.start_session().await?;
    first.start_transaction().await?;
    second.start_transaction().await?;
    quantity(items, Some(&mut first)).await?;
    quantity(items, Some(&mut second)).await?;
    take(items, &mut first, 1).await?;
    let error = take(items, &mut second, 1).await.unwrap_err();
    assert_eq!(code(&error), 112);
    assert!(error.contains_label(TRANSIENT_TRANSACTION_ERROR));
    second.abort_transaction().await?;
    first.commit_transaction().await?;
    second.start_transaction().and_run2(async |session| take(items, session, 1).await).await?;
    assert_eq!(quantity(items, None).await?, 8);
    println!("conflict: told at the write, gone at the retry");
    Ok(())
}

/// Ten at once count one document up; and_run2 tries again until each is through.
async fn contended(client: &Client, items: &Collection<Document>) -> Result<()> {
    try_join_all((0..10).map(|_| async {
        let mut session = client.start_session().await?;
        session
            .start_transaction()
            .and_run2(async |session| {
                let qty = quantity(items, Some(&mut *session)).await?;
                items
                    .update_one(doc! { "_id": 1 }, doc! { "$set": { "qty": qty + 1 } })
                    .session(session)
                    .await?;
                Ok(())
            })
            .await
    }))
    .await?;
    assert_eq!(quantity(items, None).await?, 18);
    println!("contended: no update was lost");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let client = connect().await?;
    let database = client.database("trouble_rust");
    database.drop().await?;
    let items = database.collection("items");
    items.insert_one(doc! { "_id": 1, "qty": 10 }).await?;
    abort(&client, &items).await?;
    duplicate_key(&client, &items).await?;
    conflict(&client, &items).await?;
    contended(&client, &items).await
}
