//! `meltcore synth`: a sample data set to try everything on, of melt, of glaciers or of calving fronts.

use super::Globals;
use super::progress::Progress;
use crate::error::{Error, Result};
use crate::synth::calving::{self, CalvingOptions, Format};
use crate::synth::geography::full_size;
use crate::synth::glacier::{self, GlacierOptions};
use crate::synth::{SynthOptions, write_dataset};
use std::path::PathBuf;
use std::str::FromStr;

/// Make a sample data set with configurations that are ready for the other commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore synth --out sample\n  meltcore synth --out large --size 1024x768 --days 120 --seed 7\n  \
    meltcore synth --geography data/helheim --out helheim --days 60\n  \
    meltcore synth --task glacier --out glaciers --scenes 24 --size 384x384\n  \
    meltcore synth --task calving --out fronts --scenes 80 --format tif\n\n\
    --task glacier makes satellite scenes of mountain glaciers on grids of 30 m in four regions: optical (six bands of reflectance), dem\n\
    (elevation, slope) and classes (1 glacier, 0 not), with configurations of a small GlaViTU and a small UNet.\n\n\
    --task calving makes radar scenes of four glaciers that calve into fjords, over 17 years, on pixels of 20, 17 and 12 m: sar_images,\n\
    zones (rock, glacier, ocean, and what the radar does not see), fronts, bounding_boxes and centre_lines, with a configuration of a small\n\
    UNet; pretraining holds scenes without zones, and an optical scene of 14 bands a glacier.\n\n\
    --geography names a folder with landMask_100m.tif (1 land, -1 ocean) and dem_coarse_etopo_1km.tif (m); where they are there, too,\n\
    iceMask_100m.tif (1 ice-free land) places the rock, and runoff*.DD.csv (daily runoff of a catchment) shapes the melt seasons.\n\n\
    The folder must be empty or not exist yet; a dataset made with the same options is written again.")]
pub struct Args {
    /// Folder to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// What networks shall learn from it
    #[arg(long, value_enum, default_value_t)]
    pub task: SynthTask,
    /// Number of days [default: 72]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub days: Option<u32>,
    /// Number of scenes, with --task glacier or calving [default: 12; with --task calving 24]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub scenes: Option<u32>,
    /// Number of scenes without zones for pretraining, with --task calving; 0 for none [default: 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub unlabelled: Option<u32>,
    /// Kind of the images, zones and fronts, with --task calving [default: png]
    #[arg(long, value_enum)]
    pub format: Option<SceneFormat>,
    /// Leave what lies under clouds without a class, with --task glacier
    #[arg(long)]
    pub mask_clouds: bool,
    /// Rows and columns of a scene [default: 256x192, with --task glacier or calving 256x256, with --geography those of its land mask];
    /// with --task calving those of pixels of 20 m, radars of 17 and 12 m having more
    #[arg(long, value_name = "HxW")]
    pub size: Option<Size>,
    /// Seed; the same seed gives the same files [default: 42]
    #[arg(long, value_name = "S")]
    pub seed: Option<u64>,
    /// Folder with a real or drawn land mask, elevation model and runoff to use instead of made-up terrain and seasons
    #[arg(long, value_name = "DIR")]
    pub geography: Option<PathBuf>,
}

/// Kinds of sample data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum SynthTask {
    /// Daily melt of an ice sheet's margin from coarse fields
    #[default]
    Melt,
    /// Outlines of mountain glaciers from satellite scenes
    Glacier,
    /// Fronts of glaciers in fjords from radar scenes
    Calving,
}

impl SynthTask {
    /// Its word on the command line.
    fn word(self) -> &'static str {
        match self {
            SynthTask::Melt => "melt",
            SynthTask::Glacier => "glacier",
            SynthTask::Calving => "calving",
        }
    }
}

/// Kinds of files of radar scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum SceneFormat {
    /// Grey pictures under the names of the benchmark CaFFe, without georeference
    Png,
    /// GeoTIFF
    Tif,
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

