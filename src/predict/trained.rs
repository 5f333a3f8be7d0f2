//! A trained network that maps arrays: what a program calls that has its rasters in memory.

use std::collections::BTreeMap;
use std::path::Path;

use super::mosaicking::Mosaicking;
use super::{Options, Tiling, outputs, refuse_not_finite};
use crate::config::{BorderKey, Config, LocationKey};
use crate::data::Window;
use crate::data::loader::Batch;
use crate::data::location::{coordinates, one_region};
use crate::domains::Variable;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::models::{self, Model};
use crate::nn::Mode;
use crate::preprocess::{Preprocessor, zeros};
use crate::tasks::{self, Task};
use crate::weights::{self, intact_weight_file, provenance::Provenance, provenance::require_same};

/// A network with the weights of a file, and all that is done to its inputs and outputs.
///
/// # A raster mapped
///
/// ```
/// use meltcore::{config::Config, data::raster::Raster, data::writer::write_geotiff, error::Result, gpu::Gpu, predict::Trained};
/// # use meltcore::data::geotags::{GeoTag, GeoTags};
/// # use std::path::Path;
///
/// # fn main() -> Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let [coarse, mean, dem, map] = ["coarse", "mean", "dem", "map"].map(|name| folder.path().join(name).with_extension("tif"));
/// # let keys = GeoTag::of_shorts(34735, &[1, 1, 0, 2, 1024, 0, 1, 1, 1025, 0, 1, 1]);
/// # let geo = GeoTags { tags: vec![GeoTag::of_doubles(33550, &[25e3, 25e3, 0.0]), GeoTag::of_doubles(33922, &[0.0; 6]), keys] };
/// # let plane = |scale: f32| (0..48 * 40).map(|i| scale * (i % 40) as f32 / 39.0).collect::<Vec<f32>>();
/// # write_geotiff(&coarse, 48, 40, &plane(1.0), &geo)?;
/// # write_geotiff(&mean, 48, 40, &plane(0.8), &geo)?;
/// # write_geotiff(&dem, 48, 40, &plane(-900.0), &geo)?;
/// let gpu = Gpu::open(None)?; // the best GPU, else the processor
/// let config = Config::load(Path::new("tools/configs/antarctic-melt.yaml"), &[])?;
/// // (A file that `train` writes carries its configuration: there `Trained::open` needs no other.)
/// let network = Trained::with_config(&gpu, Path::new("weights/antarctic-melt.safetensors"), &config)?;
///
/// // Three GeoTIFFs of one grid, in the units of the training.
/// let [coarse, mean, dem] = [Raster::open(&coarse)?, Raster::open(&mean)?, Raster::open(&dem)?];
/// let (melt, around, height) = (coarse.read_all()?, mean.read_all()?, dem.read_all()?);
/// let inputs = [("mar_wa1", &melt[..]), ("time_interpolate_sar", &around), ("dem", &height)];
/// let melted = network.map(&inputs, [dem.rows(), dem.cols()])?;
/// write_geotiff(&map, dem.rows(), dem.cols(), &melted, dem.geo())?;
/// # assert!(melted.len() == 48 * 40 && melted.iter().all(|share| (0.0..=1.0).contains(share)));
/// # assert!(melted.iter().any(|share| *share > 0.5) && melted.iter().any(|share| *share < 0.1), "{melted:?}");
/// # Ok(())
/// # }
/// ```
pub struct Trained {
    config: Config,
    model: Box<dyn Model>,
    inputs: Vec<&'static Variable>,
    preprocessor: Preprocessor,
    task: Box<dyn Task>,
    /// Where the rasters lie, of a network that sees it; empty where nobody has said.
    location: Vec<f32>,
}

impl Trained {
    /// The network of a safetensors file, or of a folder with one, under the configuration that the file carries.
    ///
    /// # Errors
    /// [`Error::Weights`] for a file that carries none, as those of PyTorch and of versions before: [`Trained::with_config`] takes them;
    /// those of [`weights::open`].
    pub fn open(gpu: &Gpu, weights: &Path) -> Result<Trained> {
        let file = intact_weight_file(weights)?;
        let provenance = Provenance::needed(&file, "open it with one (Trained::with_config)")?;
        let config = provenance.config(&file, &BTreeMap::new(), &[])?;
        Trained::with_config(gpu, &file, &config)
    }

    /// As [`Trained::open`], under a configuration of yours.
    ///
    /// # Errors
    /// [`Error::Usage`] where the file carries another one under which its weights mean something else; those of [`weights::open`];
    /// [`Error::Config`] where statistics of inputs are missing.
    pub fn with_config(gpu: &Gpu, weights: &Path, config: &Config) -> Result<Trained> {
        require_same(&intact_weight_file(weights)?, config, false)?;
        let model = weights::open(gpu, weights, config)?;
        let inputs = config.inputs()?;
        let preprocessor = Preprocessor::new(gpu, config, &inputs, &models::inputs(config)?)?;
        let location = match config.location {
            LocationKey::Region => one_region(None, config.location_numbers()?),
            LocationKey::None | LocationKey::Coordinates => Vec::new(),
        };
        Ok(Trained { config: config.clone(), model, inputs, preprocessor, task: tasks::of(config), location })
    }

    /// Says of which region the rasters are that are mapped from here on, of a network that sees regions; before that they are of an
    /// unknown one.
    ///
    /// # Errors
    /// Those of [`Options::of_region`].
    pub fn set_region(&mut self, code: &str) -> Result<()> {
        Options::default().of_region(&self.config, code)?;
        self.location = one_region(self.config.region_place(code), self.config.location_numbers()?);
        Ok(())
    }

