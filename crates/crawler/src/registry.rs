//! Step 5: the schema of each crawled table becomes a version in the Glue Schema Registry, and the table points at it.

use std::time::Duration;

use aws_sdk_glue::operation::get_schema_version::GetSchemaVersionOutput;
use aws_sdk_glue::types::{
    Column, Compatibility, DataFormat, RegistryId, SchemaId, SchemaReference, SchemaVersionNumber, SchemaVersionStatus,
    Table, TableInput,
};
use schema::TableSchema;
use tokio::sync::OnceCell;

use crate::discover::OWNER_TAG;
use crate::error::{Error, Kind};
use crate::publish::Source;
use crate::settings::Settings;
use crate::{Clients, crawl, naming, publish};

/// How long a registered version may stay PENDING before the table counts as failed.
const REGISTRATION_LIMIT: Duration = Duration::from_secs(60);

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
}

/// What the link step did to one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The table is linked to the version of its columns already; nothing was called.
    Current,
    /// The table was completed or linked now.
    Written(Linked),
}

/// Links tables of one database; makes the registry when it is first needed.
pub struct Linker<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    registry: OnceCell<()>,
}

impl<'a> Linker<'a> {
    /// A linker for one run.
    pub fn new(clients: &'a Clients, settings: &'a Settings) -> Self {
        Linker { clients, settings, registry: OnceCell::new() }
    }

    /// Completes the contract of `table` where its crawler wrote less, registers its schema, and links the two.
    ///
    /// # Errors
    /// If the registry refuses the version (the old link is kept), or a service refuses or does not answer.
    ///
    /// # Cost
    /// No call at all for a table whose linked version has its columns.
    pub async fn link(&self, table: &Table) -> Result<Link, Error> {
        if is_current(table, self.settings)? {
            return Ok(Link::Current);
        }
        let completed = match publish::is_incomplete(table) {
            true => self.complete(table).await?,
            false => None,
        };
        let table = completed.as_ref().unwrap_or(table);
        let schema = publish::table_schema(table)?;
        self.registry.get_or_try_init(|| self.ensure_registry()).await?;
        let (version, registered) = self.version_of(table, &schema).await?;
        let linked = Linked {
            schema: naming::schema(&self.settings.database, table.name()),
            version: version.version_number.unwrap_or_default(),
            version_id: version.schema_version_id.clone().unwrap_or_default(),
            registered,
        };
        let reference = can_refer(table, &schema, version.schema_definition().unwrap_or_default());
        self.write(table, &schema, &linked, reference).await?;
        Ok(Link::Written(linked))
    }

    /// Brings what AWS's own crawler wrote up to the contract. Returns the table as it is afterwards.
    async fn complete(&self, table: &Table) -> Result<Option<Table>, Error> {
        let (clients, database) = (self.clients, &self.settings.database);
        let name = crate::discover::source_table(table).unwrap_or_default();
        let Some(description) = crawl::describe(clients, name).await? else { return Ok(None) };
        let source = Source {
            table: name.to_owned(),
            arn: publish::location(table).unwrap_or_default().to_owned(),
            keys: crawl::keys(&description),
        };
        let spelled = match self.settings.learn_spelling {
            true => crawl::attribute_names(clients, name).await?,
            false => Vec::new(),
        };
        let change = |table: &Table| Ok(publish::completed(table, &source, &spelled)?.map(|input| (input, false)));
        if !publish::update(clients, database, table.clone(), change).await? {
            return Ok(None);
        }
        publish::get(clients, database, table.name()).await
    }

    async fn ensure_registry(&self) -> Result<(), Error> {
        let request = self
            .clients
            .glue
            .create_registry()
            .registry_name(&self.settings.registry)
            .description("Schemas of DynamoDB tables")
            .tags(OWNER_TAG.0, OWNER_TAG.1);
        match request.send().await.map_err(Error::aws("glue:CreateRegistry")) {
            Err(error) if !error.is("AlreadyExistsException") => Err(error),
            _ => Ok(()),
        }
    }

