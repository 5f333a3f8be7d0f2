//! Outlines beside maps of classes: of each `NAME.tif` the polygons of every class but the first, in `NAME.gpkg`.
//!
//! `outlines.json` in the folder of the maps says what each file was made of. One that is as it was written, of the same map and smallest
//! area, is not made again. Outlines are what people correct by hand: a file that is no longer as it was written is kept while its map and
//! its smallest area are the same, and otherwise replaced only where that is asked for.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::origin::Origin;
use crate::data::class_map::{beside_map, read_class_map};
use crate::data::dataset::Dataset;
use crate::data::day::Day;
use crate::data::inventory::name_some;
use crate::data::polygons::{PolygonSource, check_available, write_polygons};
use crate::data::raster::Raster;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::files::{Digest, digest_of_file, write_atomically};
use crate::tasks::Task;

/// Name of the list beside the outlines.
const OUTLINES_FILE: &str = "outlines.json";
/// Digits of a digest of weights that are enough to tell some from others.
const DIGITS: usize = 12;
/// What SQLite keeps beside a file that is open somewhere; what stands there would become part of a file that takes its place.
const OPEN_ELSEWHERE: [&str; 2] = ["-wal", "-journal"];

/// What is wanted of outlines.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OutlineOptions {
    /// Smaller polygons are left out, square metres; maps keep them.
    pub smallest_area: f64,
    /// Replace files that no list knows, and those that were changed since they were written.
    pub replace: bool,
    /// Make finished outlines again, too.
    pub overwrite: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Made {
    /// Digest of the map.
    map: Digest,
    /// Digest of the file of probabilities beside it, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    beside: Option<Digest>,
    smallest_area: f64,
    /// Digest of the outlines; none of a file that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outlines: Option<Digest>,
}

/// What a file of outlines on disk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It is not there, or somebody was stopped while it was made.
    Missing,
    /// It is as it was written.
    Written,
    /// It was written here and is another one now.
    Changed,
    /// No list knows it.
    Foreign,
}

/// The outlines of a folder of maps.
#[derive(Debug)]
pub(super) struct Outlines {
    folder: PathBuf,
    options: OutlineOptions,
    /// By file name.
    made: BTreeMap<String, Made>,
}

/// The name of the outlines of a day's map.
fn name_of(day: &Day) -> String {
    Path::new(&day.file_name()).with_extension("gpkg").to_string_lossy().into_owned()
}

/// What to tell of outlines that were drawn of other maps than those that are there now, where there are any.
pub(super) fn stale(folder: &Path, maps: &[(Day, PathBuf)]) -> Option<String> {
    let list = std::fs::read(folder.join(OUTLINES_FILE)).ok()?;
    let made: BTreeMap<String, Made> = serde_json::from_slice(&list).ok()?;
    let is_of_other = |(day, map): &&(Day, PathBuf)| {
        let name = name_of(day);
        let of = made.get(&name).filter(|_| folder.join(&name).is_file());
        of.is_some_and(|of| digest_of_file(map).is_ok_and(|(now, _)| now != of.map))
    };
    let others: Vec<PathBuf> = maps.iter().filter(is_of_other).map(|(day, _)| folder.join(name_of(day))).collect();
    (!others.is_empty()).then(|| {
        format!("{} of earlier maps: --outlines draws those of these", name_some(&others) + if others.len() > 1 { " are" } else { " is" })
    })
}

