//! `meltcore experiment`: many trainings that one file describes, with their maps, scores and one table.

use super::Globals;
use super::device::open_device;
use super::output::{Table, print_json, print_line};
use super::signals::Interrupt;
use super::watch::Watch;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::experiment::{Experiment, Plan, Progress, Results};
use crate::files::write_atomically;
use crate::predict::Shard;
use crate::train::Watcher;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

/// Train, map and score what one file describes: seasons or regions left out, inputs, variants, shares of the data, sweeps, seeds
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore experiment tools/configs/antarctic-melt-seasons.yaml --plan\n  \
    meltcore experiment seasons.yaml --shard slurm\n  \
    meltcore experiment seasons.yaml --table\n  \
    meltcore experiment sweep.yaml --config run.yaml --out runs/experiments/sweep\n\n\
    FILE is flat YAML:\n  \
    config: run.yaml                      the configuration of all runs, from the folder of FILE\n  \
    out: runs/experiments/seasons         folder of all that is written (or --out)\n  \
    set: {epochs: 60}                     changes of the configuration, of all runs\n  \
    seeds: [1, 2, 3]                      every run with each of these; default: the configuration's own\n  \
    split: val                            what is scored where nothing is left out\n  \
    leave_out: season                     each season of the train and val lists in turn is not trained on, and scored\n  \
    season_start: 07-01                   where seasons begin; 01-01 gives calendar years\n  \
    leave_out: region                     the same by the regions of scenes, or of one grid by\n  \
    boxes: {east: [0, 0, 90, 90]}         rows and columns, the last ones not included, or by\n  \
    masks: {east: east.tif}               rasters that are not 0 in the region\n  \
    held_out_from: [train, val]           lists whose days of a part are scored\n  \
    variants: {base: {}, wide: {base_channels: 16}}   named changes, each with every part left out\n\
    or, in place of variants and without leave_out:\n  \
    inputs: {all: [pmw, dem], no_dem: [pmw]}          lists of inputs\n  \
    learning_curve: [0.25, 0.5, 1]        shares of the train list, drawn by the seed; a smaller one is part of a larger\n  \
    sweep: {method: random, runs: 20, seed: 1, metric: {name: f1}, parameters: {learning_rate: {min: 1e-4, max: 1e-2, \
    distribution: log_uniform_values}, batch_size: {values: [4, 8]}}}\n\n\
    A sweep file of W&B (method, parameters, metric, run_cap) is taken as it is, with --config and --out; its parameters are keys of the \
    configuration. `method: bayes` is done as random. Distributions: constant, categorical, int_uniform, uniform, q_uniform, \
    log_uniform_values.\n\n\
    A run is OUT/runs/<variant>[-<part>][-seed-S] with config.yaml, checkpoints/, predictions/ and scores.json, each as `train`, `predict` \
    and `eval` write it. Finished runs are skipped, others go on where they were stopped; a run under a changed configuration is refused. \
    The maps are those of best.safetensors. Baselines (model_key: time_interpolate_sar) are runs without training.\n\n\
    Written to OUT: table.csv (a row a run) and summary.md (means ± standard deviations over seeds, then over parts; sweeps with the best \
    first, by val_loss unless `metric` names a score).")]
