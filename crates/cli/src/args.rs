//! What can be typed.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use local::unknowns::Position;

/// Keeps the AWS Glue Data Catalog in step with every DynamoDB table of a region.
#[derive(Debug, Parser)]
#[command(name = "glue-ddb-crawler", version, max_term_width = 110)]
pub(crate) struct Args {
    #[command(flatten)]
    pub common: Common,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Common {
    /// The AWS region [default: as the AWS CLI finds it; us-east-1 with --local]
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile of ~/.aws/config whose credentials are used
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// The Glue database [default: ddb_tables]
    #[arg(long, global = true, value_name = "NAME")]
    pub database: Option<String>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// A TOML file with settings; docs/settings.md lists them
    #[arg(long, global = true, value_name = "FILE", env = "GLUE_DDB_CRAWLER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Say more on stderr: the calls made; twice, the steps
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// For machines: stable, documented in docs/report.md
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make database, roles and crawlers, start the crawlers, link the schemas: the whole job
    Sync(Sync),
    /// Read tables here, without Glue crawlers, and publish them to the catalog
    Crawl(Crawl),
    /// Tell the schema of DynamoDB JSON files; needs no AWS
    Infer(Infer),
    /// Look at what there is and change nothing: what needs attention, and what this account shows of what AWS does not publish
    Doctor(Doctor),
    /// Take away crawlers and roles whose DynamoDB table is gone; with --all everything, to uninstall
    Prune(Prune),
    /// Print the IAM policies of the job, for those who don't install it with SAM
    Policy(Policy),
    /// Serve the local AWS endpoint: Glue with real crawlers, DynamoDB reads over files, IAM, STS
    Serve(Serve),
    /// Print the completion script of a shell
    Completions(Completions),
    /// Write the manual pages into a folder
    Man(Man),
}

/// Where AWS is: the real one, or the embedded endpoint.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Run against the embedded endpoint, with the tables in DIR; without DIR, with DynamoDB where the AWS SDK finds it
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub local: Option<Option<PathBuf>>,
    /// Where the embedded endpoint keeps its catalog
    #[arg(long, value_name = "DIR", default_value = ".glue-ddb-crawler")]
    pub state: PathBuf,
    #[command(flatten)]
    pub log: WireLog,
}

