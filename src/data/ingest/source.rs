//! A source that GDAL reads, opened once: the days of it as float64 rasters in memory, with a place on the map.
//!
//! The part of the source around the grid is read, with its own scale and offset applied and NaN for every pixel without a value.
//! All sources are read on one thread: the NetCDF library serves one at a time anyway, and prints HDF5's complaints on others.

use std::path::{Path, PathBuf};

use gdal::raster::{Buffer, GdalDataType};
use gdal::spatial_ref::{AxisMappingStrategy, SpatialRef};
use gdal::{Dataset, GeoTransform, GeoTransformEx, Metadata};

use super::PackOptions;
use super::bands::{is_geographic, metres_of_axes};
use super::gdal_source::{self, metadata, open_variable};
use super::source_window::{Part, part_around};
use super::warp::memory;
use crate::data::declared::declared;
use crate::data::gdal_library::{crs_of, reason};
use crate::data::geotiff::Layout;
use crate::data::linear::Linear;
use crate::data::mapped::map_file;
use crate::data::mask::refuse_silent_mask;
use crate::data::pam::Pam;
use crate::error::{Error, Result};

/// Where the pixels of a source lie.
enum Place {
    /// On an even grid.
    Grid(GeoTransform, SpatialRef),
    /// Where arrays of longitude and latitude say, as GDAL's metadata of this domain describe them.
    Arrays(Vec<String>),
}

const ARRAYS: &str = "GEOLOCATION";

/// An opened source.
pub(super) struct Source {
    path: PathBuf,
    dataset: Dataset,
    part: Part,
    place: Place,
    /// The notes beside a GeoTIFF, which count before its tags; GDAL's versions differ about them.
    notes: Option<Pam>,
}

impl Source {
    /// Opens a source and works out which part of it the map needs.
    pub fn open(path: &Path, options: &PackOptions, map: &Dataset) -> Result<Source> {
        // GDAL passes over what it does not understand there.
        let notes = Pam::beside(path)?;
        refuse_silent_mask(path)?;
        let dataset = open_variable(path, options.variable.as_deref())?;
        let arrays = dataset.metadata_domain(ARRAYS).unwrap_or_default();
        let (cols, rows) = dataset.raster_size();
        let whole = Part { col: 0, row: 0, cols, rows };
        let (part, place) = match dataset.geo_transform() {
            Ok(transform) => {
                let crs = crs(path, &dataset, options)?;
                let transform = in_units_of(transform, &dataset, options, &crs);
                let part = part_around(map, &transform, &crs, whole).map_err(|message| Error::input(path, message))?;
                let (mut placed, (x, y)) = (transform, transform.apply(part.col as f64, part.row as f64));
                (placed[0], placed[3]) = (x, y);
                (part, Place::Grid(placed, crs))
            }
            // GDAL finds positions through the arrays of the whole.
            Err(_) if !arrays.is_empty() => (whole, Place::Arrays(arrays)),
            Err(_) => {
                // Of a TIFF more is known: what places it instead.
                if let Ok(map) = map_file(path)
                    && Layout::parse(&map, path).is_ok()
                {
                    declared(&map, path)?;
                }
                let message = "has no georeference: neither evenly spaced axes nor arrays of longitude and latitude that its \
                    `coordinates` attribute names; add one with gdal_translate -a_ullr";
                return Err(Error::input(path, message));
            }
        };
        let notes = notes.filter(|_| dataset.driver().short_name() == "GTiff");
        Ok(Source { path: path.to_owned(), dataset, part, place, notes })
    }

    /// The files that it becomes, each with the bands whose mean it is.
    pub fn files(&self, options: &PackOptions) -> Result<Vec<(String, Vec<usize>)>> {
        gdal_source::files(&self.path, &self.dataset, options)
    }

    /// Whether this is the source that it has opened.
    pub fn reads(&self, path: &Path) -> bool {
        self.path == path
    }

    /// The mean of some bands (from 1) as a raster in memory.
    pub fn day(&self, bands: &[usize]) -> Result<Dataset> {
        let pixels = match bands {
            [band] => self.read(*band)?,
            _ => self.mean(bands)?,
        };
        let Part { cols, rows, .. } = self.part;
        let day = memory(cols, rows).and_then(|mut day| {
            day.rasterband(1)?.write((0, 0), (cols, rows), &mut Buffer::new((cols, rows), pixels))?;
            match &self.place {
                Place::Grid(transform, crs) => {
                    day.set_geo_transform(transform)?;
                    day.set_spatial_ref(crs)?;
                }
                Place::Arrays(entries) => {
                    for (key, value) in entries.iter().filter_map(|entry| entry.split_once('=')) {
                        day.set_metadata_item(key, value, ARRAYS)?;
                    }
                }
            }
            Ok(day)
        });
        day.map_err(|e| Error::input(&self.path, format!("cannot be placed on the map ({})", reason(&e))))
    }

