//! `meltcore eval`: scores of prediction folders against radar targets.

use super::Globals;
use super::arguments::{ConfigArgs, split_names};
use super::device::open_device;
use super::eval_fronts::{front_table, zone_table};
use super::output::{Table, json_text, print_json, print_line};
use super::overwrite::{refuse_foreign, refuse_foreign_pictures};
use super::watch::Watch;
use crate::calibrate::Reliability;
use crate::data::day::Split;
use crate::error::Result;
use crate::evaluate::{Evaluation, GlacierScores, GroupBy, ModelScores, Panels, ScoreFile, evaluate, evaluate_and_show};
use crate::files::write_atomically;
use crate::tasks::{Better, Task};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::io::Write;
use std::path::PathBuf;
use std::str::FromStr;

/// Score prediction folders against the radar targets of a split
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore eval --config run.yaml --split test --pred unet=runs/unet/predictions\n  \
    meltcore eval --config run.yaml --split test --pred unet=a --pred mean=b --json > scores.json\n  \
    meltcore eval --config run.yaml --split test --pred unet=a --pred mean=b --out runs/unet/scores\n  \
    meltcore eval --config run.yaml --split test --pred unet=a --pred mean=b --by gap,month --reliability")]
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
    /// Also print the means by month, by year, or by days to the nearest other day of the train split (1, 2-3, 4-6, 7+)
    #[arg(long, value_name = "GROUPS", value_parser = group_names(), value_delimiter = ',', conflicts_with = "json")]
    pub by: Vec<GroupBy>,
    /// Also print what was seen, on average, where a fraction of 0 to 0.1, 0.1 to 0.2 and so on was predicted; of classes how
    /// many pixels were right where maps were so sure
    #[arg(long, conflicts_with = "json")]
    pub reliability: bool,
    /// Also write scores.json, scores.csv, groups.csv, reliability.csv, of classes glaciers.csv, of fronts fronts.csv and
    /// fronts_by_group.csv, and the pictures, in panels/, into this
    /// folder
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also write the scores of every scene as CSV
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Replace files that are no scores and pictures of meltcore, too
    #[arg(long)]
    pub force: bool,
}

/// Parser of `--by`: the names of the groupings.
fn group_names() -> impl TypedValueParser<Value = GroupBy> {
    let names = PossibleValuesParser::new(GroupBy::ALL.map(GroupBy::name));
    names.map(|name| GroupBy::ALL.into_iter().find(|by| by.name() == name).unwrap_or(GroupBy::Month))
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
    let csv: Vec<PathBuf> = [args.csv.clone(), inside("scores.csv")].into_iter().flatten().collect();
    refuse_foreign_scores(args, &csv)?;
    if let Some(folder) = &pictures {
        refuse_foreign_pictures(folder, &config, split, args.force)?;
    }
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
    let write = |path: PathBuf, text: String| write_atomically(path, |file| file.write_all(text.as_bytes()));
    for path in csv {
        write(path, evaluation.to_csv())?;
    }
    if let Some(folder) = &args.out {
        write(folder.join("scores.json"), json_text(&ScoreFile::of(&evaluation))?)?;
        write(folder.join("groups.csv"), evaluation.groups_to_csv())?;
        write(folder.join("reliability.csv"), evaluation.reliability_to_csv())?;
        if evaluation.task.fronts().is_some() {
            write(folder.join("fronts.csv"), evaluation.fronts_to_csv())?;
            write(folder.join("fronts_by_group.csv"), evaluation.front_groups_to_csv())?;
        } else if evaluation.task.classes().is_some() {
            write(folder.join("glaciers.csv"), evaluation.glaciers_to_csv())?;
        }
    }
    if let Some(folder) = &pictures {
        globals.note(&format!("pictures of the split {split} are in {}", folder.display()));
    }
    if args.json {
        return print_json(&ScoreFile::of(&evaluation));
    }
    table(&evaluation).print()?;
    if evaluation.task.fronts().is_some() {
        print_line("")?;
        zone_table(&evaluation).print()?;
        print_line("")?;
        front_table(&evaluation).print()?;
    } else if evaluation.task.classes().is_some() {
        print_line("")?;
        glacier_table(&evaluation).print()?;
    }
    for by in &args.by {
        if evaluation.groups.of(*by).next().is_none() {
            let needs = match by {
                GroupBy::Gap => "the days of the train split (path_train_split_csv)",
                GroupBy::Region => "names of scenes that begin with their region, as ALP-1 does, or a list of regions (path_regions)",
                GroupBy::Month | GroupBy::Year => "scenes with a date",
            };
            globals.note(&format!("no scores by {}: they need {needs}", by.name()));
            continue;
        }
        print_line("")?;
        group_table(&evaluation, *by).print()?;
    }
    let certain = certainty_table(&evaluation);
    if let Some(certain) = &certain {
        print_line("")?;
        certain.print()?;
    }
    if args.reliability && !evaluation.task.is_fraction() && certain.is_none() {
        let name = evaluation.task.key().name();
        globals.note(&format!("no reliability: the maps of the task `{name}` are no fractions, and do not say how sure they are"));
    } else if args.reliability {
        print_line("")?;
        reliability_table(&evaluation).print()?;
    }
    Ok(())
}

