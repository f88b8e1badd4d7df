//! Exports in S3, with a bad network and worse credentials: every item counts once, or nothing is published.

use aws_config::SdkConfig;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use crawl::export::Export;
use crawl::{Error, Kind};
use sync::Report;
use sync::report::Outcome;

use crate::export::{ID, ITEMS, Written, crawl_as};
use crate::s3::{S3, Strike};
use crate::support::{REGION, Sessions, World, all_well, columns, row};

/// How the listing of the export ends.
const FOLDER: &str = "-2d8752fd/";

/// An export whose second file has 20,000 items: some hundred kilobytes that do not compress further.
fn large() -> Written {
    let noise =
        |i: u64| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(31).wrapping_mul(0xd6e8_feb8_6659_fd93);
    let lines: Vec<String> = (0..20_000)
        .map(|i| format!(r#"{{"Item":{{"id":{{"S":"{:x}{:x}"}}}}}}"#, noise(i), noise(i + 77_777)))
        .collect();
    Written::new(&[ITEMS[0], &lines.iter().map(String::as_str).collect::<Vec<_>>(), ITEMS[2]])
}

async fn crawl(world: &World, s3: &S3) -> Result<Report, Error> {
    crawl_with(world, &crawl::aws::local_config(&s3.url, REGION)).await
}

async fn crawl_with(world: &World, config: &SdkConfig) -> Result<Report, Error> {
    crawl_as(world, Export::in_bucket(&format!("s3://b/AWSDynamoDB/{ID}"), config).await?).await
}

/// Why it failed; the catalog is untouched.
async fn refused(s3: &S3) -> String {
    let world = World::new(&[("orders", &[])]).await;
    let reason = match crawl(&world, s3).await {
        Ok(report) => {
            let row = row(&report, "orders");
            assert!(matches!(row.outcome, Outcome::Failed | Outcome::Deferred), "{row:?}");
            row.reason.clone().unwrap()
        }
        Err(error) => error.message,
    };
    assert!(world.tables().await.is_empty(), "nothing is published");
    reason
}

#[tokio::test]
async fn whatever_happens_on_the_way_each_item_counts_once() {
    let export = large();
    let s3 = S3::of(export.write()).await;
    let size = export.files[1].1.len();
    assert!(size > 300_000, "{size}");
    let world = World::new(&[("orders", &[])]).await;
    let slow = Strike::Refuse(503, "SlowDown", "");
    for (what, strikes) in [
        ("reset in a file", vec![("x1.json.gz", 0..1, Strike::Reset(100_000))]),
        ("closed in a file", vec![("x1.json.gz", 0..1, Strike::Close(200_000))]),
        (
            "reset before a file, and again and again in it",
            vec![("x1.json.gz", 0..1, Strike::Reset(0)), ("x1.json.gz", 1..3, Strike::Reset(50_000))],
        ),
        ("asked to slow down", vec![("x1.json.gz", 0..2, slow), ("x2.json.gz", 0..1, slow)]),
        (
            "reset, then asked to slow down",
            vec![("x1.json.gz", 0..1, Strike::Reset(100_000)), ("x1.json.gz", 1..2, slow)],
        ),
        ("a listing that is asked to slow down", vec![("/data/", 0..1, slow), (FOLDER, 0..1, slow)]),
        ("a manifest that is cut", vec![("manifest-files.json", 0..1, Strike::Close(10))]),
    ] {
        for (key, requests, strike) in strikes {
            s3.strike(key, requests, strike);
        }
        let report = all_well(crawl(&world, &s3).await.unwrap());
        assert_eq!(row(&report, "orders").items, Some(20_003), "{what}");
        assert_eq!(columns(&world.table("orders").await).len(), 4, "{what}");
    }
}

#[tokio::test]
async fn a_cut_file_is_gone_on_with_where_it_was_cut() {
    let export = large();
    let s3 = S3::of(export.write()).await;
    s3.strike("x1.json.gz", 0..1, Strike::Close(100_000));
    let world = World::new(&[("orders", &[])]).await;
    all_well(crawl(&world, &s3).await.unwrap());
    let of_file: Vec<String> = s3.asked().into_iter().filter(|key| key.contains("x1.json.gz")).collect();
    let key = format!("AWSDynamoDB/{ID}/data/x1.json.gz");
    assert_eq!(of_file, [key.clone(), format!("{key} 100000-{}", export.files[1].1.len() - 1)]);
}

#[tokio::test]
async fn a_file_that_is_missing_is_found_out_before_the_others_are_read() {
    let export = Written::new(&ITEMS);
    let s3 = S3::of(export.write()).await;
    let data = export.folder().join("data");
    std::fs::remove_file(data.join("x2.json.gz")).unwrap();
    insta::assert_snapshot!(refused(&s3).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd/data/x2.json.gz is missing: the manifest lists it. Copy the whole export");
    std::fs::remove_file(data.join("x1.json.gz")).unwrap();
    insta::assert_snapshot!(refused(&s3).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd/data/x1.json.gz and 1 more are missing: the manifest lists them. Copy the whole export");
    assert!(!s3.asked().iter().any(|key| key.contains(".gz")), "nothing was read");
}

/// What S3 says to those it refuses repeats what they showed it: the session token, the access key.
#[tokio::test]
async fn refusals_name_the_file_and_what_to_do_and_repeat_no_credentials() {
    let export = Written::new(&ITEMS);
    let s3 = S3::of(export.write()).await;
    let refuse = async |key, strike| {
        s3.strike(key, 0..9, strike);
        let reason = refused(&s3).await;
        s3.relent();
        assert!(!reason.contains("SECRET"), "{reason}");
        reason
    };
    let denied = Strike::Refuse(403, "AccessDenied", "<AWSAccessKeyId>SECRET</AWSAccessKeyId>");
    insta::assert_snapshot!(refuse("x2.json.gz", denied).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd/data/x2.json.gz: S3 answered 403 AccessDenied (In words.): the credentials need s3:ListBucket on the bucket, s3:GetObject on its objects, and kms:Decrypt on the key of an encrypted export");
    insta::assert_snapshot!(refuse(FOLDER, denied).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd: S3 answered 403 AccessDenied (In words.): the credentials need s3:ListBucket on the bucket, s3:GetObject on its objects, and kms:Decrypt on the key of an encrypted export");
    let expired = Strike::Refuse(400, "ExpiredToken", "<Token-0>SECRET</Token-0>");
    insta::assert_snapshot!(refuse("x2.json.gz", expired).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd/data/x2.json.gz: S3 answered 400 ExpiredToken (In words.): sign in again");
    insta::assert_snapshot!(refuse(FOLDER, expired).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd: S3 answered 400 ExpiredToken (In words.): sign in again");
    insta::assert_snapshot!(refuse(FOLDER, Strike::Refuse(301, "PermanentRedirect", "")).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd: S3 answered 301 PermanentRedirect (In words.): the bucket is in eu-north-1, use that region");
    insta::assert_snapshot!(refuse(FOLDER, Strike::Refuse(404, "NoSuchBucket", "")).await, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd: S3 answered 404 NoSuchBucket (In words.)");
}

/// Nobody has signed in.
#[derive(Debug)]
struct Nobody;

impl ProvideCredentials for Nobody {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::ready(Err(CredentialsError::provider_error("no session")))
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_asked_and_the_message_says_how_to_get_some() {
    let s3 = S3::of(Written::new(&ITEMS).write()).await;
    let config = crawl::aws::local_config(&s3.url, REGION).into_builder();
    let config = config.credentials_provider(SharedCredentialsProvider::new(Nobody)).build();
    let error = Export::in_bucket(&format!("s3://b/AWSDynamoDB/{ID}"), &config).await.unwrap_err();
    assert_eq!(error.kind, Kind::AccessDenied);
    insta::assert_snapshot!(error.message, @"s3://b/AWSDynamoDB/01693685827463-2d8752fd: no usable AWS credentials: choose a profile (--profile, AWS_PROFILE), sign in, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    assert!(s3.asked().is_empty());
}

#[tokio::test]
async fn credentials_that_expire_between_files_or_within_one_are_asked_for_again() {
    let export = large();
    let s3 = S3::of(export.write()).await;
    let world = World::new(&[("orders", &[])]).await;
    let config = crawl::aws::local_config(&s3.url, REGION).into_builder();
    let provider = SharedCredentialsProvider::new(Sessions::default());
    let config = config.credentials_provider(provider).build();
    let expired = Strike::Refuse(400, "ExpiredToken", "");
    s3.strike("x0.json.gz", 0..1, expired);
    let report = all_well(crawl_with(&world, &config).await.unwrap());
    assert_eq!(row(&report, "orders").items, Some(20_003));
    assert_eq!(s3.access_keys().len(), 2, "{:?}", s3.access_keys());
    s3.strike("x1.json.gz", 0..1, Strike::Reset(100_000));
    s3.strike("x1.json.gz", 1..2, expired);
    let report = all_well(crawl_with(&world, &config).await.unwrap());
    assert_eq!(row(&report, "orders").items, Some(20_003));
}
