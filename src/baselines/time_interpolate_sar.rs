//! Running mean of radar maps: the mean of the train days before and after a day, within its calendar year.
//!
//! map(p) = Σ_d v_d(p)·m_d(p) / Σ_d v_d(p), over the `n_previous_dates` train days before the day and the `n_posterior_dates` after it,
//! where m is melt and v is 1 where the radar saw the pixel and it is no ocean; 0 where Σ v is 0, or NaN where that is wanted: Σ v goes
//! into a raster beside the map ([`crate::data::seen`]). Neighbours count by rank, not by
//! distance in time, the day itself is never one of them, and `n_previous_dates: 0` takes every earlier train day of the year.
//! A year without train days gives zeros (the reference stops there, or repeats the map of another day).

use std::sync::Arc;

use rayon::prelude::*;

use serde::Serialize;
use serde_json::{Value, json};

use super::maps::{Made, Maps};
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::Dataset;
use crate::data::day::{Day, Split, read_split_csv};
use crate::data::geotags::GeoTags;
use crate::data::raster::{Raster, rows_at_once};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::predict::Destination;
use crate::tasks;

/// The train days and how many of them make a map.
pub struct TimeInterpolateSar {
    train: Dataset,
    /// Date and index of every train day, in order of time.
    in_time: Vec<(Day, usize)>,
    /// 1 on ocean, rows × columns.
    ocean: Vec<f32>,
    previous: usize,
    posterior: usize,
}

impl TimeInterpolateSar {
    /// Opens the train days of a configuration; its input channels play no part.
    ///
    /// # Errors
    /// A missing split, target or land mask; rasters of different grids.
    pub fn new(config: &Config) -> Result<Self> {
        let train = Dataset::open_targets(config, Split::Train)?;
        let ocean = train.ocean(0)?;
        let mut in_time: Vec<_> = train.days().iter().cloned().zip(0..).collect();
        in_time.sort_unstable();
        let (previous, posterior) = (config.n_previous_dates, config.n_posterior_dates);
        Ok(TimeInterpolateSar { train, in_time, ocean, previous, posterior })
    }

    /// The train days that make the map of a day, in order of time, as indices into the train split.
    pub fn neighbours(&self, day: &Day) -> Vec<usize> {
        let of_year: Vec<_> = self.in_time.iter().filter(|(other, _)| other.year == day.year && other != day).collect();
        let after = of_year.partition_point(|(other, _)| other < day);
        let before = if self.previous == 0 { 0 } else { after.saturating_sub(self.previous) };
        let end = after.saturating_add(self.posterior).min(of_year.len());
        of_year[before..end].iter().map(|(_, index)| *index).collect()
    }

    /// The map of a day, rows × columns melt fractions, 0 on ocean and where no neighbour saw the pixel; and how many saw it, 0 on ocean.
    ///
    /// # Errors
    /// A target that cannot be read or has another grid.
    pub fn map(&self, day: &Day) -> Result<(Vec<f32>, Vec<f32>)> {
        let rasters = self.neighbours(day).into_iter().map(|index| self.train.target_raster(index)).collect::<Result<Vec<_>>>()?;
        let [rows, cols] = self.train.scene(0);
        let (mut map, mut seen) = (vec![0.0; rows * cols], vec![0.0; rows * cols]);
        let part = rows_at_once(cols) * cols;
        let of_parts = map.par_chunks_mut(part).zip(seen.par_chunks_mut(part)).zip(self.ocean.par_chunks(part)).enumerate();
        let done: Vec<_> = of_parts
            .map_init(Vec::new, |values, (index, ((map, seen), ocean))| {
                let window = Window { row: index * part / cols, col: 0, height: map.len() / cols, width: cols };
                mean_of_rows(&rasters, window, ocean, (map, seen), values)
            })
            .collect();
        // Collected first: of several errors rayon would hand on any.
        done.into_iter().collect::<Result<()>>()?;
        Ok((map, seen))
    }

    /// Refuses train days of which none saw anything: maps of zeros everywhere would pass for "no melt".
    fn require_observations(&self, config: &Config) -> Result<()> {
        for index in 0..self.train.days().len() {
            let target = self.train.target_raster(index)?.read_all()?;
            if target.iter().zip(&self.ocean).any(|(value, ocean)| !value.is_nan() && *ocean == 0.0) {
                return Ok(());
            }
            self.train.release(index);
        }
        let message = "no train day has a pixel on land that the radar saw, so that there is nothing to take the mean of; check path_melt and \
                       path_landmask, or list other days";
        Err(Error::input(config.require_split_csv(Split::Train.name())?, message))
    }