/// Refuses to replace files that earlier evaluations did not write, by their first words.
fn refuse_foreign_scores(args: &Args, csv: &[PathBuf]) -> Result<()> {
    let refuse = |path: &PathBuf, first: &str| {
        refuse_foreign(path, "scores file", args.force, |head| String::from_utf8_lossy(head).trim_start().starts_with(first))
    };
    csv.iter().try_for_each(|path| refuse(path, "model,scene,"))?;
    let Some(folder) = &args.out else { return Ok(()) };
    for (name, first) in [
        ("scores.json", "{\n  \"split\":"),
        ("groups.csv", "model,by,"),
        ("reliability.csv", "model,from,"),
        ("glaciers.csv", "model,scene,class,"),
        ("fronts.csv", "model,scene,missing,"),
        ("fronts_by_group.csv", "model,by,group,scenes,missing,"),
    ] {
        refuse(&folder.join(name), first)?;
    }
    Ok(())
}

/// The cells of a row of scores, in the order of the task's tables.
fn cells(task: &dyn Task, scores: Vec<f64>) -> Vec<String> {
    let cell = |name: &&str| {
        let (column, score) = task.columns().iter().zip(&scores).find(|(column, _)| column.name == *name)?;
        Some(if column.better == Better::Neither { format!("{score:.0}") } else { format!("{score:.4}") })
    };
    task.table().iter().map(|name| cell(name).unwrap_or_default()).collect()
}

/// Three rows a model: means and standard deviations over the scenes, weighted by valid pixels, and quotients of pooled pixels.
fn table(evaluation: &Evaluation) -> Table {
    let task = evaluation.task.as_ref();
    let headers: Vec<&str> = ["model", "over scenes"].iter().chain(task.table()).copied().collect();
    let mut table = Table::new(&headers);
    for model in &evaluation.models {
        let row = |kind: &str, scores| [model.name.clone(), kind.to_owned()].into_iter().chain(cells(task, scores));
        table.row(row("mean", model.weighted_mean()));
        table.row(row("std", model.weighted_std()));
        let pooled = evaluation.pooled(model);
        let of = |name: &&str| pooled.iter().find(|(other, _)| other == name).map_or(String::new(), |(_, score)| format!("{score:.4}"));
        table.row([model.name.clone(), "pooled".to_owned()].into_iter().chain(task.table().iter().map(of)));
    }
    table
}

/// One row a model and class but the first: areas, and distances of outlines in metres.
fn glacier_table(evaluation: &Evaluation) -> Table {
    let heads = [
        "model",
        "class",
        "glaciers",
        "missed",
        "false",
        "area_dev",
        "median_dev",
        "median_abs_dev",
        "to_map_mean",
        "to_map_median",
        "to_truth_mean",
        "to_truth_median",
    ];
    let mut table = Table::new(&heads);
    for model in &evaluation.models {
        for (class, scores) in evaluation.glacier_scores(model) {
            let GlacierScores { glaciers, missed, false_regions, area_deviation, median_deviation, median_abs_deviation, .. } = scores;
            let number = |value: Option<f64>, decimals: usize| value.map_or("-".to_owned(), |value| format!("{value:.decimals$}"));
            let shares = [area_deviation, median_deviation, median_abs_deviation].map(|share| number(share, 4));
            let (map, truth) = (scores.to_map, scores.to_truth);
            let metres = [map.mean_m, map.median_m, truth.mean_m, truth.median_m].map(|distance| number(distance, 1));
            let counts = [glaciers, missed, false_regions].map(|count| count.to_string());
            table.row([model.name.clone(), class.to_owned()].into_iter().chain(counts).chain(shares).chain(metres));
        }
    }
    table
}

/// One row a model and group: weighted means over the group's scenes.
fn group_table(evaluation: &Evaluation, by: GroupBy) -> Table {
    let task = evaluation.task.as_ref();
    let headers: Vec<&str> = ["model", by.name(), "scenes"].iter().chain(task.table()).copied().collect();
    let mut table = Table::new(&headers);
    for model in &evaluation.models {
        for (label, group) in evaluation.grouped(model, by) {
            table
                .row([model.name.clone(), label, group.scored().count().to_string()].into_iter().chain(cells(task, group.weighted_mean())));
        }
    }
    table
}

/// One row a model whose maps say how sure they are: how far that is, in 100 bins, from how often they are right, its Brier scores, and the
/// CRPS of quantiles.
fn certainty_table(evaluation: &Evaluation) -> Option<Table> {
    let mut table = Table::new(&["model", "ece_confidence", "ece_calibrated", "brier_confidence", "brier_calibrated", "crps"]);
    let sure = |model: &&ModelScores| model.certainty.said.is_some();
    for model in evaluation.models.iter().filter(sure) {
        let error = |pixels: &Option<Reliability>| pixels.as_ref().and_then(Reliability::expected_calibration_error);
        let [said, calibrated] = [&model.certainty.said, &model.certainty.calibrated].map(error);
        let text = |error: Option<f64>| error.map_or("-".into(), |error| format!("{error:.4}"));
        let [brier, brier_calibrated] = model.certainty.brier();
        let scores = [said, calibrated, brier, brier_calibrated, model.certainty.crps()];
        table.row(std::iter::once(model.name.clone()).chain(scores.map(text)));
    }
    evaluation.models.iter().any(|model| sure(&model)).then_some(table)
}

/// One row a model and bin of predicted fractions, or of how sure maps are.
fn reliability_table(evaluation: &Evaluation) -> Table {
    let mut table = Table::new(&["model", "predicted", "valid_px", "mean_prediction", "mean_target"]);
    for (name, reliability) in evaluation.models.iter().flat_map(ModelScores::reliabilities) {
        for bin in reliability.means() {
            let [prediction, target] = [bin.mean_prediction, bin.mean_target].map(|mean| mean.map_or("-".into(), |x| format!("{x:.4}")));
            let borders = format!("{:.1}-{:.1}", bin.from, bin.to);
            table.row([name.clone(), borders, bin.valid_px.to_string(), prediction, target]);
        }
    }
    table
}