/// Refuses what belongs to another task.
fn check_task(args: &Args) -> Result<()> {
    use SynthTask::{Calving, Glacier, Melt};
    let options: [(bool, &str, &[SynthTask]); 6] = [
        (args.days.is_some(), "--days", &[Melt]),
        (args.geography.is_some(), "--geography", &[Melt]),
        (args.scenes.is_some(), "--scenes", &[Glacier, Calving]),
        (args.mask_clouds, "--mask-clouds", &[Glacier]),
        (args.unlabelled.is_some(), "--unlabelled", &[Calving]),
        (args.format.is_some(), "--format", &[Calving]),
    ];
    match options.into_iter().find(|(is_given, _, tasks)| *is_given && !tasks.contains(&args.task)) {
        Some((_, option, tasks)) => {
            let tasks = tasks.iter().map(|task| task.word()).collect::<Vec<_>>().join(" or ");
            Err(Error::Usage(format!("{option} belongs to --task {tasks}; remove it, or give --task {tasks}")))
        }
        None => Ok(()),
    }
}

/// Runs the command.
///
/// # Errors
/// Impossible options; a folder that holds something else; unreadable geography; a file that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    check_task(args)?;
    match args.task {
        SynthTask::Melt => run_melt(args, globals),
        SynthTask::Glacier => run_glacier(args, globals),
        SynthTask::Calving => run_calving(args, globals),
    }
}

fn run_melt(args: &Args, globals: &Globals) -> Result<()> {
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
    note_next(globals, &summary.next);
    Ok(())
}

fn run_glacier(args: &Args, globals: &Globals) -> Result<()> {
    let default = GlacierOptions::default();
    let options = GlacierOptions {
        rows: args.size.map_or(default.rows, |size| size.rows),
        cols: args.size.map_or(default.cols, |size| size.cols),
        scenes: args.scenes.map_or(default.scenes, |scenes| scenes as usize),
        seed: args.seed.unwrap_or(default.seed),
        mask_clouds: args.mask_clouds,
    };
    options.check()?;
    let progress = Progress::start("synth", options.scenes, "scenes", globals.quiet);
    let summary = glacier::write_dataset(&args.out, &options, || progress.advance(1))?;
    progress.finish();
    let [train, val, test, deploy] = summary.lists;
    globals.note(&format!(
        "{}: {} scenes of {} x {} pixels, {train} to train, {val} to validate, {test} to test, {deploy} to map",
        args.out.display(),
        options.scenes,
        options.rows,
        options.cols
    ));
    note_next(globals, &summary.next);
    Ok(())
}

fn run_calving(args: &Args, globals: &Globals) -> Result<()> {
    let default = CalvingOptions::default();
    let options = CalvingOptions {
        rows: args.size.map_or(default.rows, |size| size.rows),
        cols: args.size.map_or(default.cols, |size| size.cols),
        scenes: args.scenes.map_or(default.scenes, |scenes| scenes as usize),
        unlabelled: args.unlabelled.map_or(default.unlabelled, |scenes| scenes as usize),
        seed: args.seed.unwrap_or(default.seed),
        format: args.format.map_or(default.format, |format| match format {
            SceneFormat::Png => Format::Png,
            SceneFormat::Tif => Format::Tif,
        }),
    };
    options.check()?;
    let progress = Progress::start("synth", options.scenes + options.unlabelled, "scenes", globals.quiet);
    let summary = calving::write_dataset(&args.out, &options, || progress.advance(1))?;
    progress.finish();
    let [train, val, test] = summary.lists;
    globals.note(&format!(
        "{}: {} scenes of {} x {} pixels at 20 m, {train} to train, {val} to validate, {test} of another glacier to test, and {} without \
         zones to pretrain",
        args.out.display(),
        options.scenes,
        options.rows,
        options.cols,
        options.unlabelled
    ));
    note_next(globals, &summary.next);
    Ok(())
}

/// Says which commands come next.
fn note_next(globals: &Globals, commands: &[String]) {
    globals.note("next, in this order:");
    commands.iter().for_each(|command| globals.note(&format!("  {command}")));
}
