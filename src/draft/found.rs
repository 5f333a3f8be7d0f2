//! What the folders and files of variables hold.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::{Named, Request};
use crate::data::complete::days_of_folder;
use crate::data::day::Day;
use crate::data::described::{Words, bands_of};
use crate::data::inventory::refuse_other_grid;
use crate::data::raster::Raster;
use crate::data::variable_files::is_tiff;
use crate::domains::{Source, Unit, Variable, interned};
use crate::error::{Error, Result};

/// A variable, and what there is of it.
#[derive(Debug)]
pub struct Found {
    /// Its name.
    pub name: String,
    /// Its folder, or its file.
    pub path: PathBuf,
    /// The option that named it.
    pub option: &'static str,
    /// The days that have a file; none where one file serves all.
    pub days: BTreeSet<Day>,
    /// What each band of its first file says of itself.
    pub bands: Vec<Words>,
    first: Raster,
}

impl Found {
    /// The variables of a request, the target first, all on one grid.
    ///
    /// # Errors
    /// [`Error::Usage`] and [`Error::Input`] for names and files that cannot be used.
    pub fn all(request: &Request) -> Result<Vec<Found>> {
        let mut found = vec![Found::daily(&request.target, "--target", None)?];
        for named in &request.inputs {
            let like = found[0].first.path().to_owned();
            found.push(Found::daily(named, "--input", Some(&like))?);
        }
        for named in &request.constants {
            found.push(Found::constant(named)?);
        }
        let names: Vec<&str> = found.iter().map(|found| &*found.name).collect();
        if let Some(twice) = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name)) {
            return Err(Error::Usage(format!("two variables are called {}; give each a name of its own: NAME=PATH", twice.1)));
        }
        if let [target, ..] = &found[..]
            && target.bands.len() > 1
        {
            let (first, count) = (target.first.path().display(), target.bands.len());
            return Err(Error::Usage(format!(
                "the target's {first} has {count} bands where a target has one; make files of one: `gdal_translate -b 1 IN OUT`"
            )));
        }
        refuse_other_grids(&found, request)?;
        Ok(found)
    }

    /// `like` is a raster of the grid that files of other kinds are to be brought onto.
    fn daily(named: &Named, option: &'static str, like: Option<&Path>) -> Result<Found> {
        check_name(named, option)?;
        if named.path.is_file() {
            let (name, path) = (&named.name, named.path.display());
            let is_tiff = named.path.file_name().and_then(|name| name.to_str()).is_some_and(is_tiff);
            let cure = match is_tiff {
                true => format!("of a raster for all days give --static {name}={path}"),
                false => {
                    let like = like.map_or("A_RASTER_OF_THE_GRID".to_owned(), |like| like.display().to_string());
                    format!("make one of it: `meltcore pack --like {like} --out {name} {path}`, then {option} {name}")
                }
            };
            return Err(Error::Usage(format!("{option} {path} is a file where a folder with one raster a day is wanted; {cure}")));
        }
        let variable = Variable { name: interned(&named.name), ..Variable::DAILY };
        let (files, days) = days_of_folder(&variable, &named.path, Unit::Day)?;
        let first = days.first().map(|day| files.file(day)).unwrap_or_default();
        Found::of(named, option, days, &first)
    }

    fn constant(named: &Named) -> Result<Found> {
        check_name(named, "--static")?;
        if named.path.is_dir() {
            let (name, path) = (&named.name, named.path.display());
            return Err(Error::Usage(format!(
                "--static {path} is a folder where one raster for all days is wanted; of one raster a day give --input {name}={path}"
            )));
        }
        Found::of(named, "--static", BTreeSet::new(), &named.path)
    }

    fn of(named: &Named, option: &'static str, days: BTreeSet<Day>, first: &Path) -> Result<Found> {
        let Named { name, path } = named.clone();
        Ok(Found { name, path, option, days, bands: bands_of(first)?, first: Raster::open_band(first, 0)? })
    }

    /// Rows and columns.
    pub fn scene(&self) -> [usize; 2] {
        [self.first.rows(), self.first.cols()]
    }

    /// Its channels' names: its own, or one for each band.
    pub fn channels(&self) -> Vec<String> {
        match self.bands.len() {
            0 | 1 => vec![self.name.clone()],
            several => (1..=several).map(|band| format!("{}_b{band}", self.name)).collect(),
        }
    }

    /// Where its values come from.
    pub fn source(&self) -> Source {
        if self.days.is_empty() { Source::Constant } else { Source::Daily }
    }
}

fn check_name(named: &Named, option: &str) -> Result<()> {
    let Named { name, path } = named;
    let letters = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match letters && name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.len() <= 64 {
        true => Ok(()),
        false => Err(Error::Usage(format!(
            "{option} {0}: `{name}` cannot be a variable's name, which has letters, digits and _ and begins with a letter; give \
             {option} NAME={0}",
            path.display()
        ))),
    }
}

/// Refuses variables that do not lie on the target's grid, with the commands that bring them there.
fn refuse_other_grids(found: &[Found], request: &Request) -> Result<()> {
    let Some(target) = found.first() else { return Ok(()) };
    let like = target.first.path().display();
    let mask = request.mask.as_deref().map(Raster::open).transpose()?;
    let others = found[1..].iter().map(|found| (&*found.name, &found.first, &*found.path, found.option));
    let others = others.chain(mask.iter().map(|mask| ("mask", mask, mask.path(), "--mask")));
    let mut misfits = Vec::new();
    for (name, raster, path, option) in others.filter(|(_, raster, ..)| refuse_other_grid(&target.first, raster).is_err()) {
        let out = format!("{name}_on_grid");
        // What is finer is averaged: between its pixels nothing is to be found.
        let is_finer = raster.rows() > 2 * target.scene()[0] && raster.cols() > 2 * target.scene()[1];
        let method = match (option, is_finer) {
            ("--mask", _) => "nearest",
            (_, true) => "average",
            (_, false) => "bilinear",
        };
        let path_then = match (option, path.file_stem()) {
            ("--input", _) | (_, None) => out.clone(),
            (_, Some(stem)) => format!("{out}/{}.tif", stem.to_string_lossy()),
        };
        let named = if option == "--mask" { path_then } else { format!("{name}={path_then}") };
        let what = match [raster.rows(), raster.cols()] == target.scene() {
            true => "lies elsewhere or in another coordinate system".to_owned(),
            false => format!("has {} × {} pixels", raster.rows(), raster.cols()),
        };
        misfits.push(format!(
            "{name} {what}: `meltcore pack --like {like} --out {out} --resampling {method} {}`, then {option} {named}",
            path.display()
        ));
    }
    let [rows, cols] = target.scene();
    match misfits.is_empty() {
        true => Ok(()),
        false => Err(Error::Usage(format!("not on the grid of {like} ({rows} × {cols} pixels), {}", misfits.join("; ")))),
    }
}
