//! Removes what is no longer used: the crawlers and roles of DynamoDB tables that no longer exist, or, to uninstall,
//! everything that was ever created.

use std::collections::BTreeSet;

use aws_sdk_glue::types::{RegistryId, SchemaId, Table};
use crawl::Clients;
use crawl::catalog::Entry;
use crawl::error::{Error, Kind};
use futures::stream::{self, StreamExt};
use serde::Serialize;

use crate::discover::{self, Inventory};
use crate::naming;
use crate::ownership;
use crate::session::Session;
use crate::settings::{Engine, Settings};

/// What to remove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Crawlers and roles whose DynamoDB table no longer exists.
    Vanished,
    /// Everything that runs on this database have created: crawlers, roles, catalog tables, schemas, the registry, the
    /// database. Whatever isn't marked as ours stays.
    Everything,
}

/// One thing to remove.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Leftover {
    /// What it is.
    #[serde(rename = "type")]
    pub thing: Thing,
    /// Its name.
    pub name: String,
}

/// The kinds of things, in the order of removal: a role is in use as long as its crawler exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Thing {
    /// A Glue crawler.
    Crawler,
    /// An IAM role of a crawler.
    Role,
    /// A table of the Glue database.
    CatalogTable,
    /// A schema in the registry.
    Schema,
    /// The schema registry.
    Registry,
    /// The Glue database.
    Database,
}

/// Lists what there is to remove, in the order of removal. Changes nothing.
///
/// # Errors
/// If a listing is refused or gets no answer.
pub async fn leftovers(session: &Session<'_>, extent: Extent) -> Result<Vec<Leftover>, Error> {
    let Session { clients, settings, .. } = session;
    let managed = Settings { engine: Engine::Managed, ..Settings::clone(settings) };
    let inventory = discover::discover(clients, &managed).await?;
    let mut found = crawlers_and_roles(&inventory, settings, extent);
    if extent == Extent::Everything {
        found.append(&mut catalog(&inventory, settings));
        found.append(&mut registry(clients, &inventory, settings).await?);
    }
    found.sort();
    Ok(found)
}

fn crawlers_and_roles(inventory: &Inventory, settings: &Settings, extent: Extent) -> Vec<Leftover> {
    let tables: BTreeSet<&str> = inventory.tables.iter().map(String::as_str).collect();
    let in_use = |table: &str| extent == Extent::Vanished && tables.contains(table);
    let ours = inventory.crawlers.iter().filter(|(_, crawler)| crawler.owned);
    let (of_database, others): (Vec<_>, Vec<_>) =
        ours.partition(|(_, crawler)| crawler.config.database == settings.database);
    let (kept, gone): (Vec<_>, Vec<_>) = of_database
        .into_iter()
        .partition(|(_, crawler)| crawler.config.targets.iter().any(|(table, ..)| in_use(table)));
    // The names of a region's roles share a suffix. Keep the roles that a remaining crawler uses or that the next run needs.
    let mut needed: BTreeSet<&str> =
        kept.iter().chain(&others).map(|(_, crawler)| crawler.config.role.as_str()).collect();
    let next_run = naming::roles(&inventory.tables, &inventory.region);
    if extent == Extent::Vanished {
        needed.extend(next_run.values().map(String::as_str));
    }
    let suffix = format!("_crawler_{}", inventory.region);
    let roles = inventory.roles.keys().filter(|role| role.ends_with(&suffix) && !needed.contains(role.as_str()));
    let crawlers = gone.into_iter().map(|(name, _)| Leftover { thing: Thing::Crawler, name: name.clone() });
    crawlers.chain(roles.map(|name| Leftover { thing: Thing::Role, name: name.clone() })).collect()
}

/// The catalog tables that were crawled from DynamoDB tables of this account and region, and the database if it is ours and
/// holds nothing else.
fn catalog(inventory: &Inventory, settings: &Settings) -> Vec<Leftover> {
    let sources = inventory.sources();
    let is_leftover = |table: &&Table| {
        let Some((source, first)) = inventory.source(table).and_then(|name| sources.get_key_value(name)) else {
            return false;
        };
        let is_first = first.name() == table.name() && Entry(table).crawled_by().is_some();
        is_first || ownership::is_own_table(table, source, settings)
    };
    let crawled: Vec<&str> = inventory.catalog.iter().filter(is_leftover).map(|table| table.name()).collect();
    let empty = crawled.len() == inventory.catalog.len();
    let database = inventory.database.as_ref().filter(|database| empty && ownership::is_own_database(database));
    let tables = crawled.iter().map(|name| Leftover { thing: Thing::CatalogTable, name: (*name).to_owned() });
    tables.chain(database.map(|_| Leftover { thing: Thing::Database, name: settings.database.clone() })).collect()
}

