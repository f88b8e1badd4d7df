//! Step 5: register the schema of each crawled table as a version in the Glue Schema Registry, and link the table to it.

mod versions;

use aws_sdk_glue::types::{SchemaReference, Table};
use crawl::Clients;
use schema::{Shape, TableSchema};

use crate::naming;
use crate::session::Session;
use crate::settings::{LinkBy, Settings};
use crawl::catalog::{self, Completion, Entry, SchemaLink, SourceTable, TableUpdate};
use crawl::error::{Error, Kind};
use versions::Versions;

/// The schema version that a table is linked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The schema's name in the registry.
    pub schema: String,
    /// Its version number.
    pub version: i64,
    /// Its version id.
    pub version_id: String,
    /// Whether the version was registered just now, rather than found.
    pub registered: bool,
    /// Columns of the table that read as null, because `columnMapping` can't spell their attributes.
    pub unmapped: Vec<String>,
}

/// What the link step did to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The table was already linked to the version of its columns; no call was made.
    Current,
    /// The table was completed or linked just now.
    Written(Linked),
}

/// Links tables of one database.
pub struct Linker<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    versions: Versions<'a>,
}

impl<'a> Linker<'a> {
    /// A linker for one run.
    pub fn new(session: &'a Session<'_>) -> Self {
        let Session { clients, settings, .. } = session;
        Linker { clients, settings, versions: Versions::new(clients, settings) }
    }

    /// Registers the schema of `table` and links the two. The same UpdateTable adds what a crawler of Glue has left out of the
    /// table's contract.
    ///
    /// # Errors
    /// If the registry refuses the version (the old link stays), the columns of a table that lists none can't be read, or a
    /// service refuses or does not answer.
    ///
    /// # Cost
    /// No call for a table whose linked version has its columns. Otherwise GetSchemaVersion, PutSchemaVersionMetadata and
    /// UpdateTable. After a managed crawl also DescribeTable and, if the spelling of an attribute is not known, one page of a
    /// Scan. For a new version also the calls that register it.
    pub async fn link(&self, table: &Table) -> Result<Link, Error> {
        if is_current(table, self.settings)? {
            return Ok(Link::Current);
        }
        let database = &self.settings.database;
        let gone = || Error::new(Kind::NotFound, format!("{database}.{} is gone", table.name()));
        let table = &catalog::resolve_columns(self.clients, database, table).await?.ok_or_else(gone)?;
        let previous = self.versions.previous(table.name()).await?;
        let completion =
            self.completion(table, previous.as_ref().and_then(|version| version.schema_definition())).await?;
        let schema = schema_of(table, completion.as_ref())?;
        let (version, registered) = self.versions.ensure(table.name(), &schema, previous).await?;
        let linked = Linked {
            schema: naming::schema(database, table.name()),
            version: version.version_number.unwrap_or_default(),
            version_id: version.schema_version_id.clone().unwrap_or_default(),
            registered,
            unmapped: catalog::unmapped_columns(&schema).into_iter().map(str::to_owned).collect(),
        };
        self.versions.record_table(table.name(), linked.version).await?;
        let definition = version.schema_definition().unwrap_or_default();
        let target = TargetLink { settings: self.settings, completion, schema, linked };
        let by_reference = self.settings.link == LinkBy::Reference && can_refer(table, &target.schema, definition);
        if !(by_reference && self.set_reference(table, &target).await?) {
            let own = |table: &Table| target.update(table, ColumnsIn::Table);
            catalog::update(self.clients, database, table.clone(), own).await?;
        }
        Ok(Link::Written(target.linked))
    }

    /// What a crawler of Glue has left out of its table; `None` if the native engine wrote the table, or its DynamoDB table no
    /// longer exists. The spelling of attributes comes from a page of items, and from the `previous` definition of the schema,
    /// since the page may lack attributes that an earlier one had.
    async fn completion(&self, table: &Table, previous: Option<&str>) -> Result<Option<Completion>, Error> {
        let name = Entry(table).source().unwrap_or_default();
        if Entry(table).is_native() {
            return Ok(None);
        }
        let Some(description) = crawl::dynamodb::describe(self.clients, name).await? else { return Ok(None) };
        let source = SourceTable {
            table: name.to_owned(),
            arn: Entry(table).location().unwrap_or_default().to_owned(),
            keys: crawl::dynamodb::keys(&description),
        };
        let page = match self.settings.learn_spelling && !Entry(table).knows_attributes() {
            true => crawl::read::read_first_page(self.clients, name, &schema::TypeOptions::default()).await?,
            false => Shape::default(),
        };
        // An unreadable definition is reported later, when the next one is derived from it.
        let spelled = previous.and_then(|definition| schema::avro::attributes(definition).ok()).unwrap_or_default();
        Ok(Some(Completion { source, page, spelled, readers: self.settings.readers }))
    }