pub struct Args {
    /// The experiment, or a sweep file of W&B
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The configuration of a sweep file, which names none
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Folder of all that is written; default: `out` of FILE
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Do a part of the runs: those with position mod N = I, or `slurm` for the part of a task of a job array
    #[arg(long, value_name = "I/N|slurm", conflicts_with_all = ["plan", "table"])]
    pub shard: Option<String>,
    /// Only list the runs, and how far they are
    #[arg(long, conflicts_with = "table")]
    pub plan: bool,
    /// Only print what is finished
    #[arg(long)]
    pub table: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// An unusable file, configuration or dataset; a run under another configuration; no device; a signal; what stops training.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let shard = args.shard.as_ref().map(|text| Shard::named(text, |name| std::env::var(name).ok())).transpose()?;
    let experiment = Experiment::read(&args.file, args.config.as_deref(), args.out.as_deref())?;
    experiment.notes.iter().for_each(|note| globals.note(note));
    let plan = Plan::of(experiment)?;
    if args.plan {
        return print_plan(&plan, args.json);
    }
    if !args.table {
        refuse_foreign_tables(&plan)?;
    }
    let failed = if args.table { None } else { execute(&plan, shard, globals)? };
    let results = Results::read(&plan)?;
    if !args.table {
        let write = |name: &str, text: String| write_atomically(plan.out().join(name), |file| file.write_all(text.as_bytes()));
        write("table.csv", results.to_csv())?;
        write("summary.md", results.to_markdown())?;
        globals.note(&format!("table.csv and summary.md are in {}", plan.out().display()));
    }
    if args.json {
        print_json(&results)?;
        return ended(failed, globals);
    }
    let (heads, rows) = results.cells();
    let mut table = Table::new(&heads.iter().map(String::as_str).collect::<Vec<_>>());
    rows.into_iter().for_each(|row| table.row(row));
    table.print()?;
    print_line(&format!("\n{}", results.words()))?;
    ended(failed, globals)
}

/// Refuses a folder whose files would be taken for those of an experiment.
fn refuse_foreign_tables(plan: &Plan) -> Result<()> {
    for (name, head) in [("table.csv", "run,variant"), ("summary.md", "| variant |")] {
        let file = plan.out().join(name);
        if std::fs::read(&file).is_ok_and(|bytes| !bytes.starts_with(head.as_bytes())) {
            return Err(Error::output(file, "is there already and is of no experiment; move it away, or choose another folder with --out"));
        }
    }
    Ok(())
}

/// The end of a run that failed, behind the table of the others.
fn ended(failed: Option<(String, Error)>, globals: &Globals) -> Result<()> {
    let Some((run, error)) = failed else { return Ok(()) };
    globals.note(&format!("run {run} failed, and the others were done; the same command tries it again"));
    Err(error)
}

/// Does the runs that are not finished; gives the first that failed, and why.
fn execute(plan: &Plan, shard: Option<Shard>, globals: &Globals) -> Result<Option<(String, Error)>> {
    let interrupt = Interrupt::install()?;
    interrupt.end_unanswered("stopped at once; the same command goes on".into())?;
    let pending = plan.pending(shard)?;
    if pending.is_empty() {
        globals.note("all of these runs are finished");
        return Ok(None);
    }
    let gpu = open_device(globals)?;
    let mut failed = Vec::new();
    for (index, run) in pending.iter().enumerate() {
        globals.note(&format!("run {} ({} of {})", run.name, index + 1, pending.len()));
        let mut watch = Watch::new(globals);
        let observe = &mut |event: Event| watch.observe(event);
        let done = plan.execute(run, &gpu, &mut Watcher { stop: &|| interrupt.pending(), observe });
        watch.finish();
        match done {
            Ok(()) => {}
            Err(error @ Error::Interrupted(_)) => return Err(error),
            Err(error) => {
                globals.note(&format!("run {} failed: {error}", run.name));
                failed.push((run, error));
            }
        }
    }
    Ok(failed.into_iter().next().map(|(run, error)| (run.name.clone(), error)))
}

/// The runs and how far they are.
fn print_plan(plan: &Plan, json: bool) -> Result<()> {
    if json {
        let runs = plan.runs.iter().map(|run| {
            let [train, val, scored] = run.counts;
            json!({"run": run.name, "variant": run.variant, "left_out": run.fold, "seed": run.seed, "parameters": run.parameters,
                "train": train, "val": val, "scored": scored, "state": Progress::of(plan, run).word()})
        });
        return print_json(&runs.collect::<Vec<Value>>());
    }
    let mut table = Table::new(&["run", "variant", "left out", "seed", "train", "val", "scored", "state"]);
    for run in &plan.runs {
        let seed = run.seed.map(|seed| seed.to_string()).unwrap_or_default();
        let head = [run.name.clone(), run.variant.clone(), run.fold.clone().unwrap_or_default(), seed];
        let counts = run.counts.map(|count| count.to_string());
        table.row(head.into_iter().chain(counts).chain([Progress::of(plan, run).word().to_owned()]));
    }
    table.print()
}
