//! Step 5: the schema of each crawled table becomes a version in the Glue Schema Registry, and the table points at it.

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
    /// A version was registered now, not found.
    pub registered: bool,
    /// Columns of the table that read as null, because `columnMapping` can't spell their attributes.
    pub unmapped: Vec<String>,
}

/// What the link step did to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The table is linked to the version of its columns already; nothing was called.
    Current,
    /// The table was completed or linked now.
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

    /// Completes the contract of `table` where its crawler wrote less, registers its schema, and links the two, in one
    /// update of the table.
    ///
    /// # Errors
    /// If the registry refuses the version (the old link is kept), the columns of a table that lists none can't be had, or a
    /// service refuses or does not answer.
    ///
    /// # Cost
    /// No call at all for a table whose linked version has its columns. Else GetSchemaVersion, PutSchemaVersionMetadata and
    /// UpdateTable; after a managed crawl also DescribeTable and, where the spelling of an attribute is not known, one page of
    /// a Scan; for a new version also what registers it.
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
        let (version, registered) = self.versions.of(table.name(), &schema, previous).await?;
        let linked = Linked {
            schema: naming::schema(database, table.name()),
            version: version.version_number.unwrap_or_default(),
            version_id: version.schema_version_id.clone().unwrap_or_default(),
            registered,
            unmapped: catalog::unmapped_columns(&schema).into_iter().map(str::to_owned).collect(),
        };
        self.versions.note_table(table.name(), linked.version).await?;
        let definition = version.schema_definition().unwrap_or_default();
        let wanted = Wanted { settings: self.settings, completion, schema, linked };
        let refer = self.settings.link == LinkBy::Reference && can_refer(table, &wanted.schema, definition);
        if !(refer && self.refer(table, &wanted).await?) {
            catalog::update(self.clients, database, table.clone(), |table| wanted.update(table, How::Columns)).await?;
        }
        Ok(Link::Written(wanted.linked))
    }

    /// What a table that a crawler of Glue wrote lacks; `None` for one that the native engine wrote, or whose DynamoDB table is
    /// gone. How attributes are spelled is taken from a page of items, and from the `previous` definition of the schema: the page
    /// may lack what an earlier one had.
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
        // A definition that can't be read is an error where the next one is made from it.
        let spelled = previous.and_then(|definition| schema::avro::attributes(definition).ok()).unwrap_or_default();
        Ok(Some(Completion { source, page, spelled, readers: self.settings.readers }))
    }

    /// Links by reference. False if the service takes none, or shows other columns than the table's own: then the table is
    /// to be linked by parameters alone.
    async fn refer(&self, table: &Table, wanted: &Wanted<'_>) -> Result<bool, Error> {
        let (clients, database) = (self.clients, &self.settings.database);
        match catalog::update(clients, database, table.clone(), |table| wanted.update(table, How::Reference)).await {
            Ok(false) => return Ok(true),
            Ok(true) => {}
            // Lake Formation takes no schema references.
            Err(error) if error.kind == Kind::InvalidInput => {
                tracing::info!(table = table.name(), reason = %error, "schema reference refused, linking by parameters");
                return Ok(false);
            }
            Err(error) => return Err(error),
        }
        let shown = catalog::get(clients, database, table.name()).await?;
        let Some(shown) = shown.filter(|shown| !Entry(shown).has_columns_of(&wanted.schema)) else { return Ok(true) };
        // How Glue derives columns is not documented in full: where it does so differently, readers would see other columns
        // than the table's own.
        tracing::info!(table = table.name(), "schema reference shows other columns, linking by parameters");
        let own = Entry(table).columns();
        let back = |shown: &Table| wanted.update(&Entry(shown).with_columns(own.to_vec()), How::Columns);
        catalog::update(clients, database, shown, back).await.map(|_| true)
    }
}

/// The link that a table is to have.
struct Wanted<'a> {
    settings: &'a Settings,
    completion: Option<Completion>,
    schema: TableSchema,
    linked: Linked,
}

