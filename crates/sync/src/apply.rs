//! Step 3: make the region right. Each function does one thing for one table, can be interrupted anywhere, and is right
//! when done again.

use crawl::{Clients, catalog};
use std::time::{Duration, Instant};

use crate::discover::{CrawlerConfig, Inventory};
use crate::ownership::{OWNER_TAG, foreign_crawler, is_own_crawler};
use crate::permit::Permit;
use crate::plan::{CrawlerChange, CrawlerPlan, DATABASE_LOCATION, DatabaseChange, RoleChange, Vanished};
use crate::policy::{INLINE_POLICY, RoleScope};
use crate::{discover, naming};
use aws_sdk_glue::types::{
    CrawlerTargets, Database, DatabaseInput, DeleteBehavior as GlueDelete, DynamoDbTarget, SchemaChangePolicy, Table,
    UpdateBehavior as GlueUpdate,
};
use aws_sdk_iam::types::Tag;
use crawl::error::{Error, Kind};

/// Makes the database, or gives it the location that the Athena connector looks for.
///
/// # Errors
/// If Glue refuses or does not answer; without the database nothing else can be done.
pub async fn database(clients: &Clients, name: &str, change: DatabaseChange) -> Result<(), Error> {
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

/// Changes a database as it is now. There is no lock: where Glue says that another is changing it, it is read again.
///
/// # Errors
/// If Glue refuses or does not answer. A database that is gone is left at that.
pub(crate) async fn update_database(
    clients: &Clients,
    name: &str,
    change: impl Fn(&mut Database),
) -> Result<(), Error> {
    catalog::retry_concurrent(|| async {
        let Some(mut database) = discover::database(clients, name).await? else { return Ok(()) };
        change(&mut database);
        // What is not said is taken away: Lake Formation's default permissions, for one.
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

/// Marks or deletes `table`, the catalog table of a DynamoDB table that is gone.
///
/// # Errors
/// [`Kind::Conflict`] if the DynamoDB table is there: tables and catalog are listed side by side, so that one made
/// meanwhile looks as if it were gone. Else Glue's refusal, or DynamoDB's.
pub async fn retire(clients: &Clients, database: &str, vanished: &Vanished, table: &Table) -> Result<(), Error> {
    if crawl::dynamodb::describe(clients, &vanished.table).await?.is_some() {
        let message = format!("the DynamoDB table {} was made during this run: run again", vanished.table);
        return Err(Error::new(Kind::Conflict, message));
    }
    catalog::retire(clients, database, table.clone(), vanished.behavior, crawl::now_millis()).await.map(drop)
}

/// Makes or repairs the role. Its description, with the fingerprint, is written last: until then the role counts as
/// half-made, and the next run writes it again.
///
/// # Errors
/// [`Kind::Conflict`] if a role of that name exists outside of our path; else IAM's refusal.
pub async fn role(
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
            with_propagation(permit, true, || write_policies(clients, name, scope, change)).await?;
            with_propagation(permit, true, || describe_role(clients, name, scope)).await
        }
        RoleChange::Repair => {
            with_propagation(permit, false, || reset_role(clients, name, scope)).await?;
            // Whether they may be written goes by the boundary, which was put on just now.
            let capped = scope.boundary.is_some();
            with_propagation(permit, capped, || write_policies(clients, name, scope, change)).await?;
            with_propagation(permit, false, || describe_role(clients, name, scope)).await
        }
    }
}

/// Puts the boundary and the trust policy of an existing role right. The boundary comes first: a run that may only write capped
/// roles is refused their policies until then. One that is no longer asked for stays, since taking it away would widen the role.
async fn reset_role(clients: &Clients, name: &str, scope: &RoleScope<'_>) -> Result<(), Error> {
    if let Some(boundary) = scope.boundary {
        let cap = clients.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(boundary);
        cap.send().await.map_err(Error::aws("iam:PutRolePermissionsBoundary"))?;
    }
    let trust = clients.iam.update_assume_role_policy().role_name(name).policy_document(scope.trust().to_string());
    trust.send().await.map(drop).map_err(Error::aws("iam:UpdateAssumeRolePolicy"))
}

/// Writes the inline policy, and attaches or detaches AWS's own.
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
        // Attached when the setting was on, it would keep the role wider than its documents say.
        let detach = clients.iam.detach_role_policy().role_name(name).policy_arn(arn);
        match detach.send().await.map_err(Error::aws("iam:DetachRolePolicy")) {
            Err(error) if !error.is("NoSuchEntity") => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Marks the role as finished.
async fn describe_role(clients: &Clients, name: &str, scope: &RoleScope<'_>) -> Result<(), Error> {
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
        .description(format!("Being made for the DynamoDB table {}", scope.table))
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
                // The policy of a run lets it look at roles under our path only.
                Err(denied) if denied.kind == Kind::AccessDenied => {
                    let path = naming::ROLE_PATH;
                    let message = format!(
                        "a role {name} exists, and not under {path} as it seems: it is left alone; rename or delete it ({denied})"
                    );
                    return Err(Error::new(Kind::Conflict, message));
                }
                existing => existing?,
            };
            // Under our path it is ours, made by a request whose answer was lost, or by another run just now.
            if existing.role().is_some_and(|role| role.path() == naming::ROLE_PATH) {
                return Ok(());
            }
            Err(Error::new(
                Kind::Conflict,
                format!("a role {name} exists outside of {}: it is left alone; rename or delete it", naming::ROLE_PATH),
            ))
        }
        Err(error) => Err(error),
    }
}

