//! Mean and standard deviation of every channel over the days of a split.
//!
//! One file at a time on each thread: mean μ, then Σ (x − μ)² in a second pass, both in float64; files are merged by
//! T. F. Chan, G. H. Golub and R. J. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances" (1979), in
//! their order, so that the result does not depend on the threads. The standard deviation is the population's (divided by N; with
//! 10⁹ pixels the sample's is the same to nine digits). Every pixel of a scene counts, ocean too; of the target only observed land.

use std::path::{Path, PathBuf};

use super::Window;
use super::day::{Day, Split, read_split_csv};
use super::extremes::Extremes;
use super::inventory::{name_some, refuse_other_grid};
use super::land_mask::LandMask;
use super::moments::Moments;
use super::parallel::in_parallel;
use super::raster::{Raster, rows_at_once};
use super::variable_files::VariableFiles;
use crate::config::Config;
use crate::domains::{Unit, Variable};
use crate::error::{Error, Result};
use crate::event::Event;

/// What was found about one variable.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelStats {
    /// Its name in `mean_<name>` and `std_<name>`.
    pub name: &'static str,
    /// In the unit of those keys: raw values divided by [`Config::divisor`].
    pub moments: Moments,
    /// The smallest and the largest value that the files hold.
    pub ends: [f64; 2],
    /// Pixels without a value, which were left out.
    pub without_value: u64,
    /// Files that were read.
    pub files: usize,
    /// Whether its keys act: other channels are never normalised.
    pub normalised: bool,
}

/// Which values statistics are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Those that files hold.
    Raw,
    /// Those that `mean_<variable>` and `std_<variable>` are of: divided, and their logarithms where the configuration asks for them.
    Prepared,
}

/// Reads the rasters of the configured inputs, and of the target where its path is set, on the days of a split.
///
/// A file that serves several days counts once. `time_interpolate_sar` and the winter means, which are never normalised and may be
/// made later, are left out with a note where files are missing.
///
/// # Errors
/// A missing split or path key; files that are missing, cannot be read, hold no value or lie on different grids.
pub fn channel_stats(config: &Config, split: Split, values: Values, observe: &mut dyn FnMut(Event)) -> Result<Vec<ChannelStats>> {
    let days = read_split_csv(config.require_split_csv(split.name())?, config.domain().unit)?;
    stats_of_days(config, &days, split != Split::Deploy, values, observe)
}

