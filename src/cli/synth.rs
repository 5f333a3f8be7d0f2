//! `meltcore synth`: a sample data set to try everything on.

use std::path::PathBuf;
use std::str::FromStr;

/// Make a sample data set with a configuration that is ready for the other commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore synth --out sample\n  meltcore synth --out large --size 1024x768 --days 120 --seed 7")]
pub struct Args {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Number of days
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub days: Option<u32>,
    /// Rows and columns of the scene
    #[arg(long, value_name = "HxW")]
    pub size: Option<Size>,
    /// Seed; the same seed gives the same files
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Folder with a real land mask and elevation model to use instead of made-up terrain
    #[arg(long, value_name = "DIR")]
    pub geography: Option<PathBuf>,
}

/// Rows and columns of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Size, String> {
        let side = |part: &str| part.trim().parse().ok().filter(|n| (16..=20_000).contains(n));
        text.split_once(['x', 'X', '×'])
            .and_then(|(rows, cols)| Some(Size { rows: side(rows)?, cols: side(cols)? }))
            .ok_or_else(|| "must be rows x columns, each from 16 to 20000, for example 256x192".into())
    }
}