    /// The version with this schema, registered if there is none; and whether it was.
    async fn version_of(&self, table: &Table, schema: &TableSchema) -> Result<(GetSchemaVersionOutput, bool), Error> {
        let previous = self.previous(table).await?;
        let definition = schema::avro::definition(
            schema,
            table.name(),
            &self.settings.database,
            previous.as_ref().and_then(|version| version.schema_definition()),
        )
        .map_err(|e| Error::new(Kind::Data, format!("the Avro schema of {}: {e}", table.name())))?;
        match previous {
            Some(version) if same_json(version.schema_definition(), &definition) => Ok((version, false)),
            Some(_) => Ok((self.register(table, definition).await?, true)),
            None => Ok((self.create(table, definition).await?, true)),
        }
    }

    /// The newest version that is in force; `None` where there is none yet.
    async fn previous(&self, table: &Table) -> Result<Option<GetSchemaVersionOutput>, Error> {
        let latest = self
            .clients
            .glue
            .get_schema_version()
            .schema_id(self.schema_id(table))
            .schema_version_number(SchemaVersionNumber::builder().latest_version(true).build());
        let latest = match latest.send().await.map_err(Error::aws("glue:GetSchemaVersion")) {
            Ok(version) => version,
            Err(error) if error.is("EntityNotFoundException") => return Ok(None),
            Err(error) => return Err(error),
        };
        match latest.status() {
            Some(SchemaVersionStatus::Available) => Ok(Some(latest)),
            // Refused, or not checked yet: neither is one to build on or to link to.
            _ => self.newest_available(table).await,
        }
    }

    async fn newest_available(&self, table: &Table) -> Result<Option<GetSchemaVersionOutput>, Error> {
        let versions = self.clients.glue.list_schema_versions().schema_id(self.schema_id(table));
        let mut versions = versions.max_results(100).into_paginator().items().send();
        let mut newest = None;
        while let Some(version) = versions.next().await {
            let version = version.map_err(Error::aws("glue:ListSchemaVersions"))?;
            if version.status() == Some(&SchemaVersionStatus::Available) {
                newest = newest.max(version.version_number.zip(version.schema_version_id));
            }
        }
        let Some((_, id)) = newest else { return Ok(None) };
        let version = self.clients.glue.get_schema_version().schema_version_id(id);
        version.send().await.map(Some).map_err(Error::aws("glue:GetSchemaVersion"))
    }

    async fn create(&self, table: &Table, definition: String) -> Result<GetSchemaVersionOutput, Error> {
        let name = naming::schema(&self.settings.database, table.name());
        let created = self
            .clients
            .glue
            .create_schema()
            .registry_id(RegistryId::builder().registry_name(&self.settings.registry).build())
            .schema_name(&name)
            .data_format(DataFormat::Avro)
            .compatibility(Compatibility::from(self.settings.compatibility.as_str()))
            .description("The items of a DynamoDB table, as its Glue table shows them")
            .tags(OWNER_TAG.0, OWNER_TAG.1)
            .schema_definition(&definition)
            .send()
            .await
            .map_err(Error::aws("glue:CreateSchema"));
        match created {
            Ok(created) => self.available(&name, created.schema_version_id.unwrap_or_default()).await,
            // Left by an interrupted run, or made by another just now: it gets this version like any other.
            Err(error) if error.is("AlreadyExistsException") => self.register(table, definition).await,
            Err(error) => Err(error),
        }
    }

    async fn register(&self, table: &Table, definition: String) -> Result<GetSchemaVersionOutput, Error> {
        let registered = self
            .clients
            .glue
            .register_schema_version()
            .schema_id(self.schema_id(table))
            .schema_definition(definition)
            .send()
            .await
            .map_err(Error::aws("glue:RegisterSchemaVersion"))?;
        let name = naming::schema(&self.settings.database, table.name());
        self.available(&name, registered.schema_version_id.unwrap_or_default()).await
    }

