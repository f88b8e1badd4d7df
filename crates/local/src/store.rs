//! The state of the endpoint: one SQLite file, one transaction a request.
//!
//! Several endpoints, in several processes, may share a state folder: SQLite keeps their transactions apart, and
//! each endpoint can tell whose crawls are still running.

mod presence;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use crate::error::{AwsError, is_busy};
use crate::private;
use presence::Presence;

/// How long a request waits for another process that writes. A transaction takes milliseconds, unless its process is suspended.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// How long an attempt to open the state waits for another process.
const OPEN_TIMEOUT: Duration = Duration::from_millis(200);

const FILE: &str = "endpoint.sqlite";
const OPENING: &str = "opening.lock";

/// Why the state can't be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Something else is where the folder should be.
    #[error("{} is not a folder: name another one with --state", .0.display())]
    NotAFolder(PathBuf),
    /// The file is not a database, or belongs to another program.
    #[error("{} is not a state of this program: name another folder with --state, or move that file away", .0.display())]
    Foreign(PathBuf),
    /// The file was written by a later release.
    #[error(
        "{} was written by a later release (its format is {format}, this release knows {known}): update this program, or name another folder with --state",
        path.display()
    )]
    Later {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: i64,
        /// The latest format that this release reads.
        known: i64,
    },
    /// The file was cut or overwritten.
    #[error("{} is damaged ({error}): restore it from a copy, or move it away to start afresh", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: rusqlite::Error,
    },
    /// It can't be read or written.
    #[error("{}: {error}", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The database fails.
    #[error("{}: {error}", path.display())]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        error: rusqlite::Error,
    },
    /// A step of the start failed.
    #[error("the endpoint's state: {}", .0.message)]
    Use(AwsError),
}

/// What a state file holds. Its version is kept in the file as `user_version`: 1, and one more for each step.
pub(crate) struct Migrations {
    /// Tables that every version has: a file without one of them is not ours.
    pub(crate) marks: [&'static str; 2],
    /// SQL that makes all tables of a new file, in their latest version.
    pub(crate) create: &'static [&'static str],
    /// SQL that brings a file from one version to the next: the first from 1 to 2.
    pub(crate) steps: &'static [&'static [&'static str]],
}

impl Migrations {
    fn version(&self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX).saturating_add(1)
    }
}

/// The SQLite database behind the endpoint. All access is through [`Store::transaction`] and [`Store::read`].
pub struct Store {
    connection: Mutex<Connection>,
    presence: Presence,
}

impl Store {
    /// Opens (and creates) `endpoint.sqlite` in the folder `state`; `None` keeps everything in memory. Waits for other
    /// processes.
    ///
    /// # Errors
    /// If the folder or the file can't be made, was written by a later release, or holds something that is not our
    /// database.
    pub(crate) fn open(state: Option<&Path>, migrations: &Migrations) -> Result<Store, StateError> {
        loop {
            match Store::try_open(state, migrations)? {
                Some(store) => return Ok(store),
                None => std::thread::sleep(OPEN_TIMEOUT),
            }
        }
    }

    /// Like [`Store::open`], but returns `None` if another process is in the way.
    pub(crate) fn try_open(state: Option<&Path>, migrations: &Migrations) -> Result<Option<Store>, StateError> {
        let Some(folder) = state else { return try_open(None, migrations) };
        private::folder(folder).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => StateError::NotAFolder(folder.to_owned()),
            _ => StateError::Io { path: folder.to_owned(), error },
        })?;
        // Hold this lock while opening: SQLite does not wait when it switches a new file to write-ahead logging.
        let Some(_opening) = lock_opening(folder)? else { return Ok(None) };
        try_open(Some(folder), migrations)
    }

    /// Runs `work` in one transaction: committed when it returns `Ok`, rolled back otherwise. Nobody else writes
    /// meanwhile, in this process or another.
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

    /// The endpoints that share the state at this moment, this one among them. Call it within [`Store::transaction`],
    /// so that nobody enters meanwhile.
    pub(crate) fn living(&self) -> Result<Vec<String>, AwsError> {
        self.presence.living().map_err(|error| AwsError::internal(format!("the state folder: {error}")))
    }

    fn run<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction) -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        let started = Instant::now();
        let mut connection = self.lock();
        // The time spent waiting for the mutex counts too: its holder may be waiting for another process.
        connection.busy_timeout(BUSY_TIMEOUT.saturating_sub(started.elapsed()).max(Duration::from_millis(50)))?;
        let transaction = connection.transaction_with_behavior(behavior)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens the database; `None` where another process keeps it locked.