    /// Says where the middle of the rasters lies that are mapped from here on, in degrees, of a network that sees coordinates.
    ///
    /// # Errors
    /// [`Error::Usage`] for a network that sees none.
    pub fn set_coordinates(&mut self, longitude: f64, latitude: f64) -> Result<()> {
        if self.config.location != LocationKey::Coordinates {
            let message = format!("this network sees no coordinates (`location: {}`); leave them out", self.config.location.name());
            return Err(Error::Usage(message));
        }
        self.location = coordinates(longitude, latitude).to_vec();
        Ok(())
    }

    /// The inputs that a map is made of.
    pub fn inputs(&self) -> &[&'static Variable] {
        &self.inputs
    }

    /// The network itself.
    pub fn model(&self) -> &dyn Model {
        self.model.as_ref()
    }

    /// The map of rasters in memory, in any order, each under its input's name: raw values, in the units of the files that the network was
    /// trained on. The land mask as an input is 1 on ocean and 0 on land; numbers made from a date are arrays of one.
    ///
    /// Scenes are mapped by tiles as the configuration says (`img_size`, `prediction_stride`, `erode_size`); no mask is applied.
    ///
    /// # Shapes
    /// `size` is rows and columns; inputs are rows × columns, the map is the task's bands × rows × columns.
    ///
    /// # Errors
    /// [`Error::Usage`] for an input that is missing, given twice or unknown, of another length, or not finite where the network needs
    /// values, and where it needs coordinates first; [`Error::NotFinite`] for a map that is not finite; those of the tiles and of the
    /// device.
    pub fn map(&self, inputs: &[(&str, &[f32])], size: [usize; 2]) -> Result<Vec<f32>> {
        if self.location.len() != self.config.location_numbers()? {
            return Err(Error::Usage("the network sees where a scene lies; say it first (Trained::set_coordinates)".into()));
        }
        let arrays = self.arranged(inputs, size[0] * size[1])?;
        let blend = Options::of(&self.config).blend;
        let tiling = Tiling::of(&self.config, blend, size)?.0;
        let frame = tiling.frame(size);
        models::check_tile(&self.config, tiling.tile)?;
        let mirrors = self.config.border == BorderKey::Symmetric;
        let outside = zeros(&self.config, &self.inputs)?;
        let framed = |((array, input), zero): ((Vec<f32>, &&Variable), f32)| {
            if input.is_scalar() { array } else { frame.laid(&array, (!mirrors).then_some(zero)) }
        };
        let arrays: Vec<Vec<f32>> = arrays.into_iter().zip(&self.inputs).zip(outside).map(framed).collect();
        let mosaic = tiling.mosaic(size)?;
        let mut canvas = Mosaicking::new(frame.size, self.task.heads(), &mosaic, blend);
        for tile in &mosaic.tiles {
            let cut = |(input, array): (&&Variable, &Vec<f32>)| {
                if input.is_scalar() { array.clone() } else { cut(array, frame.size[1], tile.window) }
            };
            let (height, width, pixels) = (tile.window.height, tile.window.width, tile.window.pixels());
            let channels = self.inputs.iter().zip(&arrays).map(cut).collect();
            // Nothing looks at targets.
            let batch = Batch { n: 1, height, width, channels, location: self.location.clone(), ..Batch::default() };
            let mut values = outputs(self.model.as_ref(), &self.preprocessor, self.task.as_ref(), &batch, Mode::Eval)?.to_vec()?;
            refuse_not_finite(&values, || format!("rows {} and columns {} on", tile.window.row, tile.window.col))?;
            self.task.settle(&mut values, pixels);
            canvas.lay(tile, &values);
        }
        Ok(self.task.finish(frame.cut(canvas.take_mean()), size[0] * size[1]))
    }

    /// The arrays in the order of the inputs, with 0 where a gap means that.
    fn arranged(&self, inputs: &[(&str, &[f32])], pixels: usize) -> Result<Vec<Vec<f32>>> {
        let names = || self.inputs.iter().map(|input| input.name).collect::<Vec<_>>().join(", ");
        if let Some((name, _)) = inputs.iter().find(|(name, _)| !self.inputs.iter().any(|input| input.name == *name)) {
            return Err(Error::Usage(format!("`{name}` is no input of the network; it takes {}", names())));
        }
        let arrange = |input: &&Variable| {
            let name = input.name;
            let mut given = inputs.iter().filter(|(other, _)| *other == name);
            let (Some((_, array)), None) = (given.next(), given.next()) else {
                return Err(Error::Usage(format!("the network takes {}, and `{name}` is to be given once", names())));
            };
            let wanted = if input.is_scalar() { 1 } else { pixels };
            if array.len() != wanted {
                return Err(Error::Usage(format!("`{name}` has {} values where {wanted} are expected", array.len())));
            }
            if array.iter().any(|value| value.is_infinite() || value.is_nan() && (input.refuses_gaps() || input.is_scalar())) {
                return Err(Error::Usage(format!("`{name}` has values that are not finite; fill its gaps before it is mapped")));
            }
            Ok(array.iter().map(|value| if value.is_nan() { 0.0 } else { *value }).collect())
        };
        self.inputs.iter().map(arrange).collect()
    }
}

/// The values of a window of a plane with so many columns.
fn cut(plane: &[f32], cols: usize, window: Window) -> Vec<f32> {
    let rows = window.row..window.row + window.height;
    rows.flat_map(|row| &plane[row * cols + window.col..][..window.width]).copied().collect()
}
