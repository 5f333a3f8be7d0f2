//! `meltcore ablate`: scores of a network without each of its inputs.

use super::Globals;
use super::arguments::{ConfigArgs, split_names};
use super::device::open_device;
use super::output::{Table, print_json};
use super::signals::Interrupt;
use super::watch::Watch;
use crate::ablate::{Ablation, Request, Scores, ablate, sets};
use crate::config::Config;
use crate::error::Result;
use crate::tasks;
use crate::train::Watcher;
use std::path::PathBuf;

/// Score a network with each input replaced by its mean: what is the input worth?
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore ablate --config run.yaml --weights runs/unet/checkpoints/best.safetensors --split test\n  \
    meltcore ablate --config run.yaml --weights best.safetensors --split test --keys pmw,mar_wa1,pmw+mar_wa1\n  \
    meltcore ablate --config run.yaml --weights best.safetensors --split test --retrain\n\n\
    The first row has the scores with all inputs, the others their change. Without --retrain the same network is scored, which shows what it \
    relies on; with it, a network is trained without each set of inputs, which shows what the other inputs cannot make up for. Trained \
    networks are kept in path_checkpoints/ablate/<set>, and the command goes on where it was stopped.\n\n\
    A normalised input is replaced by its mean_ key, any other by its mean over the train split (the month by a rounded one).")]
pub struct Args {
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// The network with all inputs: a safetensors file or a checkpoint folder
    #[arg(long, value_name = "FILE|DIR")]
    pub weights: PathBuf,
    /// Days to score
    #[arg(long, value_name = "NAME", value_parser = split_names())]
    pub split: String,
    /// Inputs to leave out, one after the other; a+b leaves out both at once [default: each input]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub keys: Vec<String>,
    /// Train a network without each set of inputs instead of scoring the one that is there
    #[arg(long)]
    pub retrain: bool,
    /// Go on although the weights say that they were trained under another configuration
    #[arg(long)]
    pub accept_changed_config: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Scores in the table at most.
const SHOWN: usize = 5;

/// Runs the command.
///
/// # Errors
/// An unusable configuration, dataset or weight file; no device; a signal; what stops training.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let config = args.config.load(globals)?;
    config.require_model_key()?;
    let sets = sets(&config, &args.keys)?;
    let Args { weights, retrain, accept_changed_config, .. } = args;
    let request =
        Request { split: args.split.parse()?, weights, sets: &sets, retrain: *retrain, accept_changed_config: *accept_changed_config };
    let interrupt = Interrupt::install()?;
    interrupt.end_unanswered("stopped at once; trainings go on after their last finished epoch when the command is run again".into())?;
    let gpu = open_device(globals)?;
    let mut watch = Watch::new(globals);
    let watcher = &mut Watcher { stop: &|| interrupt.pending(), observe: &mut |event| watch.observe(event) };
    let ablation = ablate(&gpu, &config, &request, watcher)?;
    watch.finish();
    if args.json { print_json(&ablation) } else { table(&ablation, &config).print() }
}

/// The scores with all inputs, then the change of each without some.
fn table(ablation: &Ablation, config: &Config) -> Table {
    let task = tasks::of(config);
    let shown = &task.table()[..SHOWN.min(task.table().len())];
    let change = if ablation.retrained { "trained without" } else { "without" };
    let mut table = Table::new(&[&["", "replaced by"][..], shown].concat());
    let cells = |scores: &Scores, form: fn(f64) -> String| {
        shown.iter().map(|name| scores.get(name).copied().map_or_else(String::new, form)).collect::<Vec<_>>()
    };
    table.row(["all inputs".to_owned(), String::new()].into_iter().chain(cells(&ablation.all, |x| format!("{x:.4}"))));
    for without in &ablation.without {
        let values = without.inputs.split('+').filter_map(|name| without.values.get(name)).map(|value| format!("{value:.5}"));
        let head = [format!("{change} {}", without.inputs), values.collect::<Vec<_>>().join(", ")];
        table.row(head.into_iter().chain(cells(&without.change, |x| format!("{x:+.4}"))));
    }
    table
}
