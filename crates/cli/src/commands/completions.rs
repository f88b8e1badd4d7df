//! `completions`: prints the script with which a shell completes commands and options.

use clap::CommandFactory;

use crate::args::{Args, Completions};
use crate::output;

/// Runs `completions`: prints the script.
///
/// # Errors
/// If stdout cannot be written to.
pub(crate) fn run(args: &Completions) -> anyhow::Result<u8> {
    let mut command = Args::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, &name, &mut script);
    // clap_complete replaces the hyphens of a program's name in two different ways, so its bash script finds no options:
    // https://github.com/clap-rs/clap/issues/6421
    let script = String::from_utf8(script)?.replace(&name.replace('-', "__subcmd__"), &name.replace('-', "__"));
    output::result(script.as_bytes())?;
    Ok(crate::DONE)
}