/// Where a linked table has its columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// In itself.
    Columns,
    /// In the schema version.
    Reference,
}

impl Wanted<'_> {
    /// The table with its link, and whether its present state is not worth an archived version; `None` if somebody changed its
    /// columns since: the next run links those.
    fn update(&self, table: &Table, how: How) -> Result<Option<TableUpdate>, Error> {
        let schema = schema_of(table, self.completion.as_ref())?;
        if schema.fingerprint() != self.schema.fingerprint() {
            return Ok(None);
        }
        let own = (how == How::Columns).then(|| Entry(table).without_reference());
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
            mark: mark(&schema, self.settings.link, how),
        };
        link.write_to(&mut input);
        if let Some(descriptor) = input.storage_descriptor.as_mut().filter(|_| how == How::Reference) {
            descriptor.columns = Some(Vec::new());
            let reference = SchemaReference::builder().schema_version_id(&link.version_id);
            descriptor.schema_reference = Some(reference.build());
        }
        // What a crawl left between two linked states is worth no version, nor is one with the same columns.
        let linked_otherwise = Entry(table).link().is_some_and(|before| before.mark != link.mark);
        let skip_archive = !linked_otherwise || Entry(table).has_columns_of(&schema);
        Ok(Some(TableUpdate { input, skip_archive }))
    }
}

/// The columns that the table has, or has once it is completed.
fn schema_of(table: &Table, completion: Option<&Completion>) -> Result<TableSchema, Error> {
    match completion {
        Some(completion) => completion.schema(table),
        None => Entry(table).schema(),
    }
}

/// Whether the linked version has the table's columns and is where the settings want it, as far as the table itself can
/// tell.
///
/// # Errors
/// If a column has a type that Glue itself would not know.
pub(crate) fn is_current(table: &Table, settings: &Settings) -> Result<bool, Error> {
    let Some(link) = Entry(table).link() else { return Ok(false) };
    let elsewhere =
        link.registry != settings.registry || link.schema != naming::schema(&settings.database, table.name());
    if elsewhere || !Entry(table).is_native() && Entry(table).is_incomplete(settings.readers) {
        return Ok(false);
    }
    let how = match Entry(table).reference() {
        None => How::Columns,
        Some(_) if settings.link == LinkBy::Parameters => return Ok(false),
        Some(reference) if Entry(table).hides_columns() => {
            // The listing resolves no references: as long as this one stands, the columns can't have changed.
            let linked = reference.schema_version_id() == Some(link.version_id.as_str());
            return Ok(linked && link.mark.ends_with(REFERENCE));
        }
        Some(_) => How::Reference,
    };
    Ok(link.mark == mark(&Entry(table).schema()?, settings.link, how))
}

/// The end of the mark of a table that has a reference, and of one that should have had but can't.
const REFERENCE: &str = "+reference";
const COLUMNS: &str = "+columns";

/// What a link's parameters say of the columns that it is for, and of how it was made, so that a crawler that drops a reference
/// is noticed, and so is another setting.
fn mark(schema: &TableSchema, by: LinkBy, how: How) -> String {
    let how = match (by, how) {
        (_, How::Reference) => REFERENCE,
        (LinkBy::Reference, How::Columns) => COLUMNS,
        (LinkBy::Parameters, How::Columns) => "",
    };
    format!("{}{how}", schema.fingerprint())
}

/// Whether a reference to `definition` would show readers the same columns, and lose nothing that people wrote.
fn can_refer(table: &Table, schema: &TableSchema, definition: &str) -> bool {
    let same = schema::avro::columns(definition).is_ok_and(|derived| {
        derived
            .iter()
            .map(|(name, glue_type)| (name, glue_type))
            .eq(schema.columns.iter().map(|c| (&c.name, &c.glue_type)))
    });
    same && !Entry(table).is_annotated()
}
