//! `meltcore baseline`: maps from methods that are no networks.

use super::Globals;
use super::arguments::{ConfigArgs, map_folder, split_names};
use super::device::open_device;
use super::output::print_bytes;
use super::watch::Watch;
use crate::baselines::time_interpolate_sar::Unseen;
use crate::baselines::{FitOptions, Fitted, fit, interpolate_mar, threshold_pmw, time_interpolate_sar};
use crate::config::{Config, ModelKey};
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::predict::{self, Destination};
use std::path::{Path, PathBuf};

/// Write the daily maps of a baseline
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore baseline time-interpolate-sar --config sample/config.yaml --split all --out sample/time_interpolate_sar\n  \
    meltcore baseline interpolate-mar --config sample/config.yaml --fit > mar.yaml\n  \
    meltcore baseline interpolate-mar --config sample/config.yaml --split test --out maps/mar --set gamma=1.5\n  \
    meltcore baseline threshold-pmw --config sample/config.yaml --split test --out maps/pmw\n  \
    meltcore baseline linear-dem --config linear.yaml --split test --weights linear/checkpoints")]
pub struct Args {
    /// The baseline
    #[arg(value_name = "NAME")]
    pub name: Name,
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Days to map
    #[arg(long, value_name = "NAME", value_parser = split_names(), required_unless_present = "fit", conflicts_with = "fit")]
    pub split: Option<String>,
    /// Weights of linear-dem: a safetensors file or a checkpoint folder
    #[arg(long, value_name = "FILE|DIR", required_if_eq("name", "linear-dem"))]
    pub weights: Option<PathBuf>,
    /// Folder for the maps; without it `path_predictions`, for deploy `path_deploy`
    #[arg(long, value_name = "DIR", conflicts_with = "fit")]
    pub out: Option<PathBuf>,
    /// Write no picture (YYYY_MM_DD.png) beside each map
    #[arg(long)]
    pub no_png: bool,
    /// Write into a folder that holds files under the names of maps which its maps.json does not list
    #[arg(long, conflicts_with = "fit")]
    pub force: bool,
    /// time-interpolate-sar: what maps are where no train day saw the pixel [default: zero, as in the reference]
    #[arg(long, value_name = "VALUE", value_parser = ["zero", "nan"])]
    pub unseen: Option<String>,
    /// interpolate-mar: instead of maps, find kernel_size, sigma, gamma and brightness_factor on the train days and print them as YAML
    #[arg(long)]
    pub fit: bool,
    /// Settings that --fit tries [default: 1024]
    #[arg(long, value_name = "N", value_parser = count())]
    pub trials: Option<u64>,
    /// Seed of --fit [default: `seed` of the configuration]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Train days that --fit looks at, drawn where there are more [default: 32]
    #[arg(long, value_name = "N", value_parser = count())]
    pub days: Option<u64>,
}

/// Parser of a number of things, at least one.
fn count() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=1_000_000)
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

