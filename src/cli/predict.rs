//! `meltcore predict`: maps of whole scenes from trained weights.

use super::arguments::{ConfigArgs, split_names};
use std::path::PathBuf;

/// Write full-scene daily maps by mosaicking tiles
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore predict --config run.yaml --weights checkpoints/best.safetensors --split test\n  \
    meltcore predict --config run.yaml --weights checkpoints/best.safetensors --split deploy --out maps --set prediction_stride=58")]
pub struct Args {
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Trained weights: a safetensors file or a checkpoint folder
    #[arg(long, value_name = "FILE|DIR")]
    pub weights: PathBuf,
    /// Days to map
    #[arg(long, value_name = "NAME", value_parser = split_names())]
    pub split: String,
    /// Folder for the maps; without it `path_predictions`, for deploy `path_deploy`
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
