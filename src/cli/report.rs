//! `meltcore report`: one HTML page about maps and the run behind them.

use super::Globals;
use super::arguments::{ConfigArgs, split_names};
use super::device::open_device;
use super::eval::Prediction;
use super::overwrite::{holds, refuse_foreign};
use super::watch::Watch;
use crate::config::{Config, TaskKey};
use crate::data::day::Split;
use crate::error::{Error, Result};
use crate::evaluate::{ScoreFile, evaluate};
use crate::files::write_atomically;
use crate::report::{Evidence, GENERATOR, page};
use crate::tasks;
use std::io::Write;
use std::path::PathBuf;

/// Write one self-contained HTML page: scores, maps, extent, training curves
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore report --config run.yaml --out report.html\n  \
    meltcore report --config run.yaml --split test --pred unet=runs/unet/predictions --pred mean=means --out report.html\n  \
    meltcore report --config run.yaml --pred unet=maps --scores runs/unet/scores --log a/log.jsonl b/log.jsonl --out report.html\n  \
    meltcore report --scores scores.json --out scores.html")]
pub struct Args {
    /// YAML configuration; may be left out where --scores are all there is to show
    #[arg(long, value_name = "FILE", required_unless_present = "scores")]
    pub config: Option<PathBuf>,
    /// Override one key of the configuration, the value as YAML; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    pub set: Vec<String>,
    /// Days to score and to show; those of deploy have no targets and are shown by their extents alone
    #[arg(long, value_name = "NAME", value_parser = split_names(), default_value = "test")]
    pub split: String,
    /// A model's name and the folder of its maps; may be repeated; without it the maps in `path_predictions`, for deploy in `path_deploy`
    #[arg(long, value_name = "MODEL=DIR", num_args = 1.., requires = "config")]
    pub pred: Vec<Prediction>,
    /// Scores of `eval --json`, or the folder of `eval --out`, instead of scoring the maps now
    #[arg(long, value_name = "FILE|DIR")]
    pub scores: Option<PathBuf>,
    /// Training logs; without them that beside the checkpoints
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub log: Vec<PathBuf>,
    /// Scenes to show at most
    #[arg(long, value_name = "N", default_value_t = 6)]
    pub scenes: usize,
    /// Heading of the page
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// The page; replaces an earlier one
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a file that is no such page, too
    #[arg(long)]
    pub force: bool,
}

/// Runs the command.
///
/// # Errors
/// An unusable configuration, dataset, folder, score file or log; no device where maps are to be scored; a page that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    refuse_foreign(&args.out, "report", args.force, |head| holds(head, GENERATOR.as_bytes()))?;
    let config = args.config.as_ref().map(|file| ConfigArgs { config: file.clone(), set: args.set.clone() }.load(globals)).transpose()?;
    let split: Split = args.split.parse()?;
    let models = models(args, config.as_ref(), split)?;
    let mut watch = Watch::new(globals);
    let mut device = None;
    let scores = match (&args.scores, &config) {
        (Some(path), _) => Ok(ScoreFile::read(path)?),
        (None, _) if split == Split::Deploy => {
            Err("The days of the split deploy are mapped and not scored, whether or not they have observed maps.".to_owned())
        }
        (None, Some(config)) => {
            let gpu = open_device(globals)?;
            device = Some(gpu.capabilities().name.clone());
            Ok(ScoreFile::of(&evaluate(&gpu, config, split, &models, &mut |event| watch.observe(event))?))
        }
        (None, None) => Err("Neither a configuration nor scores were given.".to_owned()),
    };
    let title = args
        .title
        .clone()
        .unwrap_or_else(|| config.as_ref().map_or_else(|| tasks::by_key(TaskKey::default(), None), tasks::of).words().title.into());
    let inputs = Evidence { title, config: config.as_ref(), split, models: &models, scores, device, logs: &args.log, scenes: args.scenes };
    let html = page(inputs, &mut |event| watch.observe(event))?;
    watch.finish();
    write_atomically(&args.out, |file| file.write_all(html.as_bytes()))?;
    globals.note(&format!("the report is {} ({:.1} MB); any browser opens it", args.out.display(), html.len() as f64 / 1e6));
    Ok(())
}

/// The models of `--pred`, else the folder that the configuration names for the split's maps.
fn models(args: &Args, config: Option<&Config>, split: Split) -> Result<Vec<(String, PathBuf)>> {
    if !args.pred.is_empty() {
        return Ok(args.pred.iter().map(|pred| (pred.model.clone(), pred.folder.clone())).collect());
    }
    let Some(config) = config else { return Ok(Vec::new()) };
    let (key, folder) = match split {
        Split::Deploy => ("path_deploy", &config.path_deploy),
        _ => ("path_predictions", &config.path_predictions),
    };
    match folder {
        Some(folder) if folder.is_dir() => Ok(vec![(config.model_key.name().to_owned(), folder.clone())]),
        // Scores alone make a page, too.
        _ if args.scores.is_some() => Ok(Vec::new()),
        Some(folder) => {
            Err(Error::input(folder, format!("the folder of `{key}` is missing; run `meltcore predict`, or name one with --pred")))
        }
        None => Err(Error::Usage(format!("no maps are named; give --pred MODEL=DIR, or set `{key}` in the configuration"))),
    }
}
