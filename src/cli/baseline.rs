//! `meltcore baseline`: maps from methods that are no networks.

use super::arguments::{ConfigArgs, split_names};
use std::path::PathBuf;

/// Write the daily maps of a baseline
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore baseline time-interpolate-sar --config sample/config.yaml --split all --out sample/time_interpolate_sar\n  \
    meltcore baseline linear-dem --config linear.yaml --split test --weights linear.safetensors")]
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
