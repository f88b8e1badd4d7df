//! Who calls: the account itself, or a role.

use std::sync::Arc;

use rusqlite::Transaction;

use crate::context::Context;
use crate::error::AwsError;
use crate::iam::{Permissions, Role};
use crate::sts;
use crate::wire::Signer;

/// Who calls. Access keys that were not issued here are the account's own and may do everything.
#[derive(Debug, Clone)]
pub enum Caller {
    /// The account.
    Account,
    /// A role, with credentials that were issued here.
    Session(Arc<RoleSession>),
}

/// A role's session, and what it may do at the time of the request.
#[derive(Debug)]
pub struct RoleSession {
    /// `arn:P:sts::A:assumed-role/ROLE/SESSION`.
    arn: String,
    role_arn: String,
    user_id: String,
    permissions: Permissions,
}

impl Caller {
    /// Whose signature a request carries.
    ///
    /// # Errors
    /// `UnrecognizedClientException` for credentials that were issued here but are wrong, or whose role is gone;
    /// `ExpiredTokenException`.
    pub(crate) fn of(tx: &Transaction, context: &Context, signer: Option<&Signer>) -> Result<Caller, AwsError> {
        let Some(signer) = signer.filter(|signer| signer.is_role()) else { return Ok(Caller::Account) };
        let invalid =
            || AwsError::new("UnrecognizedClientException", "The security token included in the request is invalid.");
        let session = sts::session(tx, &signer.access_key)?.ok_or_else(invalid)?;
        if signer.token.as_deref().map(sts::fingerprint).as_ref() != Some(&session.token) {
            return Err(invalid());
        }
        if session.expires <= context.now {
            let message = "The security token included in the request is expired";
            return Err(AwsError::new("ExpiredTokenException", message));
        }
        let role = Role::find(tx, &session.role)?.filter(|role| role.id == session.role_id).ok_or_else(invalid)?;
        Caller::session(tx, context, &role, &session.session)
    }

    /// A session of a role.
    pub(crate) fn session(tx: &Transaction, context: &Context, role: &Role, session: &str) -> Result<Caller, AwsError> {
        Ok(Caller::Session(Arc::new(RoleSession {
            arn: sts::session_arn(context, &role.name, session),
            role_arn: role.arn(context),
            user_id: format!("{}:{session}", role.id),
            permissions: match context.has_spread(role.created) {
                true => Permissions::of(tx, role)?,
                false => Permissions::none(),
            },
        })))
    }

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
