//! `meltcore train`: trains the model of a configuration.

use super::arguments::ConfigArgs;
use std::path::PathBuf;

/// Train a model; writes checkpoints and logs
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore train --config sample/config.yaml\n  \
    meltcore train --config run.yaml --resume auto --set epochs=1085 --set batch_size=4")]
pub struct Args {
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Start from these weights: a safetensors file or a checkpoint folder
    #[arg(long, value_name = "FILE|DIR", conflicts_with = "resume")]
    pub weights: Option<PathBuf>,
    /// Continue a run from its newest checkpoint (`auto`: none means a fresh start) or from this one
    #[arg(long, value_name = "auto|DIR")]
    pub resume: Option<Resume>,
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
