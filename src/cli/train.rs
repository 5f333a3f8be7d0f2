//! `meltcore train`: trains the model of a configuration.

use super::Globals;
use super::arguments::ConfigArgs;
use super::members::{self, MemberArgs};
use super::ranks::{Job, RankArgs, interruptible, train};
use super::train_plan::{self, PlanArgs};
use crate::config::Config;
use crate::error::Result;
use crate::ranks::Ranks;
use crate::train::{ChangedData, Start, Summary};
use std::path::PathBuf;

/// Train a model; writes checkpoints and logs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore train --config sample/config.yaml\n  \
    meltcore train --config run.yaml --resume auto --set epochs=1085\n  \
    meltcore train --config run.yaml --devices 0,1,2,3 --set accumulate_steps=4\n  \
    meltcore train --config run.yaml --members 5 --resume auto\n  \
    mpirun -n 8 meltcore train --config run.yaml --mpi --resume auto --set accumulate_steps=8\n  \
    meltcore train --config run.yaml --plan --ranks 64 --network 25 --latency 2\n\n\
    Written to path_checkpoints:\n  \
    last/             what --resume auto goes on from, replaced after every epoch\n  \
    previous/         the checkpoint before it; one complete checkpoint is there at any moment\n  \
    epoch_NNNN/       checkpoints that are kept, every epochs_between_checkpoint_save epochs and at the end; no links but copies\n  \
    best.safetensors  weights with the best validation loss (training loss without a val split)\n  \
    log.jsonl         the configuration, then one line an epoch\n  \
    events.out.*      the same with the loss of each step and pictures of one val scene, for `tensorboard --logdir`\n\n\
    Before it starts, the run's needs of the device's memory are predicted; where it has less, the command says what would fit and exits \
    with 3.\n\n\
    A folder that holds an earlier run is never overwritten by a new one: resume it, remove it, or choose another. \
    SIGINT (Ctrl-C) and SIGTERM stop within two seconds; --resume auto then goes on from the last finished epoch, and draws the maps \
    that it still owes, to the same bits as without the stop. A second signal ends the process at once.\n\n\
    Digests in state.json guard every file of a checkpoint and best.safetensors. A damaged checkpoint is not resumed: --resume auto says \
    so and takes the newest intact one. A resume is refused, too, where the lists of days or the files of the data set (length, time, \
    first bytes) are not those that the run was trained on so far; --accept-changed-data goes on with what is there now.\n\n\
    --weights takes all of a file where all fits. With other inputs, out_channels, decoder or network it takes what fits and lists it: \
    channels of the first convolution by the names of the inputs where the file knows them (new ones begin at zero), else repeated and scaled \
    as timm does; what does not fit begins as the seed initialised it. `freeze` in the configuration says what does not move: `encoder`, \
    names of modules, or the number of epochs for which all that was loaded stays.\n\n\
    --devices and --mpi: ranks with a device each share the accumulate_steps micro-batches of every step, whose number must be theirs times \
    a power of two. No result depends on their number, and a run goes on with any that fits. A rank that fails says why and ends all with \
    its status; signals (SIGUSR1, too) end all at the same step. The first rank alone writes.\n\n\
    --members N trains N networks of the seeds seed, seed + 1, …: path_checkpoints/seed-S is a run of its own, and its best weights are copied \
    to path_checkpoints/members/seed-S.safetensors once it is done, so that `predict --weights path_checkpoints/members` averages their maps. \
    --shard I/N does a part of them.\n\n\
    An epoch without a valid pixel has no loss (null in log.jsonl), is never the best, and does not count for the schedule; a run \
    without any exits with 2.")]
