//! `meltcore synth`: a sample data set to try everything on.

use super::Globals;
use super::progress::Progress;
use crate::error::Result;
use crate::synth::geography::full_size;
use crate::synth::{SynthOptions, write_dataset};
use std::path::PathBuf;
use std::str::FromStr;

/// Make a sample data set with configurations that are ready for the other commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore synth --out sample\n  meltcore synth --out large --size 1024x768 --days 120 --seed 7\n  \
    meltcore synth --geography data/helheim --out helheim --days 60\n\n\
    --geography names a folder with landMask_100m.tif (1 land, -1 ocean) and dem_coarse_etopo_1km.tif (m); where they are there, too,\n\
    iceMask_100m.tif (1 ice-free land) places the rock, and runoff*.DD.csv (daily runoff of a catchment) shapes the melt seasons.\n\n\
    The folder must be empty or not exist yet; a dataset made with the same options is written again.")]
pub struct Args {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Number of days [default: 72]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub days: Option<u32>,
    /// Rows and columns of the scene [default: 256x192; with --geography those of its land mask]
    #[arg(long, value_name = "HxW")]
    pub size: Option<Size>,
    /// Seed; the same seed gives the same files [default: 42]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Folder with a real or drawn land mask, elevation model and runoff to use instead of made-up terrain and seasons
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

    fn from_str(text: &str) -> std::result::Result<Size, String> {
        let side = |part: &str| part.trim().parse().ok().filter(|n| (16..=20_000).contains(n));
        text.split_once(['x', 'X', '×'])
            .and_then(|(rows, cols)| Some(Size { rows: side(rows)?, cols: side(cols)? }))
            .ok_or_else(|| "must be rows x columns, each from 16 to 20000, for example 256x192".into())
    }
}

impl Args {
    /// What to make: the defaults where nothing is given.
    fn options(&self) -> Result<SynthOptions> {
        let default = SynthOptions::default();
        let size = match (self.size, &self.geography) {
            (Some(size), _) => size,
            (None, Some(folder)) => {
                let (rows, cols) = full_size(folder)?;
                Size { rows, cols }
            }
            (None, None) => Size { rows: default.rows, cols: default.cols },
        };
        Ok(SynthOptions {
            rows: size.rows,
            cols: size.cols,
            days: self.days.map_or(default.days, |days| days as usize),
            seed: self.seed.unwrap_or(default.seed),
            geography: self.geography.clone(),
        })
    }
}

/// Runs the command.
///
/// # Errors
/// Impossible options; a folder that holds something else; unreadable geography; a file that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let options = args.options()?;
    let mut progress = None;
    let summary = write_dataset(&args.out, &options, |_, days| {
        progress.get_or_insert_with(|| Progress::start("synth", days, "days", globals.quiet)).advance(1);
    })?;
    if let Some(progress) = progress {
        progress.finish();
    }
    let [train, val, test] = summary.train_val_test;
    globals.note(&format!(
        "{}: {} days of {} x {} pixels, {train} to train, {val} to validate, {test} to test",
        args.out.display(),
        summary.days,
        options.rows,
        options.cols
    ));
    globals.note("next, in this order:");
    summary.next.iter().for_each(|command| globals.note(&format!("  {command}")));
    Ok(())
}
