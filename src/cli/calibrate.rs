//! `meltcore calibrate`: a curve from how sure maps are to how often they are right.

use super::Globals;
use super::arguments::{ConfigArgs, split_names};
use super::averaging::AveragingArgs;
use super::device::open_device;
use super::output::{Table, print_json};
use super::overwrite::refuse_foreign;
use super::watch::Watch;
use crate::calibrate::{Calibration, Method};
use crate::error::{Error, Result};
use crate::predict::{Calibrating, Request, fit_calibration};
use crate::weights::intact_weight_files;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;

/// Fit how often maps are right to how sure they are, and keep it beside the weights
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore calibrate --config run.yaml --weights checkpoints/best.safetensors\n  \
    meltcore calibrate --config run.yaml --weights checkpoints/best.safetensors --method kernel --out published.json\n\n\
    The split is mapped in memory, and a curve fitted to all its pixels that count. best.calibration.json beside best.safetensors is used by \
    every later `meltcore predict` with these weights, whose maps then have a further band in probability/, the calibrated confidence: of \
    pixels with 0.9 nine of ten have the right class. Of melt it is the probability that a pixel's fraction is above 0.1, which \
    `meltcore predict --uncertainty` writes. The curve of several networks is ensemble.calibration.json beside the first. The error after calibration that is printed is that of each half of the scenes \
    by a curve of the other half, and `meltcore eval` on the same split says less. Fit it on another split than the one that is scored (`meltcore eval` tells both errors), \
    and with the same --tta, --mc-dropout and --blend as the maps.")]
pub struct Args {
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Trained weights: a safetensors file, a checkpoint folder, or a folder of several files; repeated, or of several, of their mean maps
    #[arg(long, value_name = "FILE|DIR", required = true)]
    pub weights: Vec<PathBuf>,
    /// Scenes to fit to
    #[arg(long, value_name = "NAME", value_parser = split_names(), default_value = "val")]
    pub split: String,
    /// How the curve is made: isotonic never falls; kernel passes through every bin, as in GlaViTU's program; ridge is its weighted
    /// form; temperature divides the logarithm of the odds
    #[arg(long, value_name = "NAME", value_parser = method_names(), default_value = "isotonic")]
    pub method: Method,
    /// File of the curve; without it beside the weights
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What maps are averages of, as in `predict`.
    #[command(flatten)]
    pub averaging: AveragingArgs,
    /// Go on although the weights were trained under another configuration
    #[arg(long)]
    pub accept_changed_config: bool,
    /// Replace a file that is no calibration of meltcore, too
    #[arg(long)]
    pub force: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Parser of `--method`.
fn method_names() -> impl TypedValueParser<Value = Method> {
    let names = PossibleValuesParser::new(Method::ALL.map(Method::name));
    names.map(|name| Method::ALL.into_iter().find(|method| method.name() == name).unwrap_or_default())
}

/// Runs the command.
///
/// # Errors
/// A task whose maps do not say how sure they are; an unusable configuration, dataset or weight file; no pixel that counts; no device.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let config = args.config.load(globals)?;
    config.require_model_key()?;
    let members = args.weights.iter().map(|weights| intact_weight_files(weights)).collect::<Result<Vec<_>>>()?.concat();
    let [first, others @ ..] = &members[..] else {
        return Err(Error::Usage("--weights is missing; name a safetensors file".into()));
    };
    let out = match &args.out {
        Some(file) => file.clone(),
        None => Calibration::beside(&members),
    };
    refuse_foreign(&out, "calibration", args.force, |head| String::from_utf8_lossy(head).contains("meltcore-calibration/"))?;
    let gpu = open_device(globals)?;
    let mut watch = Watch::new(globals);
    let request = Request {
        split: args.split.parse()?,
        days: None,
        shard: None,
        weights: first,
        others,
        outlines: None,
        options: args.averaging.options(&config),
        overwrite: false,
        accept_changed_config: args.accept_changed_config,
        calibrating: Calibrating::Off,
    };
    let calibration = fit_calibration(&gpu, &config, &request, args.method, &mut |event| watch.observe(event))?;
    watch.finish();
    calibration.write(&out)?;
    globals.note(&format!("the calibration is {}", out.display()));
    if args.json {
        return print_json(&calibration);
    }
    let mut table = Table::new(&["split", "method", "pixels", "ece", "ece_calibrated"]);
    let [before, after] = calibration.expected_calibration_error.map(|error| format!("{error:.4}"));
    table.row([calibration.split.clone(), args.method.name().into(), calibration.valid_px.to_string(), before, after]);
    table.print()
}
