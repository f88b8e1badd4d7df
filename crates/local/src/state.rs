//! The tables of all services in the store.

use std::path::Path;

use crate::store::{Migrations, StateError, Store};
use crate::{glue, iam, sts};

/// A release that changes tables adds a step here, and changes what a new file gets.
pub(crate) const MIGRATIONS: Migrations = Migrations {
    marks: ["glue_database", "iam_role"],
    create: &[glue::TABLES, iam::TABLES, iam::POLICY_TABLE, sts::TABLES],
    steps: &[
        &[iam::POLICY_TABLE],
        // Sessions used to be stored with their secrets. They end, and nothing of them stays in the file.
        &["PRAGMA secure_delete = ON; DROP TABLE IF EXISTS sts_session", sts::TABLES],
    ],
};

/// Opens the state in a folder, `None` for one in memory, and waits for other processes that open it.
///
/// # Errors
/// If the folder or the file can't be made, was written by a later release, or holds something that is not our
/// database.
pub fn open(folder: Option<&Path>) -> Result<Store, StateError> {
    Store::open(folder, &MIGRATIONS)
}
