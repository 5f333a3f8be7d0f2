//! `meltcore bench`: throughput against the device's own ceilings.

/// Measure every kernel and whole training and prediction steps against the device's own ceilings
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore bench\n  meltcore bench --device 0 --json > bench.json")]
pub struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
