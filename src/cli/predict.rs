//! `meltcore predict`: maps of whole scenes from trained weights.

use super::Globals;
use super::arguments::{ConfigArgs, map_folder, split_names};
use super::device::open_device;
use super::watch::Watch;
use crate::data::day::Split;
use crate::error::Result;
use crate::predict::{Destination, write_maps};
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
    /// Write no picture (YYYY_MM_DD.png) beside each map
    #[arg(long)]
    pub no_png: bool,
}

/// Runs the command.
///
/// # Errors
/// An unusable configuration, dataset or weight file; no device; a map that is not finite or cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let config = args.config.load(globals)?;
    config.require_model_key()?;
    let split: Split = args.split.parse()?;
    let folder = map_folder(args.out.as_deref(), &config, &args.split)?;
    let gpu = open_device(globals)?;
    let mut watch = Watch::new(globals);
    let destination = Destination { folder: &folder, pictures: !args.no_png };
    write_maps(&gpu, &config, split, &args.weights, destination, &mut |event| watch.observe(event))?;
    watch.finish();
    globals.note(&format!("maps of the split {split} are in {}", folder.display()));
    Ok(())
}
