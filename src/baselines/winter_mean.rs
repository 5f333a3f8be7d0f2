//! The winter's brightness temperature of each year: the mean of its January and February days, pixel by pixel.
//!
//! mean(p) = Σ_d pmw_d(p) / #d over the days with a value at p, summed in float64 in order of time; NaN where no day has one.
//! `threshold-pmw` and the channel `pmw_winter_mean` read the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::data::Window;
use crate::data::complete::days_of_folder;
use crate::data::day::Day;
use crate::data::inventory::refuse_other_grid;
use crate::data::parallel::in_parallel;
use crate::data::raster::{Raster, rows_at_once};
use crate::data::variable_files::VariableFiles;
use crate::data::writer::write_geotiff;
use crate::domains::Unit;
use crate::domains::helheim::{PMW, PMW_WINTER_MEAN};
use crate::error::{Error, Result};
use crate::event::Event;

/// Years in work at once: each holds the sums of a scene.
const MOST_YEARS: usize = 4;

/// One year's file.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct WinterMean {
    /// The calendar year.
    pub year: u16,
    /// `YYYY_jan_feb.tif` in `path_pmw_winter_mean`.
    pub path: PathBuf,
    /// Days of January and February in `path_pmw`.
    pub days: usize,
    /// Pixels without a value on any of them; 0 where the file was kept.
    pub without_value: usize,
    /// Whether the file was there already and was left as it is.
    pub kept: bool,
}

/// Writes the winter mean of every year that has days in January or February; files that exist are kept but for `force`.
///
/// # Errors
/// A missing path key; a folder or raster that cannot be read, rasters of different grids, no winter day at all; a file that cannot
/// be written.
pub fn write_winter_means(config: &Config, force: bool, observe: &mut dyn FnMut(Event)) -> Result<Vec<WinterMean>> {
    let (folder, out) = (config.require_variable(PMW)?, config.require_variable(PMW_WINTER_MEAN)?);
    let mut years: BTreeMap<u16, Vec<Day>> = BTreeMap::new();
    let mut summers = std::collections::BTreeSet::new();
    let Some(variable) = config.domain().input(PMW) else { return Err(config.key_error("domain", "has no microwaves")) };
    let (files, of_folder) = days_of_folder(variable, folder, Unit::Day)?;
    for day in of_folder {
        if day.month <= 2 {
            years.entry(day.year).or_default().push(day);
        } else {
            summers.insert(day.year);
        }
    }
    if years.is_empty() {
        return Err(Error::input(folder, "holds no day of January or February, so there is no winter to take the mean of"));
    }
    for year in summers.into_iter().filter(|year| !years.contains_key(year)) {
        observe(Event::Note(format!("{year} has no day in January or February in {}, and gets no winter mean", folder.display())));
    }
    let years: Vec<Vec<Day>> = years.into_values().collect();
    observe(Event::Start { label: "winter-mean", total: years.len(), unit: "years" });
    let most = rayon::current_num_threads().min(MOST_YEARS);
    in_parallel(years.iter().map(Ok), most, |days| write_year(&files, out, days, force), || observe(Event::Done(1)))
}

fn write_year(files: &VariableFiles, out: &Path, days: &[Day], force: bool) -> Result<WinterMean> {
    let Some(first) = days.first() else { return Err(Error::Usage("a winter without days".into())) };
    let path = out.join(first.winter_file_name());
    let mut written = WinterMean { year: first.year, path, days: days.len(), without_value: 0, kept: false };
    if written.path.exists() && !force {
        return Ok(WinterMean { kept: true, ..written });
    }
    let reference = Raster::open(files.file(first))?;
    let (rows, cols) = (reference.rows(), reference.cols());
    let (mut sums, mut counts) = (vec![0.0f64; rows * cols], vec![0u8; rows * cols]);
    let (mut values, height) = (Vec::new(), rows_at_once(cols));
    for day in days {
        let raster = Raster::open(files.file(day))?;
        refuse_other_grid(&reference, &raster)?;
        for (part, (sums, counts)) in sums.chunks_mut(height * cols).zip(counts.chunks_mut(height * cols)).enumerate() {
            values.resize(sums.len(), 0.0);
            raster.read_window(Window { row: part * height, col: 0, height: sums.len() / cols, width: cols }, &mut values)?;
            raster.refuse_infinite(&values)?;
            for ((sum, count), value) in sums.iter_mut().zip(counts).zip(&values).filter(|(_, value)| !value.is_nan()) {
                *sum += f64::from(*value);
                *count += 1;
            }
        }
    }
    let mean = |(sum, count): (&f64, &u8)| if *count == 0 { f32::NAN } else { (sum / f64::from(*count)) as f32 };
    let means: Vec<f32> = sums.iter().zip(&counts).map(mean).collect();
    written.without_value = counts.iter().filter(|count| **count == 0).count();
    write_geotiff(&written.path, rows, cols, &means, reference.geo())?;
    Ok(written)
}
