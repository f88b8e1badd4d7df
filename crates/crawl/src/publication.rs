//! What a crawl writes to the catalog.

use aws_sdk_glue::types::{Table, TableInput};

use crate::Clients;
use crate::catalog::{self, Contract, Difference, Observed, Source, Statistics};
use crate::checkpoint::Unfinished;
use crate::crawl::{Change, CrawlRequest, Memory, Reading};
use crate::dynamodb::too_many;
use crate::error::Error;
use crate::history::Known;
use crate::options::UpdateBehavior;

/// What is to be published of a table.
pub(crate) struct Publication<'a> {
    /// Where to.
    pub request: &'a CrawlRequest,
    /// Whose table it is.
    pub source: Source,
    /// What the catalog says of its size.
    pub statistics: Statistics,
    /// What was read of it.
    pub reading: &'a Reading,
}

impl Publication<'_> {
    /// What the catalog should hold, and how `existing` differs from it.
    fn desired(&self, existing: Option<&Table>) -> Result<(TableInput, Difference), Error> {
        let CrawlRequest { catalog_table, crawled_by, memory, types, readers, .. } = self.request;
        let memory = match (memory, self.reading.earlier) {
            // What this crawl read itself, before it was cut off.
            (Memory::Forgotten, Some(_)) => Memory::Kept,
            (memory, _) => *memory,
        };
        let known = Known::of(memory, existing, &self.reading.shape).map_err(too_many(&self.request.table))?;
        let given = existing.map(catalog::given_columns).unwrap_or_default();
        let schema = catalog::settle(&known.shape, &self.source.keys, &given, (types, *readers));
        let shares = match self.reading.earlier {
            // The rest of a table tells nothing of the whole.
            Some(_) => &known.shape,
            None => &self.reading.shape,
        };
        let contract = Contract {
            source: &self.source,
            schema: &schema,
            observed: Observed { known: &known.shape, shares: Some(shares) },
            crawl: Some((self.statistics, crawled_by)),
        };
        let (mut input, mut difference) = match existing {
            None => (contract.created(catalog_table)?, Difference::Schema),
            Some(existing) => contract.over(existing)?,
        };
        if memory == Memory::None {
            return Ok((input, difference));
        }
        let parameters = input.parameters.get_or_insert_default();
        let kept = known.parameter();
        let unfinished = self.reading.unfinished.as_ref().filter(|_| kept.is_some()).map(Unfinished::parameter);
        if difference == Difference::None
            && (unfinished.as_ref() != parameters.get(catalog::UNFINISHED) || kept.is_some() && known.is_news())
        {
            difference = Difference::Statistics;
        }
        parameters.remove(catalog::UNFINISHED);
        parameters.extend(unfinished.map(|text| (catalog::UNFINISHED.to_owned(), text)));
        parameters.extend(kept.map(|text| (catalog::SHAPE.to_owned(), text)));
        Ok((input, difference))
    }

    /// Creates the catalog table. One that exists by now is returned: the answer of an earlier attempt was lost, or another
    /// was faster.
    pub(crate) async fn create(&self, clients: &Clients) -> Result<Option<Table>, Error> {
        let CrawlRequest { database, catalog_table, .. } = self.request;
        let (input, _) = self.desired(None)?;
        let create = clients.glue.create_table().database_name(database).table_input(input);
        let create = || async { create.clone().send().await.map_err(Error::aws("glue:CreateTable")) };
        match catalog::retried(create).await {
            Ok(_) => Ok(None),
            Err(error) if error.is("AlreadyExistsException") => {
                catalog::get_with_columns(clients, database, catalog_table).await?.map(Some).ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Updates the catalog table where it differs, as far as the policy allows.
    pub(crate) async fn update(&self, clients: &Clients, existing: Table) -> Result<Change, Error> {
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
                Change::Statistics => Some((input, true)),
                Change::Updated => Some((input, false)),
                _ => None,
            })
        })
        .await?;
        Ok(change)
    }
}