/// Makes the crawler or sets it right. A role that Glue can't assume yet is waited for.
///
/// # Errors
/// [`Kind::Conflict`] if the crawler is somebody else's; else Glue's refusal.
pub async fn crawler(
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
            let created = with_propagation(permit, new_role, || async {
                request.clone().send().await.map(drop).map_err(Error::aws("glue:CreateCrawler"))
            })
            .await;
            match created {
                // Ours, if the answer of an earlier attempt was lost or another run was faster.
                Err(error) if error.already_exists() => {
                    let account = &inventory.account;
                    match with_propagation(permit, true, || is_own_crawler(clients, account, &plan.name)).await? {
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
            with_propagation(permit, false, || async {
                request.clone().send().await.map(drop).map_err(Error::aws("glue:UpdateCrawler"))
            })
            .await
        }
    }
}

/// Starts a crawler. One that runs already is as good as started: then the answer is false.
///
/// # Errors
/// [`Kind::Throttled`] where the service takes no more crawls for now; else its refusal.
pub async fn start(clients: &Clients, name: &str) -> Result<bool, Error> {
    match clients.glue.start_crawler().name(name).send().await.map_err(Error::aws("glue:StartCrawler")) {
        // Here Glue's word for a quota is about the crawlers that run at once.
        Err(error) if error.kind == Kind::Quota => Err(Error { kind: Kind::Throttled, ..error }),
        Err(error) if error.is("CrawlerRunningException") => Ok(false),
        Err(error) => Err(error),
        Ok(_) => Ok(true),
    }
}

/// Repeats `request` while it fails for what a later attempt finds in order, with growing pauses, during which others have the permit.
/// `new` says that the request is about something that was made or changed a moment ago.
///
/// # Errors
/// Those of `request`, once the patience of the permit is over; others at once.
pub(crate) async fn with_propagation<T, F: Future<Output = Result<T, Error>>>(
    permit: &mut Permit<'_>,
    new: bool,
    request: impl Fn() -> F,
) -> Result<T, Error> {
    let since = Instant::now();
    let mut pause = Duration::from_secs(1);
    loop {
        match request().await {
            Err(error) if is_passing(&error, new) && since.elapsed() + pause < permit.patience => {
                tracing::debug!(reason = %error, "waiting for IAM");
                permit.pause(pause).await?;
                pause = (pause * 2).min(Duration::from_secs(10));
            }
            other => return other,
        }
    }
}

/// IAM and Glue are eventually consistent. Of a role that was made seconds ago Glue says in several ways that it can't assume it
/// ("Service is unable to assume provided role", "Please verify role's TrustPolicy", "not authorized to perform:
/// sts:AssumeRole"). Another part of IAM may not know it yet, and conditions on the tags or the boundary of what is new are not
/// met yet, which is a denial like any other. And two writers of one role get in each other's way.
fn is_passing(error: &Error, new: bool) -> bool {
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
