//! The versions of a table's schema in the registry.

use std::time::Duration;

use aws_sdk_glue::operation::get_schema_version::GetSchemaVersionOutput;
use aws_sdk_glue::types::{
    Compatibility, DataFormat, MetadataKeyValuePair, RegistryId, SchemaId, SchemaVersionNumber, SchemaVersionStatus,
};
use crawl::Clients;
use crawl::catalog::retry_concurrent;
use crawl::error::{Error, Kind};
use schema::TableSchema;
use tokio::sync::OnceCell;

use crate::naming;
use crate::ownership::OWNER_TAG;
use crate::settings::Settings;

/// How long a registered version may stay PENDING before the table counts as failed.
const REGISTRATION_LIMIT: Duration = Duration::from_secs(60);
/// The key of a version's metadata that names the catalog table, `DATABASE.TABLE`.
const GLUE_TABLE: &str = "glueTable";
/// The longest value in a version's metadata, in characters.
const MAX_METADATA: usize = 256;

/// The versions of all tables' schemas in one registry, which is created when first needed.
pub(super) struct Versions<'a> {
    clients: &'a Clients,
    settings: &'a Settings,
    registry: OnceCell<()>,
}

impl<'a> Versions<'a> {
    pub(super) fn new(clients: &'a Clients, settings: &'a Settings) -> Self {
        Versions { clients, settings, registry: OnceCell::new() }
    }

    /// The version of `table`'s schema with these columns, and whether it was registered now because `previous` lacks them.
    ///
    /// # Errors
    /// If the registry refuses it or does not answer.
    pub(super) async fn ensure(
        &self,
        table: &str,
        schema: &TableSchema,
        previous: Option<GetSchemaVersionOutput>,
    ) -> Result<(GetSchemaVersionOutput, bool), Error> {
        let definition = schema::avro::definition(
            schema,
            table,
            &self.settings.database,
            previous.as_ref().and_then(|version| version.schema_definition()),
        )
        .map_err(|e| Error::new(Kind::Data, format!("the Avro schema of {table}: {e}")))?;
        match previous {
            Some(version) if same_json(version.schema_definition(), &definition) => Ok((version, false)),
            Some(_) => Ok((self.register(table, definition).await?, true)),
            None => Ok((self.create(table, definition).await?, true)),
        }
    }

