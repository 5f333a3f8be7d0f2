//! Days that no setting can use: an input's raster of which no pixel has a value, where its gaps are not filled from elsewhere, and a
//! target without a single valid pixel.
//!
//! A file is read up to the first pixel that counts, which of most is among the first.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::Window;
use super::complete::Needed;
use super::day::Day;
use super::inventory::{empty_input, name_some, refuse_other_grid};
use super::land_mask::LandMask;
use super::parallel::in_parallel;
use super::raster::Raster;
use super::variable_files::VariableFiles;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::event::Event;

/// Takes days out, of both lists, whose raster of an input is empty.
///
/// # Errors
/// [`Error::Input`] for a raster that cannot be read, and for an empty one that serves all days.
pub(super) fn leave_out_empty_inputs(
    Needed { input, files: of_days, .. }: &Needed,
    with_target: &mut BTreeSet<Day>,
    deploy: &mut BTreeSet<Day>,
    observe: &mut dyn FnMut(Event),
) -> Result<()> {
    let files: BTreeSet<PathBuf> = with_target.union(deploy).map(|day| of_days.file(day)).collect();
    let has_value = |file: &Path| Raster::of_band(file, input.band())?.any(|_, values| values.iter().any(|value| !value.is_nan()));
    let empty = those_without(files, has_value, observe)?;
    let Some(first) = empty.first() else { return Ok(()) };
    if input.is_constant() {
        return Err(Error::input(first, empty_input(input)));
    }
    let is_usable = |day: &Day| !empty.contains(&of_days.file(day));
    with_target.retain(is_usable);
    deploy.retain(is_usable);
    let (count, name, some) = (empty.len(), input.name, name_some(&empty.iter().cloned().collect::<Vec<_>>()));
    observe(Event::Note(format!(
        "{count} file(s) of `{name}` have no pixel with a value, and their days are left out: {some}; `fill_{name}` = time, mean or a \
         value keeps them"
    )));
    Ok(())
}

/// Takes days out whose target has no value on land.
///
/// # Errors
/// [`Error::Input`] for a target or a land mask that cannot be read, and where they lie on different grids.
pub(super) fn leave_out_empty_targets(
    config: &Config,
    of_days: &VariableFiles,
    days: &mut BTreeSet<Day>,
    observe: &mut dyn FnMut(Event),
) -> Result<()> {
    let landmask = config.variable_paths.get(config.domain().mask).map(LandMask::open).transpose()?;
    let threshold = config.mask_threshold as f32;
    let ocean = |landmask: &LandMask| -> Result<Vec<bool>> {
        let (rows, cols) = (landmask.raster().rows(), landmask.raster().cols());
        let mut ocean = vec![0.0; rows * cols];
        landmask.read_ocean(Window::whole(rows, cols), &mut ocean)?;
        Ok(ocean.into_iter().map(|ocean| ocean > threshold).collect())
    };
    let ocean = landmask.as_ref().map(ocean).transpose()?;
    let has_valid = |file: &Path| {
        let raster = Raster::open(file)?;
        if let Some(landmask) = &landmask {
            refuse_other_grid(landmask.raster(), &raster)?;
        }
        raster.any(|first, values| {
            let counts = |index: usize| !ocean.as_ref().is_some_and(|ocean| ocean[first + index]);
            values.iter().enumerate().any(|(index, value)| !value.is_nan() && counts(index))
        })
    };
    let empty = those_without(days.iter().map(|day| of_days.file(day)).collect(), has_valid, observe)?;
    if !empty.is_empty() {
        days.retain(|day| !empty.contains(&of_days.file(day)));
        let (count, some) = (empty.len(), name_some(&empty.iter().cloned().collect::<Vec<_>>()));
        observe(Event::Note(format!("{count} day(s) have no target pixel with a value on land, and are left out: {some}")));
    }
    Ok(())
}

/// The files of which `has` says no.
fn those_without(
    files: BTreeSet<PathBuf>,
    has: impl Fn(&Path) -> Result<bool> + Sync,
    observe: &mut dyn FnMut(Event),
) -> Result<BTreeSet<PathBuf>> {
    if files.is_empty() {
        return Ok(files);
    }
    observe(Event::Start { label: "looking for empty days", total: files.len(), unit: "files" });
    let files: Vec<PathBuf> = files.into_iter().collect();
    let of_file = |file: &PathBuf| has(file);
    let found = in_parallel(files.iter().map(Ok), rayon::current_num_threads(), of_file, || observe(Event::Done(1)))?;
    Ok(files.into_iter().zip(found).filter(|(_, has)| !has).map(|(file, _)| file).collect())
}
