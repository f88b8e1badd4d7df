//! Names of catalog tables, and the DynamoDB tables behind them.

use std::collections::BTreeMap;

use crawl::catalog::{NamedTable, taken_names};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::CrawlContext;
use crate::error::AwsError;
use crate::glue::CrawlJob;

/// The catalog name that a table has, or gets, in the job's database. Only a new name needs a look at other tables.
pub(super) async fn choose_catalog_name(context: &CrawlContext, job: &CrawlJob, table: &str) -> Result<String, String> {
    if let Some(name) = find_given_name(context, job, table).await.map_err(|error| error.to_string())? {
        return Ok(name);
    }
    let given = load_taken_names(context, job).await.map_err(|error| error.to_string())?;
    let tables = crawl::dynamodb::tables(&context.clients(&job.region)).await.map_err(|error| error.to_string())?;
    let mut names = crawl::naming::catalog_names(&tables, &given, &job.prefix);
    names.remove(table).ok_or_else(|| format!("DynamoDB table {table} not found in {}. Check the Path.", job.region))
}

const NAME_AT: &str = "SELECT name FROM glue_table
    WHERE scope = ?1 AND database = ?2 AND json_extract(input, '$.StorageDescriptor.Location') = ?3
    ORDER BY json_extract(input, '$.Parameters.UPDATED_BY_CRAWLER') IS NULL, name LIMIT 1";

/// The name that [`load_taken_names`] has for one table, without reading the others.
async fn find_given_name(context: &CrawlContext, job: &CrawlJob, table: &str) -> Result<Option<String>, AwsError> {
    let scoped = context.backend.context(&job.region);
    let location = scoped.arn("dynamodb", &format!("table/{table}"));
    let database = job.database.clone();
    let look_up = move |tx: &Transaction| {
        let at = params![scoped.scope(), database, location];
        Ok(tx.prepare_cached(NAME_AT)?.query_row(at, |row| row.get(0)).optional()?)
    };
    context.backend.read(look_up).await
}

/// The names taken in the job's database, see [`crawl::catalog::taken_names`].
async fn load_taken_names(context: &CrawlContext, job: &CrawlJob) -> Result<BTreeMap<String, String>, AwsError> {
    let scoped = context.backend.context(&job.region);
    let database = job.database.clone();
    let collect = move |tx: &Transaction| {
        let mut statement = tx.prepare_cached(
            "SELECT name, json_extract(input, '$.StorageDescriptor.Location'),
                    json_extract(input, '$.Parameters.UPDATED_BY_CRAWLER') IS NOT NULL
             FROM glue_table WHERE scope = ?1 AND database = ?2 ORDER BY name",
        )?;
        let row = |row: &Row| Ok((row.get::<_, String>(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, bool>(2)?));
        let rows = statement.query_map(params![scoped.scope(), database], row)?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let named = rows.iter().map(|(name, location, crawled)| NamedTable {
            name,
            location: location.as_deref(),
            crawled: *crawled,
        });
        Ok(taken_names(named, &scoped.region, &scoped.account))
    };
    context.backend.read(collect).await
}

/// The DynamoDB table behind a catalog table.
pub(super) async fn find_source(
    context: &CrawlContext,
    job: &CrawlJob,
    database: &str,
    table: &str,
) -> Result<String, String> {
    let scoped = context.backend.context(&job.region);
    let (in_scope, of_database, name) = (scoped.scope(), database.to_owned(), table.to_owned());
    let location = context.backend.read(move |tx| {
        let sql = "SELECT json_extract(input, '$.StorageDescriptor.Location') FROM glue_table
                   WHERE scope = ?1 AND database = ?2 AND name = ?3";
        let at = params![in_scope, of_database, name];
        Ok(tx.query_row(sql, at, |row| row.get::<_, Option<String>>(0)).optional()?)
    });
    match location.await.map_err(|error| error.to_string())? {
        None => Err(format!("Table {database}.{table} not found.")),
        Some(location) => {
            let tables = scoped.arn("dynamodb", "table/");
            let source = location.as_deref().and_then(|location| location.strip_prefix(&tables));
            source.map(str::to_owned).ok_or_else(|| {
                format!("Table {database}.{table} was not made from a DynamoDB table of this account and region.")
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crawl of a table that the catalog knows must not get slower with the catalog.
    #[test]
    fn the_name_of_a_known_table_is_found_by_an_index() {
        let store = crate::state::open(None).unwrap();
        let plan = store.read(|tx| {
            let mut statement = tx.prepare(&format!("EXPLAIN QUERY PLAN {NAME_AT}"))?;
            let rows = statement.query_map(params!["scope", "db", "location"], |row| row.get::<_, String>(3))?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?.join("\n"))
        });
        let plan = plan.unwrap();
        assert!(plan.contains("SEARCH glue_table USING INDEX glue_table_location"), "{plan}");
    }
}
