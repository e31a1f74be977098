//! A cursor of ten batches inside a transaction, while another changes what it reads.

use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use pando_acceptance::connect;

#[tokio::main]
async fn main() -> Result<()> {
    let client = connect().await?;
    let database = client.database("cursor_rust");
    database.drop().await?;
    let numbers = database.collection::<Document>("numbers");
    numbers.insert_many((0..1000).map(|n| doc! { "_id": n, "n": n })).await?;

    let mut session = client.start_session().await?;
    session.start_transaction().await?;
    let mut cursor = numbers
        .find(doc! {})
        .sort(doc! { "_id": 1 })
        .batch_size(100)
        .session(&mut session)
        .await?;
    let (mut seen, mut sum) = (0, 0);
    while let Some(number) = cursor.next(&mut session).await.transpose()? {
        sum += number.get_i32("n").expect("a number");
        seen += 1;
        if seen == 150 {
            numbers.update_many(doc! {}, doc! { "$inc": { "n": 1_000_000 } }).await?;
            numbers.delete_many(doc! { "_id": { "$gte": 500 } }).await?;
        }
    }
    session.commit_transaction().await?;
    println!("seen: {seen}, sum: {sum}");
    assert_eq!(numbers.count_documents(doc! {}).await?, 500);
    Ok(())
}
