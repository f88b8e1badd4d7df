//! The command line's arguments.

use std::net::SocketAddr;
use std::num::NonZero;
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
    /// The format of results
    #[arg(long, global = true, value_enum, default_value_t = Output::Text)]
    pub output: Output,
    /// A TOML file of settings; docs/settings.md lists them
    #[arg(long, global = true, value_name = "FILE", env = "GLUE_DDB_CRAWLER_CONFIG")]
    pub config: Option<PathBuf>,
    /// Log more on stderr: the AWS calls; given twice, also the steps
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Print only errors on stderr
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
    /// Create the database, roles and crawlers, start the crawlers, and link the schemas
    Sync(Sync),
    /// Read tables without Glue crawlers, and publish them to the catalog
    Crawl(Crawl),
    /// Print the schema of DynamoDB JSON files; needs no AWS
    Infer(Infer),
    /// Show what is in a table: how often each attribute is there, in which types, and why it has its Glue type
    Show(Show),
    /// Check the account and change nothing: what needs attention, and what it shows of behaviour that AWS does not publish
    Doctor(Doctor),
    /// Remove crawlers and roles whose DynamoDB table no longer exists; with --all everything, to uninstall
    Prune(Prune),
    /// Print the IAM policies of the job, for installations without SAM
    Policy(Policy),
    /// Serve the local AWS endpoint: Glue with real crawlers, DynamoDB reads from files, IAM, STS
    Serve(Serve),
    /// Print the completion script of a shell
    Completions(Completions),
    /// Write the manual pages into a folder
    Man(Man),
}

/// The AWS endpoint: the real one, or the embedded one.
#[derive(Debug, clap::Args)]
pub(crate) struct Place {
    /// Run against the embedded endpoint, with the tables in DIR; without DIR, read DynamoDB wherever the AWS SDK finds it
    #[arg(long, value_name = "DIR", num_args = 0..=1)]
    pub local: Option<Option<PathBuf>>,
    /// Where the embedded endpoint keeps its catalog
    #[arg(long, value_name = "DIR", default_value = ".glue-ddb-crawler")]
    pub state: PathBuf,
}