    /// Where the maps of a split lie: with its target, for deploy with `path_melt_reference` or else with the train days.
    fn georeference(&self, config: &Config, split: Split) -> Result<Georeference> {
        match (split, config.variable_paths.get("melt_reference")) {
            (Split::Deploy, Some(path)) => Ok(Georeference::One(Raster::open(path)?.geo().clone())),
            (Split::Deploy, None) => Ok(Georeference::One(self.train.output_geo(0)?)),
            _ => Ok(Georeference::OfTargets(Box::new(Dataset::open_targets(config, split)?))),
        }
    }
}

enum Georeference {
    One(GeoTags),
    OfTargets(Box<Dataset>),
}

/// Means of some rows and of how many values, both 0 before; `values` is room for a raster's rows.
fn mean_of_rows(
    rasters: &[Arc<Raster>],
    rows: Window,
    ocean: &[f32],
    (map, counts): (&mut [f32], &mut [f32]),
    values: &mut Vec<f32>,
) -> Result<()> {
    values.resize(map.len(), 0.0);
    for raster in rasters {
        raster.read_window(rows, values)?;
        raster.refuse_infinite(values)?;
        for ((sum, count), value) in map.iter_mut().zip(counts.iter_mut()).zip(values.iter()) {
            if !value.is_nan() {
                *sum += value;
                *count += 1.0;
            }
        }
    }
    for ((sum, count), ocean) in map.iter_mut().zip(counts).zip(ocean) {
        if *ocean > 0.0 {
            *count = 0.0;
        }
        *sum = if *count > 0.0 { *sum / *count } else { 0.0 };
    }
    Ok(())
}

/// What a map is where no train day saw the pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unseen {
    /// 0, as in the reference.
    #[default]
    Zero,
    /// No value.
    Nan,
}

/// Writes the maps of a split's days, in order of time, with a raster of counts beside each.
///
/// # Errors
/// As [`TimeInterpolateSar::new`] and [`TimeInterpolateSar::map`]; no train day with an observation; a map or picture that cannot be
/// written.
pub fn write_maps(config: &Config, split: Split, unseen: Unseen, destination: Destination, observe: &mut dyn FnMut(Event)) -> Result<()> {
    let baseline = TimeInterpolateSar::new(config)?;
    baseline.require_observations(config)?;
    let georeference = baseline.georeference(config, split)?;
    let days = read_split_csv(config.require_split_csv(split.name())?, config.domain().unit)?;
    let files = destination.files("time-interpolate-sar", tasks::of(config).as_ref(), "");
    let (size, ocean) = (baseline.train.scene(0), &*baseline.ocean);
    let geo = |index: usize| match &georeference {
        Georeference::One(geo) => Ok(geo.clone()),
        Georeference::OfTargets(targets) => {
            let geo = targets.output_geo(index);
            targets.release(index);
            geo
        }
    };
    let mut held: Vec<usize> = Vec::new();
    // Where it is the reference's way nothing is said, so that the lists of older versions stay true.
    let options = if unseen == Unseen::Zero { Value::Null } else { json!({ "unseen": unseen }) };
    Maps {
        label: "time-interpolate-sar",
        config,
        destination,
        fills: Some("time_interpolate_sar"),
        options,
        days: &days,
        files,
        size,
        ocean,
    }
    .write(observe, &geo, &mut |index, observe| {
        let day = &days[index];
        if baseline.neighbours(day).is_empty() {
            let name = day.file_name();
            observe(Event::Note(format!("{name}: no other train day of {} serves as a neighbour, so its map is all zeros", day.year)));
        }
        let made = baseline.map(day);
        // Days come in order of time: of those that fall out only the day itself comes back.
        let now = baseline.neighbours(day);
        held.iter().filter(|other| !now.contains(other)).for_each(|&other| baseline.train.release(other));
        held = now;
        let (mut map, seen) = made?;
        if unseen == Unseen::Nan {
            map.iter_mut().zip(&seen).filter(|(_, count)| **count == 0.0).for_each(|(value, _)| *value = f32::NAN);
        }
        Ok(Made { map, seen: Some(seen) })
    })
}
