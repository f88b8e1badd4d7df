//! What a request brings beside its body.

use crate::caller::Caller;
use crate::error::AwsError;
use crate::unknowns::Unknowns;

/// Who calls, where, and when: taken from the request's credential scope and the server's clock.
#[derive(Debug, Clone)]
pub struct Context {
    /// Twelve digits; 123456789012 unless the server is told otherwise.
    pub account: String,
    /// From the credential scope of the signature; `us-east-1` for unsigned requests.
    pub region: String,
    /// The clock at the start of the request, in milliseconds since 1970.
    pub now: i64,
    /// The endpoint that answers, among those that share its state: the crawls that it starts are its own.
    pub endpoint: String,
    /// Whose request it is.
    pub caller: Caller,
    /// How what AWS does not publish is done here.
    pub unknowns: Unknowns,
}

impl Context {
    /// `aws`, `aws-cn`, `aws-us-gov`, …: from the region.
    pub fn partition(&self) -> &'static str {
        crawl::naming::partition(&self.region)
    }

    /// `arn:{partition}:{service}:{region}:{account}:{resource}`.
    pub fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:{}:{service}:{}:{}:{resource}", self.partition(), self.region, self.account)
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
