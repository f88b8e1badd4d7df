//! Tables of the catalog.

use regex_lite::{Regex, RegexBuilder};
use rusqlite::{OptionalExtension, Row, params};
use serde_json::{Map, Value, json};

use super::database;
use super::paging::TokenPage;
use super::validate::{EXPRESSION, NAME, exists, invalid, not_found};
use super::{Request, reference, seconds, table_input};
use crate::context::Caller;
use crate::error::AwsError;

/// The largest compiled `Expression`, in bytes. It is plenty for 2,048 characters, but stops nested repetitions, which would
/// keep the whole endpoint busy for minutes.
const MAX_PATTERN: usize = 1 << 20;

/// The member of a stored table that says who created it.
const CREATED_BY: &str = "CreatedBy";

/// One version of a table, as it is stored.
pub(super) struct CatalogTable {
    pub(super) database: String,
    pub(super) name: String,
    pub(super) version: i64,
    pub(super) input: String,
    pub(super) created: i64,
    pub(super) updated: i64,
}

/// The columns that [`CatalogTable::from_row`] reads, in its order.
pub(super) const COLUMNS: &str = "database, name, version, input, created, updated";

impl CatalogTable {
    pub(super) fn from_row(row: &Row) -> rusqlite::Result<CatalogTable> {
        Ok(CatalogTable {
            database: row.get(0)?,
            name: row.get(1)?,
            version: row.get(2)?,
            input: row.get(3)?,
            created: row.get(4)?,
            updated: row.get(5)?,
        })
    }

    /// The current version.
    ///
    /// # Errors
    /// `EntityNotFoundException` for the database or the table.
    pub(super) fn find(request: &Request, database: &str, name: &str) -> Result<CatalogTable, AwsError> {
        let sql = format!("SELECT {COLUMNS} FROM glue_table WHERE scope = ?1 AND database = ?2 AND name = ?3");
        let mut statement = request.tx.prepare_cached(&sql)?;
        match statement.query_row(params![request.scope, database, name], CatalogTable::from_row).optional()? {
            Some(table) => Ok(table),
            None => {
                database::must_exist(request, database)?;
                Err(not_found(format!("Table {name} not found.")))
            }
        }
    }

    /// The table as GetTable returns it. Columns of a table with a schema reference come from the registry.
    pub(super) fn to_wire_alone(&self, request: &Request) -> Result<Map<String, Value>, AwsError> {
        self.to_wire(request, request.context.unknowns.get_shows_referenced)
    }

    /// The table as part of a list.
    pub(super) fn to_wire_listed(&self, request: &Request) -> Result<Map<String, Value>, AwsError> {
        self.to_wire(request, request.context.unknowns.list_shows_referenced)
    }

    fn to_wire(&self, request: &Request, shows_referenced: bool) -> Result<Map<String, Value>, AwsError> {
        let context = request.context;
        let mut table = super::stored_object(&self.input)?;
        if let Some(Value::Object(descriptor)) = table.get_mut("StorageDescriptor") {
            reference::expand(request, descriptor, shows_referenced)?;
        }
        let facts = [
            ("Name", self.name.clone().into()),
            ("DatabaseName", self.database.clone().into()),
            ("CreateTime", seconds(self.created)),
            ("UpdateTime", seconds(self.updated)),
            ("IsRegisteredWithLakeFormation", false.into()),
            ("CatalogId", context.account.clone().into()),
            ("VersionId", self.version.to_string().into()),
        ];
        table.extend(facts.map(|(name, value)| (name.to_owned(), value)));
        // Tables in a state of an earlier release have no creator.
        table.entry(CREATED_BY).or_insert_with(|| Caller::Account.arn(context).into());
        Ok(table)
    }
}

pub(super) fn create(request: &Request) -> Result<Value, AwsError> {
    refuse(request, &["OpenTableFormatInput", "PartitionIndexes", "TransactionId"])?;
    let (database, name) = (request.database()?, request.table()?);
    let mut input = table_input::read(request)?;
    input.insert(CREATED_BY.to_owned(), request.context.caller.arn(request.context).into());
    database::must_exist(request, database)?;
    let added = request.tx.execute(
        "INSERT OR IGNORE INTO glue_table (scope, database, name, version, input, created, updated)
         VALUES (?1, ?2, ?3, 0, ?4, ?5, ?5)",
        params![request.scope, database, name, Value::Object(input).to_string(), request.context.now],
    )?;
    if added == 0 {
        return Err(exists("Table already exists."));
    }
    Ok(json!({}))
}

pub(super) fn get(request: &Request) -> Result<Value, AwsError> {
    refuse(request, &["QueryAsOfTime", "TransactionId"])?;
    let table = CatalogTable::find(request, request.database()?, request.table()?)?;
    Ok(json!({ "Table": table.to_wire_alone(request)? }))
}

/// Tables of a database by name. `Expression` filters before paging, so that every page but the last is full.
pub(super) fn list(request: &Request) -> Result<Value, AwsError> {
    refuse(request, &["QueryAsOfTime", "TransactionId"])?;
    let database = request.database()?;
    let expression = request.body.text("Expression", EXPRESSION)?.filter(|text| !text.is_empty());
    let expression = expression.map(name_pattern).transpose()?;
    let page = TokenPage::read(&request.body, 100, 100)?;
    database::must_exist(request, database)?;
    let sql = format!(
        "SELECT {COLUMNS} FROM glue_table WHERE scope = ?1 AND database = ?2 AND name > ?3 ORDER BY name LIMIT ?4"
    );
    let limit = if expression.is_some() { -1 } else { page.fetch() };
    let mut statement = request.tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![request.scope, database, page.after, limit])?;
    let mut tables = Vec::new();
    while !page.is_full(tables.len()) {
        let Some(row) = rows.next()? else { break };
        let table = CatalogTable::from_row(row)?;
        if expression.as_ref().is_none_or(|pattern| pattern.is_match(&table.name)) {
            tables.push(table);
        }
    }
    page.answer(
        "TableList",
        tables,
        |table| table.name.clone(),
        |table| table.to_wire_listed(request).map(Value::Object),
    )
}