    /// Waits until the registry has checked a version: registration is asynchronous.
    async fn available(&self, schema: &str, version_id: String) -> Result<GetSchemaVersionOutput, Error> {
        let mut pause = Duration::from_millis(50);
        let mut waited = Duration::ZERO;
        loop {
            let version = self.clients.glue.get_schema_version().schema_version_id(&version_id);
            let version = version.send().await.map_err(Error::aws("glue:GetSchemaVersion"))?;
            match version.status() {
                Some(SchemaVersionStatus::Available) => return Ok(version),
                Some(SchemaVersionStatus::Pending) if waited < REGISTRATION_LIMIT => {
                    tokio::time::sleep(pause).await;
                    waited += pause;
                    pause = (pause * 2).min(Duration::from_secs(3));
                }
                status => return Err(unavailable(schema, &version, status)),
            }
        }
    }

    /// Points the table at the version: parameters always; the reference where it says the same as the columns do.
    async fn write(&self, table: &Table, schema: &TableSchema, linked: &Linked, reference: bool) -> Result<(), Error> {
        let (clients, database) = (self.clients, &self.settings.database);
        let columns = publish::columns(table).to_vec();
        let by_parameters = |table: &Table| self.linked_input(table, linked, schema, Some(columns.clone()));
        // Somebody changed the columns since: the next run links those.
        let unchanged = |table: &Table| Ok(publish::table_schema(table)?.fingerprint() == schema.fingerprint());
        if reference {
            let by_reference = |table: &Table| match unchanged(table)? {
                true => Ok(Some((self.linked_input(table, linked, schema, None)?, true))),
                false => Ok(None),
            };
            match publish::update(clients, database, table.clone(), by_reference).await {
                Ok(written) => {
                    let shown = if written { publish::get(clients, database, table.name()).await? } else { None };
                    let Some(shown) = shown.filter(|shown| !publish::same_columns(shown, schema)) else {
                        return Ok(());
                    };
                    // How Glue derives columns is not documented in full: where it does so differently, readers would see
                    // other columns than the table's own.
                    tracing::info!(table = table.name(), "schema reference shows other columns, linking by parameters");
                    let back = |shown: &Table| Ok(Some((by_parameters(shown)?, true)));
                    return publish::update(clients, database, shown, back).await.map(drop);
                }
                // Lake Formation takes no schema references.
                Err(error) if error.kind == Kind::InvalidInput => {
                    tracing::info!(table = table.name(), reason = %error, "schema reference refused, linking by parameters");
                }
                Err(error) => return Err(error),
            }
        }
        let input = |table: &Table| match unchanged(table)? {
            true => Ok(Some((by_parameters(table)?, true))),
            false => Ok(None),
        };
        publish::update(clients, database, table.clone(), input).await.map(drop)
    }

    /// The table with its link: by reference, or with columns of its own.
    fn linked_input(
        &self,
        table: &Table,
        linked: &Linked,
        schema: &TableSchema,
        columns: Option<Vec<Column>>,
    ) -> Result<TableInput, Error> {
        let link = [
            ("schemaRegistryName", self.settings.registry.clone()),
            ("schemaName", linked.schema.clone()),
            ("schemaVersionId", linked.version_id.clone()),
            ("schemaVersionNumber", linked.version.to_string()),
            (publish::LINKED, mark(schema, columns.is_none())),
        ]
        .map(|(name, value)| (name.to_owned(), value));
        let mut input = publish::unchanged(table)?;
        input.parameters.get_or_insert_default().extend(link.clone());
        if let Some(descriptor) = &mut input.storage_descriptor {
            descriptor.parameters.get_or_insert_default().extend(link);
            descriptor.schema_reference = match columns {
                None => Some(SchemaReference::builder().schema_version_id(&linked.version_id).build()),
                Some(_) => None,
            };
            descriptor.columns = Some(columns.unwrap_or_default());
        }
        Ok(input)
    }

    fn schema_id(&self, table: &Table) -> SchemaId {
        SchemaId::builder()
            .registry_name(&self.settings.registry)
            .schema_name(naming::schema(&self.settings.database, table.name()))
            .build()
    }
}