    /// Records in a version's metadata which catalog table links to it, so that the link can be followed from both ends.
    ///
    /// # Errors
    /// If the registry refuses or does not answer. A version that has the pair already, or ten other pairs, stays as it is.
    pub(super) async fn record_table(&self, table: &str, version: i64) -> Result<(), Error> {
        let value = format!("{}.{table}", self.settings.database);
        if value.len() > MAX_METADATA {
            return Ok(());
        }
        let pair = MetadataKeyValuePair::builder().metadata_key(GLUE_TABLE).metadata_value(value).build();
        // By name rather than version id, so that the permission can be limited to our schemas.
        let request = self
            .clients
            .glue
            .put_schema_version_metadata()
            .schema_id(self.schema_id(table))
            .schema_version_number(SchemaVersionNumber::builder().version_number(version).build())
            .metadata_key_value(pair);
        let put = || async { request.clone().send().await.map_err(Error::aws("glue:PutSchemaVersionMetadata")) };
        match retry_concurrent(put).await {
            Err(error) if error.already_exists() => Ok(()),
            Err(error) if error.is("ResourceNumberLimitExceededException") => {
                tracing::info!(table, reason = %error, "no room to record the table in the schema version's metadata");
                Ok(())
            }
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    async fn ensure_registry(&self) -> Result<(), Error> {
        let request = self
            .clients
            .glue
            .create_registry()
            .registry_name(&self.settings.registry)
            .description("Schemas of DynamoDB tables")
            .tags(OWNER_TAG.0, OWNER_TAG.1);
        let create = || async { request.clone().send().await.map_err(Error::aws("glue:CreateRegistry")) };
        match retry_concurrent(create).await {
            Err(error) if !error.already_exists() => Err(error),
            _ => Ok(()),
        }
    }

    /// The newest version that is AVAILABLE; `None` if there is none yet.
    ///
    /// # Errors
    /// If the registry refuses or does not answer.
    pub(super) async fn previous(&self, table: &str) -> Result<Option<GetSchemaVersionOutput>, Error> {
        let latest = self
            .clients
            .glue
            .get_schema_version()
            .schema_id(self.schema_id(table))
            .schema_version_number(SchemaVersionNumber::builder().latest_version(true).build());
        let latest = match latest.send().await.map_err(Error::aws("glue:GetSchemaVersion")) {
            Ok(version) => version,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(error),
        };
        match latest.status() {
            Some(SchemaVersionStatus::Available) => Ok(Some(latest)),
            // A version that was refused, or isn't checked yet, can be neither extended nor linked to.
            _ => self.newest_available(table).await,
        }
    }

    async fn newest_available(&self, table: &str) -> Result<Option<GetSchemaVersionOutput>, Error> {
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

    async fn create(&self, table: &str, definition: String) -> Result<GetSchemaVersionOutput, Error> {
        self.registry.get_or_try_init(|| self.ensure_registry()).await?;
        let name = naming::schema(&self.settings.database, table);
        let request = self
            .clients
            .glue
            .create_schema()
            .registry_id(RegistryId::builder().registry_name(&self.settings.registry).build())
            .schema_name(&name)
            .data_format(DataFormat::Avro)
            .compatibility(Compatibility::from(self.settings.compatibility.as_str()))
            .description("The items of a DynamoDB table, as its Glue table shows them")
            .tags(OWNER_TAG.0, OWNER_TAG.1)
            .schema_definition(&definition);
        let create = || async { request.clone().send().await.map_err(Error::aws("glue:CreateSchema")) };
        match retry_concurrent(create).await {
            Ok(created) => self.wait_until_available(&name, created.schema_version_id.unwrap_or_default()).await,
            // An interrupted run or a concurrent one created the schema: register the version in it.
            Err(error) if error.already_exists() => self.register(table, definition).await,
            Err(error) => Err(error),
        }
    }

    async fn register(&self, table: &str, definition: String) -> Result<GetSchemaVersionOutput, Error> {
        let request = self.clients.glue.register_schema_version();
        let request = request.schema_id(self.schema_id(table)).schema_definition(definition);
        let register = || async { request.clone().send().await.map_err(Error::aws("glue:RegisterSchemaVersion")) };
        let registered = retry_concurrent(register).await?;
        let name = naming::schema(&self.settings.database, table);
        self.wait_until_available(&name, registered.schema_version_id.unwrap_or_default()).await
    }

    /// Waits until the registry has checked a version, since registration is asynchronous.
    async fn wait_until_available(&self, schema: &str, version_id: String) -> Result<GetSchemaVersionOutput, Error> {
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

    fn schema_id(&self, table: &str) -> SchemaId {
        SchemaId::builder()
            .registry_name(&self.settings.registry)
            .schema_name(naming::schema(&self.settings.database, table))
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

/// Whether two definitions are the same JSON, since the service may format one differently.
fn same_json(one: Option<&str>, other: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok();
    one.is_some_and(|one| one == other || (parsed(one).is_some() && parsed(one) == parsed(other)))
}

#[cfg(test)]
mod tests {
    use local::Config;

    use super::*;

    /// AWS may return a refused version as the latest one. The embedded endpoint doesn't.
    #[tokio::test]
    async fn the_newest_available_version_is_found_behind_a_refused_one() {
        let server = testkit::serve(Config::default()).await;
        let clients = Clients::local(server.url(), "eu-west-1");
        let settings = Settings { compatibility: "FORWARD".into(), ..Settings::default() };
        let versions = Versions::new(&clients, &settings);
        let with = |field: &str| {
            format!(
                r#"{{"type":"record","name":"t","fields":[{{"name":"n","type":["null",{field}],"default":null}}]}}"#
            )
        };

        let first = versions.create("t", with(r#""long""#)).await.unwrap();
        let refused = versions.register("t", with(r#""double""#)).await.unwrap_err();
        assert!(refused.message.contains("version 2") && refused.message.contains("keeps its old link"), "{refused}");
        let newest = versions.newest_available("t").await.unwrap().unwrap();
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
