//! `meltcore eval`: scores of prediction folders against radar targets.

use super::arguments::{ConfigArgs, split_names};
use std::path::PathBuf;
use std::str::FromStr;

/// Score prediction folders against the radar targets of a split
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore eval --config run.yaml --split test --pred unet=runs/unet/predictions\n  \
    meltcore eval --config run.yaml --split test --pred unet=a --pred mean=b --json > scores.json")]
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

    fn from_str(text: &str) -> Result<Prediction, String> {
        match text.split_once('=') {
            Some((model, folder)) if !model.is_empty() && !folder.is_empty() => {
                Ok(Prediction { model: model.to_owned(), folder: folder.into() })
            }
            _ => Err("must have the form MODEL=DIR, for example unet=runs/unet/predictions".into()),
        }
    }
}
