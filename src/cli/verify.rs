//! `meltcore verify`: replays of numerical fixtures exported from PyTorch.

use super::arguments::positive;
use std::path::PathBuf;

/// Replay numerical fixtures exported from PyTorch and compare
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore verify ../shared/fixtures/*.safetensors\n  \
    meltcore verify conv2d__stride2.safetensors --rtol-scale 10 --json")]
pub struct Args {
    /// Fixture files
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Multiply every tolerance by this
    #[arg(long, value_name = "X", default_value = "1", value_parser = positive)]
    pub rtol_scale: f64,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}
