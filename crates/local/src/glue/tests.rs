//! The service as its callers see it: requests and answers, on a store in memory.

mod any_request;
mod crawlers;
mod crawls;
mod registry;
mod tables;

use serde_json::{Value, json};

use crate::context::{Caller, Context};
use crate::error::AwsError;
use crate::state;
use crate::store::Store;

/// Noon of a day of 2025, in milliseconds.
const NOON: i64 = 1_750_000_000_000;

struct Glue {
    store: Store,
    context: Context,
}

impl Glue {
    fn new() -> Glue {
        let context = Context {
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            now: NOON,
            endpoint: "this".into(),
            caller: Caller::Account,
            unknowns: Default::default(),
        };
        Glue { store: state::open(None).unwrap(), context }
    }

    /// A catalog with the database `db`.
    fn with_database() -> Glue {
        let glue = Glue::new();
        glue.call("CreateDatabase", json!({"DatabaseInput": {"Name": "db"}}));
        glue
    }

    fn answer(&self, operation: &str, body: &Value) -> Result<super::Answer, AwsError> {
        let parsed = super::ParsedRequest::read(&self.context, operation, body.clone())?;
        self.store.transaction(|tx| super::call(tx, &self.context, &parsed))
    }

    #[track_caller]
    fn call(&self, operation: &str, body: Value) -> Value {
        self.answer(operation, &body).unwrap_or_else(|error| panic!("{operation}: {error}")).body
    }

    #[track_caller]
    fn refused(&self, operation: &str, body: Value) -> AwsError {
        self.answer(operation, &body).expect_err(operation)
    }

    /// The code of the exception, for rules that many requests break.
    #[track_caller]
    fn code(&self, operation: &str, body: Value) -> &'static str {
        self.refused(operation, body).code
    }

    /// All pages of a list, `size` rows each; every page but the last must be full.
    #[track_caller]
    fn pages(&self, operation: &str, mut body: Value, member: &str, size: usize) -> Vec<Value> {
        let mut all = Vec::new();
        body["MaxResults"] = size.into();
        loop {
            let mut answer = self.call(operation, body.clone());
            let rows = answer[member].as_array_mut().expect(member);
            let token = |answer: &Value| answer.get("NextToken").cloned();
            let count = rows.len();
            all.append(rows);
            match token(&answer) {
                Some(token) => {
                    assert_eq!(count, size, "a page with another behind it is full");
                    body["NextToken"] = token;
                }
                None => return all,
            }
        }
    }
}

fn names(rows: &[Value], member: &str) -> Vec<String> {
    rows.iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_unknown_operation_is_named() {
    let error = Glue::new().refused("CreateJob", json!({}));
    assert_eq!(error.code, "UnknownOperationException");
    assert!(error.message.contains("CreateJob"));
}

#[test]
fn each_region_has_its_own_catalog() {
    let mut glue = Glue::with_database();
    glue.context.region = "us-east-1".into();
    assert_eq!(glue.code("GetDatabase", json!({"Name": "db"})), "EntityNotFoundException");
    assert_eq!(glue.call("GetDatabases", json!({}))["DatabaseList"], json!([]));
}

#[test]
fn only_the_account_s_own_catalog_is_there() {
    let glue = Glue::with_database();
    glue.call("GetDatabase", json!({"Name": "db", "CatalogId": "123456789012"}));
    assert_eq!(glue.code("GetDatabase", json!({"Name": "db", "CatalogId": "999"})), "EntityNotFoundException");
}

#[test]
fn a_refused_request_leaves_nothing_behind() {
    let glue = Glue::new();
    let tags: serde_json::Map<_, _> = (0..51).map(|n| (format!("k{n}"), json!("v"))).collect();
    let body = json!({"DatabaseInput": {"Name": "db"}, "Tags": tags});
    assert_eq!(glue.code("CreateDatabase", body), "ValidationException");
    assert_eq!(glue.call("GetDatabases", json!({}))["DatabaseList"], json!([]));
}
