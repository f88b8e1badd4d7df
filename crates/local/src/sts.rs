//! STS: the identity of the caller, and credentials of roles.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use crate::context::{Caller, Context, RoleSession};
use crate::error::AwsError;
use crate::iam::{self, Role, role_permissions};
use crate::policy::{self, ConditionValue, Permissions};
use crate::wire::params::Params;
use crate::wire::xml::Xml;
use crate::wire::{ISSUED_KEYS, Signer};

/// The tables of this service in the state store. Sessions are found by access key. A role recreated under the same
/// name has another id, which voids sessions of the old role.
pub(crate) const TABLES: &str = "
    CREATE TABLE sts_session (
        access_key TEXT NOT NULL PRIMARY KEY,
        token TEXT NOT NULL,            -- SHA-256 of the session token
        role TEXT NOT NULL,
        role_id TEXT NOT NULL,
        session TEXT NOT NULL,
        expires INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX sts_session_expires ON sts_session (expires);
";

/// How long an expired session is kept, in milliseconds, so that its caller learns that it has expired.
const EXPIRED_TTL: i64 = 24 * 60 * 60 * 1000;

/// Temporary credentials of a role.
pub(crate) struct Issued {
    pub(crate) access_key: String,
    pub(crate) secret: String,
    pub(crate) token: String,
    /// Milliseconds since 1970.
    expires: i64,
}

/// What is known of an access key that was issued here.
struct Session {
    /// The [`fingerprint`] of the token. The token is only compared and the secret key is not used, so neither is stored.
    token: String,
    role: String,
    role_id: String,
    session: String,
    /// Milliseconds since 1970.
    expires: i64,
}

/// The session of an access key.
fn session(tx: &Transaction, access_key: &str) -> Result<Option<Session>, AwsError> {
    let sql = "SELECT token, role, role_id, session, expires FROM sts_session WHERE access_key = ?1";
    let stored = |row: &rusqlite::Row| {
        Ok(Session {
            token: row.get(0)?,
            role: row.get(1)?,
            role_id: row.get(2)?,
            session: row.get(3)?,
            expires: row.get(4)?,
        })
    };
    Ok(tx.prepare_cached(sql)?.query_row([access_key], stored).optional()?)
}

/// The form in which a session token is stored.
fn fingerprint(token: &str) -> String {
    Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Finds the caller by the signature of a request.
///
/// # Errors
/// `UnrecognizedClientException` for credentials that were issued here but are wrong, or whose role is gone;
/// `ExpiredTokenException`.
pub(crate) fn authenticate(tx: &Transaction, context: &Context, signer: Option<&Signer>) -> Result<Caller, AwsError> {
    let Some(signer) = signer.filter(|signer| signer.is_role()) else { return Ok(Caller::Account) };
    let invalid =
        || AwsError::new("UnrecognizedClientException", "The security token included in the request is invalid.");
    let session = session(tx, &signer.access_key)?.ok_or_else(invalid)?;
    if signer.token.as_deref().map(fingerprint).as_ref() != Some(&session.token) {
        return Err(invalid());
    }
    if session.expires <= context.now {
        let message = "The security token included in the request is expired";
        return Err(AwsError::new("ExpiredTokenException", message));
    }
    let role = Role::find(tx, &session.role)?.filter(|role| role.id == session.role_id).ok_or_else(invalid)?;
    role_session(tx, context, &role, &session.session)
}

/// The caller for a session of a role.
pub(crate) fn role_session(
    tx: &Transaction,
    context: &Context,
    role: &Role,
    session: &str,
) -> Result<Caller, AwsError> {
    Ok(Caller::Session(Arc::new(RoleSession {
        arn: session_arn(context, &role.name, session),
        role_arn: role.arn(context),
        user_id: format!("{}:{session}", role.id),
        permissions: match context.has_spread(role.created) {
            true => role_permissions(tx, role)?,
            false => Permissions::none(),
        },
    })))
}

/// Credentials for a session of a role, good for `seconds`.
pub(crate) fn issue(tx: &Transaction, role: &Role, session: &str, seconds: i64, now: i64) -> Result<Issued, AwsError> {
    tx.execute("DELETE FROM sts_session WHERE expires < ?1", [now - EXPIRED_TTL])?;
    let random = || uuid::Uuid::new_v4().simple().to_string();
    let issued = Issued {
        access_key: ISSUED_KEYS.chars().chain(random().chars().take(11)).collect::<String>().to_ascii_uppercase(),
        secret: random(),
        token: format!("{}{}", random(), random()),
        expires: now + seconds * 1000,
    };
    tx.execute(
        "INSERT INTO sts_session (access_key, token, role, role_id, session, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![issued.access_key, fingerprint(&issued.token), role.name, role.id, session, issued.expires],
    )?;
    Ok(issued)
}

/// Answers one request with the content of its result element.
///
/// # Errors
/// `InvalidAction` for everything but AssumeRole and GetCallerIdentity.
pub(crate) fn call(tx: &Transaction, context: &Context, operation: &str, params: &Params) -> Result<Xml, AwsError> {
    match operation {
        "AssumeRole" => assume_role(tx, context, params),
        "GetCallerIdentity" => Ok(caller_identity(context)),
        _ => {
            Err(AwsError::new("InvalidAction", format!("Could not find operation {operation} for version 2011-06-15")))
        }
    }
}

fn caller_identity(context: &Context) -> Xml {
    let mut xml = Xml::default();
    xml.text("Arn", &context.caller.arn(context));
    xml.text("UserId", context.caller.user_id(context));
    xml.text("Account", &context.account);
    xml
}

/// The role's trust policy must name the caller. A role that assumes another also needs the permission, even if the
/// trust policy names that very role, which is enough in AWS.
fn assume_role(tx: &Transaction, context: &Context, params: &Params) -> Result<Xml, AwsError> {
    for member in ["Policy", "PolicyArns.member.1.arn", "Tags.member.1.Key", "SourceIdentity", "SerialNumber"] {
        if params.get(member).is_some() {
            return Err(AwsError::new(
                "ValidationError",
                format!("{member} is not offered by this endpoint: leave it out."),
            ));
        }
    }
    let arn = iam::check::role_arn(params)?;
    let session = session_name(params)?;
    let denied = || {
        let why = "because no resource-based policy allows the sts:AssumeRole action";
        context.denied("sts:AssumeRole", arn, why)
    };
    let role = Role::resolve(tx, arn)?.filter(|role| role.arn(context) == arn).ok_or_else(denied)?;
    let external = params.get("ExternalId").map(|id| ("sts:ExternalId", ConditionValue::Text(id)));
    let keys: Vec<_> = external.into_iter().chain([("sts:RoleSessionName", ConditionValue::Text(session))]).collect();
    let names = context.caller.names(context);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if !policy::trusts(&role.trust, &names, &keys)? {
        return Err(denied());
    }
    let seconds = duration(context, &role, params)?;
    let issued = issue(tx, &role, session, seconds, context.now)?;
    let mut xml = Xml::default();
    xml.wrap("Credentials", |xml| {
        xml.text("AccessKeyId", &issued.access_key);
        xml.text("SecretAccessKey", &issued.secret);
        xml.text("SessionToken", &issued.token);
        xml.text("Expiration", &iam::timestamp(issued.expires));
    });
    xml.wrap("AssumedRoleUser", |xml| {
        xml.text("Arn", &session_arn(context, &role.name, session));
        xml.text("AssumedRoleId", &format!("{}:{session}", role.id));
    });
    xml.text("PackedPolicySize", "0");
    Ok(xml)
}

/// As GetCallerIdentity and denials show a role's session.
pub(crate) fn session_arn(context: &Context, role: &str, session: &str) -> String {
    format!("arn:{}:sts::{}:assumed-role/{role}/{session}", context.partition(), context.account)
}

fn session_name(params: &Params) -> Result<&str, AwsError> {
    let name = params.required("RoleSessionName")?;
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    if !(2..=64).contains(&name.len()) || !name.bytes().all(allowed) {
        let message = "RoleSessionName must have 2 to 64 characters out of letters, digits and _+=,.@-";
        return Err(AwsError::new("ValidationError", message));
    }
    Ok(name)
}

/// An hour by default, and at most where one role assumes another; otherwise up to what the role allows.
fn duration(context: &Context, role: &Role, params: &Params) -> Result<i64, AwsError> {
    let seconds = params.number("DurationSeconds")?.unwrap_or(3600);
    if !(900..=43_200).contains(&seconds) {
        return Err(AwsError::new("ValidationError", "DurationSeconds must be between 900 and 43200."));
    }
    let chained = matches!(context.caller, Caller::Session(_));
    if chained && seconds > 3600 {
        let message =
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
        return Err(AwsError::new("ValidationError", message));
    }
    if seconds > role.max_session {
        let message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
        return Err(AwsError::new("ValidationError", message));
    }
    Ok(seconds)
}
