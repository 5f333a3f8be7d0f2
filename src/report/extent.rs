//! How much is covered day by day: land pixels above the task's threshold in every map of a folder, and in the observed maps of those days.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::Dataset;
use crate::data::day::{Day, read_split_csv};
use crate::data::geotags::GeoTransform;
use crate::data::raster::Raster;
use crate::data::seen::hide_unseen;
use crate::data::variable_files::VariableFiles;
use crate::error::{Error, Result};
use crate::event::Event;

/// Pixel sides below this are degrees, not metres.
const LEAST_METRES: f64 = 1.0;

/// Pixels of one map.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    /// Land pixels above the threshold.
    pub covered: u64,
    /// Land pixels with a value.
    pub seen: u64,
}

/// The extents of all maps there are.
#[derive(Debug, Clone)]
pub struct Extents {
    /// Name and days of each model.
    pub models: Vec<(String, BTreeMap<Day, Counted>)>,
    /// Of the observed maps on those days.
    pub observed: BTreeMap<Day, Counted>,
    /// Days with an observed (SAR) map, by the split files.
    pub sar_days: BTreeSet<Day>,
    /// Land pixels of the scene.
    pub land: u64,
    /// Area of a pixel in km², where the grid is in metres.
    pub pixel_km2: Option<f64>,
}

impl Extents {
    /// Reads every map of the folders, one at a time.
    ///
    /// # Errors
    /// [`Error::Input`] for a folder or map that cannot be read, or a map of another size.
    pub fn read(
        config: &Config,
        of: &crate::tasks::Extent,
        dataset: &Dataset,
        models: &[(String, PathBuf)],
        observe: &mut dyn FnMut(Event),
    ) -> Result<Extents> {
        let land: Vec<bool> = dataset.ocean(0)?.iter().map(|ocean| *ocean < 0.5).collect();
        let files = models.iter().map(|(name, folder)| Ok((name.clone(), files_of(config, folder)?))).collect::<Result<Vec<_>>>()?;
        let days: BTreeSet<&Day> = files.iter().flat_map(|(_, files)| files.keys()).collect();
        let days: Vec<Day> = days.into_iter().copied().collect();
        let target = &config.domain().target;
        let files_of_target = config.variable_paths.get(target.name).map(|path| VariableFiles::of(target, path, &days)).transpose()?;
        let targets: BTreeMap<Day, PathBuf> =
            days.iter().filter_map(|day| Some((*day, files_of_target.as_ref()?.file(day)))).filter(|(_, file)| file.is_file()).collect();
        let total = files.iter().map(|(_, files)| files.len()).sum::<usize>() + targets.len();
        observe(Event::Start { label: "extent", total, unit: "maps" });
        let mut of_files = |files: &BTreeMap<Day, PathBuf>, divisor: f64| {
            let extent = |(day, file): (&Day, &PathBuf)| {
                observe(Event::Done(1));
                let raster = Raster::open_band(file, 0)?.divided_by(divisor);
                Ok((*day, extent(&raster, dataset.scene(0), &land, of.threshold as f32)?))
            };
            files.iter().map(extent).collect::<Result<BTreeMap<_, _>>>()
        };
        let models = files.iter().map(|(name, files)| Ok((name.clone(), of_files(files, 1.0)?))).collect::<Result<Vec<_>>>()?;
        let observed = of_files(&targets, config.divisor(&config.domain().target))?;
        let mut sar_days: BTreeSet<Day> = targets.into_keys().collect();
        for split in ["train", "val", "test", "all"] {
            // A split file that is not there only leaves its marks out, one that cannot be read says so.
            let Some(file) = config.split_csv.get(split).filter(|file| file.exists()) else { continue };
            match read_split_csv(file, config.domain().unit) {
                Ok(days) => sar_days.extend(days),
                Err(error) => observe(Event::Note(format!("days of the split {split} are not marked in the extents: {error}"))),
            }
        }
        let pixel_km2 = dataset.output_geo(0)?.transform().and_then(|transform| pixel_km2(&transform));
        let land = land.iter().filter(|land| **land).count() as u64;
        Ok(Extents { models, observed, sar_days, land, pixel_km2 })
    }
}

/// The maps of a folder by day; those of `path_deploy` belong to the maps of `path_predictions`.
fn files_of(config: &Config, folder: &Path) -> Result<BTreeMap<Day, PathBuf>> {
    let mut files = days_of(folder)?;
    if let (Some(deploy), true) = (&config.path_deploy, config.path_predictions.as_deref() == Some(folder)) {
        for (day, file) in if deploy.is_dir() { days_of(deploy)? } else { BTreeMap::new() } {
            files.entry(day).or_insert(file);
        }
    }
    Ok(files)
}

fn days_of(folder: &Path) -> Result<BTreeMap<Day, PathBuf>> {
    let unreadable = |e: std::io::Error| Error::input(folder, format!("the folder of maps cannot be read ({e}); check --pred")).because(e);
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if let Some(day) = path.file_name().and_then(|name| Day::from_file_name(name.to_str()?)) {
            files.insert(day, path);
        }
    }
    Ok(files)
}

/// Counts a map's land pixels.
fn extent(raster: &Raster, scene: [usize; 2], land: &[bool], threshold: f32) -> Result<Counted> {
    if [raster.rows(), raster.cols()] != scene {
        let [rows, cols] = scene;
        let message = format!("has {} × {} pixels, the scene {rows} × {cols}; make this map again", raster.rows(), raster.cols());
        return Err(Error::input(raster.path(), message));
    }
    let mut values = raster.read_all()?;
    raster.refuse_infinite(&values)?;
    hide_unseen(raster.path(), Window::whole(scene[0], scene[1]), &mut values)?;
    let seen = values.iter().zip(land).filter(|(value, land)| **land && !value.is_nan());
    Ok(seen
        .fold(Counted::default(), |all, (value, _)| Counted { covered: all.covered + u64::from(*value > threshold), seen: all.seen + 1 }))
}

/// Area of a pixel, `None` where the grid is in degrees.
fn pixel_km2(transform: &GeoTransform) -> Option<f64> {
    let area = (transform.col_x * transform.row_y - transform.row_x * transform.col_y).abs();
    (area.sqrt() > LEAST_METRES).then_some(area / 1e6)
}
