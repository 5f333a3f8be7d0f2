//! `meltcore devices`: the adapters of this machine.

/// List adapters with their limits and features, and mark the one that would be used
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore devices\n  meltcore devices --device 1 --json")]
pub struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