/// As [`channel_stats`], of days that no list holds yet, `with_target` or without.
///
/// # Errors
/// As [`channel_stats`].
pub fn stats_of_days(
    config: &Config,
    days: &[Day],
    with_target: bool,
    values: Values,
    observe: &mut dyn FnMut(Event),
) -> Result<Vec<ChannelStats>> {
    let domain = config.domain();
    let landmask = config.variable_paths.get(domain.mask).map(LandMask::open).transpose()?;
    let mut variables: Vec<(&Variable, Vec<PathBuf>)> = Vec::new();
    for input in config.inputs()?.into_iter().filter(|input| !input.is_scalar() && input.gap_of.is_none() && input.name != domain.mask) {
        let of_days = VariableFiles::of(input, config.require_variable(input.files_of())?, days)?;
        let mut files: Vec<PathBuf> = days.iter().map(|day| of_days.file(day)).collect();
        // Of an optional input the files that there are, where there are any.
        if input.optional && files.iter().any(|file| file.is_file()) {
            files.retain(|file| file.is_file());
        }
        files.sort();
        files.dedup();
        variables.push((input, files));
    }
    if let (Some(folder), true) = (config.variable_paths.get(domain.target.name), with_target) {
        let of_days = VariableFiles::of(&domain.target, folder, days)?;
        variables.push((&domain.target, days.iter().map(|day| of_days.file(day)).collect()));
    }
    let mut kept = Vec::new();
    for (variable, files) in variables {
        let Variable { name, normalised, .. } = variable;
        let missing: Vec<PathBuf> = files.iter().filter(|file| !file.is_file()).cloned().collect();
        let (count, some) = (missing.len(), name_some(&missing));
        match (missing.first(), normalised) {
            (None, _) => kept.push((variable, files)),
            (Some(first), true) => {
                let folder = first.parent().unwrap_or(Path::new("."));
                let message =
                    format!("{count} file(s) of `{name}` are missing: {some}; check `path_{}`, or the split file", variable.files_of());
                return Err(Error::input(folder, message));
            }
            (Some(_), false) => observe(Event::Note(format!("`{name}` is left out: {count} file(s) are missing ({some})"))),
        }
    }
    let jobs: Vec<(usize, &Path)> =
        kept.iter().enumerate().flat_map(|(index, (_, files))| files.iter().map(move |file| (index, file.as_path()))).collect();
    let Some((_, first)) = jobs.first() else {
        return Err(Error::Usage("the configuration names no raster to compute statistics of; add channels to in_keys".into()));
    };
    let reference = Raster::of_band(first, kept[0].0.band())?;
    observe(Event::Start { label: "stats", total: jobs.len(), unit: "files" });
    let of_file = |(index, file): &(usize, &Path)| {
        let variable = kept[*index].0;
        let raster = Raster::of_band(file, variable.band())?;
        // Scenes lie on grids of their own.
        if domain.unit == Unit::Day {
            refuse_other_grid(&reference, &raster)?;
        }
        let mask = landmask.as_ref().filter(|_| variable == &domain.target);
        if let Some(mask) = mask {
            refuse_other_grid(&reference, mask.raster())?;
        }
        match variable.logarithm.is_some() && values == Values::Prepared {
            true => moments_of(&raster, mask, |value| config.unnormalised(variable, value)),
            false => moments_of(&raster, mask, |value| value),
        }
    };
    let found = in_parallel(jobs.iter().map(Ok), rayon::current_num_threads(), of_file, || observe(Event::Done(1)))?;
    let mut stats = Vec::new();
    for (index, (variable, files)) in kept.iter().enumerate() {
        let Variable { name, normalised, .. } = variable;
        let of_variable = jobs.iter().zip(&found).filter(|((of, _), _)| *of == index).map(|(_, found)| found.clone());
        let merged = |a: OfFile, b: OfFile| (a.0.merged(b.0), a.1 + b.1, a.2.merged(b.2));
        let (moments, without_value, extremes) = of_variable.fold(OfFile::default(), merged);
        extremes.warnings(name).into_iter().for_each(|text| observe(Event::Note(text)));
        if moments.count() == 0 {
            let folder = files.first().map_or(Path::new("."), |file| file.as_path());
            return Err(Error::input(
                folder,
                format!("`{name}` has no pixel with a value in this split; check `path_{}`", variable.files_of()),
            ));
        }
        let divided = values == Values::Prepared && variable.logarithm.is_none();
        let moments = if divided { moments.divided_by(config.divisor(variable)) } else { moments };
        let ends = extremes.ends().unwrap_or_default();
        stats.push(ChannelStats { name, moments, ends, without_value, files: files.len(), normalised: *normalised });
    }
    Ok(stats)
}

/// Moments, pixels without a value and extremes of a file.
type OfFile = (Moments, u64, Extremes);

/// The moments of what `change` makes of a raster's values, where `landmask` says land if it is given, how many pixels have
/// no value, and extremes.
///
/// # Errors
/// None where both rasters have one size; an infinite value is an [`Error::Input`].
fn moments_of(raster: &Raster, landmask: Option<&LandMask>, change: impl Fn(f64) -> f64) -> Result<OfFile> {
    let (rows, cols) = (raster.rows(), raster.cols());
    let (mut values, mut ocean) = (Vec::new(), Vec::new());
    let mut each_row = |take: &mut dyn FnMut(&mut dyn Iterator<Item = f64>)| -> Result<()> {
        let height = rows_at_once(cols);
        for row in (0..rows).step_by(height) {
            let window = Window { row, col: 0, height: height.min(rows - row), width: cols };
            values.resize(window.pixels(), 0.0);
            ocean.resize(window.pixels(), 0.0);
            raster.read_window(window, &mut values)?;
            if let Some(landmask) = landmask {
                landmask.read_ocean(window, &mut ocean)?;
            }
            for (values, ocean) in values.chunks_exact(cols).zip(ocean.chunks_exact(cols)) {
                take(&mut values.iter().zip(ocean).filter(|(_, ocean)| **ocean == 0.0).map(|(value, _)| f64::from(*value)));
            }
        }
        Ok(())
    };
    let (mut count, mut without_value, mut sum, mut extremes) = (0u64, 0u64, 0.0, Extremes::default());
    each_row(&mut |values| {
        let mut of_row = 0.0;
        for value in values {
            if value.is_nan() {
                without_value += 1;
            } else {
                extremes.add(value, count, rows * cols, raster.path());
                count += 1;
                of_row += change(value);
            }
        }
        sum += of_row;
    })?;
    if !sum.is_finite() {
        return Err(Error::input(
            raster.path(),
            "holds infinite values; replace them, or take its day (where it has one) out of the split file",
        ));
    }
    let mean = if count == 0 { 0.0 } else { sum / count as f64 };
    let mut squares = 0.0;
    each_row(&mut |values| squares += values.filter(|value| !value.is_nan()).map(|value| (change(value) - mean).powi(2)).sum::<f64>())?;
    Ok((Moments::from_sums(count, mean, squares), without_value, extremes))
}
