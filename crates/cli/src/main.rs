//! `glue-ddb-crawler`: the command line. Turns arguments into settings, lets the other crates do the work, and prints the
//! result.

mod args;
mod commands;
mod connect;
mod interrupt;
mod output;
mod progress;
mod settings;
mod stderr;

use std::process::ExitCode;

use clap::Parser;
use crawl::Kind;

use args::{Args, Command};

/// Threads for blocking work: reads of files, and transactions of the embedded endpoint, of which one runs at a time. By default
/// Tokio would start one for each waiting request, and the C library gives each thread a heap that never shrinks.
const BLOCKING_THREADS: usize = 4;

/// Everything was done.
const DONE: u8 = 0;
/// Some tables failed, or the command as a whole.
const FAILED: u8 = 1;
/// Wrong usage or settings; clap uses the same code.
const USAGE: u8 = 2;
/// `--check` found changes.
const CHANGES: u8 = 3;
/// Interrupted by Ctrl-C or SIGTERM: 128 plus the number of SIGINT, as in shells.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    match builder.enable_all().max_blocking_threads(BLOCKING_THREADS).build() {
        Ok(runtime) => runtime.block_on(run()),
        Err(error) => {
            output::say(&format!("error: the program can't start: {error}\n"));
            ExitCode::from(FAILED)
        }
    }
}

async fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        // The help, or the version.
        Err(answer) if !answer.use_stderr() => answer.exit(),
        Err(wrong) => {
            wrong.render().to_string().lines().for_each(output::say);
            return ExitCode::from(USAGE);
        }
    };
    output::start_logging(&args.common);
    local::descriptors::raise();
    let done = match &args.command {
        Command::Sync(sync) => commands::sync::run(&args.common, sync).await,
        Command::Crawl(crawl) => commands::crawl::run(&args.common, crawl).await,
        Command::Infer(infer) => commands::infer::run(&args.common, infer).await,
        Command::Show(show) => commands::show::run(&args.common, show).await,
        Command::Doctor(doctor) => commands::doctor::run(&args.common, doctor).await,
        Command::Prune(prune) => commands::prune::run(&args.common, prune).await,
        Command::Policy(policy) => commands::policy::run(&args.common, policy).await,
        Command::Serve(serve) => commands::serve::run(&args.common, serve).await,
        Command::Completions(completions) => commands::completions::run(completions),
        Command::Man(man) => commands::man::run(man),
    };
    ExitCode::from(done.unwrap_or_else(|error| {
        output::error(&error);
        exit_code(&error)
    }))
}

fn exit_code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<crawl::Error>() {
        Some(error) if error.kind == Kind::Settings => USAGE,
        // On the command line only an interrupt sets a deadline.
        Some(error) if error.kind == Kind::Deadline => INTERRUPTED,
        _ if error.is::<settings::UsageError>()
            || error.downcast_ref().is_some_and(local::StartError::is_of_settings) =>
        {
            USAGE
        }
        _ => FAILED,
    }
}
