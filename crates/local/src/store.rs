//! The state of the endpoint: one SQLite file, one transaction a request.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::AwsError;

/// The SQLite database behind the endpoint. All access is through [`Store::transaction`].
pub struct Store {
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens (and creates) `endpoint.sqlite` in the folder `state`; `None` keeps everything in memory.
    ///
    /// # Errors
    /// If the folder or the file can't be made, or holds something that is not our database.
    pub fn open(state: Option<&Path>) -> Result<Store, AwsError> {
        let connection = match state {
            None => Connection::open_in_memory()?,
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|e| AwsError::internal(format!("{}: {e}", folder.display())))?;
                Connection::open(folder.join("endpoint.sqlite"))?
            }
        };
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        for tables in [crate::glue::TABLES, crate::iam::TABLES] {
            connection.execute_batch(tables)?;
        }
        Ok(Store { connection: Mutex::new(connection) })
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, rolled back otherwise.
    ///
    /// # Errors
    /// Whatever `work` returns, or the database's own failure as an internal error.
    pub fn transaction<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, AwsError>) -> Result<T, AwsError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