fn try_open(folder: Option<&Path>, migrations: &Migrations) -> Result<Option<Store>, StateError> {
    let path = folder.map_or_else(PathBuf::new, |folder| folder.join(FILE));
    if path.is_dir() {
        return Err(StateError::Foreign(path));
    }
    let failed = |path: &Path, error| StateError::Io { path: path.to_owned(), error };
    if folder.is_some() {
        // SQLite gives its other files the same mode.
        private::file(&path, File::options().append(true).create(true)).map_err(|error| failed(&path, error))?;
    }
    let open = || -> rusqlite::Result<_> {
        let mut connection = match folder {
            None => Connection::open_in_memory()?,
            Some(_) => Connection::open(&path)?,
        };
        connection.busy_timeout(OPEN_TIMEOUT)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        match prepare(&transaction, migrations)? {
            Format::Ours => {}
            // Leave the file as it is.
            other => return Ok(Err(other)),
        }
        // Enter within the transaction, while nobody else looks who is there.
        let presence = Presence::enter(folder);
        transaction.commit()?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Ok(Ok((connection, presence)))
    };
    match open() {
        Ok(Ok((connection, presence))) => {
            let presence = presence.map_err(|error| failed(folder.unwrap_or(Path::new("")), error))?;
            for file in ["", "-wal", "-shm"] {
                let file = folder.map(|folder| folder.join(format!("{FILE}{file}")));
                file.map_or(Ok(()), |file| private::close(&file).map_err(|error| failed(&file, error)))?;
            }
            Ok(Some(Store { connection: Mutex::new(connection), presence }))
        }
        Ok(Err(Format::Later(format))) => Err(StateError::Later { path, format, known: migrations.version() }),
        Ok(Err(_)) => Err(StateError::Foreign(path)),
        Err(error) if is_busy(&error) => Ok(None),
        Err(error) => Err(match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StateError::Foreign(path),
            Some(ErrorCode::DatabaseCorrupt) => StateError::Damaged { path, error },
            _ => StateError::Database { path, error },
        }),
    }
}

/// Whose file it is.
enum Format {
    Ours,
    Later(i64),
    Foreign,
}

/// Makes the tables of a new file, or brings one of an earlier release up to date; leaves all others alone.
fn prepare(tx: &Transaction, migrations: &Migrations) -> rusqlite::Result<Format> {
    let version: i64 = tx.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = tx.query_one("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let sql = "SELECT count(*) = 2 FROM sqlite_schema WHERE name IN (?1, ?2)";
    let is_ours = tx.query_one(sql, migrations.marks, |row| row.get::<_, bool>(0))?;
    if version > migrations.version() {
        return Ok(Format::Later(version));
    }
    let missing = usize::try_from(version - 1).ok().and_then(|made| migrations.steps.get(made..));
    match missing {
        Some([]) if is_ours => return Ok(Format::Ours),
        Some(steps) if is_ours => steps.iter().copied().flatten().try_for_each(|sql| tx.execute_batch(sql))?,
        None if version == 0 && tables == 0 => {
            migrations.create.iter().try_for_each(|sql| tx.execute_batch(sql))?;
        }
        _ => return Ok(Format::Foreign),
    }
    tx.pragma_update(None, "user_version", migrations.version())?;
    Ok(Format::Ours)
}

/// Locks the right to open the state; `None` while another process has it.
fn lock_opening(folder: &Path) -> Result<Option<File>, StateError> {
    let path = folder.join(OPENING);
    let turn = || {
        let mut file = private::file(&path, File::options().write(true).create(true))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        Ok(Some(file))
    };
    turn().map_err(|error| StateError::Io { path: path.clone(), error })
}

/// Says which processes keep the state from opening, for people.
pub(crate) fn describe_blockers(folder: &Path) -> String {
    let mut processes = presence::processes(folder);
    processes.extend(fs::read_to_string(folder.join(OPENING)).ok().and_then(|pid| pid.trim().parse::<u32>().ok()));
    processes.retain(|process| *process != std::process::id());
    processes.sort_unstable();
    processes.dedup();
    let processes: Vec<String> = processes.iter().map(ToString::to_string).collect();
    let who = match processes.as_slice() {
        [] => "another process".to_owned(),
        all => format!("another process ({})", all.join(", ")),
    };
    format!("waiting for the state in {}, which {who} keeps locked", folder.display())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state;

    fn reopened(change: &str) -> Result<Store, StateError> {
        let folder = tempfile::tempdir().unwrap();
        drop(state::open(Some(folder.path())).unwrap());
        let file = Connection::open(folder.path().join("endpoint.sqlite")).unwrap();
        file.execute_batch(change).unwrap();
        drop(file);
        state::open(Some(folder.path()))
    }

    #[test]
    fn only_files_of_this_format_are_opened() {
        assert!(reopened("").is_ok());
        let error = |change| reopened(change).err().unwrap().to_string();
        let later = error("PRAGMA user_version = 4");
        assert!(later.contains("later release") && later.contains("format is 4"), "{later}");
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
            let opening: Vec<_> = (0..8).map(|_| scope.spawn(|| state::open(Some(&folder)))).collect();
            opening.into_iter().map(|store| store.join().unwrap().unwrap()).collect()
        });
        for store in &stores {
            assert_eq!(store.transaction(|_| store.living()).unwrap().len(), stores.len());
        }
    }
}