/// The schemas of the database's tables, and the registry if it is ours and holds nothing else.
async fn registry(clients: &Clients, inventory: &Inventory, settings: &Settings) -> Result<Vec<Leftover>, Error> {
    let id = RegistryId::builder().registry_name(&settings.registry).build();
    let mut pages = clients.glue.list_schemas().registry_id(id).max_results(100).into_paginator().items().send();
    let mut schemas = Vec::new();
    while let Some(schema) = pages.next().await {
        match schema.map_err(Error::aws("glue:ListSchemas")) {
            Ok(schema) => schemas.extend(schema.schema_name),
            Err(error) if error.kind == Kind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        }
    }
    let prefix = format!("{}.", settings.database);
    let ours: Vec<&String> = schemas.iter().filter(|name| name.starts_with(&prefix)).collect();
    let mut found: Vec<Leftover> =
        ours.iter().map(|name| Leftover { thing: Thing::Schema, name: (*name).clone() }).collect();
    if ours.len() == schemas.len()
        && ownership::is_own_registry(clients, &inventory.account, &settings.registry).await?
    {
        found.push(Leftover { thing: Thing::Registry, name: settings.registry.clone() });
    }
    Ok(found)
}

/// Removes the leftovers, one kind after the other, and returns the result of each. Something that no longer exists counts
/// as removed.
pub async fn remove(session: &Session<'_>, leftovers: Vec<Leftover>) -> Vec<(Leftover, Result<(), Error>)> {
    let Session { clients, settings, .. } = session;
    let mut ended = Vec::with_capacity(leftovers.len());
    for kind in leftovers.chunk_by(|one, other| one.thing == other.thing) {
        let work = stream::iter(kind.iter().cloned()).map(|leftover| async {
            let removed = match remove_one(clients, settings, &leftover).await {
                Err(error) if error.kind == Kind::NotFound => Ok(()),
                removed => removed,
            };
            (leftover, removed)
        });
        ended.extend(work.buffered(settings.concurrency).collect::<Vec<_>>().await);
    }
    ended
}

async fn remove_one(clients: &Clients, settings: &Settings, Leftover { thing, name }: &Leftover) -> Result<(), Error> {
    let glue = &clients.glue;
    match thing {
        Thing::Crawler => {
            glue.delete_crawler().name(name).send().await.map(drop).map_err(Error::aws("glue:DeleteCrawler"))
        }
        Thing::Role => remove_role(clients, name).await,
        Thing::CatalogTable => {
            let request = glue.delete_table().database_name(&settings.database).name(name);
            request.send().await.map(drop).map_err(Error::aws("glue:DeleteTable"))
        }
        Thing::Schema => {
            let id = SchemaId::builder().registry_name(&settings.registry).schema_name(name).build();
            glue.delete_schema().schema_id(id).send().await.map(drop).map_err(Error::aws("glue:DeleteSchema"))
        }
        Thing::Registry => {
            let id = RegistryId::builder().registry_name(name).build();
            glue.delete_registry().registry_id(id).send().await.map(drop).map_err(Error::aws("glue:DeleteRegistry"))
        }
        Thing::Database => {
            glue.delete_database().name(name).send().await.map(drop).map_err(Error::aws("glue:DeleteDatabase"))
        }
    }
}

/// Removes a role. IAM requires its policies to be removed first.
async fn remove_role(clients: &Clients, name: &str) -> Result<(), Error> {
    let iam = &clients.iam;
    let mut inline = iam.list_role_policies().role_name(name).into_paginator().items().send();
    while let Some(policy) = inline.next().await {
        let policy = policy.map_err(Error::aws("iam:ListRolePolicies"))?;
        let delete = iam.delete_role_policy().role_name(name).policy_name(policy);
        delete.send().await.map_err(Error::aws("iam:DeleteRolePolicy"))?;
    }
    let mut attached = iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
    while let Some(policy) = attached.next().await {
        let policy = policy.map_err(Error::aws("iam:ListAttachedRolePolicies"))?;
        let detach = iam.detach_role_policy().role_name(name).set_policy_arn(policy.policy_arn);
        detach.send().await.map_err(Error::aws("iam:DetachRolePolicy"))?;
    }
    iam.delete_role().role_name(name).send().await.map(drop).map_err(Error::aws("iam:DeleteRole"))
}
