//! `meltcore predict`: maps of whole scenes from trained weights.

use super::Globals;
use super::arguments::{ConfigArgs, map_folder, split_names};
use super::device::open_device;
use super::watch::Watch;
use crate::data::day::Split;
use crate::error::Result;
use crate::predict::{Blend, Destination, Options, Request, write_maps};
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
    /// Make maps again that are finished; without it they are skipped while weights, settings and inputs are unchanged
    #[arg(long)]
    pub overwrite: bool,
    /// Average every tile over its eight flips and quarter turns; takes eight times as long
    #[arg(long, value_name = "GROUP")]
    pub tta: Option<Tta>,
    /// Weights of overlapping tiles
    #[arg(long, value_name = "KIND", default_value = "equal")]
    pub blend: BlendName,
}

/// Test-time averaging.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tta {
    /// The symmetries of the square
    D4,
}

/// How overlapping tiles are averaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum BlendName {
    /// Equal weights, as in the reference
    Equal,
    /// Weights that fall off from a tile's centre
    Gaussian,
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
    let blend = match args.blend {
        BlendName::Equal => Blend::Equal,
        BlendName::Gaussian => Blend::Gaussian,
    };
    let options = Options { d4: args.tta.is_some(), blend };
    let request = Request { split, weights: &args.weights, options, overwrite: args.overwrite };
    write_maps(&gpu, &config, &request, destination, &mut |event| watch.observe(event))?;
    watch.finish();
    globals.note(&format!("maps of the split {split} are in {}", folder.display()));
    Ok(())
}
