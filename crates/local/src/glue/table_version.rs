//! Versions of tables: the current one and those before it.

use rusqlite::{OptionalExtension, params};
use serde_json::{Map, Value, json};

use super::Request;
use super::paging::TokenPage;
use super::table::{COLUMNS, CatalogTable};
use super::validate::{NAME, invalid, not_found};
use crate::error::AwsError;

/// Returns one version, by default the current one.
pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    let current = current(request)?;
    let version = request.body.text("VersionId", NAME)?.map(number).transpose()?.unwrap_or(current.version);
    let table = if version == current.version {
        current
    } else {
        let sql = format!(
            "SELECT {COLUMNS} FROM glue_table_version
             WHERE scope = ?1 AND database = ?2 AND name = ?3 AND version = ?4"
        );
        let at = params![request.scope, current.database, current.name, version];
        let found = request.tx.query_row(&sql, at, CatalogTable::from_row).optional()?;
        found.ok_or_else(|| absent(version))?
    };
    Ok(json!({ "TableVersion": to_wire(&table, table.to_wire_alone(request)?) }))
}

/// All versions, the newest first.
pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    let current = current(request)?;
    let page = TokenPage::read(&request.body, 100, 100)?;
    // The token is the number of the last version shown; the pages go down from there.
    let below = if page.after.is_empty() { i64::MAX } else { number(&page.after)? };
    let sql = format!(
        "SELECT {COLUMNS} FROM glue_table WHERE scope = ?1 AND database = ?2 AND name = ?3 AND version < ?4
         UNION ALL
         SELECT {COLUMNS} FROM glue_table_version WHERE scope = ?1 AND database = ?2 AND name = ?3 AND version < ?4
         ORDER BY version DESC LIMIT ?5"
    );
    let mut statement = request.tx.prepare_cached(&sql)?;
    let at = params![request.scope, current.database, current.name, below, page.fetch()];
    let rows = statement.query_map(at, CatalogTable::from_row)?.collect::<Result<Vec<_>, _>>()?;
    page.answer(
        "TableVersions",
        rows,
        |table| table.version.to_string(),
        |table| Ok(to_wire(&table, table.to_wire_listed(request)?)),
    )
}

pub(super) fn delete(request: &Request) -> Result<Value, AwsError> {
    let current = current(request)?;
    remove(request, &current, request.body.required("VersionId", NAME)?)?;
    Ok(json!({}))
}

/// Deletes up to 100 versions. Failures are listed in the answer and do not stop the others.
pub(super) fn batch_delete(request: &Request) -> Result<Value, AwsError> {
    let current = current(request)?;
    let mut errors = Vec::new();
    for version in request.body.texts("VersionIds", NAME, 100)? {
        match remove(request, &current, version) {
            Ok(()) => {}
            Err(error) if error.status == 400 => errors.push(json!({
                "TableName": current.name,
                "VersionId": version,
                "ErrorDetail": {"ErrorCode": error.code, "ErrorMessage": error.message},
            })),
            Err(error) => return Err(error),
        }
    }
    Ok(json!({ "Errors": errors }))
}

fn current(request: &Request) -> Result<CatalogTable, AwsError> {
    CatalogTable::find(request, request.database()?, request.table()?)
}

fn remove(request: &Request, current: &CatalogTable, version: &str) -> Result<(), AwsError> {
    let version = number(version)?;
    if version == current.version {
        return Err(invalid("The current version of a table can't be deleted: delete the table, or an older version."));
    }
    let sql = "DELETE FROM glue_table_version WHERE scope = ?1 AND database = ?2 AND name = ?3 AND version = ?4";
    match request.tx.execute(sql, params![request.scope, current.database, current.name, version])? {
        0 => Err(absent(version)),
        _ => Ok(()),
    }
}

fn number(version: &str) -> Result<i64, AwsError> {
    version.parse().map_err(|_| invalid("A version id of a table is a number."))
}

fn absent(version: i64) -> AwsError {
    not_found(format!("Version {version} not found."))
}

fn to_wire(table: &CatalogTable, shown: Map<String, Value>) -> Value {
    json!({ "Table": shown, "VersionId": table.version.to_string() })
}
