//! Requests and answers on the wire: which service, operation and region a request is for, and how each service writes
//! results and errors.

pub(crate) mod params;
pub(crate) mod xml;

use axum::body::Body;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN};
use axum::http::{Method, Response, StatusCode, request};
use bytes::Bytes;
use serde_json::{Value, json};

use crate::error::AwsError;
use params::Params;
use xml::Xml;

static TARGET: HeaderName = HeaderName::from_static("x-amz-target");
static TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// The prefix of access keys issued here. It tells them from others even after their session is deleted.
pub(crate) const ISSUED_KEYS: &str = "ASIALOCAL";

/// The region of requests that carry no signature.
const DEFAULT_REGION: &str = "us-east-1";

/// Operations of the query services that return an empty result element, without which botocore cannot read the answer.
/// Others without a result omit the element.
const EMPTY_RESULTS: [&str; 1] = ["UpdateRole"];

/// The services that are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    Glue,
    DynamoDb,
    Iam,
    Sts,
}

impl Service {
    /// As in `Glue.GetTables`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Service::Glue => "Glue",
            Service::DynamoDb => "DynamoDB",
            Service::Iam => "IAM",
            Service::Sts => "STS",
        }
    }

    /// The throttling exception.
    pub(crate) fn throttling_code(self) -> &'static str {
        match self {
            Service::Glue | Service::DynamoDb => "ThrottlingException",
            Service::Iam | Service::Sts => "Throttling",
        }
    }

    fn content_type(self) -> &'static str {
        match self {
            Service::Glue => "application/x-amz-json-1.1",
            Service::DynamoDb => "application/x-amz-json-1.0",
            Service::Iam | Service::Sts => "text/xml",
        }
    }

    fn namespace(self) -> &'static str {
        match self {
            Service::Sts => "https://sts.amazonaws.com/doc/2011-06-15/",
            _ => "https://iam.amazonaws.com/doc/2010-05-08/",
        }
    }

    /// The name and status of an error that precedes the operation. The query services have their own.
    fn caller_error(self, error: &AwsError) -> (&'static str, u16) {
        match (self, error.code) {
            (Service::Iam | Service::Sts, "AccessDeniedException") => ("AccessDenied", 403),
            (Service::Iam | Service::Sts, "UnrecognizedClientException") => ("InvalidClientTokenId", 403),
            (Service::Iam | Service::Sts, "ExpiredTokenException") => ("ExpiredToken", 403),
            _ => (error.code, error.status),
        }
    }

    /// The name of internal errors, which differs by service.
    fn internal_code(self) -> &'static str {
        match self {
            Service::Glue => "InternalServiceException",
            Service::DynamoDb => "InternalServerError",
            Service::Iam | Service::Sts => "ServiceFailure",
        }
    }
}

/// A request for an operation.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) service: Service,
    pub(crate) operation: String,
    pub(crate) region: String,
    /// `None` for unsigned requests.
    pub(crate) signer: Option<Signer>,
    /// Empty for the JSON services.
    pub(crate) params: Params,
}

/// The access key and session token of a signature, which is not verified.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Signer {
    pub(crate) access_key: String,
    pub(crate) token: Option<String>,
}

impl Signer {
    /// Whether the access key was issued here, to a role.
    pub(crate) fn is_role(&self) -> bool {
        self.access_key.starts_with(ISSUED_KEYS)
    }
}

impl Call {
    /// Finds the operation: `X-Amz-Target` for Glue and DynamoDB; for the query services `Action`, and the credential
    /// scope or else `Version` for the service.
    ///
    /// # Errors
    /// If it names no operation of a known service, or may come from a web page: see [`not_from_a_page`].
    pub(crate) fn read(parts: &request::Parts, body: &[u8]) -> Result<Call, AwsError> {
        not_from_a_page(parts)?;
        only_once(parts)?;
        let query = parts.uri.query().unwrap_or_default();
        if let Some(target) = parts.headers.get(&TARGET) {
            if parts.method != Method::POST {
                return Err(only_post());
            }
            let (service, operation) = json_target(target)?;
            let Scope { region, signer, .. } = Scope::find(parts, &Params::read(query, b"")?)?;
            return Ok(Call { service, operation, region, signer, params: Params::default() });
        }
        let params = Params::read(query, body)?;
        let scope = Scope::find(parts, &params)?;
        let Some(action) = params.get("Action") else {
            return Err(AwsError::new(
                "MissingAction",
                "The request names no operation: Glue and DynamoDB need X-Amz-Target, IAM and STS need Action.",
            ));
        };
        let service = match (scope.service.as_deref(), params.get("Version")) {
            (Some("iam"), _) | (None, Some("2010-05-08")) => Service::Iam,
            (Some("sts"), _) | (None, Some("2011-06-15")) => Service::Sts,
            _ => return Err(not_served("The request's service")),
        };
        let harmless = service == Service::Sts && action == "GetCallerIdentity" && parts.method == Method::GET;
        if parts.method != Method::POST && !harmless {
            return Err(only_post());
        }
        Ok(Call { service, operation: operation_name(action)?, region: scope.region, signer: scope.signer, params })
    }

