//! Step 3: make the region right. Each function does one thing for one table, is idempotent, and may be interrupted
//! anywhere.

use std::time::{Duration, Instant};

use aws_sdk_glue::types::{
    CrawlerTargets, Database, DatabaseInput, DeleteBehavior as GlueDelete, DynamoDbTarget, SchemaChangePolicy, Table,
    UpdateBehavior as GlueUpdate,
};
use aws_sdk_iam::types::Tag;
use crawl::error::{Error, Kind};
use crawl::{Clients, catalog};

use crate::discover::{CrawlerConfig, Inventory};
use crate::ownership::{OWNER_TAG, foreign_crawler, is_own_crawler};
use crate::permit::Permit;
use crate::plan::{CrawlerChange, CrawlerPlan, DATABASE_LOCATION, DatabaseChange, RoleChange, Vanished};
use crate::policy::{INLINE_POLICY, RoleScope};
use crate::{discover, naming};

/// Creates the database, or adds the location that the Athena connector looks for.
///
/// # Errors
/// If Glue refuses or does not answer. Nothing else can be done without the database.
pub async fn ensure_database(clients: &Clients, name: &str, change: DatabaseChange) -> Result<(), Error> {
    match change {
        DatabaseChange::None => Ok(()),
        DatabaseChange::Create => {
            let input = DatabaseInput::builder()
                .name(name)
                .description("DynamoDB tables, kept in step by glue-ddb-crawler")
                .parameters(OWNER_TAG.0, OWNER_TAG.1)
                .location_uri(DATABASE_LOCATION)
                .build()
                .map_err(|e| Error::new(Kind::Settings, format!("database {name}: {e}")))?;
            let create = clients.glue.create_database().database_input(input);
            let create = || async { create.clone().send().await.map_err(Error::aws("glue:CreateDatabase")) };
            match catalog::retry_concurrent(create).await {
                Err(error) if !error.already_exists() => Err(error),
                _ => Ok(()),
            }
        }
        DatabaseChange::Flag => {
            update_database(clients, name, |database| {
                let location = match database.location_uri.take() {
                    Some(location) if location.contains(DATABASE_LOCATION) => location,
                    Some(location) if !location.is_empty() => format!("{location}/{DATABASE_LOCATION}"),
                    _ => DATABASE_LOCATION.to_owned(),
                };
                database.location_uri = Some(location);
            })
            .await
        }
    }
}

/// Reads the database and applies `change` to it. Glue has no lock on databases, so this starts over when Glue reports a
/// concurrent change.
///
/// # Errors
/// If Glue refuses or does not answer. A database that no longer exists is not an error.
pub(crate) async fn update_database(
    clients: &Clients,
    name: &str,
    change: impl Fn(&mut Database),
) -> Result<(), Error> {
    catalog::retry_concurrent(|| async {
        let Some(mut database) = discover::get_database(clients, name).await? else { return Ok(()) };
        change(&mut database);
        // UpdateDatabase drops every member that the input lacks, such as Lake Formation's default permissions.
        let input = DatabaseInput::builder()
            .name(name)
            .set_description(database.description)
            .set_parameters(database.parameters)
            .set_create_table_default_permissions(database.create_table_default_permissions)
            .set_target_database(database.target_database)
            .set_federated_database(database.federated_database)
            .set_location_uri(database.location_uri)
            .build()
            .map_err(|e| Error::new(Kind::Settings, format!("database {name}: {e}")))?;
        let updated = clients.glue.update_database().name(name).database_input(input).send().await;
        updated.map(drop).map_err(Error::aws("glue:UpdateDatabase"))
    })
    .await
}

/// Marks or deletes `table`, the catalog table of a DynamoDB table that is gone or has another one.
///
/// # Errors
/// [`Kind::Conflict`] if the DynamoDB table exists after all: tables and catalog are listed concurrently, so a table that
/// was created in between looks as if it were gone. Otherwise the refusal of Glue or DynamoDB.
pub async fn retire(clients: &Clients, database: &str, vanished: &Vanished, table: &Table) -> Result<(), Error> {
    if vanished.instead.is_none() && crawl::dynamodb::describe(clients, &vanished.table).await?.is_some() {
        let message = format!("the DynamoDB table {} was created during this run: run again", vanished.table);
        return Err(Error::new(Kind::Conflict, message));
    }
    catalog::retire(clients, database, table.clone(), vanished.behavior, crawl::now_millis()).await.map(drop)
}

/// Creates or repairs the role. The description with the fingerprint is written last: until then the role counts as
/// incomplete, and the next run writes it again.
///
/// # Errors
/// [`Kind::Conflict`] if a role of that name exists outside our path; otherwise IAM's refusal.
pub async fn ensure_role(
    clients: &Clients,
    name: &str,
    scope: &RoleScope<'_>,
    change: RoleChange,
    permit: &mut Permit<'_>,
) -> Result<(), Error> {
    match change {
        RoleChange::None => Ok(()),
        RoleChange::Create => {
            create_role(clients, name, scope).await?;
            retry_propagation(permit, true, || write_policies(clients, name, scope, change)).await?;
            retry_propagation(permit, true, || write_description(clients, name, scope)).await
        }
        RoleChange::Repair => {
            retry_propagation(permit, false, || reset_role(clients, name, scope)).await?;
            // The permission to write them depends on the boundary, which was attached only just now.
            let capped = scope.boundary.is_some();
            retry_propagation(permit, capped, || write_policies(clients, name, scope, change)).await?;
            retry_propagation(permit, false, || write_description(clients, name, scope)).await
        }
    }
}

