//! The callback example of the manual: two collections of two databases are written
//! in one transaction, which the driver begins, commits and tries again.

use std::time::Duration;

use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use mongodb::options::{Acknowledgment, ReadConcern, WriteConcern};
use pando_acceptance::connect;

#[tokio::main]
async fn main() -> Result<()> {
    let client = connect().await?;
    let foo = client.database("mydb1_rust").collection::<Document>("foo");
    let bar = client.database("mydb2_rust").collection::<Document>("bar");
    client.database("mydb1_rust").drop().await?;
    client.database("mydb2_rust").drop().await?;
    foo.insert_one(doc! { "abc": 0 }).await?;
    bar.insert_one(doc! { "xyz": 0 }).await?;

    let majority = WriteConcern::builder()
        .w(Acknowledgment::Majority)
        .w_timeout(Duration::from_secs(1))
        .build();
    let mut session = client.start_session().await?;
    session
        .start_transaction()
        .read_concern(ReadConcern::local())
        .write_concern(majority)
        .and_run2(async |session| {
            foo.insert_one(doc! { "abc": 1 }).session(&mut *session).await?;
            bar.insert_one(doc! { "xyz": 999 }).session(session).await?;
            Ok(())
        })
        .await?;

    // What another client sees.
    let other = connect().await?;
    let foo = other.database("mydb1_rust").collection::<Document>("foo");
    let bar = other.database("mydb2_rust").collection::<Document>("bar");
    assert_eq!(foo.count_documents(doc! { "abc": 1 }).await?, 1);
    assert_eq!(bar.count_documents(doc! { "xyz": 999 }).await?, 1);
    println!("foo: {}, bar: {}", foo.count_documents(doc! {}).await?, bar.count_documents(doc! {}).await?);
    Ok(())
}