impl Name {
    /// The `model_key` of its own configurations.
    fn model_key(self) -> ModelKey {
        match self {
            Name::TimeInterpolateSar => ModelKey::TimeInterpolateSar,
            Name::InterpolateMar => ModelKey::InterpolateMar,
            Name::ThresholdPmw => ModelKey::ThresholdPmw,
            Name::LinearDem => ModelKey::LinearDem,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// An unusable configuration or dataset; no device where one is needed; a map that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    if !args.fit && [args.trials, args.seed, args.days].iter().any(Option::is_some) {
        return Err(Error::Usage("--trials, --seed and --days act on --fit only; add --fit or leave them out".into()));
    }
    if args.unseen.is_some() && args.name != Name::TimeInterpolateSar {
        return Err(Error::Usage(
            "--unseen acts on time-interpolate-sar only, the one baseline that knows what was seen; leave it out".into(),
        ));
    }
    let mut arguments = args.config.clone();
    if args.name == Name::LinearDem {
        // Some defaults follow the model.
        arguments.set.push("model_key=linear_dem".into());
    }
    let config = arguments.load(globals)?;
    let Some(split) = &args.split else { return run_fit(args, &config, globals) };
    let split: Split = split.parse()?;
    let folder = map_folder(args.out.as_deref(), &config, split.name())?;
    if args.out.is_none() && config.given.contains("model_key") && config.model_key != args.name.model_key() {
        let folder = folder.display();
        let what = match args.name {
            Name::TimeInterpolateSar => "for an input channel of a network give --out and the path_time_interpolate_sar",
            _ => "give --out to keep them apart from those of the configured model",
        };
        globals.note(&format!("the maps go to {folder}; {what}"));
    }
    write_maps(args, &config, split, &folder, globals)?;
    globals.note(&format!("maps of the split {split} are in {}", folder.display()));
    Ok(())
}

fn write_maps(args: &Args, config: &Config, split: Split, folder: &Path, globals: &Globals) -> Result<()> {
    let destination = Destination { folder, pictures: !args.no_png, replace: args.force };
    let mut watch = Watch::new(globals);
    let mut observe = |event| watch.observe(event);
    let unseen = if args.unseen.as_deref() == Some("nan") { Unseen::Nan } else { Unseen::Zero };
    match (args.name, &args.weights) {
        (Name::TimeInterpolateSar, _) => time_interpolate_sar::write_maps(config, split, unseen, destination, &mut observe)?,
        (Name::ThresholdPmw, _) => threshold_pmw::write_maps(config, split, destination, &mut observe)?,
        (Name::InterpolateMar, _) => interpolate_mar::write_maps(&open_device(globals)?, config, split, destination, &mut observe)?,
        (Name::LinearDem, Some(weights)) => {
            let request = predict::Request {
                split,
                days: None,
                shard: None,
                weights,
                others: &[],
                options: predict::Options::default(),
                outlines: None,
                overwrite: false,
                accept_changed_config: false,
                calibrating: predict::Calibrating::Off,
            };
            predict::write_maps(&open_device(globals)?, config, &request, destination, &mut observe)?;
        }
        (Name::LinearDem, None) => return Err(Error::Usage("linear-dem needs --weights, a file or a checkpoint folder of train".into())),
    }
    watch.finish();
    Ok(())
}

fn run_fit(args: &Args, config: &Config, globals: &Globals) -> Result<()> {
    if args.name != Name::InterpolateMar {
        return Err(Error::Usage(
            "--fit belongs to interpolate-mar; the other baselines have nothing to fit (linear-dem is trained)".into(),
        ));
    }
    let or = |given: Option<u64>, default: usize| given.map_or(default, |given| given as usize);
    let options = FitOptions { trials: or(args.trials, 1024), seed: args.seed.unwrap_or(config.seed), days: or(args.days, 32) };
    let mut watch = Watch::new(globals);
    let fitted = fit(&open_device(globals)?, config, &options, &mut |event| watch.observe(event))?;
    watch.finish();
    print_bytes(yaml(&fitted, &options).as_bytes())
}

/// The fitted keys, ready to be put into a configuration.
fn yaml(fitted: &Fitted, options: &FitOptions) -> String {
    let Fitted { setting, loss, loss_before, days, of_days, pixels, of_pixels } = fitted;
    let before = loss_before.map(|loss| format!("; {loss:.6} with the keys of the configuration")).unwrap_or_default();
    format!(
        "# interpolate-mar: mean absolute error {loss:.6} on the train split{before}\n\
         # {} trials, seed {}; {days} of {of_days} days, {pixels} of their {of_pixels} valid pixels\n\
         kernel_size: {}\nsigma: {}\ngamma: {}\nbrightness_factor: {}\n",
        options.trials,
        options.seed,
        setting.kernel_size,
        number(setting.sigma),
        number(setting.gamma),
        number(setting.brightness_factor)
    )
}

/// A number with at most ten significant digits and no noise behind them.
pub(super) fn number(x: f64) -> String {
    format!("{x:.9e}").parse::<f64>().unwrap_or(x).to_string()
}
