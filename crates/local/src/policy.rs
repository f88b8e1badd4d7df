//! Policies: what they say and what they allow.
//!
//! The order of the IAM User Guide, "Policy evaluation logic": an explicit Deny wins; then identity policies must allow, and
//! so must the permissions boundary. Nothing here reads the store.

mod document;
mod matching;

pub(crate) use document::PolicyDocument;
use document::{Effect, Listed, Statement};
pub(crate) use matching::ConditionValue;
use matching::glob;

use crate::error::AwsError;

/// An action on a resource, with what is known of the request.
pub(crate) struct AccessRequest<'a> {
    /// `dynamodb:Scan`.
    pub(crate) action: &'a str,
    /// An ARN; `*` for actions without resources.
    pub(crate) resource: &'a str,
    /// The values of condition keys.
    pub(crate) keys: &'a [(&'a str, ConditionValue<'a>)],
}

/// Why a request is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No policy of the role allows it.
    NoIdentityPolicy,
    /// The role's permissions boundary does not allow it.
    NoBoundary,
    /// A policy of the role denies it.
    DeniedByIdentityPolicy,
    /// The boundary denies it.
    DeniedByBoundary,
}

/// The policies of a role, read once.
#[derive(Debug)]
pub(crate) struct Permissions {
    pub(crate) identity: Vec<PolicyDocument>,
    pub(crate) boundary: Option<PolicyDocument>,
}

impl Permissions {
    /// The permissions of a role whose policies have not propagated yet.
    pub(crate) fn none() -> Permissions {
        Permissions { identity: Vec::new(), boundary: None }
    }

    /// Checks that a request is allowed.
    ///
    /// # Errors
    /// Why it is not.
    pub(crate) fn allow(&self, request: &AccessRequest) -> Result<(), Refusal> {
        let identity = request.verdict(&self.identity, &[]);
        let boundary = self.boundary.as_ref().map(|boundary| request.verdict(std::slice::from_ref(boundary), &[]));
        match (identity, boundary) {
            (Verdict::Denied, _) => Err(Refusal::DeniedByIdentityPolicy),
            (_, Some(Verdict::Denied)) => Err(Refusal::DeniedByBoundary),
            (Verdict::Silent, _) => Err(Refusal::NoIdentityPolicy),
            (_, Some(Verdict::Silent)) => Err(Refusal::NoBoundary),
            (Verdict::Allowed, None | Some(Verdict::Allowed)) => Ok(()),
        }
    }
}

/// Whether a trust policy allows a principal to assume its role. `who` are all names of the principal.
///
/// # Errors
/// If the document is not a trust policy.
pub(crate) fn trusts(trust: &str, who: &[&str], keys: &[(&str, ConditionValue)]) -> Result<bool, AwsError> {
    let request = AccessRequest { action: "sts:AssumeRole", resource: "", keys };
    Ok(request.verdict(&[PolicyDocument::trust(trust)?], who) == Verdict::Allowed)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Denied,
    Silent,
}

impl AccessRequest<'_> {
    fn verdict(&self, policies: &[PolicyDocument], who: &[&str]) -> Verdict {
        let mut verdict = Verdict::Silent;
        let statements = policies.iter().flat_map(|policy| &policy.statements);
        for statement in statements.filter(|statement| self.is_meant(statement, who)) {
            match statement.effect {
                Effect::Deny => return Verdict::Denied,
                Effect::Allow => verdict = Verdict::Allowed,
            }
        }
        verdict
    }

    fn is_meant(&self, statement: &Statement, who: &[&str]) -> bool {
        let action = self.action.to_ascii_lowercase();
        statement.actions.holds(|pattern| glob(pattern, &action))
            && statement.resources.as_ref().is_none_or(|listed| listed.holds(|pattern| glob(pattern, self.resource)))
            && statement
                .principals
                .as_ref()
                .is_none_or(|listed| listed.holds(|principal| principal == "*" || who.contains(&principal)))
            // An unknown condition fails closed: it allows nothing, and a Deny applies.
            && statement.conditions.iter().all(|c| c.met(self.keys).unwrap_or(statement.effect == Effect::Deny))
    }
}

impl Listed {
    fn holds(&self, matches: impl Fn(&str) -> bool) -> bool {
        self.patterns.iter().any(|pattern| matches(pattern)) != self.negated
    }
}
