//! The days of a split with all rasters that make a sample of each: which files, what is missing, and windows of their raw values.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Window;
use super::beside::companions;
use super::counted::Counted;
use super::day::{Day, Split, read_split_csv};
use super::gaps::{Filling, patch};
use super::geotags::GeoTags;
use super::inventory::{empty_input, nan_input, refuse_missing, refuse_other_grid};
use super::raster::Raster;
use super::raster_cache::RasterCache;
use super::target_files::TargetFiles;
use super::variable_files::VariableFiles;
use crate::config::Config;
use crate::domains::{Domain, Fill, Gaps, Source, Unit, Variable};
use crate::error::{Error, Result};

/// Pixels of open rasters, decoded or mapped: mapped ones count as resident memory once they are read.
const CACHE_BYTES: usize = 1 << 29;
/// Pixels of rasters whose gaps were filled from their nearest neighbours, in memory.
const FILLED_BYTES: usize = 1 << 28;

/// Raw values of one window of one day; buffers are reused from read to read.
#[derive(Debug, Clone, Default)]
pub struct HostSample {
    /// Per channel height × width values, or one value for a scalar channel.
    pub channels: Vec<Vec<f32>>,
    /// Target, NaN where not observed; 0 for the deploy split.
    pub target: Vec<f32>,
    /// 1 on ocean and where a pixel is ignored, 0 on land; 0 everywhere without a mask.
    pub ocean: Vec<f32>,
}

/// The days of one split.
#[derive(Debug)]
pub struct Dataset {
    split: Split,
    days: Vec<Day>,
    inputs: Vec<&'static Variable>,
    domain: &'static Domain,
    /// The files of each input, in the order of `inputs`; `None` for scalars.
    files: Vec<Option<VariableFiles>>,
    /// How the gaps of each are filled, in the same order.
    fillings: Vec<Option<Filling>>,
    /// The targets; `None` for deploy.
    target_files: Option<TargetFiles>,
    counted: Counted,
    /// The raster that all others are compared with: one for all days, or one for each scene.
    references: Vec<Arc<Raster>>,
    /// Georeference of deploy maps, where the configuration has one.
    map_reference: Option<GeoTags>,
    cache: RasterCache,
    filled: RasterCache,
}

impl Dataset {
    /// Opens the days or scenes that `path_<split>_split_csv` lists, and checks that every file they need exists on one grid, of scenes on
    /// one each.
    ///
    /// # Errors
    /// [`Error::Config`] for a missing path key; [`Error::Input`] for a split file that cannot be used, for missing files, for
    /// rasters of different grids and, with `check_for_invalid_entries`, for inputs that contain NaN.
    pub fn open(config: &Config, split: Split) -> Result<Dataset> {
        Dataset::of_days(config, split, read_split_csv(config.require_split_csv(split.name())?, config.domain().unit)?)
    }

    /// As [`Dataset::open`], of these days, at least one, instead of a list's.
    ///
    /// # Errors
    /// Those of [`Dataset::open`] but for the list.
    pub fn of_days(config: &Config, split: Split, days: Vec<Day>) -> Result<Dataset> {
        let Some(day) = days.first() else { return Err(Error::Usage(format!("the split {split} has no day"))) };
        let (inputs, domain) = (config.inputs()?, config.domain());
        let files_of = |input: &&'static Variable| match input.is_scalar() {
            true => Ok(None),
            false => VariableFiles::of(input, config.require_variable(input.files_of())?, &days).map(Some),
        };
        let found = inputs.iter().map(|input| Ok((*input, files_of(input)?))).collect::<Result<Vec<_>>>()?;
        let target = &domain.target;
        let target_files = match split {
            Split::Deploy => None,
            // Nobody looks at targets there.
            _ if config.is_pretraining() => None,
            _ => Some(TargetFiles::of(config, &days)?),
        };
        refuse_missing(&days, &found, (target, target_files.as_ref().map(TargetFiles::files)))?;
        let of_input = |(input, files): &(&Variable, Option<VariableFiles>)| {
            files.as_ref().map_or(Ok(None), |files| Filling::of(config, input, files))
        };
        let fillings = found.iter().map(of_input).collect::<Result<_>>()?;
        let files: Vec<Option<VariableFiles>> = found.into_iter().map(|(_, files)| files).collect();

