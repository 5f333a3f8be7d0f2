//! A configuration drafted from data: folders of maps in, a commented YAML file with its lists of days out.
//!
//! Reading order: [`Found`] (what the folders hold, and whether it lies on one grid) → `scale` (what targets are divided by) → `sizes`
//! (crops, batches, epochs for the scene and the device) → `text` (the file). Lists are drawn as `split` draws them, statistics are those
//! of `stats`, and whether a batch fits is asked of the planner that `train` asks.

mod found;
mod place;
mod scale;
mod sizes;
mod text;

use std::path::PathBuf;

pub use found::Found;
pub use place::Place;

use crate::config::Config;
use crate::data::Window;
use crate::data::complete::{CompleteDays, Season};
use crate::data::day::{Day, Split};
use crate::data::land_mask::LandMask;
use crate::data::split::{Lists, write_split_csv};
use crate::data::stats::{ChannelStats, Values, stats_of_days};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::files::write_atomically;
use crate::gpu::{DeviceKind, Gpu};
use crate::train::fitting_batch_size;
use scale::Scale;
use sizes::Sizes;

/// Shares of days for validation and for testing, where there are enough of them.
const SHARE: f64 = 0.15;
/// Fewer days are all needed for training.
const FEWEST_TO_SPLIT: usize = 3;
/// So many years give whole months to validation and testing: neighbouring days are alike.
const YEARS_FOR_MONTHS: usize = 3;

/// A variable with the place of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its name in the configuration.
    pub name: String,
    /// Its folder, or its file.
    pub path: PathBuf,
}

/// What to draft a configuration of.
#[derive(Debug, Clone)]
pub struct Request {
    /// What maps are trained on: a folder with one raster a day.
    pub target: Named,
    /// Inputs of one raster a day.
    pub inputs: Vec<Named>,
    /// Inputs of one raster for all days.
    pub constants: Vec<Named>,
    /// A raster of land and ocean.
    pub mask: Option<PathBuf>,
    /// The configuration's file.
    pub out: PathBuf,
    /// Whether files that are there are replaced.
    pub force: bool,
}

/// What was drafted.
#[derive(Debug)]
pub struct Draft {
    /// Where everything is.
    pub place: Place,
    /// The variables, the target first.
    pub found: Vec<Found>,
    /// Their statistics over the train days, as the configuration has them.
    pub stats: Vec<ChannelStats>,
    /// The days of each split.
    pub lists: Lists,
    /// Bytes that training takes on the device.
    pub bytes: u64,
}

/// Drafts a configuration and writes it with its lists of days.
///
/// # Errors
/// [`Error::Usage`] for names that no variable can have, files that are there already, folders that hold no days, rasters of other grids,
/// inputs that say nothing; those of reading and writing.
pub fn draft(request: &Request, gpu: &Gpu, observe: &mut dyn FnMut(Event)) -> Result<Draft> {
    let place = Place::of(request)?;
    if !request.force {
        place.refuse_taken()?;
    }
    let found = Found::all(request)?;
    request.mask.as_deref().map_or(Ok(()), refuse_idle_mask)?;
    let file = request.out.display().to_string();
    let look = Config::from_yaml(&text::to_look(&found, request, &place), &file, &[])?;
    let season = Season { first: None, last: None, keep_31st: true };
    // Gaps are filled: only days that say nothing at all are left out.
    let days = CompleteDays::find(&look, Some(&season), observe)?;
    let drawn = drawing(&look, &days.with_target);
    let lists = Lists::draw(&drawn, &days)?;
    let stats = stats_of_days(&look, &lists.train, true, Values::Prepared, observe)?;
    refuse_constant(&stats)?;
    let target = &found[0];
    let ends = stats.iter().find(|stats| stats.name == target.name).map_or([0.0, 1.0], |stats| stats.ends);
    let scale = Scale::of(ends, target)?;
    let sizes = Sizes::of(target.scene(), lists.train.len(), gpu.capabilities().kind == DeviceKind::Gpu, &request.out)?;
    for split in Split::ALL {
        if let Some(path) = place.list(split, &lists) {
            write_split_csv(&path, lists.of(split))?;
        }
    }
    let drafted = text::Drafted { found: &found, request, place: &place, look: &drawn, stats: &stats, scale: &scale, lists: &lists };
    let (sizes, bytes) = fitted(sizes, &drafted, gpu)?;
    write_atomically(&request.out, |out| std::io::Write::write_all(out, drafted.yaml(&sizes).as_bytes()))?;
    Ok(Draft { place, found, stats, lists, bytes })
}

/// Refuses a mask that leaves every pixel in: an elevation, for example, that was given for one.
fn refuse_idle_mask(path: &std::path::Path) -> Result<()> {
    let mask = LandMask::open(path)?;
    let [rows, cols] = [mask.raster().rows(), mask.raster().cols()];
    let mut ocean = vec![0.0; rows * cols];
    mask.read_ocean(Window::whole(rows, cols), &mut ocean)?;
    match ocean.contains(&1.0) {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "--mask {0} takes out no pixel: a mask is 0, below 0 or without a value where nothing is to be learned, and {0} is none of it \
             anywhere; give another raster, or leave --mask out",
            path.display()
        ))),
    }
}

/// How the days are shared out.
fn drawing(look: &Config, days: &[Day]) -> Config {
    let years: std::collections::BTreeSet<u16> = days.iter().map(|day| day.year).collect();
    if years.len() >= YEARS_FOR_MONTHS {
        return Config { split_cfg: "stratified_time".into(), ..look.clone() };
    }
    // At least one day each, in thousandths that round up.
    let share = if days.len() < FEWEST_TO_SPLIT { 0.0 } else { SHARE.max((1000.0 / days.len() as f64).ceil() / 1000.0) };
    Config { split_cfg: "day".into(), val_percent: share, test_percent: share, ..look.clone() }
}

/// Refuses inputs that are the same everywhere, which nothing can be learned from.
fn refuse_constant(stats: &[ChannelStats]) -> Result<()> {
    match stats.iter().find(|stats| stats.normalised && stats.moments.std() <= 0.0) {
        Some(stats) => Err(Error::Usage(format!(
            "`{}` is {} everywhere on the {} file(s) of the train days, from which nothing can be learned; leave it out",
            stats.name,
            stats.moments.mean(),
            stats.files
        ))),
        None => Ok(()),
    }
}

/// Sizes with which training fits into the device's memory: smaller batches in more steps, then a narrower network.
fn fitted(mut sizes: Sizes, drafted: &text::Drafted, gpu: &Gpu) -> Result<(Sizes, u64)> {
    let out = &drafted.request.out;
    loop {
        let config = Config::from_text(&drafted.yaml(&sizes), &out.display().to_string(), &[], Some(&drafted.place.folder))?;
        match fitting_batch_size(&config, gpu)? {
            Some((batch_size, bytes)) => {
                sizes.accumulate *= sizes.batch_size / batch_size.max(1);
                sizes.batch_size = batch_size;
                return Ok((sizes, bytes));
            }
            None if sizes.base_channels > 1 => sizes.base_channels /= 2,
            None => {
                return Err(Error::OutOfMemory(format!(
                    "not even the smallest network fits into the memory of {}",
                    gpu.capabilities().name
                )));
            }
        }
    }
}
