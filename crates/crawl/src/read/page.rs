//! One page of a Scan. The SDK signs, sends, retries and checks; the body comes as the bytes that were sent, so that no
//! attribute value is ever built but for the key at the end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::IdentityCache;
use aws_sdk_dynamodb::config::retry::{RetryConfig, RetryPartition, TokenBucket};
use aws_sdk_dynamodb::error::ErrorMetadata;
use aws_sdk_dynamodb::operation::scan::{ScanError, ScanOutput};
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, Error as AnyError, Output,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde::Deserialize;

use crate::error::{Error, Kind};

/// Attempts of the SDK for each page, the first included. After them lost connections and 5xx answers end the crawl, and
/// throttling slows it down. The pauses between them are at most 1 + 2 + 4 s.
const ATTEMPTS: u32 = 4;
/// The SDK's own retry quota, for one scan alone: a table that is throttled must not use up the quota of other calls.
const RETRY_TOKENS: usize = 500;

/// The primary key of an item, as the SDK has it.
pub(crate) type ItemKey = HashMap<String, AttributeValue>;

/// What to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Position {
    /// Which segment, of how many; `None` for the whole table.
    pub segment: Option<(u32, u32)>,
    /// The key after which the page begins; `None` at the start.
    pub start: Option<ItemKey>,
}

/// Asks DynamoDB for pages of one table.
pub(crate) struct Pages {
    table: String,
    client: Mutex<Generation>,
}

/// A client, and how often it was renewed.
#[derive(Clone)]
struct Generation {
    client: Client,
    number: u32,
}

impl Pages {
    pub(crate) fn new(client: &Client, table: &str) -> Pages {
        let tokens = RetryPartition::custom("scan").token_bucket(TokenBucket::new(RETRY_TOKENS)).build();
        // Not adaptive: the read budget decides how fast to read, also when throttled, and the SDK's own limiter is shared
        // by all tables.
        let config = client.config().to_builder().retry_partition(tokens);
        let config = config.retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS)).build();
        let client = Mutex::new(Generation { client: Client::from_conf(config), number: 0 });
        Pages { table: table.to_owned(), client }
    }

    /// The body of a page, whole and as it was sent. At most `limit` items, eventually consistent.
    ///
    /// # Errors
    /// If DynamoDB refuses or does not answer, after the SDK's retries.
    pub(crate) async fn body(&self, position: &Position, limit: Option<i32>) -> Result<SdkBody, Error> {
        let used = self.generation();
        match self.send(&used.client, position, limit).await {
            Err(error) if error.is("ExpiredTokenException") => {
                // The SDK holds credentials to be valid for as long as they say; these were cut short.
                let fresh = self.renewed(used.number);
                self.send(&fresh, position, limit).await
            }
            answer => answer,
        }
    }

    async fn send(&self, client: &Client, position: &Position, limit: Option<i32>) -> Result<SdkBody, Error> {
        let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
        let raw = RawBody::default();
        client
            .scan()
            .table_name(&self.table)
            .set_segment(position.segment.map(|(segment, _)| number(segment)))
            .set_total_segments(position.segment.map(|(_, total)| number(total)))
            .set_exclusive_start_key(position.start.clone())
            .set_limit(limit)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .customize()
            .interceptor(raw.clone())
            .send()
            .await
            .map_err(Error::aws("dynamodb:Scan"))?;
        Ok(raw.take())
    }

    fn generation(&self) -> Generation {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A client that asks for credentials again, made by whoever first finds that those of `number` are expired.
    fn renewed(&self, number: u32) -> Client {
        let mut current = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if current.number == number {
            tracing::info!(table = self.table, "the credentials expired during the scan: asking for others");
            let config = current.client.config().to_builder().identity_cache(IdentityCache::lazy().build());
            *current = Generation { client: Client::from_conf(config.build()), number: number + 1 };
        }
        current.client.clone()
    }
}