        let cache = RasterCache::new(CACHE_BYTES);
        let counted = Counted::of(config, split, &days)?;
        let map_reference = match (split, config.variable_paths.get(domain.map_reference)) {
            (Split::Deploy, Some(path)) => Some(Raster::open(path)?),
            _ => None,
        };
        let reference_of = |day: &Day| {
            if let Some(files) = &target_files {
                let path = files.file(day);
                return cache.get(&path, None, || files.open(&path));
            }
            let of_input = |(input, files): (&&'static Variable, _)| Some((file_of(input, files, day)?, input.band()));
            match inputs.iter().zip(&files).find_map(of_input) {
                Some((path, band)) => cache.get(&path, band, || Raster::of_band(&path, band)),
                None => counted.landmask().cloned().ok_or_else(|| {
                    Error::Usage(format!(
                        "the deploy split needs a raster that gives the size of the maps; name one in `in_keys` or set `path_{}`",
                        domain.mask
                    ))
                }),
            }
        };
        let references = match domain.unit {
            Unit::Day => vec![reference_of(day)?],
            Unit::Scene => days.iter().map(|day| Ok(Arc::new(reference_of(day)?.outline()))).collect::<Result<_>>()?,
        };
        for (reference, raster) in references.iter().flat_map(|reference| {
            counted.landmask().map(|raster| &**raster).into_iter().chain(&map_reference).map(move |raster| (reference, raster))
        }) {
            refuse_other_grid(reference, raster)?;
        }
        let map_reference = map_reference.map(|raster| raster.geo().clone());
        let dataset = Dataset {
            split,
            days,
            inputs,
            domain,
            files,
            fillings,
            target_files,
            counted,
            references,
            map_reference,
            cache,
            filled: RasterCache::new(FILLED_BYTES),
        };
        for day in 0..dataset.references.len() {
            for input in dataset.inputs.iter().filter(|input| !input.is_scalar()) {
                dataset.input_raster(input, day)?;
            }
        }
        if config.check_for_invalid_entries {
            dataset.refuse_nan_inputs()?;
        }
        dataset.refuse_other_than_greys(config)?;
        dataset.tell_of_lacking();
        Ok(dataset)
    }

    /// As [`Dataset::open`], but of the targets and the land mask only, whatever inputs the configuration names.
    ///
    /// # Errors
    /// Those of [`Dataset::open`].
    pub fn open_targets(config: &Config, split: Split) -> Result<Dataset> {
        let mut config = config.clone();
        [&mut config.in_keys, &mut config.in_keys_static, &mut config.in_keys_aux].into_iter().for_each(Vec::clear);
        Dataset::open(&config, split)
    }

    /// The split.
    pub fn split(&self) -> Split {
        self.split
    }

    /// The days in the order of the split file.
    pub fn days(&self) -> &[Day] {
        &self.days
    }

    /// The inputs in the order of the network's channels.
    pub fn inputs(&self) -> &[&'static Variable] {
        &self.inputs
    }

