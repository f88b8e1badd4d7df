//! Exports: written as DynamoDB writes them, read whole, damaged in every way.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crawl::export::{Destination, Export, ExportSize};
use crawl::{Clients, Deadline, Error, Kind};
use flate2::write::GzEncoder;
use md5::{Digest, Md5};
use schema::TypeOptions;
use sync::report::Outcome;
use sync::{Job, Report, Settings};

use crate::support::{ACCOUNT, REGION, World, all_well, columns, parameter, row, session};

pub(crate) const ID: &str = "01693685827463-2d8752fd";

/// An export of `orders`, in a folder of its own.
pub(crate) struct Written {
    pub root: tempfile::TempDir,
    format: &'static str,
    incremental: bool,
    account: &'static str,
    /// The content of each data file.
    pub files: Vec<(String, Vec<u8>)>,
    /// What the manifest says of a file, where that is not what it holds.
    pub counts: BTreeMap<usize, u64>,
}

impl Written {
    pub(crate) fn new(files: &[&[&str]]) -> Written {
        let file = |(at, lines): (usize, &&[&str])| {
            let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
            (format!("x{at}.json.gz"), gzip(text.as_bytes()))
        };
        Written {
            root: tempfile::tempdir().unwrap(),
            format: "DYNAMODB_JSON",
            incremental: false,
            account: ACCOUNT,
            files: files.iter().enumerate().map(file).collect(),
            counts: files.iter().enumerate().map(|(at, lines)| (at, lines.len() as u64)).collect(),
        }
    }

    pub(crate) fn incremental(files: &[&[&str]]) -> Written {
        Written { incremental: true, ..Written::new(files) }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.root.path().join("AWSDynamoDB").join(ID)
    }

    fn data(&self) -> PathBuf {
        if self.incremental { self.root.path().join("AWSDynamoDB/data") } else { self.folder().join("data") }
    }

    /// Writes all files; `self.files` may differ from what the manifest says by then.
    pub(crate) fn write(&self) -> &Path {
        std::fs::create_dir_all(self.folder()).unwrap();
        std::fs::create_dir_all(self.data()).unwrap();
        std::fs::write(self.folder().join("_started"), "").unwrap();
        let data = if self.incremental { "AWSDynamoDB/data".to_owned() } else { format!("AWSDynamoDB/{ID}/data") };
        let mut list = String::new();
        for (at, (name, content)) in self.files.iter().enumerate() {
            std::fs::write(self.data().join(name), content).unwrap();
            let (count, md5) = (self.counts[&at], base64(&Md5::digest(content)));
            list += &format!(
                r#"{{"itemCount":{count},"md5Checksum":"{md5}","etag":"x-1","dataFileS3Key":"copied/{data}/{name}"}}"#
            );
            list += "\n";
        }
        let items: u64 = self.counts.values().sum();
        let (format, account) = (self.format, self.account);
        let kind = if self.incremental { "INCREMENTAL_EXPORT" } else { "FULL_EXPORT" };
        let arn = format!("arn:aws:dynamodb:{REGION}:{account}:table/orders");
        let summary = format!(
            r#"{{"version":"2023-08-01","exportArn":"{arn}/export/{ID}","startTime":"2023-09-02T20:57:07.463Z",
                "tableArn":"{arn}","tableId":"x","exportTime":"2023-09-02T20:57:07.463Z","s3Bucket":"b","s3Prefix":null,
                "s3SseAlgorithm":"AES256","s3SseKmsKeyId":null,"billedSizeBytes":0,"exportType":"{kind}",
                "manifestFilesS3Key":"AWSDynamoDB/{ID}/manifest-files.json","itemCount":{items},"outputFormat":"{format}"}}"#
        );
        self.manifest("manifest-summary", &summary, "checksum");
        self.manifest("manifest-files", &list, "md5");
        self.root.path()
    }

    fn manifest(&self, name: &str, content: &str, ending: &str) {
        std::fs::write(self.folder().join(format!("{name}.json")), content).unwrap();
        let md5 = base64(&Md5::digest(content));
        std::fs::write(self.folder().join(format!("{name}.{ending}")), md5 + "\n").unwrap();
    }
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn base64(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(bytes)
}

async fn crawl(world: &World, path: &Path) -> Result<Report, Error> {
    crawl_as(world, Export::in_folder(path, None).await?).await
}

pub(crate) async fn crawl_as(world: &World, export: Export) -> Result<Report, Error> {
    let clients = Clients::local(world.server.url(), REGION);
    sync::run(&session(&clients, &Settings::default()), Job::Export(&export)).await
}

