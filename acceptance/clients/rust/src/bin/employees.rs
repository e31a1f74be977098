//! Changes an employee's status and writes an event about it, in one transaction: by
//! the callback API, then by the core API with the manual's two retry loops.

use futures::FutureExt;
use mongodb::bson::{Document, doc};
use mongodb::error::Result;
use mongodb::options::{ReadConcern, WriteConcern};
use mongodb::{ClientSession, Collection};
use pando_acceptance::{commit_with_retry, connect, run_transaction_with_retry};

struct App {
    employees: Collection<Document>,
    events: Collection<Document>,
}

impl App {
    async fn change(&self, session: &mut ClientSession, employee: i32) -> Result<()> {
        self.employees
            .update_one(doc! { "employee": employee }, doc! { "$set": { "status": "Inactive" } })
            .session(&mut *session)
            .await?;
        self.events
            .insert_one(doc! { "employee": employee, "status": { "new": "Inactive", "old": "Active" } })
            .session(session)
            .await?;
        Ok(())
    }

    /// The core API's way: begin, do, abort or commit.
    async fn update_employee_info(&self, session: &mut ClientSession) -> Result<()> {
        session
            .start_transaction()
            .read_concern(ReadConcern::snapshot())
            .write_concern(WriteConcern::majority())
            .await?;
        if let Err(error) = self.change(session, 3).await {
            println!("caught an error during the transaction, aborting");
            session.abort_transaction().await?;
            return Err(error);
        }
        commit_with_retry(session).await?;
        println!("Transaction committed.");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let client = connect().await?;
    let hr = client.database("hr_rust");
    let reporting = client.database("reporting_rust");
    hr.drop().await?;
    reporting.drop().await?;
    let app = App { employees: hr.collection("employees"), events: reporting.collection("events") };
    app.employees
        .insert_many([
            doc! { "employee": 1, "name": { "first": "Ada" }, "status": "Active" },
            doc! { "employee": 3, "name": { "first": "Grace" }, "status": "Active" },
        ])
        .await?;

    let mut session = client.start_session().await?;
    session
        .start_transaction()
        .and_run(&app, |session, app| async move { app.change(session, 1).await }.boxed())
        .await?;
    run_transaction_with_retry(&mut session, async |session| app.update_employee_info(session).await).await?;

    for employee in [1, 3] {
        let found = app.employees.find_one(doc! { "employee": employee }).await?.expect("an employee");
        let status = found.get_str("status").expect("a status");
        println!("status of employee {employee}: {status}");
        assert_eq!(status, "Inactive");
    }
    println!("events: {}", app.events.count_documents(doc! { "status.new": "Inactive" }).await?);
    Ok(())
}
