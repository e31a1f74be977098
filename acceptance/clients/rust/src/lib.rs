//! What the programs here share: how they connect, and the manual's two retry loops.

use std::env;

use mongodb::error::{Error, Result, TRANSIENT_TRANSACTION_ERROR, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::{Client, ClientSession};

pub async fn connect() -> Result<Client> {
    let uri = env::var("MONGODB_URI").map_err(Error::custom)?;
    Client::with_uri_str(uri).await
}

/// Calls a function that is a whole transaction until it is not told to try again.
pub async fn run_transaction_with_retry(
    session: &mut ClientSession,
    mut transaction: impl AsyncFnMut(&mut ClientSession) -> Result<()>,
) -> Result<()> {
    loop {
        match transaction(session).await {
            Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => {
                println!("TransientTransactionError, retrying transaction ...");
            }
            outcome => return outcome,
        }
    }
}

pub async fn commit_with_retry(session: &mut ClientSession) -> Result<()> {
    loop {
        match session.commit_transaction().await {
            Err(error) if error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => {
                println!("UnknownTransactionCommitResult, retrying commit operation ...");
            }
            outcome => return outcome,
        }
    }
}