    /// The table that its variables are from.
    pub fn domain(&self) -> &'static Domain {
        self.domain
    }

    /// The files that the inputs of a day are read from: rasters, and what stands beside them and changes what they mean.
    pub fn input_files(&self, day: usize) -> Vec<PathBuf> {
        self.input_rasters(day).into_iter().flat_map(|(_, file)| std::iter::once(file.clone()).chain(companions(&file))).collect()
    }

    /// The rasters that a day's inputs are read from or may be filled from, each with the name that its path has, without what stands
    /// beside them.
    pub(super) fn input_rasters(&self, day: usize) -> Vec<(&str, PathBuf)> {
        let Some(date) = self.days.get(day) else { return Vec::new() };
        let of = |((input, files), filling): ((&&'static Variable, &Option<VariableFiles>), &Option<Filling>)| -> Vec<(&str, PathBuf)> {
            let around = filling.iter().flat_map(|filling| filling.files_around(date));
            file_of(input, files, date).into_iter().chain(around).map(|file| (input.files_of(), file)).collect()
        };
        self.inputs.iter().zip(&self.files).zip(&self.fillings).flat_map(of).collect()
    }

    /// The raster file of the target of a day; none for the deploy split.
    pub fn target_file(&self, day: usize) -> Option<PathBuf> {
        Some(self.target_files.as_ref()?.file(self.days.get(day)?))
    }

    /// The mask of a day's own (`path_ignore`), where it has one.
    pub fn mask_file(&self, day: usize) -> Option<PathBuf> {
        self.counted.mask_of(self.days.get(day)?)
    }

    /// As [`Dataset::mask_file`], where maps have no value under it.
    pub fn mask_file_of_map(&self, day: usize) -> Option<PathBuf> {
        self.counted.mask_of_map(self.days.get(day)?)
    }

    /// Number of channels, scalar ones included.
    pub fn in_channels(&self) -> usize {
        self.inputs.len()
    }

    /// Rows and columns of a day's scene, 0 × 0 for a day that does not exist.
    pub fn scene(&self, day: usize) -> [usize; 2] {
        self.reference(day).map_or([0, 0], |reference| [reference.rows(), reference.cols()])
    }

    /// Rows and columns of the smallest scene, each by itself; of the only one where all days lie on one grid.
    pub fn smallest_scene(&self) -> [usize; 2] {
        let least = |side: fn(&Raster) -> usize| self.references.iter().map(|reference| side(reference)).min().unwrap_or_default();
        [least(Raster::rows), least(Raster::cols)]
    }

    /// The grid of a day.
    fn reference(&self, day: usize) -> Option<&Raster> {
        self.references.get(day).or_else(|| self.references.first().filter(|_| self.domain.unit == Unit::Day)).map(|raster| &**raster)
    }

    /// The raster of the land mask, where `path_landmask` is set.
    pub fn landmask(&self) -> Option<&Raster> {
        self.counted.landmask().map(|raster| &**raster)
    }

    /// The georeference of a map of this day: that of its target, for deploy that of the configured reference or else of the inputs.
    ///
    /// # Errors
    /// Those of opening the target.
    pub fn output_geo(&self, day: usize) -> Result<GeoTags> {
        match (&self.target_files, &self.map_reference) {
            (Some(_), _) => Ok(self.target_raster(day)?.geo().clone()),
            (None, Some(geo)) => Ok(geo.clone()),
            (None, None) => Ok(self.reference(day).map(|raster| raster.geo().clone()).unwrap_or_default()),
        }
    }

    /// The target of a day, in the unit that it is learnt in.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be read or has another grid; [`Error::Usage`] for the deploy split.
    pub fn target_raster(&self, day: usize) -> Result<Arc<Raster>> {
        let Some(files) = &self.target_files else {
            return Err(Error::Usage("the deploy split has no targets; choose one of train, val, test, eval, all".into()));
        };
        let path = files.file(self.day(day)?);
        self.raster(day, &path, None, || files.open(&path))
    }

    /// The raster behind an input on a day, as stored.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be read or has another grid; [`Error::Usage`] where it is a scalar or not among the inputs. Of an
    /// optional one without a file no pixel has a value.
    pub fn input_raster(&self, input: &Variable, day: usize) -> Result<Arc<Raster>> {
        let index = self.inputs.iter().position(|other| other.name == input.name);
        match (is_mask(input), self.counted.landmask(), index.and_then(|index| self.files[index].as_ref())) {
            (true, Some(mask), _) => Ok(mask.clone()),
            (_, _, Some(files)) => {
                let path = files.file(self.day(day)?);
                match self.reference(day) {
                    Some(grid) if input.optional && !path.is_file() => Ok(Arc::new(grid.absent(&path))),
                    _ => self.raster(day, &path, input.band(), || Raster::of_band(&path, input.band())),
                }
            }
            _ => Err(Error::Usage(format!("`{}` is no raster among the inputs; add it to `{}`", input.name, input.list()))),
        }
    }

    /// Whether a raster of an input is there on a day.
    pub(super) fn has_file(&self, input: &Variable, day: usize) -> bool {
        let place = self.inputs.iter().position(|other| other.name == input.name);
        place.zip(self.days.get(day)).is_some_and(|(place, day)| file_of(input, &self.files[place], day).is_some())
    }

    fn day(&self, index: usize) -> Result<&Day> {
        let count = self.days.len();
        self.days.get(index).ok_or_else(|| Error::shape("dataset", format!("day {index} of {count} does not exist")))
    }

    fn raster(&self, day: usize, path: &Path, band: Option<usize>, open: impl FnOnce() -> Result<Raster>) -> Result<Arc<Raster>> {
        let checked = |raster| self.reference(day).map_or(Ok(()), |reference| refuse_other_grid(reference, &raster)).map(|()| raster);
        self.cache.get(path, band, || open().and_then(checked))
    }

    /// Lets go of the files that belong to a day alone, which need not be read again soon: mapped pages, too, count as memory.
    pub fn release(&self, day: usize) {
        let Some(date) = self.days.get(day) else { return };
        let daily = self.inputs.iter().zip(&self.files).filter(|(input, _)| input.source == Source::Daily);
        let inputs = daily.filter_map(|(input, files)| Some((files.as_ref()?.file(date), input.band())));
        let target = self.target_files.as_ref().map(|files| (files.file(date), None));
        let mask = self.counted.mask_of(date).map(|file| (file, None));
        inputs.chain(target).chain(mask).for_each(|(file, band)| {
            self.cache.forget(&file, band);
            self.filled.forget(&file, band);
        });
        // Days go by in order of time: those behind were opened again for this one only.
        for (input, filling) in self.inputs.iter().zip(&self.fillings) {
            let behind = filling.iter().flat_map(|filling| filling.files_behind(date));
            behind.for_each(|file| self.cache.forget(&file, input.band()));
        }
    }

    /// Reads a window of a day: raw channel values, target and ocean mask.
    ///
    /// What a pixel without a value is says [`crate::domains::Gaps`]; the mask as an input is 1 on ocean, 0 on land.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read, has another grid, infinite values in the window, or NaN in that of another input;
    /// [`Error::Shape`] for a window outside the scene.
    pub fn read(&self, day: usize, window: Window, sample: &mut HostSample) -> Result<()> {
        let date = self.day(day)?;
        let pixels = window.pixels();
        sample.channels.resize_with(self.inputs.len(), Vec::new);
        for (index, (input, out)) in self.inputs.iter().zip(&mut sample.channels).enumerate() {
            out.resize(if input.is_scalar() { 1 } else { pixels }, 0.0);
            match input.source {
                Source::Date(calendar) => out[0] = date.of_calendar(calendar) as f32,
                _ if is_mask(input) => self.counted.read_channel(window, out)?,
                _ => {
                    let raster = self.input_raster(input, day)?;
                    raster.read_window(window, out)?;
                    raster.refuse_infinite(out)?;
                    if input.gap_of.is_some() {
                        out.iter_mut().for_each(|value| *value = if value.is_nan() { 1.0 } else { 0.0 });
                    } else if out.iter().any(|value| value.is_nan()) {
                        self.fill(index, day, &raster, window, out)?;
                    }
                }
            }
        }
        self.read_target(day, window, sample)
    }

    /// As [`Dataset::read`], of the target and the mask alone.
    ///
    /// # Errors
    /// Those of [`Dataset::read`].
    pub fn read_target(&self, day: usize, window: Window, sample: &mut HostSample) -> Result<()> {
        let pixels = window.pixels();
        sample.target.resize(pixels, 0.0);
        match &self.target_files {
            Some(_) => {
                let raster = self.target_raster(day)?;
                raster.read_window(window, &mut sample.target)?;
                raster.refuse_infinite(&sample.target)?;
            }
            None => sample.target.fill(0.0),
        }
        sample.ocean.resize(pixels, 0.0);
        self.counted.read_mask(window, &mut sample.ocean)?;
        let ignored = self.ignored(day, self.mask_file(day), window)?;
        let pixels = sample.target.iter_mut().zip(&mut sample.ocean).zip(ignored);
        pixels.filter(|(_, ignored)| *ignored).for_each(|((target, ocean), _)| (*target, *ocean) = (f32::NAN, 1.0));
        Ok(())
    }

    /// Fills what a window of an input's raster lacks.
    fn fill(&self, index: usize, day: usize, raster: &Raster, window: Window, out: &mut [f32]) -> Result<()> {
        let date = self.day(day)?;
        let (input, rest) = (self.inputs[index], |value| std::iter::repeat_n(value, window.pixels()));
        let Some(filling) = &self.fillings[index] else {
            if input.refuses_gaps() {
                return Err(Error::input(raster.path(), nan_input(input)));
            }
            patch(out, rest(0.0));
            return Ok(());
        };
        match filling.fill {
            Fill::Nearest => {
                let whole = || raster.filled_from_nearest()?.ok_or_else(|| Error::input(raster.path(), empty_input(input)));
                self.filled.get(raster.path(), input.band(), whole)?.read_window(window, out)?;
                // From beyond the window.
                return raster.refuse_infinite(out);
            }
            Fill::Time => {
                let mut values = vec![0.0; window.pixels()];
                for file in filling.files_around(date) {
                    let other = self.raster(day, &file, input.band(), || Raster::of_band(&file, input.band()))?;
                    other.read_window(window, &mut values)?;
                    other.refuse_infinite(&values)?;
                    if !patch(out, values.iter().copied()) {
                        return Ok(());
                    }
                }
            }
            Fill::Mean | Fill::Value(_) => {}
        }
        patch(out, rest(filling.rest));
        Ok(())
    }

    /// The ocean mask of a day's whole scene, as in [`HostSample::ocean`]; pixels are ignored where maps have no value for it.
    ///
    /// # Errors
    /// Those of reading a mask of the day's own.
    pub fn ocean(&self, day: usize) -> Result<Vec<f32>> {
        let [rows, cols] = self.scene(day);
        let mut ocean = vec![0.0; rows * cols];
        let whole = Window::whole(rows, cols);
        self.counted.read_mask(whole, &mut ocean)?;
        let ignored = self.ignored(day, self.mask_file_of_map(day), whole)?;
        ocean.iter_mut().zip(ignored).filter(|(_, ignored)| *ignored).for_each(|(ocean, _)| *ocean = 1.0);
        Ok(ocean)
    }

    /// Which pixels of a window a mask of the day's own takes out; nothing without one.
    fn ignored(&self, day: usize, mask: Option<PathBuf>, window: Window) -> Result<Vec<bool>> {
        let Some(file) = mask else { return Ok(Vec::new()) };
        let mut values = vec![0.0; window.pixels()];
        self.raster(day, &file, None, || Raster::open(&file))?.read_window(window, &mut values)?;
        Ok(values.into_iter().map(|value| self.counted.is_ignored(value)).collect())
    }

    /// Lets go of a mapped raster: it is mapped again at no cost where it is read, while pages of the whole dataset would count as memory.
    pub(super) fn forget_mapped(&self, raster: &Raster, band: Option<usize>) {
        if raster.is_mapped() {
            self.cache.forget(raster.path(), band);
        }
    }
}

/// The file of an input on a day; none of a number, and where an optional one has none.
fn file_of(input: &Variable, files: &Option<VariableFiles>, day: &Day) -> Option<PathBuf> {
    files.as_ref().map(|files| files.file(day)).filter(|file| !input.optional || file.is_file())
}

/// Whether an input is the mask itself, of which a network sees 1 where nothing counts.
fn is_mask(input: &Variable) -> bool {
    input.source == Source::Constant && input.gaps == Gaps::Masked
}
