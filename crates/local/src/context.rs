//! The context of a request: everything except its body.

use std::sync::Arc;

use crate::error::AwsError;
use crate::policy::Permissions;
use crate::unknowns::Unknowns;

/// Who calls, where, and when: taken from the request's credential scope and the server's clock.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    /// Twelve digits; 123456789012 unless the server is told otherwise.
    pub(crate) account: String,
    /// From the credential scope of the signature; `us-east-1` for unsigned requests.
    pub(crate) region: String,
    /// The clock at the start of the request, in milliseconds since 1970.
    pub(crate) now: i64,
    /// The id of this endpoint among those that share the state. It owns the crawls that it starts.
    pub(crate) endpoint: String,
    /// Who calls.
    pub(crate) caller: Caller,
    /// How to do what AWS does not publish.
    pub(crate) unknowns: Unknowns,
}

impl Context {
    /// `aws`, `aws-cn`, `aws-us-gov`, …: from the region.
    pub(crate) fn partition(&self) -> &'static str {
        crawl::naming::partition(&self.region)
    }

    /// `arn:{partition}:{service}:{region}:{account}:{resource}`.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
    }

    /// The key of this account and region in the store.
    pub(crate) fn scope(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    /// Whether something created at `created` has propagated by now: IAM is eventually consistent.
    pub(crate) fn has_spread(&self, created: i64) -> bool {
        self.now.saturating_sub(created) >= i64::from(self.unknowns.propagation) * 1_000
    }

    /// The error when the caller may not do something, as AWS words it.
    pub(crate) fn denied(&self, action: &str, resource: &str, why: &str) -> AwsError {
        let user = self.caller.arn(self);
        let message = format!("User: {user} is not authorized to perform: {action} on resource: {resource} {why}");
        AwsError::new("AccessDeniedException", message)
    }
}

/// Who calls. Access keys that were not issued here belong to the account, which may do everything.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// The account.
    Account,
    /// A role, with credentials that were issued here.
    Session(Arc<RoleSession>),
}

/// A session of a role, and its permissions at the time of the request.
#[derive(Debug)]
pub(crate) struct RoleSession {
    /// `arn:P:sts::A:assumed-role/ROLE/SESSION`.
    pub(crate) arn: String,
    pub(crate) role_arn: String,
    pub(crate) user_id: String,
    pub(crate) permissions: Permissions,
}

impl Caller {
    /// As GetCallerIdentity and denials show it.
    pub(crate) fn arn(&self, context: &Context) -> String {
        match self {
            Caller::Account => format!("arn:{}:iam::{}:root", context.partition(), context.account),
            Caller::Session(session) => session.arn.clone(),
        }
    }

    /// As GetCallerIdentity shows it.
    pub(crate) fn user_id<'a>(&'a self, context: &'a Context) -> &'a str {
        match self {
            Caller::Account => &context.account,
            Caller::Session(session) => &session.user_id,
        }
    }

    /// All names that a trust policy may use for the caller.
    pub(crate) fn names(&self, context: &Context) -> Vec<String> {
        let mut names = vec![context.account.clone(), Caller::Account.arn(context)];
        if let Caller::Session(session) = self {
            names.extend([session.role_arn.clone(), session.arn.clone()]);
        }
        names
    }

    /// What the caller may do; `None` for everything.
    pub(crate) fn permissions(&self) -> Option<&Permissions> {
        match self {
            Caller::Account => None,
            Caller::Session(session) => Some(&session.permissions),
        }
    }
}