pub struct Args {
    /// The run.
    #[command(flatten)]
    pub run: RunArgs,
    /// How many networks are trained.
    #[command(flatten)]
    pub members: MemberArgs,
    /// What is planned in place of training.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// What says how a run begins and what it may take.
#[derive(Debug, clap::Args)]
pub struct RunArgs {
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Start from these weights: a safetensors file or a checkpoint folder
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "resume")]
    pub weights: Option<PathBuf>,
    /// Continue a run from its newest checkpoint (`auto`: none means a fresh start) or from this one
    #[arg(long, value_name = "auto|DIR")]
    pub resume: Option<Resume>,
    /// Go on although the lists of days or the input files are not those that the run was trained on so far
    #[arg(long, requires = "resume")]
    pub accept_changed_data: bool,
    /// Memory that the run may take on the device, GiB; default: what the device says that it has
    #[arg(long, value_name = "GIB", value_parser = gibibytes)]
    pub memory: Option<u64>,
    /// Who shares the run.
    #[command(flatten)]
    pub ranks: RankArgs,
}

/// Bytes of a positive number of GiB.
fn gibibytes(text: &str) -> Result<u64, String> {
    let gib = text.parse::<f64>().ok().filter(|gib| *gib > 0.0 && *gib <= 1e6);
    gib.map(|gib| (gib * f64::from(1 << 30)) as u64).ok_or_else(|| "must be a number of GiB, for example 8 or 7.5".into())
}

/// Where an interrupted run continues.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resume {
    /// At the newest checkpoint under `path_checkpoints`.
    Auto,
    /// At this checkpoint folder.
    Folder(PathBuf),
}

impl std::str::FromStr for Resume {
    type Err = String;

    fn from_str(text: &str) -> Result<Resume, String> {
        match text {
            "" => Err("must be auto or a checkpoint folder".into()),
            "auto" => Ok(Resume::Auto),
            folder => Ok(Resume::Folder(folder.into())),
        }
    }
}

impl RunArgs {
    /// What a rank is to do with a configuration.
    pub(super) fn job(&self, config: &Config) -> Job {
        let changed = if self.accept_changed_data { ChangedData::Accept } else { ChangedData::Refuse };
        Job { config: config.clone(), start: self.start(), changed, memory: self.memory }
    }

    fn start(&self) -> Start {
        match (&self.resume, &self.weights) {
            (Some(Resume::Auto), _) => Start::Newest,
            (Some(Resume::Folder(folder)), _) => Start::Checkpoint(folder.clone()),
            (None, Some(weights)) => Start::Weights(weights.clone()),
            (None, None) => Start::Fresh,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// As [`crate::train::Training::prepare_shared`] and [`crate::train::Training::run`]; no device.
pub fn run(args: &Args, ranks: &Ranks, globals: &Globals) -> Result<()> {
    let config = ranks.agree(load(args, globals))?;
    if args.plan.plan {
        return train_plan::run(&config, &args.plan, globals);
    }
    if let Some(count) = args.members.members {
        return members::run(&config, count, args, globals);
    }
    let summary = execute(&config, &args.run, ranks, globals)?;
    if ranks.leads() {
        conclude(&summary, &args.run, globals);
    }
    Ok(())
}

fn load(args: &Args, globals: &Globals) -> Result<Config> {
    let config = args.run.config.load(globals)?;
    if config.is_pretraining() {
        let message = "is what `meltcore pretrain --objective` sets, and `train` learns from targets; remove the line";
        return Err(config.key_error("objective", message));
    }
    Ok(config)
}

/// Trains by a configuration, watched and interruptible.
///
/// # Errors
/// As [`run`].
pub(super) fn execute(config: &Config, args: &RunArgs, ranks: &Ranks, globals: &Globals) -> Result<Summary> {
    train(&args.job(config), &args.ranks, ranks, globals, &interruptible()?)
}

/// Says what the run came to and what to do next.
fn conclude(summary: &Summary, args: &RunArgs, globals: &Globals) {
    let Some(best) = summary.best else { return };
    let weights = summary.best_weights.display();
    globals.note(&format!("best epoch: {} with {}; its weights are in {weights}", best.epoch, best.criterion.words(best.loss)));
    globals.note(&format!("next: meltcore predict --config {} --weights {weights} --split test", args.config.config.display()));
}
