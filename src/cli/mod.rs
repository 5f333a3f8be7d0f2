//! The command line: one file a command, each with its arguments and a `run`.
//!
//! A further command is a line in [`Command`] and a line in [`Cli::run`].

pub mod ablate;
pub mod arguments;
pub mod averaging;
pub mod baseline;
pub mod bench;
pub mod calibrate;
pub mod completions;
pub mod config;
pub mod device;
pub mod devices;
pub mod doctor;
pub mod draft;
pub mod eval;
pub mod eval_fronts;
pub mod experiment;
pub mod front;
pub mod front_files;
pub mod members;
pub mod output;
pub mod overwrite;
pub mod pack;
pub mod plans;
pub mod predict;
pub mod pretrain;
pub mod progress;
pub mod ranks;
pub mod report;
pub mod signals;
pub mod split;
pub mod stats;
pub mod synth;
pub mod train;
pub mod train_plan;
pub mod tune;
pub mod verify;
pub mod watch;
pub mod weights;

use crate::data::{mapped, notices, sigbus};
use crate::error::{Error, Result};
use crate::host;
use crate::ranks::Ranks;
use clap::{Parser, Subcommand};
use std::sync::OnceLock;

/// Trains and runs convolutional networks for daily 100 m maps of surface melt, on any GPU or on the processor.
#[derive(Debug, Parser)]
// The name as the examples have it, also for meltcore.exe.
#[command(bin_name = "meltcore", version = version(), arg_required_else_help = true, max_term_width = 110)]
#[command(
    after_help = "Typical order: synth (a sample data set) -> baseline time-interpolate-sar (an input channel) -> train -> predict -> eval -> report.\n\
    `meltcore COMMAND --help` shows a command's options and examples.\n\n\
    Exit status: 0 done; 1 the answer is no; 2 unusable arguments, configuration or input; 3 no usable device, or too little memory on it; \
    4 an output could not be written; 5 values that are not finite; 130, 138, 143 interrupted with the state saved."
)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options that every command takes.
#[derive(Debug, Default, Clone, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Globals {
    /// Device to use, by index or part of its name, or `host`: the processor (as MELTCORE_DEVICE; see `meltcore devices`)
    #[arg(long, global = true, value_name = "NAME|INDEX")]
    pub device: Option<String>,
    /// Threads of the processor to use (as RAYON_NUM_THREADS; default: one a processor); no result depends on it
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=host::threads::MOST as i64))]
    pub threads: Option<u16>,
    /// Read rasters without mapping them into memory, for file systems where others write (as MELTCORE_MMAP=off); slower
    #[arg(long, global = true)]
    pub no_mmap: bool,
    /// Leave the variants of kernels as they are, whatever `meltcore tune` found (as MELTCORE_TUNED=off); no result depends on it
    #[arg(long, global = true)]
    pub untuned: bool,
    /// Say more on stderr; of an error also its causes
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// No progress and no notes on stderr
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

impl Globals {
    /// Prints a note on stderr, except with `-q`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            output::print_note(text);
        }
    }

    /// Prints a detail on stderr, only with `-v`.
    pub fn detail(&self, text: &str) {
        if self.verbose > 0 {
            output::print_note(text);
        }
    }
}

/// The commands; each one's description is that of its arguments.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Ablate(ablate::Args),
    Baseline(baseline::Args),
    Bench(bench::Args),
    Calibrate(calibrate::Args),
    Completions(completions::Args),
    Config(config::Args),
    Devices(devices::Args),
    Doctor(doctor::Args),
    Eval(eval::Args),
    Experiment(experiment::Args),
    Front(front::Args),
    Pack(pack::Args),
    Predict(predict::Args),
    Pretrain(pretrain::Args),
    Report(report::Args),
    Split(split::Args),
    Stats(stats::Args),
    Synth(synth::Args),
    Train(train::Args),
    Tune(tune::Args),
    Verify(verify::Args),
    Weights(weights::Args),
}

impl Command {
    /// Whether processes of MPI share the work; none of a command whose work they cannot share.
    fn by_mpi(&self) -> Option<bool> {
        match self {
            Command::Bench(args) => args.mpi.then_some(true),
            Command::Train(args) => Some(args.run.ranks.mpi),
            Command::Pretrain(args) => Some(args.run.ranks.mpi),
            _ => None,
        }
    }
}

/// The version and what is built in, as in `0.1.0 (GDAL 3.10.3)`.
fn version() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| format!("{} ({})", env!("CARGO_PKG_VERSION"), crate::data::built_in()))
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// Whatever stops the command; [`crate::error::Error::exit_status`] gives the process's status.
    pub fn run(mut self) -> Result<()> {
        host::check_instruction_set()?;
        let ranks = match self.command.by_mpi() {
            Some(by_mpi) => ranks::join(by_mpi)?,
            None => Ranks::alone(),
        };
        // One speaks for all.
        self.globals.quiet |= !ranks.leads();
        host::threads::enter(ranks::threads_of(&ranks, self.globals.threads.map(usize::from))?)?;
        choose_mapping(self.globals.no_mmap)?;
        let done = match &self.command {
            Command::Ablate(args) => ablate::run(args, &self.globals),
            Command::Baseline(args) => baseline::run(args, &self.globals),
            Command::Bench(args) => bench::run(args, &ranks, &self.globals),
            Command::Calibrate(args) => calibrate::run(args, &self.globals),
            Command::Completions(args) => completions::run(args, &self.globals),
            Command::Config(args) => config::run(args, &self.globals),
            Command::Devices(args) => devices::run(args, &self.globals),
            Command::Doctor(args) => doctor::run(args, &self.globals),
            Command::Eval(args) => eval::run(args, &self.globals),
            Command::Experiment(args) => experiment::run(args, &self.globals),
            Command::Front(args) => front::run(args, &self.globals),
            Command::Pack(args) => pack::run(args, &self.globals),
            Command::Predict(args) => predict::run(args, &self.globals),
            Command::Report(args) => report::run(args, &self.globals),
            Command::Split(args) => split::run(args, &self.globals),
            Command::Stats(args) => stats::run(args, &self.globals),
            Command::Synth(args) => synth::run(args, &self.globals),
            Command::Train(args) => train::run(args, &ranks, &self.globals),
            Command::Tune(args) => tune::run(args, &self.globals),
            Command::Pretrain(args) => pretrain::run(args, &ranks, &self.globals),
            Command::Verify(args) => verify::run(args, &self.globals),
            Command::Weights(args) => weights::run(args, &self.globals),
        };
        // What was found after the last progress, or by a command that shows none.
        notices::take().iter().for_each(|text| self.globals.note(text));
        done
    }
}

/// Whether raster files are mapped: not with `--no-mmap`, nor where `MELTCORE_MMAP` says `off`.
fn choose_mapping(off: bool) -> Result<()> {
    let on = match std::env::var("MELTCORE_MMAP").unwrap_or_default().as_str() {
        "" | "on" | "1" => true,
        "off" | "0" => false,
        other => return Err(Error::Usage(format!("MELTCORE_MMAP is `{other}`; set it to on or off"))),
    };
    sigbus::install();
    mapped::set_mapping(on && !off);
    Ok(())
}