/// The reason why the crawl of an export failed; the catalog is untouched.
async fn refused(export: &Written) -> String {
    let world = World::new(&[("orders", &[])]).await;
    let reason = match crawl(&world, export.write()).await {
        Ok(report) => {
            assert_eq!(row(&report, "orders").outcome, Outcome::Failed);
            row(&report, "orders").reason.clone().unwrap()
        }
        Err(error) => error.message,
    };
    assert!(world.tables().await.is_empty(), "nothing is published");
    let root = export.root.path().canonicalize().unwrap();
    reason.replace(root.to_str().unwrap(), "ROOT")
}

pub(crate) const ITEMS: [&[&str]; 3] = [
    &[r#"{"Item":{"id":{"S":"1"},"Total":{"N":"12.5"}}}"#, r#"{"Item":{"id":{"S":"2"},"tags":{"SS":["a"]}}}"#],
    &[],
    &[r#"{"Item":{"id":{"S":"3"},"Total":{"N":"7"},"é":{"B":"AAEC"}}}"#],
];

#[tokio::test]
async fn an_export_gives_the_catalog_what_a_crawl_of_the_table_gives() {
    let lines: Vec<&str> = ITEMS.concat();
    let items: Vec<&str> =
        lines.iter().map(|line| line.strip_prefix(r#"{"Item":"#).unwrap().strip_suffix('}').unwrap()).collect();
    let world = World::new(&[("orders", &items)]).await;
    let export = Written::new(&ITEMS);
    let report = all_well(crawl(&world, export.write()).await.unwrap());
    assert_eq!((row(&report, "orders").items, report.summary.linked), (Some(3), 1));
    assert_eq!(report.calls.get("dynamodb:Scan"), None, "no read units");
    let from_export = world.table("orders").await;
    assert_eq!(columns(&from_export), ["id: string", "total: double", "tags: array<string>", "_: binary"]);

    let tables = ["orders".to_owned()];
    let report = sync::run(&session(&world.clients, &Settings::default()), Job::Crawl(&tables)).await.unwrap();
    assert_eq!(row(&all_well(report), "orders").actions.len(), 1, "nothing to change");
    assert_eq!(world.table("orders").await.storage_descriptor(), from_export.storage_descriptor());
}

#[tokio::test]
async fn a_dry_run_says_what_there_is_to_read() {
    let world = World::new(&[("orders", &[])]).await;
    let written = Written::new(&ITEMS);
    let export = Export::in_folder(written.write(), None).await.unwrap();
    let dry_run = async || {
        let clients = Clients::local(world.server.url(), REGION);
        let settings = Settings { dry_run: true, ..Settings::default() };
        sync::run(&session(&clients, &settings), Job::Export(&export)).await.unwrap()
    };
    let report = dry_run().await;
    let bytes = written.files.iter().map(|(_, content)| content.len() as u64).sum();
    let contents = ExportSize { items: Some(3), files: 3, bytes, billed_bytes: Some(0) };
    assert_eq!(row(&report, "orders").export, Some(contents));
    assert!(world.tables().await.is_empty());
    std::fs::remove_file(written.data().join("x1.json.gz")).unwrap();
    let report = dry_run().await;
    let missing = row(&report, "orders");
    assert_eq!((missing.outcome, &missing.export), (Outcome::Failed, &None), "{missing:?}");
}

#[tokio::test]
async fn an_export_is_found_from_above_from_within_and_by_its_manifests() {
    let export = Written::new(&ITEMS);
    let root = export.write().to_owned();
    for path in [
        root.clone(),
        root.join("AWSDynamoDB"),
        export.folder(),
        export.folder().join("manifest-summary.json"),
        export.folder().join("manifest-files.json"),
    ] {
        assert_eq!(Export::in_folder(&path, None).await.unwrap().table(), "orders", "{}", path.display());
    }
    let moved = root.join("moved and renamed");
    std::fs::rename(export.folder(), &moved).unwrap();
    let world = World::new(&[("orders", &[])]).await;
    all_well(crawl(&world, &moved).await.unwrap());
}

#[tokio::test]
async fn where_there_is_no_one_export_the_message_says_what_there_is() {
    let export = Written::new(&ITEMS);
    let root = export.write().canonicalize().unwrap();
    let message = async |path: &Path| match Export::in_folder(path, None).await {
        Ok(export) => panic!("found {}", export.table()),
        Err(error) => error.message.replace(root.to_str().unwrap(), "ROOT"),
    };
    let data = export.folder().join("data");
    let none = "no manifest-summary.json here or up to 4 folders below, so there is no export of DynamoDB: give its folder, or name the table whose items these are";
    let data_in_root = "ROOT/AWSDynamoDB/01693685827463-2d8752fd/data";
    assert_eq!(message(&data).await, format!("{data_in_root}: {none}"));
    assert_eq!(message(&data.join("x0.json.gz")).await, format!("{data_in_root}/x0.json.gz: {none}"));
    insta::assert_snapshot!(message(&root.join("none")).await, @"the export ROOT/none: No such file or directory (os error 2)");

    let second = root.join("AWSDynamoDB/02");
    std::fs::create_dir(&second).unwrap();
    std::fs::copy(export.folder().join("manifest-summary.json"), second.join("manifest-summary.json")).unwrap();
    insta::assert_snapshot!(message(&root).await, @"ROOT/: 2 exports: name one of AWSDynamoDB/01693685827463-2d8752fd, AWSDynamoDB/02");
    std::fs::remove_dir_all(second).unwrap();
    std::fs::remove_file(export.folder().join("manifest-summary.json")).unwrap();
    insta::assert_snapshot!(message(&root).await, @"ROOT: the export in AWSDynamoDB/01693685827463-2d8752fd was begun and has no manifest-summary.json: it runs still, or it failed");
}

#[tokio::test]
async fn what_is_missing_or_damaged_fails_the_crawl() {
    let whole = || Written::new(&ITEMS);

    let export = Written { counts: [(0, 2), (1, 1), (2, 1)].into(), ..whole() };
    insta::assert_snapshot!(refused(&export).await, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/data/x1.json.gz: it holds 0 items, the manifest says 1");

    let bad = [r#"{"Item":{"id":{"S":"1"}}}"#, r#"{"Item":{"id":{"S":"secret"},"n":{"N":"12x"}}}"#];
    let export = Written::new(&[ITEMS[0], &bad]);
    insta::assert_snapshot!(refused(&export).await, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/data/x1.json.gz: line 2 (byte 65 of the input): not a number");

    let mut cut = gzip(ITEMS[0].join("\n").as_bytes());
    cut.truncate(cut.len() - 9);
    let export = Written { files: vec![("x0.json.gz".into(), cut)], counts: [(0, 2)].into(), ..whole() };
    insta::assert_snapshot!(refused(&export).await, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/data/x0.json.gz: byte 74 of the compressed file: incomplete deflate stream");

    let export = Written { format: "CSV", ..whole() };
    insta::assert_snapshot!(refused(&export).await, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/manifest-summary.json: unknown variant `CSV`, expected `DYNAMODB_JSON` or `ION` at line 4 column 129");
}

#[tokio::test]
async fn what_was_changed_since_the_export_fails_the_crawl() {
    let world = World::new(&[("orders", &[])]).await;
    let fails = async |change: &dyn Fn(&Written)| {
        let export = Written::new(&ITEMS);
        export.write();
        change(&export);
        let reason = match crawl(&world, export.root.path()).await {
            Ok(report) => row(&report, "orders").reason.clone().unwrap(),
            Err(error) => error.message,
        };
        assert!(world.tables().await.is_empty(), "nothing is published");
        reason.replace(export.root.path().canonicalize().unwrap().to_str().unwrap(), "ROOT")
    };
    let reason = fails(&|export| std::fs::remove_file(export.data().join("x2.json.gz")).unwrap()).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/data/x2.json.gz is missing: the manifest lists it. Copy the whole export");
    let other = gzip(ITEMS[0].join("\n").replace("12.5", "12.7").as_bytes());
    let reason = fails(&|export| std::fs::write(export.data().join("x0.json.gz"), &other).unwrap()).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/data/x0.json.gz: the file is not the one that was exported, its MD5 differs (83 bytes were read): copy it again");
    let append = |export: &Written, name: &str| {
        let path = export.folder().join(name);
        let content = std::fs::read_to_string(&path).unwrap() + " ";
        std::fs::write(path, content).unwrap();
    };
    let reason = fails(&|export| append(export, "manifest-summary.json")).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/manifest-summary.json does not have the MD5 in manifest-summary.checksum: copy the export again");
    let reason = fails(&|export| append(export, "manifest-files.json")).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/manifest-files.json does not have the MD5 in manifest-files.md5: copy the export again");
    let reason = fails(&|export| std::fs::remove_file(export.folder().join("manifest-files.json")).unwrap()).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/manifest-files.json is missing: copy the whole export");
    let reason = fails(&|export| export.manifest("manifest-files", "{\"itemCount\":3}\n", "md5")).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/manifest-files.json: line 1: missing field `md5Checksum`");

    let list = |export: &Written, files: [(&str, u64); 2]| {
        let line = |(key, items)| {
            format!(
                "{{\"itemCount\":{items},\"md5Checksum\":\"1B2M2Y8AsgTpgAmY7PhCfg==\",\"dataFileS3Key\":\"{key}\"}}\n"
            )
        };
        export.manifest("manifest-files", &files.map(line).concat(), "md5");
    };
    let (x0, x1) = (format!("AWSDynamoDB/{ID}/data/x0.json.gz"), format!("AWSDynamoDB/{ID}/data/x1.json.gz"));
    let reason = fails(&|export| list(export, [(&x0, u64::MAX), (&x1, 4)])).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/manifest-files.json: lists more items than can be counted");
    let reason = fails(&|export| list(export, [(&x0, 1), (&format!("copy/{x0}"), 2)])).await;
    insta::assert_snapshot!(reason, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/manifest-files.json: lists the data file copy/AWSDynamoDB/01693685827463-2d8752fd/data/x0.json.gz twice");
}

#[tokio::test]
async fn an_export_of_another_account_is_refused_unless_a_table_is_named() {
    let export = Written { account: "999999999999", ..Written::new(&ITEMS) };
    let world = World::new(&[("restored", &[])]).await;
    let error = crawl(&world, export.write()).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    insta::assert_snapshot!(error.message, @"the export is of the table orders in eu-west-1 of account 999999999999, and this catalog is in eu-west-1 of account 123456789012: use its region and a profile of its account, or name the table to read it for");
    let export = Export::in_folder(export.root.path(), Some("restored")).await.unwrap();
    let report = all_well(crawl_as(&world, export).await.unwrap());
    assert_eq!(row(&report, "restored").items, Some(3));
    assert_eq!(world.tables().await.into_keys().collect::<Vec<_>>(), ["restored"]);
}

#[tokio::test]
async fn a_table_that_is_gone_has_its_keys_from_the_catalog() {
    let world = World::new(&[("orders", &[r#"{"id":{"S":"1"},"a":{"S":"x"}}"#])]).await;
    let export = Written::new(&ITEMS);
    export.write();
    world.drop_table("orders");
    let error = crawl(&world, export.root.path()).await.unwrap_err();
    assert_eq!(error.kind, Kind::NotFound);
    insta::assert_snapshot!(error.message, @"neither DynamoDB in eu-west-1 nor the catalog has the table orders of the export, so its keys are unknown: use the account and region of the table, or name the table that the export is to be read for");

    world.put("orders", &[r#"{"id":{"S":"1"},"z":{"S":"x"}}"#]);
    all_well(crawl(&world, export.root.path()).await.unwrap());
    world.drop_table("orders");
    all_well(crawl(&world, export.root.path()).await.unwrap());
    let table = world.table("orders").await;
    assert_eq!((parameter(&table, "hashKey"), columns(&table)[0].as_str()), (Some("id"), "id: string"));
}

#[tokio::test]
async fn keys_that_nobody_tells_fail_the_crawl() {
    use local::faults::{Calls, Fault, Rule};
    let world = World::new(&[("orders", &[])]).await;
    let denied = Fault::Error { code: "AccessDeniedException", message: "not authorized".into() };
    world.server.faults().add(Rule::new("DynamoDB.DescribeTable", Calls::Every, denied));
    let report = crawl(&world, Written::new(&ITEMS).write()).await.unwrap();
    assert_eq!((row(&report, "orders").outcome, report.summary.failed), (Outcome::Failed, 1));
}

#[tokio::test]
async fn an_export_that_was_not_read_to_its_end_publishes_nothing() {
    let world = World::new(&[("orders", &[])]).await;
    let written = Written::new(&ITEMS);
    let export = Export::in_folder(written.write(), None).await.unwrap();
    let clients = Clients::local(world.server.url(), REGION);
    let (interrupt, deadline) = Deadline::on_interrupt();
    let on = |event: sync::progress::Event<'_>| {
        if let sync::progress::Event::Step(..) = event {
            interrupt.now();
        }
    };
    let report = sync::run(
        &session(&clients, &Settings::default()).with_deadline(deadline).with_progress(&on),
        Job::Export(&export),
    )
    .await
    .unwrap();
    assert_eq!(row(&report, "orders").outcome, Outcome::Deferred);
    assert!(world.tables().await.is_empty());
}

const CHANGES: [&[&str]; 2] = [
    &[
        r#"{"Metadata":{"WriteTimestampMicros":{"N":"1"}},"Keys":{"id":{"S":"1"}},"OldImage":{"id":{"S":"1"},"old":{"S":"x"}},"NewImage":{"id":{"S":"1"},"Total":{"S":"none"}}}"#,
        r#"{"Metadata":{"WriteTimestampMicros":{"N":"2"}},"Keys":{"id":{"S":"2"}},"OldImage":{"id":{"S":"2"},"old":{"S":"x"}}}"#,
    ],
    &[
        r#"{"Metadata":{"WriteTimestampMicros":{"N":"3"}},"Keys":{"id":{"S":"4"}},"NewImage":{"id":{"S":"4"},"added":{"BOOL":true}}}"#,
    ],
];

#[tokio::test]
async fn changes_alone_would_narrow_a_table_that_remembers_nothing() {
    let reason = refused(&Written::incremental(&CHANGES)).await;
    insta::assert_snapshot!(reason, @"the incremental export of orders holds only what changed, and ddb_tables.orders does not remember what was there before, or is told to forget it: crawl the table, or a full export of it, first");
}

#[tokio::test]
async fn changes_widen_what_a_table_remembers() {
    let world = World::new(&[("orders", &[])]).await;
    all_well(crawl(&world, Written::new(&ITEMS).write()).await.unwrap());
    let export = Written::incremental(&CHANGES);
    all_well(crawl(&world, export.write()).await.unwrap());
    let columns = columns(&world.table("orders").await);
    assert_eq!(
        columns,
        ["id: string", "total: string", "added: boolean", "tags: array<string>", "_: binary"],
        "a number that becomes a string, a new attribute; old images don't count"
    );
    // The same from the folder of the export: the data lies beside it.
    all_well(crawl(&world, &export.folder()).await.unwrap());
    let copy = tempfile::tempdir().unwrap();
    let alone = copy.path().join("alone");
    std::fs::rename(export.folder(), &alone).unwrap();
    let report = crawl(&world, &alone).await.unwrap();
    let reason = row(&report, "orders").reason.clone().unwrap();
    let reason = reason.replace(copy.path().canonicalize().unwrap().to_str().unwrap(), "COPY");
    insta::assert_snapshot!(reason, @"COPY/data/x0.json.gz and 1 more are missing: the manifest lists them. Those of incremental exports are in a folder data/ beside the export's own: copy both");

    let bad = [CHANGES[0][1], r#"{"Keys":{"id":{"S":"1"}},"NewImage":{"id":{"S":"1"},"n":{"N":"x"}}}"#];
    let report = crawl(&world, Written::incremental(&[&bad]).write()).await.unwrap();
    let reason = row(&report, "orders").reason.clone().unwrap();
    let (_, place) = reason.split_once(": ").unwrap();
    let offset = CHANGES[0][1].len() + 1 + bad[1].find("\"x\"").unwrap() + 1;
    assert_eq!(place, format!("line 2 (byte {offset} of the input): not a number"));

    let full = Written { incremental: true, ..Written::new(&ITEMS) };
    let report = crawl(&world, full.write()).await.unwrap();
    let reason = row(&report, "orders").reason.clone().unwrap();
    assert!(reason.ends_with("not changes with Keys, as incremental exports have them"), "{reason}");
}

#[tokio::test]
async fn ion_says_the_same_as_json() {
    let world = World::new(&[("orders", &[])]).await;
    all_well(crawl(&world, Written::new(&ITEMS).write()).await.unwrap());
    let from_json = world.table("orders").await;
    let ion: [&[&str]; 2] = [
        &[r#"$ion_1_0 {Item:{id:"1",Total:12.5}}"#, r#"$ion_1_0 {Item:{id:"2",tags:$dynamodb_SS::["a"]}}"#],
        &[r#"$ion_1_0 {Item:{id:"3",Total:7.,'é':{{AAEC}}}}"#],
    ];
    let export = Written { format: "ION", ..Written::new(&ion) };
    let report = all_well(crawl(&world, export.write()).await.unwrap());
    assert_eq!(row(&report, "orders").items, Some(3));
    let from_ion = world.table("orders").await;
    assert_eq!(columns(&from_ion), columns(&from_json));

    let bad = [ion[0][0], r#"$ion_1_0 {Item:{id:"2",n:1e0}}"#];
    let export = Written { format: "ION", ..Written::new(&[&bad]) };
    insta::assert_snapshot!(refused(&export).await, @"ROOT/AWSDynamoDB/01693685827463-2d8752fd/data/x0.json.gz: line 2 (byte 36 of the input): a value of a type that exports don't have");
}

#[tokio::test]
async fn an_export_that_dynamodb_refuses_to_make_says_what_to_do() {
    use local::faults::{Calls, Fault, Rule};
    let world = World::new(&[("orders", &[])]).await;
    let config = crawl::aws::local_config(world.server.url(), REGION);
    let request = async |table| match Export::request(
        &world.clients,
        &config,
        table,
        Destination { bucket: "b", prefix: "p" },
        &|_, _| (),
    )
    .await
    {
        Ok(export) => panic!("found {}", export.table()),
        Err(error) => error,
    };
    let code = "PointInTimeRecoveryUnavailableException";
    let refused = Fault::Error { code, message: "Point in time recovery is not enabled for table 'orders'".into() };
    world.server.faults().add(Rule::new("DynamoDB.ExportTableToPointInTime", Calls::Nth(1), refused));
    let error = request("orders").await;
    assert_eq!((error.kind, error.code.as_deref()), (Kind::InvalidInput, Some(code)));
    insta::assert_snapshot!(error.message, @"orders has no point-in-time recovery, which exports are made from. To turn it on, for a charge per GB and month: aws dynamodb update-continuous-backups --table-name orders --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true");
    insta::assert_snapshot!(request("nope").await.message, @"no DynamoDB table nope in eu-west-1");
}

/// A file or folder that people have, and what it holds.
#[derive(serde::Deserialize)]
struct Case {
    path: String,
    table: Option<String>,
    columns: Option<String>,
    items: Option<u64>,
    error: Option<String>,
}

#[tokio::test]
async fn files_without_a_manifest_are_read_whatever_their_form() {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../input/tests/files");
    let cases: Vec<Case> = serde_json::from_slice(&std::fs::read(files.join("cases.json")).unwrap()).unwrap();
    let types = TypeOptions::default();
    for Case { path, table, columns, items, error } in cases {
        let read = async || {
            let export = Export::in_folder(&files.join(&path), Some(table.as_deref().unwrap_or("orders"))).await?;
            let (observed, _) = export.read(0..export.files(), &types, std::future::pending()).await?;
            let schema = observed.shape.settle(export.keys(), &Default::default(), &types);
            let columns: Vec<String> =
                schema.columns.iter().map(|column| format!("{} {}", column.attribute, column.glue_type)).collect();
            Ok::<_, Error>((columns.join(", "), observed.records))
        };
        match (read().await, error) {
            (Ok((found, count)), None) => assert_eq!((Some(found), Some(count)), (columns, items), "{path}"),
            (Err(found), Some(error)) if error.contains("several tables") => {
                assert!(found.message.contains("no table orders") || found.message.contains(&error), "{path}: {found}");
            }
            (Err(found), Some(error)) => assert!(found.message.contains(&error), "{path}: {found}"),
            (Ok(found), Some(error)) => panic!("{path}: {found:?}, not {error}"),
            (Err(found), None) => panic!("{path}: {found}"),
        }
    }
}

#[tokio::test]
async fn copies_are_published_for_the_table_that_is_named() {
    let world = World::new(&[("orders", &[])]).await;
    let folder = tempfile::tempdir().unwrap();
    let answer = r#"{"Items":[{"id":{"S":"a"},"n":{"N":"1"}}],"Count":1,"ScannedCount":1}"#;
    std::fs::write(folder.path().join("page-1.json"), answer).unwrap();
    std::fs::write(folder.path().join("rest"), gzip(b"{\"id\":{\"S\":\"b\"},\"late\":{\"BOOL\":true}}\n")).unwrap();
    let export = Export::in_folder(folder.path(), Some("orders")).await.unwrap();
    all_well(crawl_as(&world, export).await.unwrap());
    let tables = world.tables().await;
    assert_eq!(columns(&tables["orders"]), ["id: string", "late: boolean", "n: bigint"]);
    // Without a name nobody knows whose items they are.
    let message = Export::in_folder(folder.path(), None).await.err().unwrap().message;
    assert!(
        message.ends_with("there is no export of DynamoDB: give its folder, or name the table whose items these are")
    );
}
