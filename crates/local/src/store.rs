//! The state of the endpoint: one SQLite file, one transaction a request.
//!
//! Several endpoints, in several processes, may share a state folder: SQLite keeps their transactions apart, and
//! each endpoint that starts learns whose crawls are still worked on.

use std::fs::{self, File};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::AwsError;
use crate::presence::Presence;

/// What the tables look like, kept in the file as its `user_version`: a release that changes them counts it up.
const VERSION: i64 = 2;

/// The SQLite database behind the endpoint. All access is through [`Store::transaction`] and [`Store::read`].
pub struct Store {
    connection: Mutex<Connection>,
    presence: Presence,
}

impl Store {
    /// Opens (and creates) `endpoint.sqlite` in the folder `state`; `None` keeps everything in memory.
    ///
    /// # Errors
    /// If the folder or the file can't be made, was written by a later release, or holds something that is not our
    /// database.
    pub fn open(state: Option<&Path>) -> Result<Store, AwsError> {
        // Held while opening: SQLite does not wait for its turn to make a new file a write-ahead logged one.
        let _opening = state.map(only_opener).transpose()?;
        let mut connection = match state {
            None => Connection::open_in_memory()?,
            Some(folder) => Connection::open(folder.join("endpoint.sqlite"))?,
        };
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        prepare(&transaction)?;
        let presence = Presence::enter(state).map_err(|error| unusable(state.unwrap_or(Path::new("")), &error))?;
        transaction.commit()?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Ok(Store { connection: Mutex::new(connection), presence })
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, rolled back otherwise. Nobody else writes meanwhile,
    /// in this process or another.
    ///
    /// # Errors
    /// Whatever `work` returns, or the database's own failure as an internal error.
    pub fn transaction<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, AwsError>) -> Result<T, AwsError> {
        self.run(TransactionBehavior::Immediate, work)
    }

    /// Runs `work`, which only reads: it sees one state of the whole, and does not wait for another process that writes.
    ///
    /// # Errors
    /// Whatever `work` returns, or the database's own failure as an internal error.
    pub fn read<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, AwsError>) -> Result<T, AwsError> {
        self.run(TransactionBehavior::Deferred, work)
    }

    /// Names this endpoint among those that share the state.
    pub(crate) fn endpoint(&self) -> &str {
        self.presence.id()
    }

    /// The endpoints that share the state at this moment, this one among them. To be asked within [`Store::transaction`],
    /// so that nobody enters meanwhile.
    pub(crate) fn living(&self) -> Result<Vec<String>, AwsError> {
        self.presence.living().map_err(|error| AwsError::internal(format!("the state folder: {error}")))
    }

    fn run<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        let mut connection = self.lock();
        let transaction = connection.transaction_with_behavior(behavior)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the tables of a new file, or those that a file of an earlier release lacks; accepts one that this release wrote.
fn prepare(tx: &Transaction) -> Result<(), AwsError> {
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let is_new = tx.query_one("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0))?;
    match version {
        VERSION => Ok(()),
        0 | 1 if is_new == (version == 0) => {
            if is_new {
                tx.execute_batch(crate::glue::TABLES)?;
                tx.execute_batch(crate::iam::TABLES)?;
            }
            tx.execute_batch(crate::iam::POLICY_TABLE)?;
            tx.execute_batch(crate::sts::TABLES)?;
            Ok(tx.pragma_update(None, "user_version", VERSION)?)
        }
        later if later > VERSION => Err(AwsError::internal(format!(
            "endpoint.sqlite was written by a later release (its format is {later}, this release knows {VERSION}): update \
             this program, or use another state folder"
        ))),
        _ => Err(AwsError::internal(
            "endpoint.sqlite is not a state of this program: use another state folder, or remove that file",
        )),
    }
}

/// Makes the folder, and waits until nobody else is opening it.
fn only_opener(folder: &Path) -> Result<File, AwsError> {
    let lock = || {
        fs::create_dir_all(folder)?;
        let file = File::create(folder.join("opening.lock"))?;
        file.lock()?;
        Ok(file)
    };
    lock().map_err(|error| unusable(folder, &error))
}

fn unusable(folder: &Path, error: &std::io::Error) -> AwsError {
    AwsError::internal(format!("{}: {error}", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reopened(change: &str) -> Result<Store, AwsError> {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(Some(folder.path())).unwrap());
        let file = Connection::open(folder.path().join("endpoint.sqlite")).unwrap();
        file.execute_batch(change).unwrap();
        drop(file);
        Store::open(Some(folder.path()))
    }

    #[test]
    fn only_files_of_this_format_are_opened() {
        assert!(reopened("").is_ok());
        let error = |change| reopened(change).err().unwrap().message;
        let later = error("PRAGMA user_version = 3");
        assert!(later.contains("later release") && later.contains("format is 3"), "{later}");
        assert!(error("PRAGMA user_version = 0").contains("not a state of this program"));
    }

    #[test]
    fn a_file_of_the_first_release_gets_what_it_lacks() {
        let first = "DROP TABLE iam_policy; DROP TABLE sts_session; PRAGMA user_version = 1;
                     INSERT INTO glue_database VALUES ('s', 'db', '{}', 0)";
        let store = reopened(first).unwrap();
        let count = |table: &str| {
            store.read(|tx| Ok(tx.query_one(&format!("SELECT count(*) FROM {table}"), [], |row| row.get::<_, i64>(0))?))
        };
        assert_eq!(["glue_database", "iam_policy", "sts_session"].map(|table| count(table).unwrap()), [1, 0, 0]);
    }

    #[test]
    fn a_new_folder_may_be_opened_by_many_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("state");
        let stores: Vec<Store> = std::thread::scope(|scope| {
            let opening: Vec<_> = (0..8).map(|_| scope.spawn(|| Store::open(Some(&folder)))).collect();
            opening.into_iter().map(|store| store.join().unwrap().unwrap()).collect()
        });
        for store in &stores {
            assert_eq!(store.transaction(|_| store.living()).unwrap().len(), stores.len());
        }
    }
}
