//! `meltcore completions`: completion scripts, generated from the same definitions as the parser.

use super::{Cli, Globals, output};
use crate::error::Result;
use clap::CommandFactory;

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore completions bash > ~/.local/share/bash-completion/completions/meltcore\n  \
    meltcore completions fish > ~/.config/fish/completions/meltcore.fish")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// Prints the script on stdout.
///
/// # Errors
/// Stdout cannot be written.
pub fn run(args: &Args, _globals: &Globals) -> Result<()> {
    // Generated in memory first: the generator panics where its writer fails.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "meltcore", &mut script);
    output::print_bytes(&script)
}
