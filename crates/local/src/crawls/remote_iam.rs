//! Roles kept by another endpoint, copied here before they are needed and then judged like any other.

use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use crawl::Clients;
use crawl::aws::local_config;
use percent_encoding::percent_decode_str;
use rusqlite::Transaction;

use super::CrawlContext;
use crate::config::IamEndpoint;
use crate::error::AwsError;
use crate::iam::{RoleCopy, copy_role, forget_copy};

/// IAM is global.
const REGION: &str = "us-east-1";

/// Another endpoint's IAM.
pub(super) struct RemoteIam {
    clients: Clients,
    url: String,
}

impl CrawlContext {
    /// Updates the copy of a role, if another endpoint keeps roles. `role` is a name, with or without its path, or an ARN.
    /// Costs one call for the role and one or two for each of its policies.
    ///
    /// # Errors
    /// If that endpoint does not answer or refuses the request.
    pub(super) async fn refresh_role(&self, role: &str) -> Result<(), AwsError> {
        let Some(remote) = &self.remote_iam else { return Ok(()) };
        let name = role.rsplit('/').next().unwrap_or_default().to_owned();
        let copy = remote.fetch_role(&name).await?;
        let keep = move |tx: &Transaction| match &copy {
            Some(copy) => copy_role(tx, copy),
            None => forget_copy(tx, &name),
        };
        self.backend.transaction(keep).await
    }
}

impl RemoteIam {
    pub(super) fn new(iam: IamEndpoint) -> RemoteIam {
        // Take only credentials from the environment: its AWS_ENDPOINT_URL may be this endpoint.
        let config = local_config(&iam.url, REGION).into_builder().credentials_provider(iam.credentials).build();
        RemoteIam { clients: Clients::new(&config), url: iam.url }
    }

    /// The configuration of DynamoDB clients with the same credentials.
    pub(super) fn dynamodb(&self) -> aws_sdk_dynamodb::config::Builder {
        self.clients.dynamodb.config().to_builder()
    }

    async fn fetch_role(&self, name: &str) -> Result<Option<RoleCopy>, AwsError> {
        let iam = &self.clients.iam;
        let role = match iam.get_role().role_name(name).send().await {
            Ok(found) => found.role,
            Err(error) if error.code() == Some("NoSuchEntity") => None,
            Err(error) => return Err(self.look_up_error("GetRole", &error)),
        };
        let Some(role) = role else { return Ok(None) };
        let boundary = role.permissions_boundary().and_then(|boundary| boundary.permissions_boundary_arn());
        let mut copy = RoleCopy {
            name: role.role_name().to_owned(),
            id: role.role_id().to_owned(),
            path: role.path().to_owned(),
            trust: decode(role.assume_role_policy_document()),
            boundary: boundary.map(str::to_owned),
            inline: Vec::new(),
            attached: Vec::new(),
            managed: Vec::new(),
        };
        let mut names = iam.list_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = names.next().await {
            let policy = policy.map_err(|error| self.look_up_error("ListRolePolicies", &error))?;
            let get = iam.get_role_policy().role_name(name).policy_name(&policy).send().await;
            let document = get.map_err(|error| self.look_up_error("GetRolePolicy", &error))?;
            copy.inline.push((policy, decode(Some(document.policy_document()))));
        }
        let mut attached = iam.list_attached_role_policies().role_name(name).into_paginator().items().send();
        while let Some(policy) = attached.next().await {
            let policy = policy.map_err(|error| self.look_up_error("ListAttachedRolePolicies", &error))?;
            copy.attached.extend(policy.policy_arn);
        }
        for arn in copy.attached.iter().chain(&copy.boundary) {
            if !arn.contains(":iam::aws:policy/") && !copy.managed.iter().any(|(known, _)| known == arn) {
                copy.managed.push((arn.clone(), self.fetch_policy(arn).await?));
            }
        }
        Ok(Some(copy))
    }

    /// The document of a customer managed policy.
    async fn fetch_policy(&self, arn: &str) -> Result<String, AwsError> {
        let iam = &self.clients.iam;
        let policy =
            iam.get_policy().policy_arn(arn).send().await.map_err(|error| self.look_up_error("GetPolicy", &error))?;
        let version = policy.policy().and_then(|policy| policy.default_version_id()).unwrap_or("v1");
        let version = iam.get_policy_version().policy_arn(arn).version_id(version).send().await;
        let version = version.map_err(|error| self.look_up_error("GetPolicyVersion", &error))?;
        Ok(decode(version.policy_version().and_then(|version| version.document())))
    }

    fn look_up_error(&self, operation: &str, error: &(impl ProvideErrorMetadata + std::error::Error)) -> AwsError {
        let why = match (error.code(), error.message()) {
            (Some(code), message) => format!("{code}: {}", message.unwrap_or_default()),
            _ => error.to_string(),
        };
        AwsError::internal(format!("a crawler's role can't be looked up: {operation} at {}: {why}", self.url))
    }
}

/// Policy documents are percent-encoded in answers.
fn decode(document: Option<&str>) -> String {
    percent_decode_str(document.unwrap_or_default()).decode_utf8_lossy().into_owned()
}
