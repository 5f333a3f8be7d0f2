//! Which days runs learn from and are scored on: one part of a data set after the other left out, and shares of the train list.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::file::{LeaveOut, Parts};
use crate::config::Config;
use crate::data::day::{Day, Split, read_split_csv};
use crate::data::split::{split_csv, write_split_csv};
use crate::domains::Unit;
use crate::error::{Error, Result};
use crate::random::{Draw, Purpose};

/// The days of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    /// The name of their folder.
    pub folder: String,
    /// Those that the weights are fitted to.
    pub train: Vec<Day>,
    /// Those that choose the best weights; none where nothing is left for that.
    pub val: Vec<Day>,
    /// Those that are scored; none where a split of the configuration is.
    pub held_out: Vec<Day>,
}

/// A part of the data set that is left out of training.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    /// Its name in tables.
    pub name: String,
    /// The days with it left out.
    pub days: Days,
    /// Where the part is, of one that is no days but pixels.
    pub area: Option<Area>,
}

/// Pixels of a grid that all days share.
#[derive(Debug, Clone)]
pub(super) enum Area {
    /// First row and column, and those behind the last.
    Box([usize; 4]),
    /// Where a raster is not 0.
    Mask(PathBuf),
}

/// The days of a list of the configuration.
fn list(config: &Config, split: Split) -> Result<Vec<Day>> {
    read_split_csv(config.require_split_csv(split.name())?, config.domain().unit)
}

/// The days of the val list; none without one.
fn val_list(config: &Config) -> Result<Vec<Day>> {
    if config.split_csv.contains_key("val") { list(config, Split::Val) } else { Ok(Vec::new()) }
}

/// The parts that are left out, in the order of their names, or in that of the file.
///
/// # Errors
/// [`Error::Input`] for lists of days that cannot be read; [`Error::Usage`] where days belong to no part, or a part leaves nothing to learn
/// from or to score.
pub(super) fn folds(config: &Config, leave_out: &LeaveOut) -> Result<Vec<Fold>> {
    let (train, val) = (list(config, Split::Train)?, val_list(config)?);
    let mut scored = Vec::new();
    for split in &leave_out.from {
        match split {
            Split::Train => scored.extend(&train),
            Split::Val => scored.extend(&val),
            other => scored.extend(list(config, *other)?),
        }
    }
    scored.sort_unstable();
    scored.dedup();
    let unit = config.domain().unit;
    let areas = |areas: Vec<(String, Area)>| {
        if unit == Unit::Scene {
            let message = "boxes and masks are of one grid, and these are scenes, each on its own; remove them, and `leave_out: region` goes \
                           by the regions of the scenes";
            return Err(Error::Usage(message.into()));
        }
        let of = |(name, area): (String, Area)| {
            let days = Days { folder: name.clone(), train: train.clone(), val: val.clone(), held_out: scored.clone() };
            Fold { name, days, area: Some(area) }
        };
        Ok(areas.into_iter().map(of).collect())
    };
    match &leave_out.parts {
        Parts::Boxes(boxes) => return areas(boxes.iter().map(|(name, corners)| (name.clone(), Area::Box(*corners))).collect()),
        Parts::Masks(masks) => return areas(masks.iter().map(|(name, file)| (name.clone(), Area::Mask(file.clone()))).collect()),
        Parts::Regions if unit == Unit::Day => {
            let message = "`leave_out: region` needs `boxes` or `masks`: these are days of one grid, and no scenes with a region each";
            return Err(Error::Usage(message.into()));
        }
        Parts::Regions | Parts::Seasons(..) => {}
    }
    let part_of = |day: &Day| match &leave_out.parts {
        Parts::Seasons(month, first) => season(day, (*month, *first)).map(Some),
        _ => Ok(config.region_name(day.scene.unwrap_or_default()).map(str::to_owned)),
    };
    // Parts by name, so that their order does not depend on that of the lists.
    let mut parts = BTreeSet::new();
    for day in train.iter().chain(&val) {
        parts.extend(part_of(day)?);
    }
    if parts.is_empty() {
        return Err(Error::Usage(
            "no scene of the train and val lists has a region: its name begins with it, as ALP-1 does, or `path_regions` says it".into(),
        ));
    }
    let fold = |name: String| {
        let is_of = |day: &&Day| matches!(part_of(day), Ok(Some(part)) if part == name);
        let without = |days: &[Day]| days.iter().filter(|day| !is_of(day)).copied().collect::<Vec<_>>();
        let held_out = scored.iter().filter(is_of).copied().collect();
        let days = Days { folder: name.replace('/', "-"), train: without(&train), val: without(&val), held_out };
        if days.train.is_empty() || days.held_out.is_empty() {
            let what = if days.train.is_empty() { "leaves no day to train on" } else { "has no day in the lists of `held_out_from`" };
            return Err(Error::Usage(format!(
                "leaving out {name} {what}; give longer lists, or another `season_start` or `held_out_from`"
            )));
        }
        Ok(Fold { name, days, area: None })
    };
    parts.into_iter().map(fold).collect()
}