/// Replaces a table's definition. The previous version is archived unless `SkipArchive`; the version number grows either way.
pub(super) fn update(request: &Request) -> Result<Value, AwsError> {
    refuse(request, &["UpdateOpenTableFormatInput", "ViewUpdateAction", "TransactionId"])?;
    let (database, name) = (request.database()?, request.table()?);
    let mut input = table_input::read(request)?;
    let skip_archive = request.body.flag("SkipArchive")?.unwrap_or(false);
    let expected = request.body.text("VersionId", NAME)?;
    let table = CatalogTable::find(request, database, name)?;
    if expected.is_some_and(|version| version != table.version.to_string()) {
        let message = "Update table failed due to concurrent modifications.";
        return Err(AwsError::new("ConcurrentModificationException", message));
    }
    input.extend(super::stored_object(&table.input)?.remove_entry(CREATED_BY));
    if !skip_archive {
        archive(request, &table)?;
    }
    request.tx.execute(
        "UPDATE glue_table SET version = version + 1, input = ?4, updated = ?5
         WHERE scope = ?1 AND database = ?2 AND name = ?3",
        params![request.scope, database, name, Value::Object(input).to_string(), request.context.now],
    )?;
    Ok(json!({}))
}

/// Archives a version of a table.
fn archive(request: &Request, table: &CatalogTable) -> Result<(), AwsError> {
    request.tx.execute(
        "INSERT INTO glue_table_version (scope, database, name, version, input, created, updated)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![request.scope, table.database, table.name, table.version, table.input, table.created, table.updated],
    )?;
    Ok(())
}

pub(super) fn delete(request: &Request) -> Result<Value, AwsError> {
    remove(request, request.database()?, request.table()?)?;
    Ok(json!({}))
}

/// Deletes up to 100 tables. Failures are listed in the answer and do not stop the others.
pub(super) fn batch_delete(request: &Request) -> Result<Value, AwsError> {
    let database = request.database()?;
    database::must_exist(request, database)?;
    let mut errors = Vec::new();
    for name in &request.names.tables {
        match remove(request, database, name) {
            Ok(()) => {}
            Err(error) if error.status == 400 => errors.push(json!({
                "TableName": name,
                "ErrorDetail": {"ErrorCode": error.code, "ErrorMessage": error.message},
            })),
            Err(error) => return Err(error),
        }
    }
    Ok(json!({ "Errors": errors }))
}

fn remove(request: &Request, database: &str, name: &str) -> Result<(), AwsError> {
    let sql = "DELETE FROM glue_table WHERE scope = ?1 AND database = ?2 AND name = ?3";
    match request.tx.execute(sql, params![request.scope, database, name])? {
        0 => CatalogTable::find(request, database, name).map(drop),
        _ => Ok(()),
    }
}

/// Refuses members that are not supported: ignoring them would give a wrong answer.
fn refuse(request: &Request, members: &[&str]) -> Result<(), AwsError> {
    match members.iter().find(|member| request.body.has(member)) {
        None => Ok(()),
        Some(member) => Err(invalid(format!("{member} is not offered by this endpoint: leave it out."))),
    }
}

/// Compiles `Expression`, which must match the whole name. AWS calls it a regular expression, yet clients (awswrangler) also
/// send globs such as `*orders*`: a `*` at the start or after a letter, digit or underscore matches anything.
fn name_pattern(expression: &str) -> Result<Regex, AwsError> {
    let mut pattern = String::from("(?i)^(?:");
    let mut before = None;
    for character in expression.chars() {
        let glob = character == '*' && before.is_none_or(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '*'));
        pattern.push_str(if glob { "." } else { "" });
        pattern.push(character);
        before = Some(character);
    }
    pattern.push_str(")$");
    let compiled = RegexBuilder::new(&pattern).size_limit(MAX_PATTERN).build();
    compiled.map_err(|error| invalid(format!("Expression is not a regular expression that is served: {error}")))
}

#[cfg(test)]
mod tests {
    use super::name_pattern;

    #[test]
    fn expressions_are_regular_expressions_or_globs_over_the_whole_name() {
        for (expression, name, matches) in [
            ("orders", "orders", true),
            ("orders", "orders_2024", false),
            ("orders.*", "orders_2024", true),
            ("^o[a-z]+s$", "orders", true),
            ("orders|users", "users", true),
            ("(ab)*", "abab", true),
            ("*der*", "orders", true),
            ("ord*", "orders", true),
            ("*ers", "orders", true),
            ("o*d*s", "orders", true),
            ("*x*", "orders", false),
            ("ORDERS", "orders", true),
        ] {
            assert_eq!(name_pattern(expression).unwrap().is_match(name), matches, "{expression} on {name}");
        }
        assert!(name_pattern(&"[a-z]".repeat(409)).is_ok());
        assert!(name_pattern(&"é".repeat(2_048)).is_ok());
        for refused in ["(", "((a{500}){100}){10}"] {
            assert_eq!(name_pattern(refused).unwrap_err().code, "InvalidInputException");
        }
    }
}
