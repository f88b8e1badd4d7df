//! What a request brings beside its body.

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
    /// The endpoint that answers, among those that share its state: the crawls that it starts are its own.
    pub(crate) endpoint: String,
    /// Whose request it is.
    pub(crate) caller: Caller,
    /// How what AWS does not publish is done here.
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

    /// What keeps the state of one account and region apart from that of others.
    pub(crate) fn scope(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    /// Whether what was made at `created` counts everywhere by now: IAM is eventually consistent.
    pub(crate) fn has_spread(&self, created: i64) -> bool {
        self.now.saturating_sub(created) >= i64::from(self.unknowns.propagation) * 1_000
    }

    /// What AWS says when the caller may not do something.
    pub(crate) fn denied(&self, action: &str, resource: &str, why: &str) -> AwsError {
        let user = self.caller.arn(self);
        let message = format!("User: {user} is not authorized to perform: {action} on resource: {resource} {why}");
        AwsError::new("AccessDeniedException", message)
    }
}

/// Who calls. Access keys that were not issued here are the account's own and may do everything.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// The account.
    Account,
    /// A role, with credentials that were issued here.
    Session(Arc<RoleSession>),
}

/// A role's session, and what it may do at the time of the request.
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

    /// All names by which a trust policy may mean the caller.
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