    /// Links by reference. Returns false if the service refuses: the table is then to be linked by parameters alone.
    async fn set_reference(&self, table: &Table, target: &TargetLink<'_>) -> Result<bool, Error> {
        let (clients, database) = (self.clients, &self.settings.database);
        let by_reference = |table: &Table| target.update(table, ColumnsIn::SchemaVersion);
        match catalog::update(clients, database, table.clone(), by_reference).await {
            Ok(false) => return Ok(true),
            Ok(true) => {}
            // Lake Formation doesn't support schema references.
            Err(error) if error.kind == Kind::InvalidInput => {
                tracing::info!(table = table.name(), reason = %error, "schema reference refused, linking by parameters");
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let shown = catalog::get(clients, database, table.name()).await?;
        let Some(shown) = shown.filter(|shown| !Entry(shown).has_columns_of(&target.schema)) else { return Ok(true) };
        // AWS does not fully document how Glue derives columns. If they differ, readers would see other columns than the
        // table's own, so put those back.
        tracing::info!(table = table.name(), "schema reference shows other columns, linking by parameters");
        let own = Entry(table).columns();
        let back = |shown: &Table| target.update(&Entry(shown).with_columns(own.to_vec()), ColumnsIn::Table);
        catalog::update(clients, database, shown, back).await.map(|_| true)
    }
}

/// The link that a table should have.
struct TargetLink<'a> {
    settings: &'a Settings,
    completion: Option<Completion>,
    schema: TableSchema,
    linked: Linked,
}

/// Where a linked table has its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ColumnsIn {
    /// In the table itself.
    Table,
    /// In the schema version that the table refers to.
    SchemaVersion,
}

impl TargetLink<'_> {
    /// The update that links the table. `None` if somebody has changed its columns since: the next run links those.
    fn update(&self, table: &Table, columns: ColumnsIn) -> Result<Option<TableUpdate>, Error> {
        let schema = schema_of(table, self.completion.as_ref())?;
        if schema.fingerprint() != self.schema.fingerprint() {
            return Ok(None);
        }
        let own = (columns == ColumnsIn::Table).then(|| Entry(table).without_reference());
        let base = own.as_ref().unwrap_or(table);
        let mut input = match &self.completion {
            Some(completion) => completion.input(base, &schema)?,
            None => Entry(base).to_input()?,
        };
        let link = SchemaLink {
            registry: self.settings.registry.clone(),
            schema: self.linked.schema.clone(),
            version_id: self.linked.version_id.clone(),
            version: self.linked.version,
            mark: mark(&schema, self.settings.link, columns),
        };
        link.write_to(&mut input);
        if let Some(descriptor) = input.storage_descriptor.as_mut().filter(|_| columns == ColumnsIn::SchemaVersion) {
            descriptor.columns = Some(Vec::new());
            let reference = SchemaReference::builder().schema_version_id(&link.version_id);
            descriptor.schema_reference = Some(reference.build());
        }
        // Skip archiving what a crawl left between two equal links, and states that have the same columns.
        let linked_otherwise = Entry(table).link().is_some_and(|before| before.mark != link.mark);
        let skip_archive = !linked_otherwise || Entry(table).has_columns_of(&schema);
        Ok(Some(TableUpdate { input, skip_archive }))
    }
}

/// The columns of the table, once it is completed.
fn schema_of(table: &Table, completion: Option<&Completion>) -> Result<TableSchema, Error> {
    match completion {
        Some(completion) => completion.schema(table),
        None => Entry(table).schema(),
    }
}

/// Whether the table is linked to a version with its columns, under the names in the settings, as far as the table itself
/// shows.
///
/// # Errors
/// If a column has a type that Glue would not recognise.
pub(crate) fn is_current(table: &Table, settings: &Settings) -> Result<bool, Error> {
    let Some(link) = Entry(table).link() else { return Ok(false) };
    let elsewhere =
        link.registry != settings.registry || link.schema != naming::schema(&settings.database, table.name());
    if elsewhere || !Entry(table).is_native() && Entry(table).is_incomplete(settings.readers) {
        return Ok(false);
    }
    let columns = match Entry(table).reference() {
        None => ColumnsIn::Table,
        Some(_) if settings.link == LinkBy::Parameters => return Ok(false),
        Some(reference) if Entry(table).hides_columns() => {
            // This listing doesn't resolve references. As long as this one is in place, the columns can't have changed.
            let linked = reference.schema_version_id() == Some(link.version_id.as_str());
            return Ok(linked && link.mark.ends_with(REFERENCE));
        }
        Some(_) => ColumnsIn::SchemaVersion,
    };
    Ok(link.mark == mark(&Entry(table).schema()?, settings.link, columns))
}

/// The suffix of the mark of a table that has a reference.
const REFERENCE: &str = "+reference";
/// The suffix of the mark of a table that should have a reference but can't.
const COLUMNS: &str = "+columns";

/// The fingerprint of the linked columns, and how the link was made. It shows when a crawler has dropped a reference or the
/// setting has changed.
fn mark(schema: &TableSchema, by: LinkBy, columns: ColumnsIn) -> String {
    let suffix = match (by, columns) {
        (_, ColumnsIn::SchemaVersion) => REFERENCE,
        (LinkBy::Reference, ColumnsIn::Table) => COLUMNS,
        (LinkBy::Parameters, ColumnsIn::Table) => "",
    };
    format!("{}{suffix}", schema.fingerprint())
}

/// Whether a reference to `definition` would show readers the same columns and lose nothing that people wrote.
fn can_refer(table: &Table, schema: &TableSchema, definition: &str) -> bool {
    let same = schema::avro::columns(definition).is_ok_and(|derived| {
        derived
            .iter()
            .map(|(name, glue_type)| (name, glue_type))
            .eq(schema.columns.iter().map(|c| (&c.name, &c.glue_type)))
    });
    same && !Entry(table).is_annotated()
}