/// A LastEvaluatedKey, which is short, as the SDK wants it back.
///
/// # Errors
/// If it is no map of S, N and B.
pub(crate) fn parse_key(json: &[u8]) -> Result<ItemKey, Error> {
    let wrong = || Error::new(Kind::Data, "dynamodb:Scan: LastEvaluatedKey is not a map of S, N or B".to_owned());
    let values: HashMap<String, HashMap<String, String>> = serde_json::from_slice(json).map_err(|_| wrong())?;
    let attribute = |value: HashMap<String, String>| match value.into_iter().next() {
        Some((tag, text)) if tag == "S" => Ok(AttributeValue::S(text)),
        Some((tag, text)) if tag == "N" => Ok(AttributeValue::N(text)),
        Some((tag, text)) if tag == "B" => {
            let bytes = aws_smithy_types::base64::decode(text).map_err(|_| wrong())?;
            Ok(AttributeValue::B(Blob::new(bytes)))
        }
        _ => Err(wrong()),
    };
    values.into_iter().map(|(name, value)| Ok((name, attribute(value)?))).collect()
}

/// Keeps the body of a successful Scan from the SDK's deserializer, which would build every attribute value of every
/// item. The SDK sees an empty answer; errors are still its to read.
///
/// A body gets here whole, checked, and after the last retry: what was lost or damaged on the way was never read by anybody.
#[derive(Clone, Debug, Default)]
struct RawBody(Arc<Mutex<Option<SdkBody>>>);

impl RawBody {
    fn take(&self) -> SdkBody {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_else(SdkBody::empty)
    }
}

#[aws_smithy_runtime_api::client::interceptors::dyn_dispatch_hint]
impl Intercept for RawBody {
    fn name(&self) -> &'static str {
        "RawBody"
    }

    fn read_after_transmit(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The orchestrator looks the deserializer up after this hook, so an error answer still gets the SDK's own.
        if context.response().status().is_success() {
            config.interceptor_state().store_put(SharedResponseDeserializer::new(self.clone()));
        }
        Ok(())
    }
}

impl DeserializeResponse for RawBody {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<AnyError>> {
        if !response.status().is_success() {
            // Only of a retry: this deserializer has stayed since an answer that was lost or damaged.
            return Err(refusal(response));
        }
        check_crc32(response, response.body().bytes().unwrap_or_default())?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = response.body().try_clone();
        Ok(Output::erase(ScanOutput::builder().build()))
    }
}

/// An error of DynamoDB as the SDK has it, so that it knows what to do about it.
fn refusal(response: &HttpResponse) -> OrchestratorError<AnyError> {
    #[derive(Deserialize)]
    struct Body {
        #[serde(rename = "__type")]
        code: String,
        #[serde(alias = "Message")]
        message: Option<String>,
    }
    match serde_json::from_slice::<Body>(response.body().bytes().unwrap_or_default()) {
        Ok(Body { code, message }) => {
            let code = code.rsplit('#').next().unwrap_or(&code);
            let metadata = ErrorMetadata::builder().code(code).message(message.unwrap_or_default()).build();
            OrchestratorError::operation(AnyError::erase(ScanError::generic(metadata)))
        }
        Err(_) => OrchestratorError::response(format!("HTTP status {}", response.status().as_u16()).into()),
    }
}

/// DynamoDB sends the CRC32 of every body. A body that differs was damaged on the way: it is read again, as after a lost
/// connection.
fn check_crc32(response: &HttpResponse, body: &[u8]) -> Result<(), OrchestratorError<AnyError>> {
    let Some(sent) = response.headers().get("x-amz-crc32").and_then(|value| value.parse::<u32>().ok()) else {
        return Ok(());
    };
    if crc32fast::hash(body) == sent {
        return Ok(());
    }
    Err(OrchestratorError::connector(ConnectorError::io("the body of a Scan answer does not match its CRC32".into())))
}