impl Outlines {
    /// Those of a folder, finished ones included.
    ///
    /// # Errors
    /// [`Error::Usage`] in a build without GDAL, and for maps that are no classes.
    pub fn open(folder: &Path, task: &dyn Task, options: OutlineOptions) -> Result<Outlines> {
        check_available()?;
        if task.classes().is_none() {
            let message = format!("--outlines draws classes, and maps of the task `{}` hold numbers; leave it out", task.key().name());
            return Err(Error::Usage(message));
        }
        let list = std::fs::read(folder.join(OUTLINES_FILE)).ok();
        let made = list.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Outlines { folder: folder.to_owned(), options, made })
    }

    /// Refuses files in the places of outlines that would have to be replaced and may not be, before any map is made; `is_mapped` says
    /// whether a day's map is made anew.
    ///
    /// # Errors
    /// [`Error::Usage`] naming them.
    pub fn check(&self, days: &[Day], is_mapped: impl Fn(usize) -> bool) -> Result<()> {
        let is_wanted = |(index, day): (usize, &Day)| {
            let made = self.made.get(&name_of(day));
            let same = made.is_some_and(|made| made.smallest_area == self.options.smallest_area);
            let stays = same && !self.options.overwrite && !is_mapped(index);
            (!stays || self.state(&name_of(day)) == State::Foreign).then(|| name_of(day))
        };
        let wanted: Vec<String> = days.iter().enumerate().filter_map(is_wanted).collect();
        self.refuse(&wanted)
    }

    fn state(&self, name: &str) -> State {
        let path = self.folder.join(name);
        match (path.symlink_metadata().is_ok(), self.made.get(name)) {
            (false, _) => State::Missing,
            (true, None) => State::Foreign,
            (true, Some(Made { outlines: None, .. })) => State::Missing,
            (true, Some(Made { outlines, .. })) => {
                let now = digest_of_file(&path).ok().map(|(digest, _)| digest);
                if now == *outlines { State::Written } else { State::Changed }
            }
        }
    }

    /// Refuses to replace files that are somebody else's, or open elsewhere.
    fn refuse(&self, names: &[String]) -> Result<()> {
        names.iter().try_for_each(|name| refuse_open(&self.folder.join(name)))?;
        if self.options.replace {
            return Ok(());
        }
        let kept = names.iter().filter(|name| matches!(self.state(name), State::Changed | State::Foreign));
        let kept: Vec<PathBuf> = kept.map(|name| self.folder.join(name)).collect();
        if kept.is_empty() {
            return Ok(());
        }
        Err(Error::Usage(format!(
            "{} would be replaced, and meltcore did not write it, or it was changed since (a GIS that opens it does that, too); move it \
             away, choose another folder with --out, or replace it with --force",
            name_some(&kept)
        )))
    }

    /// Writes what is not finished, of maps that are: each file appears whole or not at all. `by` says what made the maps.
    ///
    /// # Errors
    /// [`Error::Input`] for maps that cannot be read or have no place; [`Error::Output`] where a file cannot be written;
    /// [`Error::Usage`] for a file that may not be replaced, or is open in another program.
    pub fn write(&mut self, days: &[Day], task: &dyn Task, by: &str, observe: &mut dyn FnMut(Event)) -> Result<()> {
        let (mut wanted, mut kept) = (Vec::new(), Vec::new());
        for day in days {
            let (name, made) = (name_of(day), self.made_of(day)?);
            let same = !self.options.overwrite && self.made.get(&name).is_some_and(|earlier| earlier.is_of(&made));
            match (self.state(&name), same) {
                (State::Written, true) => {}
                (State::Changed, true) => kept.push(self.folder.join(name)),
                _ => wanted.push((day, name, made)),
            }
        }
        if !kept.is_empty() {
            let text = format!("{} was changed since it was written and stays; --overwrite with --force makes it again", name_some(&kept));
            observe(Event::Note(text));
        }
        if wanted.is_empty() {
            observe(Event::Note(format!("all outlines ({}) are finished already; --overwrite makes them again", days.len() - kept.len())));
            return Ok(());
        }
        let names: Vec<String> = wanted.iter().map(|(_, name, _)| name.clone()).collect();
        self.refuse(&names)?;
        // Before the first of them is there: whoever is stopped between a file and its line finds it begun.
        self.made.extend(wanted.iter().map(|(_, name, made)| (name.clone(), made.clone())));
        self.save()?;
        observe(Event::Start { label: "outlines", total: wanted.len(), unit: "maps" });
        let mut polygons = 0;
        for (day, name, made) in &wanted {
            polygons += self.draw(day, name, task, by)?;
            let path = self.folder.join(name);
            let (digest, _) =
                digest_of_file(&path).map_err(|e| Error::output(&path, format!("was written and cannot be read back ({e})")).because(e))?;
            self.made.insert(name.clone(), Made { outlines: Some(digest), ..made.clone() });
            self.save()?;
            observe(Event::Done(1));
        }
        let few = if wanted.len() == 1 { self.folder.join(&wanted[0].1).display().to_string() } else { format!("{} files", wanted.len()) };
        observe(Event::Note(format!("{polygons} polygon(s) are in {few}")));
        Ok(())
    }

    /// What the outlines of a day's map are made of now.
    fn made_of(&self, day: &Day) -> Result<Made> {
        let map = self.folder.join(day.file_name());
        let digest = |path: &Path| {
            let unread = |e: std::io::Error| Error::input(path, format!("cannot be read ({e}); make this map again")).because(e);
            digest_of_file(path).map(|(digest, _)| digest).map_err(unread)
        };
        let beside = Some(beside_map(&map)).filter(|path| path.is_file());
        let beside = beside.as_deref().map(digest).transpose()?;
        Ok(Made { map: digest(&map)?, beside, smallest_area: self.options.smallest_area, outlines: None })
    }

    /// Draws the outlines of a day's map; returns how many polygons they are.
    fn draw(&self, day: &Day, name: &str, task: &dyn Task, by: &str) -> Result<usize> {
        let map = self.folder.join(day.file_name());
        let names = task.classes().unwrap_or_default();
        let classes = read_class_map(&map, names.len())?;
        // How often maps are right says more than how sure the network is, where that is known.
        let certain = task.certainty().into_iter().flat_map(|[said, calibrated]| [calibrated, said]);
        let (beside, band) = (beside_map(&map), certain.filter_map(|title| place_of(task, title)).next());
        let confidence = band.filter(|_| beside.is_file()).map(|band| Raster::open_band(&beside, band)?.read_all()).transpose()?;
        let source = PolygonSource {
            scene: [classes.rows, classes.cols],
            classes: &classes.classes,
            names,
            confidence: confidence.as_deref(),
            geo: &classes.geo,
            source: &format!("{}: {by}", map.file_stem().unwrap_or_default().to_string_lossy()),
            smallest_area: self.options.smallest_area,
        };
        write_polygons(&self.folder.join(name), &source)
    }

    fn save(&self) -> Result<()> {
        write_atomically(self.folder.join(OUTLINES_FILE), |file| Ok(writeln!(file, "{}", serde_json::to_string_pretty(&self.made)?)?))
    }
}

