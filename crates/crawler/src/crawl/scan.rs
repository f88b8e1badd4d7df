//! Scan of a live table. The SDK signs, sends, retries and pages; the items go from the body of the answer into the Shape
//! and are never built as attribute values.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_sdk_dynamodb::operation::scan::ScanOutput;
use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, BillingMode, ReturnConsumedCapacity, TableDescription};
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
use schema::{Policy, Reader};

use super::{CrawlRequest, Reading};
use crate::Clients;
use crate::error::{Error, Kind};

/// Reads the table, page by page, within the read budget.
///
/// Memory: one page (1 MB) and the Shape.
pub(super) async fn scan(
    clients: &Clients,
    description: &TableDescription,
    request: &CrawlRequest,
) -> Result<Reading, Error> {
    let mut reader = Reader::new(&request.types);
    let mut budget = Budget::new(units_per_second(description, request.scan_rate));
    let mut start = None;
    loop {
        let page = page(clients, &request.table, start, &mut reader).await?;
        budget.spent += page.read_units;
        start = page.next;
        if start.is_none() || !request.scan_all {
            break;
        }
        tokio::time::sleep(budget.pause()).await;
    }
    let shape = reader.finish().map_err(|e| unreadable(&request.table, &e))?;
    Ok(Reading { shape, complete: start.is_none(), read_units: budget.spent })
}

/// The top-level attribute names of one page of items, spelled as in the items.
pub(crate) async fn attribute_names(clients: &Clients, table: &str) -> Result<Vec<String>, Error> {
    let policy = Policy::default();
    let mut reader = Reader::new(&policy);
    page(clients, table, None, &mut reader).await?;
    let shape = reader.finish().map_err(|e| unreadable(table, &e))?;
    let schema = shape.settle(&[], &Default::default(), &policy);
    Ok(schema.columns.into_iter().map(|column| column.attribute).collect())
}

struct Page {
    next: Option<Key>,
    read_units: f64,
}

type Key = HashMap<String, AttributeValue>;

async fn page(clients: &Clients, table: &str, start: Option<Key>, reader: &mut Reader) -> Result<Page, Error> {
    let raw = RawBody::default();
    clients
        .dynamodb
        .scan()
        .table_name(table)
        .set_exclusive_start_key(start)
        .return_consumed_capacity(ReturnConsumedCapacity::Total)
        .customize()
        .interceptor(raw.clone())
        .send()
        .await
        .map_err(Error::aws("dynamodb:Scan"))?;
    let body = raw.take();
    let body = body.as_ref().and_then(SdkBody::bytes).unwrap_or_default();
    let page = reader.scan_response(body).map_err(|e| unreadable(table, &e))?;
    let next = page.last_evaluated_key.map(|range| key(body.get(range).unwrap_or_default())).transpose()?;
    Ok(Page { next, read_units: page.consumed_capacity.unwrap_or_default() })
}

/// A LastEvaluatedKey, which is short, as the SDK wants it back.
fn key(json: &[u8]) -> Result<Key, Error> {
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

fn unreadable(table: &str, error: &schema::ReadError) -> Error {
    Error::new(Kind::Data, format!("an item of the DynamoDB table {table} can't be read: {error}"))
}

/// Read units a second that the scan may use.
///
/// Source: `scanRate` in the Glue API: "the default is 0.5 for provisioned and 0.25 of the maximum configured read
/// capacity for on-demand tables"; without a configured maximum, Glue ETL takes 40,000.
fn units_per_second(description: &TableDescription, rate: Option<f64>) -> f64 {
    const ON_DEMAND_UNITS: f64 = 40_000.0;
    let billing = description.billing_mode_summary().and_then(|summary| summary.billing_mode());
    let provisioned = description.provisioned_throughput().and_then(|t| t.read_capacity_units()).unwrap_or(0);
    if billing == Some(&BillingMode::PayPerRequest) || provisioned <= 0 {
        let maximum = description.on_demand_throughput().and_then(|t| t.max_read_request_units()).filter(|m| *m > 0);
        rate.unwrap_or(0.25) * maximum.map_or(ON_DEMAND_UNITS, |m| m as f64)
    } else {
        rate.unwrap_or(0.5) * provisioned as f64
    }
}

/// Paces a scan so that what was spent never runs ahead of `rate` times the time that went by.
struct Budget {
    rate: f64,
    spent: f64,
    since: Instant,
}

impl Budget {
    fn new(rate: f64) -> Budget {
        Budget { rate, spent: 0.0, since: Instant::now() }
    }

    fn pause(&self) -> Duration {
        Duration::from_secs_f64((self.spent / self.rate).min(3600.0)).saturating_sub(self.since.elapsed())
    }
}

/// Keeps the body of a successful Scan from the SDK's deserializer, which would build every attribute value of every
/// item. The SDK sees an empty answer; errors are still its to read.
#[derive(Clone, Debug, Default)]
struct RawBody(Arc<Mutex<Option<SdkBody>>>);

impl RawBody {
    fn take(&self) -> Option<SdkBody> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
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
            // Only after a damaged answer: the retry's error is told by its status alone.
            return Err(OrchestratorError::response(format!("HTTP status {}", response.status().as_u16()).into()));
        }
        check_crc32(response, response.body().bytes().unwrap_or_default())?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = response.body().try_clone();
        Ok(Output::erase(ScanOutput::builder().build()))
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