    /// `Service.Operation`, the name for counting calls and injecting faults.
    pub(crate) fn name(&self) -> String {
        format!("{}.{}", self.service.name(), self.operation)
    }
}

/// Refuses requests that a browser sends for a web page: signatures are not verified, and a host name that resolves to a
/// loopback address gives the page the same origin. Browsers put `Origin` on every POST, and no AWS client does. A GET
/// without it can only be GetCallerIdentity, which changes nothing and returns the account number.
fn not_from_a_page(parts: &request::Parts) -> Result<(), AwsError> {
    match parts.headers.contains_key(ORIGIN) {
        true => Err(AwsError::new("AccessDeniedException", "Requests of web pages are not served.").status(403)),
        false => Ok(()),
    }
}

/// Refuses a second value of a header that names the operation or the caller: another endpoint may read the other value.
fn only_once(parts: &request::Parts) -> Result<(), AwsError> {
    let twice = |name: &&HeaderName| parts.headers.get_all(*name).iter().nth(1).is_some();
    match [&TARGET, &AUTHORIZATION, &TOKEN, &HOST].into_iter().find(twice) {
        None => Ok(()),
        Some(name) => Err(AwsError::new("InvalidRequestException", format!("The header {name} stands there twice."))),
    }
}

fn only_post() -> AwsError {
    AwsError::new("MethodNotAllowedException", "Requests are served as POST only.").status(405)
}

fn json_target(target: &HeaderValue) -> Result<(Service, String), AwsError> {
    let target = target.to_str().unwrap_or_default();
    let service = match target.split_once('.') {
        Some(("AWSGlue", _)) => Service::Glue,
        Some(("DynamoDB_20120810", _)) => Service::DynamoDb,
        _ => return Err(not_served("The service of X-Amz-Target")),
    };
    Ok((service, operation_name(target.split_once('.').unwrap_or_default().1)?))
}

fn not_served(what: &str) -> AwsError {
    AwsError::new(
        "UnknownOperationException",
        format!("{what} is not served here: only Glue, DynamoDB, IAM and STS are."),
    )
}

/// Checks the name of an operation. Its length is bounded, because operations are counted by name.
fn operation_name(name: &str) -> Result<String, AwsError> {
    if name.is_empty() || name.len() > 64 || !name.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return Err(AwsError::new("UnknownOperationException", "The request's operation is not the name of one."));
    }
    Ok(name.to_owned())
}

/// The credential scope of a Signature Version 4, from the header or the query of a presigned URL.
#[derive(Debug, PartialEq, Eq)]
struct Scope {
    region: String,
    service: Option<String>,
    signer: Option<Signer>,
}

impl Scope {
    fn find(parts: &request::Parts, query: &Params) -> Result<Scope, AwsError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let credential = match (header, query.get("X-Amz-Credential")) {
            (Some(_), Some(_)) => {
                return Err(incomplete("A request is signed in its header or in its query, not in both."));
            }
            (Some(header), None) => header
                .split([' ', ','])
                .find_map(|part| part.strip_prefix("Credential="))
                .ok_or_else(|| incomplete("Authorization header requires 'Credential' parameter."))?,
            (None, Some(presigned)) => presigned,
            (None, None) => return Ok(Scope { region: DEFAULT_REGION.to_owned(), service: None, signer: None }),
        };
        let token = parts.headers.get(&TOKEN).and_then(|value| value.to_str().ok());
        Scope::parse(credential, token.or(query.get("X-Amz-Security-Token")))
    }

    /// `AKID/date/region/service/aws4_request`.
    fn parse(credential: &str, token: Option<&str>) -> Result<Scope, AwsError> {
        let parts: Vec<&str> = credential.split('/').collect();
        match parts[..] {
            [access_key, _, region, service, "aws4_request"] if is_region(region) => Ok(Scope {
                region: region.to_owned(),
                service: Some(service.to_owned()),
                signer: Some(Signer { access_key: access_key.to_owned(), token: token.map(str::to_owned) }),
            }),
            _ => Err(incomplete(
                "Credential must have exactly 5 slash-delimited elements: keyid/date/region/service/aws4_request.",
            )),
        }
    }
}