    /// The mean of the bands that have a value, pixel by pixel.
    fn mean(&self, bands: &[usize]) -> Result<Vec<f64>> {
        let mut sums = vec![0.0; self.part.cols * self.part.rows];
        let mut counts = vec![0u32; sums.len()];
        for &band in bands {
            for ((sum, count), value) in sums.iter_mut().zip(&mut counts).zip(self.read(band)?) {
                if !value.is_nan() {
                    *sum += value;
                    *count += 1;
                }
            }
        }
        // Without any value 0/0, which is NaN.
        Ok(sums.iter().zip(&counts).map(|(sum, count)| sum / f64::from(*count)).collect())
    }

    /// A band of the part, unscaled, with NaN for no-data.
    fn read(&self, number: usize) -> Result<Vec<f64>> {
        let failed = |e: gdal::errors::GdalError| Error::input(&self.path, format!("band {number} cannot be read ({})", reason(&e)));
        let Part { col, row, cols, rows } = self.part;
        let band = self.dataset.rasterband(number).map_err(failed)?;
        let window = (col as isize, row as isize);
        let mut pixels = band.read_as::<f64>(window, (cols, rows), (cols, rows), None).map_err(failed)?.data().to_vec();
        // The value stands in text or float64 in some formats, the samples in float32.
        let notes = self.notes.as_ref().filter(|_| number == 1);
        let no_data = notes.and_then(|notes| notes.no_data).or_else(|| band.no_data_value());
        let no_data = match (no_data, band.band_type()) {
            (Some(value), GdalDataType::Float32) => Some(f64::from(value as f32)),
            (value, _) => value,
        };
        let own = Linear { scale: band.scale().unwrap_or(1.0), offset: band.offset().unwrap_or(0.0) };
        let change = notes.and_then(|notes| notes.unscale).unwrap_or(own);
        let value = |sample: f64| if Some(sample) == no_data { f64::NAN } else { change.apply(sample) };
        pixels.iter_mut().for_each(|sample| *sample = value(*sample));
        let flags = band.mask_flags().map_err(failed)?;
        // No-data values of the band were looked at above; a mask beside or inside the file, an alpha band or values of all bands were not.
        if !flags.is_all_valid() && (flags.is_per_dataset() || !flags.is_nodata()) {
            let mask =
                band.open_mask_band().and_then(|mask| mask.read_as::<u8>(window, (cols, rows), (cols, rows), None)).map_err(failed)?;
            pixels.iter_mut().zip(mask.data()).filter(|(_, mask)| **mask == 0).for_each(|(sample, _)| *sample = f64::NAN);
        }
        Ok(pixels)
    }
}

/// The source's coordinate system: the given one, else its own, else WGS 84 for axes of longitude and latitude.
fn crs(path: &Path, dataset: &Dataset, options: &PackOptions) -> Result<SpatialRef> {
    let geographic = || is_geographic(&metadata(dataset)).then(|| SpatialRef::from_epsg(4326).ok()).flatten();
    let crs = match &options.source_crs {
        None => crs_of(dataset).or_else(geographic).ok_or_else(|| {
            Error::input(path, "has no coordinate system; give it with --source-crs, for example \"EPSG:3413\" or a PROJ string")
        }),
        Some(given) => SpatialRef::from_definition(given)
            .map_err(|e| Error::Usage(format!("--source-crs {given} is no coordinate system that GDAL knows ({})", reason(&e)))),
    };
    let mut crs = crs?;
    crs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(crs)
}

/// The transform in the unit of a given coordinate system: axes in km are common, and a PROJ string in metres does not know them.
fn in_units_of(transform: [f64; 6], dataset: &Dataset, options: &PackOptions, crs: &SpatialRef) -> [f64; 6] {
    let axes = metres_of_axes(&metadata(dataset)).filter(|_| options.source_crs.is_some() && crs.is_projected());
    let factor = axes.map_or(1.0, |metres| metres / crs.linear_units());
    transform.map(|coefficient| coefficient * factor)
}