/// Corrects the boundary and the trust policy of an existing role. The boundary comes first: a run that may write only roles
/// with the boundary is denied their policies until then. A boundary that the settings no longer name stays, since removing it
/// would widen the role.
async fn reset_role(clients: &Clients, name: &str, scope: &RoleScope<'_>) -> Result<(), Error> {
    if let Some(boundary) = scope.boundary {
        let cap = clients.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
        cap.send().await.map_err(Error::aws("iam:PutRolePermissionsBoundary"))?;
    }
    let trust = clients.iam.update_assume_role_policy().role_name(name).policy_document(scope.trust().to_string());
    trust.send().await.map(drop).map_err(Error::aws("iam:UpdateAssumeRolePolicy"))
}

/// Writes the inline policy, and attaches or detaches `AWSGlueServiceRole`.
async fn write_policies(clients: &Clients, name: &str, scope: &RoleScope<'_>, change: RoleChange) -> Result<(), Error> {
    clients
        .iam
        .put_role_policy()
        .role_name(name)
        .policy_name(INLINE_POLICY)
        .policy_document(scope.permissions().to_string())
        .send()
        .await
        .map_err(Error::aws("iam:PutRolePolicy"))?;
    let arn = scope.managed_policy_arn();
    if scope.managed_policy {
        let attach = clients.iam.attach_role_policy().role_name(name).policy_arn(arn);
        attach.send().await.map_err(Error::aws("iam:AttachRolePolicy"))?;
    } else if change == RoleChange::Repair {
        // If it was attached under an earlier setting, it would keep the role wider than its documents say.
        let detach = clients.iam.detach_role_policy().role_name(name).policy_arn(arn);
        match detach.send().await.map_err(Error::aws("iam:DetachRolePolicy")) {
            Err(error) if !error.is("NoSuchEntity") => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Writes the description, which marks the role as complete.
async fn write_description(clients: &Clients, name: &str, scope: &RoleScope<'_>) -> Result<(), Error> {
    let description = clients.iam.update_role().role_name(name).description(scope.description());
    description.send().await.map(drop).map_err(Error::aws("iam:UpdateRole"))
}

async fn create_role(clients: &Clients, name: &str, scope: &RoleScope<'_>) -> Result<(), Error> {
    let tag = Tag::builder().key(OWNER_TAG.0).value(OWNER_TAG.1).build();
    let tag = tag.map_err(|e| Error::new(Kind::Settings, format!("tag: {e}")))?;
    let created = clients
        .iam
        .create_role()
        .role_name(name)
        .path(naming::ROLE_PATH)
        .description(format!("Being created for the DynamoDB table {}", scope.table))
        .assume_role_policy_document(scope.trust().to_string())
        .set_permissions_boundary(scope.boundary.map(str::to_owned))
        .tags(tag)
        .send()
        .await
        .map_err(Error::aws("iam:CreateRole"));
    match created {
        Ok(_) => Ok(()),
        Err(error) if error.already_exists() => {
            let existing = match clients.iam.get_role().role_name(name).send().await.map_err(Error::aws("iam:GetRole"))
            {
                // The policy of a run allows GetRole only under our path.
                Err(denied) if denied.kind == Kind::AccessDenied => {
                    let path = naming::ROLE_PATH;
                    let message = format!(
                        "a role {name} exists, apparently outside {path}: it is left alone; rename or delete it ({denied})"
                    );
                    return Err(Error::new(Kind::Conflict, message));
                }
                existing => existing?,
            };
            // A role under our path is ours: a request whose answer was lost created it, or a concurrent run did.
            if existing.role().is_some_and(|role| role.path() == naming::ROLE_PATH) {
                return Ok(());
            }
            Err(Error::new(
                Kind::Conflict,
                format!("a role {name} exists outside {}: it is left alone; rename or delete it", naming::ROLE_PATH),
            ))
        }
        Err(error) => Err(error),
    }
}

/// Creates or updates the crawler. Waits for a role that Glue can't assume yet.
///
/// # Errors
/// [`Kind::Conflict`] if the crawler isn't ours; otherwise Glue's refusal.
pub async fn ensure_crawler(
    clients: &Clients,
    inventory: &Inventory,
    plan: &CrawlerPlan,
    permit: &mut Permit<'_>,
) -> Result<(), Error> {
    let role = role_arn(inventory, &plan.role);
    match plan.change {
        CrawlerChange::None => Ok(()),
        CrawlerChange::Foreign => Err(foreign_crawler(&plan.name)),
        CrawlerChange::Create => {
            let table = plan.config.targets.first().map(|target| target.0.as_str()).unwrap_or_default();
            let request = clients
                .glue
                .create_crawler()
                .name(&plan.name)
                .role(role)
                .database_name(&plan.config.database)
                .description(format!("Crawls the DynamoDB table {table}; kept by glue-ddb-crawler"))
                .table_prefix(&plan.config.table_prefix)
                .targets(targets(&plan.config))
                .schema_change_policy(policy(&plan.config))
                .tags(OWNER_TAG.0, OWNER_TAG.1);
            let new_role = plan.role_change == RoleChange::Create;
            let created = retry_propagation(permit, new_role, || async {
                request.clone().send().await.map(drop).map_err(Error::aws("glue:CreateCrawler"))
            })
            .await;
            match created {
                // It is ours if the answer to an earlier attempt was lost, or if a concurrent run was faster.
                Err(error) if error.already_exists() => {
                    let account = &inventory.account;
                    match retry_propagation(permit, true, || is_own_crawler(clients, account, &plan.name)).await? {
                        true => Ok(()),
                        false => Err(foreign_crawler(&plan.name)),
                    }
                }
                other => other,
            }
        }
        CrawlerChange::Update => {
            let request = clients
                .glue
                .update_crawler()
                .name(&plan.name)
                .role(role)
                .database_name(&plan.config.database)
                .table_prefix(&plan.config.table_prefix)
                .targets(targets(&plan.config))
                .schema_change_policy(policy(&plan.config));
            retry_propagation(permit, false, || async {
                request.clone().send().await.map(drop).map_err(Error::aws("glue:UpdateCrawler"))
            })
            .await
        }
    }
}

/// Starts a crawler. Returns false if it was running already, which is just as good.
///
/// # Errors
/// [`Kind::Throttled`] if Glue accepts no more crawls for now; otherwise its refusal.
pub async fn start_crawler(clients: &Clients, name: &str) -> Result<bool, Error> {
    match clients.glue.start_crawler().name(name).send().await.map_err(Error::aws("glue:StartCrawler")) {
        // From StartCrawler, Glue's quota error is about concurrent crawls, not about the number of crawlers.
        Err(error) if error.kind == Kind::Quota => Err(Error { kind: Kind::Throttled, ..error }),
        Err(error) if error.is("CrawlerRunningException") => Ok(false),
        Err(error) => Err(error),
        Ok(_) => Ok(true),
    }
}

/// Repeats `request` while IAM or Glue hasn't propagated an earlier change yet. Pauses grow, and the permit is released during
/// each. `new` says that the request concerns something that was created or changed a moment ago.
///
/// # Errors
/// Those of `request`: propagation errors once the permit's propagation limit has passed, any other at once.
pub(crate) async fn retry_propagation<T, F: Future<Output = Result<T, Error>>>(
    permit: &mut Permit<'_>,
    new: bool,
    request: impl Fn() -> F,
) -> Result<T, Error> {
    let since = Instant::now();
    let mut pause = Duration::from_secs(1);
    loop {
        match request().await {
            Err(error) if is_transient(&error, new) && since.elapsed() + pause < permit.propagation_limit => {
                tracing::debug!(reason = %error, "waiting for IAM");
                permit.pause(pause).await?;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            other => return other,
        }
    }
}

/// Whether a later attempt may succeed, since IAM and Glue are eventually consistent. Glue has several messages for a role
/// that was created seconds ago ("Service is unable to assume provided role", "Please verify role's TrustPolicy", "not
/// authorized to perform: sts:AssumeRole"). Parts of IAM may not know the role yet. Conditions on new tags or a new boundary
/// aren't met yet, which looks like any other denial. Two writers of one role conflict.
fn is_transient(error: &Error, new: bool) -> bool {
    let names = ["assume", "trustpolicy", "trust policy"];
    let cannot_assume = names.iter().any(|text| error.message.to_lowercase().contains(text));
    (error.is("InvalidInputException") && cannot_assume)
        || error.is_concurrent()
        || new && (error.is("NoSuchEntity") || error.kind == Kind::AccessDenied)
}

fn role_arn(inventory: &Inventory, name: &str) -> String {
    inventory.roles.get(name).map(|role| role.arn.clone()).unwrap_or_else(|| {
        let partition = crawl::naming::partition(&inventory.region);
        format!("arn:{partition}:iam::{}:role{}{name}", inventory.account, naming::ROLE_PATH)
    })
}

fn targets(config: &CrawlerConfig) -> CrawlerTargets {
    let targets = config.targets.iter().map(|(path, scan_all, scan_rate)| {
        DynamoDbTarget::builder().path(path).scan_all(*scan_all).set_scan_rate(*scan_rate).build()
    });
    CrawlerTargets::builder().set_dynamo_db_targets(Some(targets.collect())).build()
}

fn policy(config: &CrawlerConfig) -> SchemaChangePolicy {
    SchemaChangePolicy::builder()
        .update_behavior(GlueUpdate::from(config.policy.0.as_str()))
        .delete_behavior(GlueDelete::from(config.policy.1.as_str()))
        .build()
}
