//! `meltcore pretrain`: a network learns from data without targets before it is trained.

use super::Globals;
use super::train::{self, RunArgs};
use crate::config::Objective;
use crate::error::Result;
use crate::ranks::Ranks;
use crate::train::Summary;

/// Train a model without targets, as a start for `train --weights`
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore pretrain --config sample/config.yaml --objective masked\n  \
    meltcore pretrain --config sample/config.yaml --objective masked --set pretraining_split=deploy --resume auto\n  \
    meltcore train --config sample/config.yaml --weights sample/runs/unet/pretraining/best.safetensors\n\n\
    --objective masked hides patches of the inputs, all of them at once, and the network says what they were (SimMIM): hidden_share,\n\
    hidden_patch. opttranslator has it make the optical scene of a radar scene's place, optsimmim (tyrion) what is under hidden tokens (SSL4SAR):\n\
    path_twin is the folder of optical scenes.\n\
    No target is read: pretraining_split takes the list of training, of all days or scenes, or that of deploy, of which there are none.\n\n\
    A pretraining is a run as `train` makes one, with the same keys, in a folder of its own: path_pretraining, or `pretraining` beside\n\
    path_checkpoints. It holds checkpoints, best.safetensors and logs, and --resume auto goes on to the same bits.\n\n\
    `train --weights` takes everything of best.safetensors but the last layer, which has other channels and begins as the seed says.")]
pub struct Args {
    /// What to learn
    #[arg(long, value_enum)]
    pub objective: PretrainingObjective,
    /// The run.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What there is to learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum PretrainingObjective {
    /// The inputs where they are hidden
    Masked,
    /// The optical scene of a radar scene's place, under hidden tokens of the radar scene; of tyrion
    Optsimmim,
    /// The optical scene of a radar scene's place
    Opttranslator,
}

impl PretrainingObjective {
    fn key(self) -> Objective {
        match self {
            PretrainingObjective::Masked => Objective::Masked,
            PretrainingObjective::Optsimmim => Objective::OptSimMim,
            PretrainingObjective::Opttranslator => Objective::OptTranslator,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// As [`train::run`].
pub fn run(args: &Args, ranks: &Ranks, globals: &Globals) -> Result<()> {
    let mut arguments = args.run.config.clone();
    arguments.set.push(format!("objective={}", args.objective.key().name()));
    let given = ranks.agree(arguments.load(globals))?;
    let config = ranks.agree(given.for_pretraining())?;
    let summary = train::execute(&config, &args.run, ranks, globals)?;
    if ranks.leads() {
        conclude(&summary, args, given.path_checkpoints.is_some(), globals);
    }
    Ok(())
}

/// Says what the run came to and what to do next.
fn conclude(summary: &Summary, args: &Args, has_training: bool, globals: &Globals) {
    let Some(best) = summary.best else { return };
    let weights = summary.best_weights.display();
    globals.note(&format!("best epoch: {} with a loss of {:.5}; its weights are in {weights}", best.epoch, best.loss));
    // A pretraining needs no key of where a training's checkpoints go, which `train` does.
    let config = if has_training { args.run.config.config.display().to_string() } else { "RUN.yaml".into() };
    globals.note(&format!("next: meltcore train --config {config} --weights {weights}"));
}