/// Which tables.
#[derive(Debug, clap::Args)]
pub(crate) struct Tables {
    /// Only tables that match, e.g. 'orders*'; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Not the tables that match; stronger than --include; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sync {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub tables: Tables,
    /// Who reads the tables: Glue's crawlers (managed) or this program (native) [default: managed]
    #[arg(long, value_enum)]
    pub engine: Option<Engine>,
    /// Wait until the crawls have ended, and link their schemas; always so with --local
    #[arg(long)]
    pub wait: bool,
    /// Say what would be done, do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// A dry run that exits with 3 if there is anything to change beside the crawls themselves
    #[arg(long)]
    pub check: bool,
    /// Make what is missing, but start no crawl
    #[arg(long)]
    pub no_start: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Engine {
    /// AWS Glue's own crawlers, one a table
    Managed,
    /// This program: no crawlers, no roles, no charge per crawl
    Native,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Crawl {
    /// DynamoDB tables, by name [default: all]
    #[arg(value_name = "TABLE")]
    pub names: Vec<String>,
    /// Read this export instead of its table: its folder, one above it, or a manifest. With TABLE: as one of that table
    #[arg(long, value_name = "PATH|s3://…", conflicts_with_all = ["sample", "scan_rate", "max_rcu"])]
    pub export: Option<String>,
    /// Have DynamoDB export the one TABLE to --bucket, and read that: no read units, but a charge per GB; the files stay
    #[arg(long, requires = "bucket", conflicts_with_all = ["export", "local", "sample", "scan_rate", "max_rcu"])]
    pub via_export: bool,
    /// The bucket of --via-export, with a prefix if you like: in the region of the table
    #[arg(long, value_name = "BUCKET[/PREFIX]", requires = "via_export")]
    pub bucket: Option<String>,
    /// How much of a table is read: all, auto, or a number of items [default: all]
    #[arg(long, value_name = "all|auto|N")]
    pub sample: Option<String>,
    /// Share of a table's read capacity that may be used, 0.1 to 1.5
    #[arg(long, value_name = "SHARE")]
    pub scan_rate: Option<f64>,
    /// Read units a second that are never exceeded
    #[arg(long, value_name = "UNITS")]
    pub max_rcu: Option<f64>,
    /// Say what a full and a sampled crawl would read and cost, and an export; read nothing, ask for none
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    pub place: Place,
    /// Everything that was made for the database: crawlers, roles, catalog tables, schemas, registry, the database itself
    #[arg(long)]
    pub all: bool,
    /// Do it; without this nothing is taken away
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Policy {
    /// Which policy
    #[arg(value_enum)]
    pub policy: PolicyKind,
    /// The account, twelve digits [default: that of the credentials]
    #[arg(long, value_name = "ID", value_parser = account)]
    pub account: Option<String>,
    /// Also what `crawl --export` and `--via-export` need with this bucket
    #[arg(long, value_name = "BUCKET")]
    pub export_bucket: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyKind {
    /// What a run may do; for its roles the setting permissions_boundary has to name their boundary
    Run,
    /// The permissions boundary of the crawlers' roles
    Boundary,
}

fn account(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("an account is twelve digits".into()),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Infer {
    /// DynamoDB JSON: one item a line, bare or under "Item", or the output of `aws dynamodb scan`; .gz as well. A folder
    /// is read as the parts of one table; - is stdin
    #[arg(value_name = "FILE|DIR|-")]
    pub input: PathBuf,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Glue)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The columns of a Glue table, as JSON
    Glue,
    /// An Avro schema, as it goes to the Schema Registry
    Avro,
    /// A JSON Schema of the items
    JsonSchema,
    /// CREATE EXTERNAL TABLE for Athena
    Ddl,
    /// The counted summary itself, to be merged later
    Shape,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    pub listen: SocketAddr,
    /// Listen on an address that other machines reach; signatures are not verified, so whoever can connect may do anything
    #[arg(long)]
    pub allow_remote: bool,
    /// A name by which clients call the endpoint beside localhost, such as that of its container; may be repeated
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Serve DynamoDB reads over the table files in DIR
    #[arg(long, value_name = "DIR", conflicts_with = "dynamodb_endpoint")]
    pub tables: Option<PathBuf>,
    /// Pass DynamoDB requests on to this endpoint, and crawl its tables
    #[arg(long, value_name = "URL")]
    pub dynamodb_endpoint: Option<String>,
    /// Pass IAM and STS requests on to this endpoint, and look the roles of crawlers up there, with the credentials that the
    /// AWS CLI finds; the tables are read with these too
    #[arg(long, value_name = "URL", requires = "dynamodb_endpoint")]
    pub iam_endpoint: Option<String>,
    /// Where the catalog is kept
    #[arg(long, value_name = "DIR", default_value = ".glue-ddb-crawler")]
    pub state: PathBuf,
    /// Do what AWS does not publish in another way, e.g. crawl-rewrites=no; a wrong name lists those there are; may be repeated
    #[arg(long, value_name = "NAME=POSITION")]
    pub unknown: Vec<Position>,
    #[command(flatten)]
    pub log: WireLog,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell that reads the script
    #[arg(value_enum)]
    pub shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// The folder, made if missing; where `man` looks for pages of users is often ~/.local/share/man/man1
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// For tests: what goes over the wire of the embedded endpoint.
#[derive(Debug, clap::Args)]
pub(crate) struct WireLog {
    /// Append every request and answer of the endpoint to FILE, as JSON lines, without items
    #[arg(long, hide = true, value_name = "FILE", env = "GLUE_DDB_CRAWLER_WIRE_LOG", hide_env = true)]
    pub wire_log: Option<PathBuf>,
}