/// The selection of tables.
#[derive(Debug, clap::Args)]
pub(crate) struct Tables {
    /// Only tables that match, e.g. 'orders*'; may be repeated
    #[arg(long, value_name = "GLOB")]
    pub include: Vec<String>,
    /// Leave out tables that match; takes precedence over --include; may be repeated
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
    /// Wait until the crawls have ended, and link their schemas; implied by --local
    #[arg(long)]
    pub wait: bool,
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do a dry run that exits with 3 if there is anything to change besides the crawls themselves
    #[arg(long)]
    pub check: bool,
    /// Create what is missing, but start no crawl
    #[arg(long)]
    pub no_start: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Engine {
    /// AWS Glue's own crawlers, one per table
    Managed,
    /// This program: no crawlers, no roles, no charge per crawl
    Native,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Crawl {
    /// DynamoDB tables, by name [default: all]
    #[arg(value_name = "TABLE")]
    pub names: Vec<String>,
    /// Read this export instead of its table: its folder, a folder above it, or a manifest. With TABLE: as that table's export;
    /// also files of items without a manifest (docs/inputs.md)
    #[arg(long, value_name = "PATH|s3://…", conflicts_with_all = ["sample", "scan_rate", "max_rcu"])]
    pub export: Option<String>,
    /// Have DynamoDB export the one TABLE to --bucket, and read the export: no read units, but a charge per GB; the files stay
    #[arg(long, requires = "bucket", conflicts_with_all = ["export", "local", "sample", "scan_rate", "max_rcu"])]
    pub via_export: bool,
    /// The bucket for --via-export, in the region of the table
    #[arg(long, value_name = "BUCKET[/PREFIX]", requires = "via_export")]
    pub bucket: Option<String>,
    /// How much of a table to read: all, auto, or a number of items [default: all]
    #[arg(long, value_name = "all|auto|N")]
    pub sample: Option<String>,
    /// The share of a table's read capacity to use, 0.1 to 1.5
    #[arg(long, value_name = "SHARE")]
    pub scan_rate: Option<f64>,
    /// The most read units per second
    #[arg(long, value_name = "UNITS")]
    pub max_rcu: Option<f64>,
    /// Print what a full crawl, a sampled crawl and an export would read and cost; read and export nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Prune {
    #[command(flatten)]
    pub place: Place,
    /// Everything that was created for the database: crawlers, roles, catalog tables, schemas, registry, the database itself
    #[arg(long)]
    pub all: bool,
    /// Remove; without this, only list
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// A DynamoDB table, or a table of the catalog
    #[arg(value_name = "TABLE")]
    pub table: String,
    #[command(flatten)]
    pub place: Place,
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
    /// Include what `crawl --export` and `--via-export` need with this bucket
    #[arg(long, value_name = "BUCKET")]
    pub export_bucket: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PolicyKind {
    /// What a run may do; the setting permissions_boundary has to name the boundary of its roles
    Run,
    /// The permissions boundary of the crawlers' roles
    Boundary,
}

fn account(text: &str) -> Result<String, String> {
    match text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
        true => Ok(text.to_owned()),
        false => Err("an account id has twelve digits".into()),
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct Infer {
    /// DynamoDB items: one a line, the output of the AWS CLI or an SDK, requests, an export, a NoSQL Workbench model; also
    /// compressed (docs/inputs.md). A folder holds the parts of one table; - is stdin
    #[arg(value_name = "FILE|DIR|-")]
    pub input: PathBuf,
    /// Only the items of this table, of a file that holds several
    #[arg(long, value_name = "NAME")]
    pub table: Option<String>,
    /// How many files, or parts of a large one, to read at once [default: the number of cores]
    #[arg(long, value_name = "N")]
    pub threads: Option<NonZero<usize>>,
    /// What to print [default: a table for people on a terminal, else glue]
    #[arg(long, value_enum)]
    pub format: Option<Format>,
    /// Check the items against a schema, and exit with 1 if some don't fit: an Avro schema, the output of `infer` or of
    /// `aws glue get-table` in a file, or a table of the catalog
    #[arg(long, value_name = "TABLE|FILE", conflicts_with = "format")]
    pub against: Option<String>,
    #[command(flatten)]
    pub place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The columns of a Glue table, as JSON
    Glue,
    /// An Avro schema, as registered in the Schema Registry
    Avro,
    /// A JSON Schema of the items
    JsonSchema,
    /// CREATE EXTERNAL TABLE for Athena
    Ddl,
    /// A data contract in the Open Data Contract Standard, as YAML
    Odcs,
    /// How often each attribute is there, in which types, and why it has its Glue type, as JSON
    Profile,
    /// The counted summary itself, for later merging
    Shape,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// The address to listen on; port 0 picks a free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4566")]
    pub listen: SocketAddr,
    /// Allow an address that other machines can reach; signatures are not verified, so whoever can connect may do anything
    #[arg(long)]
    pub allow_remote: bool,
    /// A host name that clients use besides localhost, such as that of its container; may be repeated
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// Serve DynamoDB reads from the table files in DIR
    #[arg(long, value_name = "DIR", conflicts_with = "dynamodb_endpoint")]
    pub tables: Option<PathBuf>,
    /// Forward DynamoDB requests to this endpoint, and crawl its tables
    #[arg(long, value_name = "URL")]
    pub dynamodb_endpoint: Option<String>,
    /// Forward IAM and STS requests to this endpoint, and look up the crawlers' roles there, with the credentials that the AWS
    /// CLI finds; also read the tables with them
    #[arg(long, value_name = "URL", requires = "dynamodb_endpoint")]
    pub iam_endpoint: Option<String>,
    /// Where the catalog is kept
    #[arg(long, value_name = "DIR", default_value = ".glue-ddb-crawler")]
    pub state: PathBuf,
    /// Change a behaviour that AWS does not publish, e.g. crawl-rewrites=no; an unknown name lists all; may be repeated
    #[arg(long, value_name = "NAME=POSITION")]
    pub unknown: Vec<Position>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell that reads the script
    #[arg(value_enum)]
    pub shell: Shell,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// The folder, created if missing; `man` often finds a user's own pages in ~/.local/share/man/man1
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}
