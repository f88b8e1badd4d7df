//! Ownership: what carries our tag is ours, and everything else is left alone.

use std::collections::HashMap;

use aws_sdk_glue::types::{Database, Table};
use crawl::Clients;
use crawl::catalog::{Entry, NATIVE};
use crawl::error::{Error, Kind};

use crate::naming;
use crate::settings::Settings;

/// The tag of all crawlers, roles, schemas and registries that this program creates, and the parameter of its database.
pub const OWNER_TAG: (&str, &str) = ("managed-by", "glue-ddb-crawler");

/// Whether these tags or parameters include ours.
fn has_owner_tag(tags: Option<&HashMap<String, String>>) -> bool {
    tags.and_then(|tags| tags.get(OWNER_TAG.0)).is_some_and(|value| value == OWNER_TAG.1)
}

/// Whether this program created the database.
pub(crate) fn is_own_database(database: &Database) -> bool {
    has_owner_tag(database.parameters())
}

/// Whether the crawler `name` carries our tag.
///
/// # Errors
/// [`Kind::NotFound`] if there is no such crawler; otherwise Glue's refusal.
pub(crate) async fn is_own_crawler(clients: &Clients, account: &str, name: &str) -> Result<bool, Error> {
    has_own_tag(clients, account, &format!("crawler/{name}")).await
}

/// Whether the registry `name` carries our tag.
///
/// # Errors
/// [`Kind::NotFound`] if there is no such registry; otherwise Glue's refusal.
pub(crate) async fn is_own_registry(clients: &Clients, account: &str, name: &str) -> Result<bool, Error> {
    has_own_tag(clients, account, &format!("registry/{name}")).await
}

async fn has_own_tag(clients: &Clients, account: &str, resource: &str) -> Result<bool, Error> {
    let region = &clients.region;
    let arn = format!("arn:{}:glue:{region}:{account}:{resource}", crawl::naming::partition(region));
    let answer = clients.glue.get_tags().resource_arn(arn).send().await.map_err(Error::aws("glue:GetTags"))?;
    Ok(has_owner_tag(answer.tags()))
}

/// Whether this program, or the crawler that it makes for the DynamoDB table `source`, wrote this catalog table last.
pub(crate) fn is_own_table(table: &Table, source: &str, settings: &Settings) -> bool {
    let own = naming::crawler(&settings.crawler_name, source);
    Entry(table).crawled_by().is_some_and(|crawler| crawler == NATIVE || crawler == own)
}

/// The error for a crawler that has the name we need but isn't ours.
pub(crate) fn foreign_crawler(name: &str) -> Error {
    let (key, value) = OWNER_TAG;
    Error::new(
        Kind::Conflict,
        format!("a crawler {name} exists that is not ours: it is left alone; tag it {key}={value} to hand it over"),
    )
}
