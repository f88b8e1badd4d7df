//! `SearchTables`: all databases, by words in the texts of tables and by properties.

use std::cmp::Ordering;

use rusqlite::params;
use serde_json::{Map, Value};

use super::Request;
use super::paging::TokenPage;
use super::table::{COLUMNS, CatalogTable};
use super::validate::{Members, SEARCH, invalid};
use crate::error::AwsError;

/// Tables that match `SearchText` and all of `Filters`, by database and name unless `SortCriteria` says otherwise.
///
/// Reads tables until the page is full. With `SortCriteria` it reads every table of the region for each page.
pub(super) fn tables(request: &Request) -> Result<Value, AwsError> {
    let body = &request.body;
    let text = body.text("SearchText", SEARCH)?.map(str::to_lowercase);
    let filters = body.list("Filters")?.iter().map(SearchFilter::read).collect::<Result<Vec<_>, _>>()?;
    let order = match body.list("SortCriteria")?.as_slice() {
        [] => None,
        [one] => Some((one.required("FieldName", SEARCH)?, one.choice("Sort", &["ASC", "DESC"])? == Some("DESC"))),
        _ => return Err(invalid("SortCriteria holds one criterion at most.")),
    };
    let page = TokenPage::read(body, 100, 1000)?;
    let fits = |table: &Map<String, Value>| {
        text.as_deref().is_none_or(|text| mentions(table, text)) && filters.iter().all(|filter| filter.fits(table))
    };
    match order {
        None => by_name(request, &page, fits),
        Some((field, descending)) => by_field(request, &page, fits, field, descending),
    }
}

/// The token is the database and name of the last table, separated by a line break, which no name contains.
fn by_name(request: &Request, page: &TokenPage, fits: impl Fn(&Map<String, Value>) -> bool) -> Result<Value, AwsError> {
    let after = match page.after.as_str() {
        "" => ("", ""),
        token => token.split_once('\n').ok_or_else(foreign_token)?,
    };
    let mut found = Vec::new();
    each(request, after, |name, table| {
        if fits(&table) {
            found.push((name, table));
        }
        !page.is_full(found.len())
    })?;
    page.answer("TableList", found, |(name, _)| name.clone(), |(_, table)| Ok(Value::Object(table)))
}

/// In the caller's order no key says where a page begins, so the token is a count of rows.
fn by_field(
    request: &Request,
    page: &TokenPage,
    fits: impl Fn(&Map<String, Value>) -> bool,
    field: &str,
    descending: bool,
) -> Result<Value, AwsError> {
    let mut found = Vec::new();
    each(request, ("", ""), |_, table| {
        if fits(&table) {
            found.push(table);
        }
        true
    })?;
    found.sort_by(|a, b| {
        let order = compare(a.get(field), b.get(field));
        if descending { order.reverse() } else { order }
    });
    let skip = match page.after.as_str() {
        "" => 0,
        token => token.parse::<usize>().map_err(|_| foreign_token())?,
    };
    let rows = found.into_iter().enumerate().skip(skip).collect();
    page.answer("TableList", rows, |(index, _)| (index + 1).to_string(), |(_, table)| Ok(Value::Object(table)))
}

/// Shows the tables after a database and name, with their place for a token, until `more` says that it is enough.
fn each(
    request: &Request,
    after: (&str, &str),
    mut more: impl FnMut(String, Map<String, Value>) -> bool,
) -> Result<(), AwsError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM glue_table WHERE scope = ?1 AND (database, name) > (?2, ?3) ORDER BY database, name"
    );
    let mut statement = request.tx.prepare_cached(&sql)?;
    let mut rows = statement.query(params![request.scope, after.0, after.1])?;
    while let Some(row) = rows.next()? {
        let table = CatalogTable::from_row(row)?;
        if !more(format!("{}\n{}", table.database, table.name), table.to_wire_listed(request)?) {
            break;
        }
    }
    Ok(())
}

fn foreign_token() -> AwsError {
    invalid("NextToken is not one that this service gave out.")
}

/// One condition on a property.
struct SearchFilter<'a> {
    key: &'a str,
    value: String,
    comparator: Option<&'static str>,
}

impl<'a> SearchFilter<'a> {
    fn read(predicate: &Members<'a>) -> Result<SearchFilter<'a>, AwsError> {
        let comparators = ["EQUALS", "GREATER_THAN", "LESS_THAN", "GREATER_THAN_EQUALS", "LESS_THAN_EQUALS"];
        Ok(SearchFilter {
            key: predicate.required("Key", SEARCH)?,
            value: predicate.required("Value", SEARCH)?.to_lowercase(),
            comparator: predicate.choice("Comparator", &comparators)?,
        })
    }

    /// A text matches if the value is one of its tokens, split at punctuation: `link` matches `customer-link`, not `linked`.
    /// Comparators are for times only. A key that is not a member of a table is looked up in its parameters.
    fn fits(&self, table: &Map<String, Value>) -> bool {
        let value = table.get(self.key).or_else(|| table.get("Parameters")?.get(self.key));
        match value {
            Some(Value::String(text)) => {
                let text = text.to_lowercase();
                text == self.value
                    || text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|token| token == self.value)
            }
            Some(Value::Number(time)) => {
                let (Some(time), Ok(wanted)) = (time.as_f64(), self.value.parse::<f64>()) else { return false };
                match self.comparator {
                    None | Some("EQUALS") => time == wanted,
                    Some("GREATER_THAN") => time > wanted,
                    Some("LESS_THAN") => time < wanted,
                    Some("GREATER_THAN_EQUALS") => time >= wanted,
                    Some(_) => time <= wanted,
                }
            }
            _ => false,
        }
    }
}

/// Whether a text of the table contains `wanted`, or equals it if it is in quotes.
fn mentions(table: &Map<String, Value>, wanted: &str) -> bool {
    let exact = wanted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let fits = |value: &Value| {
        let text = value.as_str().map(str::to_lowercase);
        text.is_some_and(|text| exact.map_or_else(|| text.contains(wanted), |exact| text == exact))
    };
    let of_table = ["Name", "DatabaseName", "Description", "Owner"].iter().filter_map(|name| table.get(*name));
    let parameters = table.get("Parameters").and_then(Value::as_object).into_iter().flat_map(Map::values);
    let columns = table.get("StorageDescriptor").and_then(|descriptor| descriptor.get("Columns"));
    let keys = table.get("PartitionKeys");
    let columns = [columns, keys].into_iter().flatten().filter_map(Value::as_array).flatten();
    let of_columns = columns.flat_map(|column| ["Name", "Comment"].map(|name| column.get(name))).flatten();
    of_table.chain(parameters).chain(of_columns).any(fits)
}

fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => {
            a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal)
        }
        (a, b) => a.and_then(Value::as_str).cmp(&b.and_then(Value::as_str)),
    }
}
