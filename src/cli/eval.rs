//! `meltcore eval`: scores of prediction folders against radar targets.

use super::Globals;
use super::arguments::{ConfigArgs, split_names};
use super::device::open_device;
use super::output::{Table, json_text, print_json};
use super::watch::Watch;
use crate::data::day::Split;
use crate::data::writer::write_atomically;
use crate::error::Result;
use crate::evaluate::table::SCORE_NAMES;
use crate::evaluate::{Evaluation, Panels, evaluate, evaluate_and_show};
use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

/// Score prediction folders against the radar targets of a split
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore eval --config run.yaml --split test --pred unet=runs/unet/predictions\n  \
    meltcore eval --config run.yaml --split test --pred unet=a --pred mean=b --json > scores.json\n  \
    meltcore eval --config run.yaml --split test --pred unet=a --pred mean=b --out runs/unet/scores")]
pub struct Args {
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Days to score
    #[arg(long, value_name = "NAME", value_parser = split_names())]
    pub split: String,
    /// A model's name and the folder of its maps; may be repeated
    #[arg(long, value_name = "MODEL=DIR", required = true, num_args = 1..)]
    pub pred: Vec<Prediction>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
    /// Also write a picture of every scene (inputs, maps, target, errors) as YYYY_MM_DD.png
    #[arg(long, value_name = "DIR")]
    pub panels: Option<PathBuf>,
    /// Also write scores.json, scores.csv and the pictures, in panels/, into this folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also write the scores of every scene as CSV
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
}

/// One `MODEL=DIR`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prediction {
    /// Name of the model in tables.
    pub model: String,
    /// Folder with one GeoTIFF a day.
    pub folder: PathBuf,
}

impl FromStr for Prediction {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Prediction, String> {
        match text.split_once('=') {
            Some((model, folder)) if !model.is_empty() && !folder.is_empty() => {
                Ok(Prediction { model: model.to_owned(), folder: folder.into() })
            }
            _ => Err("must have the form MODEL=DIR, for example unet=runs/unet/predictions".into()),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// An unusable configuration, dataset or folder of maps; no device; no valid pixel; an output that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let config = args.config.load(globals)?;
    let models: Vec<_> = args.pred.iter().map(|pred| (pred.model.clone(), pred.folder.clone())).collect();
    let split: Split = args.split.parse()?;
    let inside = |name: &str| args.out.as_ref().map(|folder| folder.join(name));
    let pictures = args.panels.clone().or_else(|| inside("panels"));
    let gpu = open_device(globals)?;
    let mut watch = Watch::new(globals);
    let mut observe = |event| watch.observe(event);
    let evaluation = match &pictures {
        None => evaluate(&gpu, &config, split, &models, &mut observe)?,
        Some(folder) => {
            let panels = Panels::new(&config, split, folder)?;
            evaluate_and_show(&gpu, &config, split, &models, &mut observe, &mut |scene| panels.write(scene))?
        }
    };
    watch.finish();
    for path in [args.csv.clone(), inside("scores.csv")].into_iter().flatten() {
        write_atomically(path, |file| file.write_all(evaluation.to_csv().as_bytes()))?;
    }
    if let Some(path) = inside("scores.json") {
        let json = json_text(&evaluation)?;
        write_atomically(path, |file| file.write_all(json.as_bytes()))?;
    }
    if let Some(folder) = &pictures {
        globals.note(&format!("pictures of the split {split} are in {}", folder.display()));
    }
    if args.json { print_json(&evaluation) } else { table(&evaluation).print() }
}

/// Three rows a model: means and standard deviations over the scenes, weighted by valid pixels, and quotients of pooled pixels.
fn table(evaluation: &Evaluation) -> Table {
    let headers: Vec<&str> = ["model", "over scenes"].into_iter().chain(SCORE_NAMES).collect();
    let mut table = Table::new(&headers);
    for model in &evaluation.models {
        let scores = |kind: &str, numbers: [f64; 10]| {
            let cell = |(name, x): (&str, f64)| if name == "valid_px" { format!("{x:.0}") } else { format!("{x:.4}") };
            [model.name.clone(), kind.to_owned()].into_iter().chain(SCORE_NAMES.into_iter().zip(numbers).map(cell)).collect::<Vec<_>>()
        };
        table.row(scores("mean", model.weighted_mean()));
        table.row(scores("std", model.weighted_std()));
        let pooled = model.pooled();
        let cell = |name: &str| match name {
            "precision" => format!("{:.4}", pooled.precision),
            "recall" => format!("{:.4}", pooled.recall),
            "f1" => format!("{:.4}", pooled.f1),
            _ => String::new(),
        };
        table.row([model.name.clone(), "pooled".to_owned()].into_iter().chain(SCORE_NAMES.into_iter().map(cell)));
    }
    table
}