impl Made {
    /// Whether it was made of the same as another one will be.
    fn is_of(&self, other: &Made) -> bool {
        (self.map, self.beside, self.smallest_area) == (other.map, other.beside, other.smallest_area)
    }
}

/// Which band of the file beside a map has a title.
fn place_of(task: &dyn Task, title: &str) -> Option<usize> {
    task.beside().iter().position(|band| band.long_name == title)
}

/// What made some maps, for the attribute `source`.
pub(super) fn made_by(model: &str, weights: &str) -> String {
    format!("{model}, weights {}, {}", weights.get(..DIGITS).unwrap_or(weights), Origin::software())
}

/// Refuses maps that would have no place on Earth, before they are made.
///
/// # Errors
/// [`Error::Input`] naming the first; those of opening the rasters that give maps their place.
pub(super) fn refuse_unplaced(dataset: &Dataset) -> Result<()> {
    for day in 0..dataset.days().len() {
        if dataset.output_geo(day)?.transform().is_none() {
            let file = dataset.target_file(day).or_else(|| dataset.input_files(day).into_iter().next()).unwrap_or_default();
            let message = "has no georeference, without which --outlines have no place; give it one (gdal_edit.py -a_srs … -a_ullr …)";
            return Err(Error::input(file, message));
        }
    }
    Ok(())
}

/// Refuses to replace a file that another program has open, or that one left behind half-changed.
fn refuse_open(path: &Path) -> Result<()> {
    let beside = OPEN_ELSEWHERE.map(|ending| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    });
    match beside.iter().find(|file| file.exists()) {
        None => Ok(()),
        Some(file) => Err(Error::Usage(format!(
            "{} cannot be replaced while it is open in another program: {} is there; close it there, or remove both files",
            path.display(),
            file.display()
        ))),
    }
}
