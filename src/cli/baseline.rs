//! `meltcore baseline`: maps from methods that are no networks.

use super::Globals;
use super::arguments::{ConfigArgs, map_folder, split_names};
use super::watch::Watch;
use crate::baselines::time_interpolate_sar;
use crate::config::ModelKey;
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::predict::Destination;
use clap::ValueEnum;
use std::path::PathBuf;

/// Write the daily maps of a baseline
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore baseline time-interpolate-sar --config sample/config.yaml --split all --out sample/time_interpolate_sar\n\n\
    The other three baselines are not in this version.")]
pub struct Args {
    /// The baseline
    #[arg(value_name = "NAME")]
    pub name: Name,
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Days to map
    #[arg(long, value_name = "NAME", value_parser = split_names())]
    pub split: String,
    /// Weights of linear-dem: a safetensors file or a checkpoint folder
    #[arg(long, value_name = "FILE|DIR", required_if_eq("name", "linear-dem"))]
    pub weights: Option<PathBuf>,
    /// Folder for the maps; without it `path_predictions`, for deploy `path_deploy`
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Write no picture (YYYY_MM_DD.png) beside each map
    #[arg(long)]
    pub no_png: bool,
}

/// The baselines; each also answers to its `model_key`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Name {
    /// Mean of the radar maps before and after the day
    #[value(alias = "time_interpolate_sar")]
    TimeInterpolateSar,
    /// Blurred and brightened climate-model field
    #[value(alias = "interpolate_mar")]
    InterpolateMar,
    /// Threshold on brightness temperature
    #[value(alias = "threshold_pmw")]
    ThresholdPmw,
    /// One linear function of elevation a month
    #[value(alias = "linear_dem")]
    LinearDem,
}

/// Runs the command.
///
/// # Errors
/// A baseline that does not exist yet; an unusable configuration or dataset; a map that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    if args.name != Name::TimeInterpolateSar {
        let name = args.name.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
        return Err(Error::Usage(format!("baseline {name} is not available in this version; the one that is: time-interpolate-sar")));
    }
    let config = args.config.load(globals)?;
    let split: Split = args.split.parse()?;
    let folder = map_folder(args.out.as_deref(), &config, &args.split)?;
    if args.out.is_none() && config.given.contains("model_key") && config.model_key != ModelKey::TimeInterpolateSar {
        let folder = folder.display();
        globals.note(&format!("the maps go to {folder}; for an input channel of a network give --out and the path_time_interpolate_sar"));
    }
    let mut watch = Watch::new(globals);
    let destination = Destination { folder: &folder, pictures: !args.no_png };
    time_interpolate_sar::write_maps(&config, split, destination, &mut |event| watch.observe(event))?;
    watch.finish();
    globals.note(&format!("maps of the split {split} are in {}", folder.display()));
    Ok(())
}