/// Whether a text can be a region. Regions become part of ARNs.
fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn incomplete(message: &str) -> AwsError {
    AwsError::new("IncompleteSignatureException", message)
}

/// The JSON body of a request.
pub(crate) fn json_body(body: &[u8]) -> Result<Value, AwsError> {
    match serde_json::from_slice(body) {
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(_) => Err(AwsError::new("SerializationException", "The request's body must be a JSON object.")),
        Err(error) => Err(AwsError::new(
            "SerializationException",
            format!("The request's body is not valid JSON: line {} column {}.", error.line(), error.column()),
        )),
    }
}

/// The answer of a JSON service.
pub(crate) fn json_answer(service: Service, body: Bytes) -> Response<Body> {
    answer(service, StatusCode::OK, body)
}

/// The answer of a query service.
pub(crate) fn xml_answer(service: Service, operation: &str, result: Xml, request_id: &str) -> Response<Body> {
    let mut xml = Xml::default();
    if !result.is_empty() || EMPTY_RESULTS.contains(&operation) {
        xml.wrap(&format!("{operation}Result"), |xml| xml.append(result));
    }
    xml.wrap("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    let document = xml.document(&format!("{operation}Response"), service.namespace());
    answer(service, StatusCode::OK, document.into())
}

/// An error as `service` writes it; `None` if the service is unknown.
pub(crate) fn error_answer(service: Option<Service>, error: &AwsError, request_id: &str) -> Response<Body> {
    let (code, status) = service.map_or((error.code, error.status), |service| service.caller_error(error));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let code = match service {
        Some(service) if status.is_server_error() => service.internal_code(),
        _ => code,
    };
    let message = &error.message;
    let service = service.unwrap_or(Service::Glue);
    let body = match service {
        Service::Glue => json!({ "__type": code, "Message": message }).to_string(),
        Service::DynamoDb => {
            json!({ "__type": format!("{}{code}", dynamodb_shape(code)), "message": message }).to_string()
        }
        Service::Iam | Service::Sts => error_xml(service, code, message, status, request_id),
    };
    answer(service, status, body.into())
}

/// The prefix of an exception name in DynamoDB: some are its own, others come from its framework.
fn dynamodb_shape(code: &str) -> &'static str {
    match code {
        "ValidationException" => "com.amazon.coral.validate#",
        "SerializationException"
        | "UnknownOperationException"
        | "IncompleteSignatureException"
        | "AccessDeniedException"
        | "UnrecognizedClientException"
        | "ExpiredTokenException" => "com.amazon.coral.service#",
        "ThrottlingException" => "com.amazon.coral.availability#",
        _ => "com.amazonaws.dynamodb.v20120810#",
    }
}

fn error_xml(service: Service, code: &str, message: &str, status: StatusCode, request_id: &str) -> String {
    let mut xml = Xml::default();
    xml.wrap("Error", |xml| {
        xml.text("Type", if status.is_server_error() { "Receiver" } else { "Sender" });
        xml.text("Code", code);
        xml.text("Message", message);
    });
    xml.text("RequestId", request_id);
    xml.document("ErrorResponse", service.namespace())
}

fn answer(service: Service, status: StatusCode, body: Bytes) -> Response<Body> {
    // Clients of DynamoDB may check answers against this checksum.
    let crc32 = (service == Service::DynamoDb).then(|| crc32fast::hash(&body));
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(service.content_type()));
    if let Some(crc32) = crc32 {
        headers.insert("x-amz-crc32", HeaderValue::from(crc32));
    }
    response
}
