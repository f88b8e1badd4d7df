//! Copies of roles that another endpoint keeps, with what is needed to judge them.

use rusqlite::{Transaction, params};

use crate::error::AwsError;

/// A role of another endpoint.
pub(crate) struct RoleCopy {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) trust: String,
    /// An ARN.
    pub(crate) boundary: Option<String>,
    /// Names and documents.
    pub(crate) inline: Vec<(String, String)>,
    /// ARNs.
    pub(crate) attached: Vec<String>,
    /// ARNs and documents of customer managed policies that are attached or the boundary.
    pub(crate) managed: Vec<(String, String)>,
}

/// Replaces the copy of a role.
pub(crate) fn copy_role(tx: &Transaction, copy: &RoleCopy) -> Result<(), AwsError> {
    forget_copy(tx, &copy.name)?;
    let RoleCopy { name, id, path, trust, boundary, .. } = copy;
    tx.execute(
        "INSERT INTO iam_role (name, id, path, created, trust, max_session, boundary) VALUES (?1, ?2, ?3, 0, ?4, 3600, ?5)",
        params![name, id, path, trust, boundary],
    )?;
    for (policy, document) in &copy.inline {
        tx.execute("INSERT INTO iam_role_policy (role, name, document) VALUES (?1, ?2, ?3)", [name, policy, document])?;
    }
    for arn in &copy.attached {
        tx.execute("INSERT INTO iam_role_attachment (role, arn) VALUES (?1, ?2)", [name, arn])?;
    }
    for (arn, document) in &copy.managed {
        let policy = arn.rsplit('/').next().unwrap_or_default();
        tx.execute(
            "INSERT OR REPLACE INTO iam_policy (name, arn, id, path, created, document, tags)
             VALUES (?1, ?2, '', '/', 0, ?3, '[]')",
            [policy, arn, document],
        )?;
    }
    Ok(())
}

/// Removes the copy of a role that is gone.
pub(crate) fn forget_copy(tx: &Transaction, name: &str) -> Result<(), AwsError> {
    tx.execute("DELETE FROM iam_role WHERE name = ?1", [name])?;
    Ok(())
}