/// Why a version can't be linked.
fn unavailable(schema: &str, version: &GetSchemaVersionOutput, status: Option<&SchemaVersionStatus>) -> Error {
    let number = version.version_number.unwrap_or_default();
    if status == Some(&SchemaVersionStatus::Failure) {
        let message = format!(
            "version {number} of the schema {schema} is FAILURE: the columns changed in a way that its compatibility \
             mode does not allow; the table keeps its old link. Set the schema's compatibility to NONE and run again to \
             accept the change"
        );
        return Error::new(Kind::InvalidInput, message);
    }
    let status = status.map_or("without a status", SchemaVersionStatus::as_str);
    let message = format!(
        "version {number} of the schema {schema} is {status}, not AVAILABLE: the table keeps its old link. Run again later"
    );
    Error::new(Kind::Service, message)
}

/// Whether two definitions say the same: the service may lay one out in its own way.
fn same_json(one: Option<&str>, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one.is_some_and(|one| one == other || (parsed(one).is_some() && parsed(one) == parsed(other)))
}

/// Whether the linked version has the table's columns and is where the settings want it, as far as the table itself can
/// tell.
///
/// # Errors
/// If a column has a type that Glue itself would not know.
pub(crate) fn is_current(table: &Table, settings: &Settings) -> Result<bool, Error> {
    let referred = table.storage_descriptor().is_some_and(|descriptor| descriptor.schema_reference().is_some());
    Ok(!publish::is_incomplete(table)
        && publish::parameter(table, "schemaVersionId").is_some()
        && publish::parameter(table, "schemaRegistryName") == Some(&settings.registry)
        && publish::parameter(table, "schemaName") == Some(&naming::schema(&settings.database, table.name()))
        && publish::parameter(table, publish::LINKED) == Some(&mark(&publish::table_schema(table)?, referred)))
}

/// The value of [`publish::LINKED`]: which columns are linked, and whether by a reference, so that a crawler that drops
/// the reference is noticed.
fn mark(schema: &TableSchema, referred: bool) -> String {
    format!("{}{}", schema.fingerprint(), if referred { "+reference" } else { "" })
}

/// Whether a reference to `definition` would show readers the same columns, and lose nothing that people wrote.
fn can_refer(table: &Table, schema: &TableSchema, definition: &str) -> bool {
    let commented = publish::columns(table).iter().any(|column| column.comment().is_some_and(|c| !c.is_empty()));
    let same = schema::avro::columns(definition).is_ok_and(|derived| {
        derived
            .iter()
            .map(|(name, glue_type)| (name, glue_type))
            .eq(schema.columns.iter().map(|c| (&c.name, &c.glue_type)))
    });
    same && !commented
}

#[cfg(test)]
mod tests {
    use local::{Config, Server};

    use super::*;

    /// AWS may answer "the latest version" with one that was refused; the embedded endpoint does not.
    #[tokio::test]
    async fn the_newest_available_version_is_found_behind_a_refused_one() {
        let server = Server::start(Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() }).await.unwrap();
        let clients = Clients::local(server.url(), "eu-west-1");
        let settings = Settings { compatibility: "FORWARD".into(), ..Settings::default() };
        let linker = Linker::new(&clients, &settings);
        let table = Table::builder().name("t").build().unwrap();
        let with = |field: &str| {
            format!(
                r#"{{"type":"record","name":"t","fields":[{{"name":"n","type":["null",{field}],"default":null}}]}}"#
            )
        };

        linker.ensure_registry().await.unwrap();
        let first = linker.create(&table, with(r#""long""#)).await.unwrap();
        let refused = linker.register(&table, with(r#""double""#)).await.unwrap_err();
        assert!(refused.message.contains("version 2") && refused.message.contains("keeps its old link"), "{refused}");
        let newest = linker.newest_available(&table).await.unwrap().unwrap();
        assert_eq!(newest.schema_version_id(), first.schema_version_id());
    }

    #[test]
    fn only_a_refused_version_is_blamed_on_the_columns() {
        let version = GetSchemaVersionOutput::builder().version_number(3).build();
        let pending = unavailable("d.t", &version, Some(&SchemaVersionStatus::Pending));
        insta::assert_snapshot!(pending, @"version 3 of the schema d.t is PENDING, not AVAILABLE: the table keeps its old link. Run again later");
        assert_eq!(pending.kind, Kind::Service);
    }
}