/// The season of a day: `2015/16` of one that spans two years, `2016` of a calendar year.
fn season(day: &Day, start: (u8, u8)) -> Result<String> {
    if !day.is_dated() {
        return Err(Error::Usage(format!("`leave_out: season` needs days with a date, and {day} has none; leave out regions")));
    }
    let first = if (day.month, day.day) < start { day.year.saturating_sub(1) } else { day.year };
    Ok(if start == (1, 1) { day.year.to_string() } else { format!("{first}/{:02}", (first + 1) % 100) })
}

/// A share of the train list, rounded up, in its order: the seed's draw, of which a smaller share is a part.
///
/// # Errors
/// [`Error::Input`] for a list that cannot be read.
pub(super) fn share(config: &Config, share: f64, seed: u64) -> Result<Days> {
    let train = list(config, Split::Train)?;
    let mut places: Vec<usize> = (0..train.len()).collect();
    Draw::new(seed, Purpose::Share, 0).shuffle(&mut places);
    places.truncate((share * train.len() as f64).ceil() as usize);
    places.sort_unstable();
    let train = places.into_iter().map(|place| train[place]).collect();
    Ok(Days { folder: format!("share-{share}-seed-{seed}"), train, val: val_list(config)?, held_out: Vec::new() })
}

impl Days {
    /// The lists as files in a folder, by split, of those that are not empty.
    pub(super) fn files<'a>(&'a self, folders: &Path) -> impl Iterator<Item = (Split, PathBuf, &'a [Day])> {
        let folder = folders.join(&self.folder);
        let lists =
            [(Split::Train, "train.csv", &self.train), (Split::Val, "val.csv", &self.val), (Split::Eval, "held_out.csv", &self.held_out)];
        lists.into_iter().filter(|(.., days)| !days.is_empty()).map(move |(split, name, days)| (split, folder.join(name), days.as_slice()))
    }

    /// The files that are not there yet; those that are must list the same days.
    ///
    /// # Errors
    /// [`Error::Usage`] where a list is there and another one.
    pub(super) fn lacking(&self, folders: &Path) -> Result<Vec<(PathBuf, &[Day])>> {
        let mut lacking = Vec::new();
        for (_, file, days) in self.files(folders) {
            match std::fs::read_to_string(&file) {
                Ok(text) if text == split_csv(days) => {}
                Ok(_) => {
                    return Err(changed(&file, "lists other days than the experiment's file and the lists of the configuration say now"));
                }
                Err(_) => lacking.push((file, days)),
            }
        }
        Ok(lacking)
    }

    /// Writes the lists.
    ///
    /// # Errors
    /// Those of [`Days::lacking`]; [`Error::Output`].
    pub(super) fn write(&self, folders: &Path) -> Result<()> {
        self.lacking(folders)?.into_iter().try_for_each(|(file, days)| write_split_csv(&file, days))
    }
}

/// The error of a file that earlier runs went by.
pub(super) fn changed(file: &Path, what: &str) -> Error {
    Error::Usage(format!("{} {what}, and runs were begun by it; put these back, or give another --out", file.display()))
}
