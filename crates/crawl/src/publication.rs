//! What a crawl writes to the catalog.

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_glue::types::{Table, TableInput};

use crate::Clients;
use crate::catalog::{
    self, AttributeFacts, Contract, CrawlState, Difference, Entry, SourceTable, Statistics, TableUpdate,
};
use crate::checkpoint::{Checkpoint, Continuation};
use crate::dynamodb::{keys, too_many_places};
use crate::error::{Error, Kind};
use crate::history::{History, HistoryUse};
use crate::naming;
use crate::observed::{Coverage, Observed};
use crate::options::UpdateBehavior;
use crate::request::{Change, CrawlRequest};

/// What is to be published of a table.
pub(crate) struct Publication<'a> {
    request: &'a CrawlRequest,
    source: SourceTable,
    statistics: Statistics,
    observed: &'a Observed,
    continuation: Continuation,
}

impl<'a> Publication<'a> {
    /// What is to be published of the table that is described, now that this was observed of it.
    pub(crate) fn new(
        clients: &Clients,
        request: &'a CrawlRequest,
        description: &TableDescription,
        observed: &'a Observed,
        continuation: Continuation,
    ) -> Self {
        let source =
            SourceTable { table: request.table.clone(), arn: source_arn(clients, request), keys: keys(description) };
        let statistics = statistics(description, observed, continuation.earlier.unwrap_or_default());
        Publication { request, source, statistics, observed, continuation }
    }

    /// Writes the catalog table, which is `existing` or new.
    ///
    /// # Errors
    /// [`Kind::Conflict`] if another made the table meanwhile, from something else; else Glue's refusal.
    pub(crate) async fn write(&self, clients: &Clients, existing: Option<Table>) -> Result<Change, Error> {
        let existing = match existing {
            Some(existing) => existing,
            None => match self.create(clients).await? {
                None => return Ok(Change::Created),
                Some(existing) => {
                    check_source(self.request, &existing, &self.source.arn)?;
                    existing
                }
            },
        };
        self.update(clients, existing).await
    }

    /// What the catalog should hold, and how `existing` differs from it.
    fn desired(&self, existing: Option<&Table>) -> Result<(TableInput, Difference), Error> {
        let CrawlRequest { catalog_table, crawled_by, types, readers, .. } = self.request;
        let is_resumed = self.continuation.earlier.is_some();
        let history_use = match self.request.history {
            // The stored history is what this crawl read itself, before it was cut off.
            HistoryUse::Replace if is_resumed => HistoryUse::Merge,
            history_use => history_use,
        };
        let observed = &self.observed.shape;
        let history = History::new(history_use, existing, observed).map_err(too_many_places(&self.request.table))?;
        let names = existing.map(|existing| Entry(existing).column_names()).unwrap_or_default();
        let schema = catalog::settle(&history.shape, &self.source.keys, &names, types, *readers);
        // The rest of a table tells nothing of the whole.
        let shares = if is_resumed { &history.shape } else { observed };
        let contract = Contract {
            source: &self.source,
            schema: &schema,
            facts: AttributeFacts { keys: &self.source.keys, known: &history.shape, shares: Some(shares) },
            crawl: Some((self.statistics, crawled_by)),
        };
        let (mut input, mut difference) = match existing {
            None => (contract.new_table(catalog_table)?, Difference::Schema),
            Some(existing) => contract.updated_table(existing)?,
        };
        if history_use != HistoryUse::None {
            let state = CrawlState {
                history: history.text(),
                is_news: history.is_news(),
                checkpoint: self.continuation.checkpoint.as_ref().map(Checkpoint::text),
            };
            if state.write_to(&mut input) && difference == Difference::None {
                difference = Difference::Statistics;
            }
        }
        Ok((input, difference))
    }

    /// Creates the catalog table. One that exists by now is returned: the answer of an earlier attempt was lost, or another
    /// was faster.
    async fn create(&self, clients: &Clients) -> Result<Option<Table>, Error> {
        let CrawlRequest { database, catalog_table, .. } = self.request;
        let (input, _) = self.desired(None)?;
        let create = clients.glue.create_table().database_name(database).table_input(input);
        let create = || async { create.clone().send().await.map_err(Error::aws("glue:CreateTable")) };
        match catalog::retry_concurrent(create).await {
            Ok(_) => Ok(None),
            Err(error) if error.already_exists() => {
                catalog::get_with_columns(clients, database, catalog_table).await?.map(Some).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Updates the catalog table where it differs, as far as the update behaviour allows.
    async fn update(&self, clients: &Clients, existing: Table) -> Result<Change, Error> {
        let mut change = Change::Unchanged;
        catalog::update(clients, &self.request.database, existing, |existing| {
            let (input, difference) = self.desired(Some(existing))?;
            change = match (difference, self.request.on_update) {
                (Difference::None, _) => Change::Unchanged,
                (_, UpdateBehavior::Log) => Change::Logged,
                (Difference::Statistics, _) => Change::Statistics,
                (Difference::Schema, _) => Change::Updated,
            };
            Ok(match change {
                Change::Statistics => Some(TableUpdate { input, skip_archive: true }),
                Change::Updated => Some(TableUpdate { input, skip_archive: false }),
                _ => None,
            })
        })
        .await?;
        Ok(change)
    }
}

/// The catalog table of a request as it is, with its columns, if there is one.
///
/// # Errors
/// [`Kind::Conflict`] if it was made from something else than this DynamoDB table; else Glue's refusal.
pub(crate) async fn existing_table(clients: &Clients, request: &CrawlRequest) -> Result<Option<Table>, Error> {
    let existing = catalog::get_with_columns(clients, &request.database, &request.catalog_table).await?;
    if let Some(existing) = &existing {
        check_source(request, existing, &source_arn(clients, request))?;
    }
    Ok(existing)
}

/// The ARN that the DynamoDB table has in the catalog's own account and region.
pub(crate) fn source_arn(clients: &Clients, request: &CrawlRequest) -> String {
    naming::table_arn(&clients.region, &request.account, &request.table)
}

/// A catalog table of another source is not ours to write, whatever its name.
fn check_source(request: &CrawlRequest, existing: &Table, arn: &str) -> Result<(), Error> {
    if Entry(existing).location() == Some(arn) {
        return Ok(());
    }
    let CrawlRequest { database, catalog_table, .. } = request;
    let message =
        format!("{database}.{catalog_table} exists and was not made from this table: rename it, or set a table prefix");
    Err(Error::new(Kind::Conflict, message))
}

/// How large the table is: what was counted if everything was read, `earlier` items included; else DynamoDB's own count, which
/// is up to six hours old.
pub(crate) fn statistics(description: &TableDescription, observed: &Observed, earlier: u64) -> Statistics {
    let reported = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).filter(|value| *value > 0);
    let seen = observed.shape.items() + earlier;
    let items = match observed.coverage {
        Coverage::Full => seen,
        _ => reported(description.item_count()).unwrap_or(seen),
    };
    Statistics { items, bytes: reported(description.table_size_bytes()).unwrap_or(observed.shape.bytes()) }
}
