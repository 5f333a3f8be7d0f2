//! A source that GDAL reads, opened once: the days of it as float64 rasters in memory, with a place on the map.
//!
//! The part of the source around the grid is read, with its own scale and offset applied and NaN for every pixel without a value.
//! All sources are read on one thread: the NetCDF library serves one at a time anyway, and prints HDF5's complaints on others.

use std::path::{Path, PathBuf};

use gdal::errors::GdalError;
use gdal::raster::{Buffer, GdalDataType};
use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform, SpatialRef};
use gdal::{Dataset, GeoTransform, GeoTransformEx, Metadata};

use super::PackOptions;
use super::bands::{self, is_geographic, metres_of_axes};
use super::cube::{Cube, Placed};
use super::encoding::Encoding;
use super::gdal_arrays;
use super::gdal_source::{metadata, open_bands};
use super::own_source::mean;
use super::source_window::{Part, part_around};
use super::steps::{Axis, files};
use super::system::System;
use super::warp::memory;
use crate::data::declared::declared;
use crate::data::gdal_library::{crs_of, reason};
use crate::data::geotiff::{Layout, SampleType};
use crate::data::linear::Linear;
use crate::data::mapped::map_file;
use crate::data::mask::refuse_silent_mask;
use crate::data::no_data::NoData;
use crate::data::notices::tell_once_a_folder;
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

/// What the pixels are read from.
enum Reader {
    /// A variable, by its axes.
    Cube(Box<Cube>),
    /// Bands, and what their samples mean where a variable says so.
    Bands(Dataset, Option<Encoding>),
}

/// An opened source.
pub(super) struct GdalSource {
    path: PathBuf,
    reader: Reader,
    /// What its steps are taken apart along.
    axes: Vec<Axis>,
    part: Part,
    place: Place,
    /// The notes beside a GeoTIFF, which count before its tags; GDAL's versions differ about them.
    notes: Option<Pam>,
}

impl GdalSource {
    /// Opens a source and works out which part of it the map needs.
    pub fn open(path: &Path, options: &PackOptions, map: &Dataset) -> Result<GdalSource> {
        // GDAL passes over what it does not understand there.
        Pam::beside(path, 0)?;
        refuse_silent_mask(path)?;
        let system = System::given(options)?;
        let given = system.as_ref().map(|system| gdal_crs(path, system)).transpose()?;
        let cube = match gdal_arrays::open(path)? {
            Some(root) => Cube::of(&root, path, options.variable.as_deref(), system.as_ref())?,
            None => None,
        };
        match cube {
            Some(cube) => Self::of_cube(path, cube, given, map),
            None => {
                let dataset = open_bands(path, options.variable.as_deref())?;
                let axes = bands::axes(&metadata(&dataset), dataset.raster_count());
                Self::of_bands(path, dataset, axes, None, given, map)
            }
        }
    }

    /// A variable that is placed by its axes, or else the bands that GDAL makes of it.
    fn of_cube(path: &Path, cube: Cube, given: Option<SpatialRef>, map: &Dataset) -> Result<GdalSource> {
        let axes = cube.axes();
        let lack = match &cube.placed {
            Placed::Grid(transform, system) => {
                let (place, (cols, rows)) = ((six(transform), gdal_crs(path, system)?), cube.size());
                let (part, place) = part_of_grid(path, map, place, (cols, rows))?;
                return Ok(GdalSource { path: path.to_owned(), reader: Reader::Cube(Box::new(cube)), axes, part, place, notes: None });
            }
            Placed::Arrays => "has arrays of longitude and latitude that GDAL does not take; give --source-crs, or even axes".to_owned(),
            Placed::Unknown(lack) => lack.clone(),
        };
        let dataset = match (open_bands(path, Some(&format!("/{}", cube.name))), &cube.placed) {
            (Err(_), Placed::Unknown(_)) => return Err(Error::input(path, lack)),
            (opened, _) => opened?,
        };
        let is_placed = match cube.placed {
            Placed::Arrays => !dataset.metadata_domain(ARRAYS).unwrap_or_default().is_empty(),
            _ => {
                let has_grid = dataset.geo_transform().is_ok() && (given.is_some() || crs_of(&dataset).is_some());
                has_grid || !dataset.metadata_domain(ARRAYS).unwrap_or_default().is_empty()
            }
        };
        if !is_placed {
            return Err(Error::input(path, lack));
        }
        let steps = axes.iter().fold(1usize, |steps, axis| steps.saturating_mul(axis.size));
        if steps != dataset.raster_count() {
            return Err(Error::input(path, format!("has {steps} steps along its axes where GDAL reads {}", dataset.raster_count())));
        }
        if matches!(cube.placed, Placed::Arrays) {
            let (cols, rows) = dataset.raster_size();
            let place = Place::Arrays(dataset.metadata_domain(ARRAYS).unwrap_or_default());
            let part = Part { col: 0, row: 0, cols, rows };
            let reader = Reader::Bands(dataset, Some(cube.encoding));
            return Ok(GdalSource { path: path.to_owned(), reader, axes, part, place, notes: None });
        }
        Self::of_bands(path, dataset, axes, Some(cube.encoding), given, map)
    }

    fn of_bands(
        path: &Path,
        dataset: Dataset,
        axes: Vec<Axis>,
        encoding: Option<Encoding>,
        given: Option<SpatialRef>,
        map: &Dataset,
    ) -> Result<GdalSource> {
        let arrays = dataset.metadata_domain(ARRAYS).unwrap_or_default();
        let (cols, rows) = dataset.raster_size();
        let beside = Pam::beside(path, 0)?.filter(|_| dataset.driver().short_name() == "GTiff");
        let (part, place) = match dataset.geo_transform() {
            Ok(transform) if given.is_none() && crs_of(&dataset).is_none() && lies_on(&dataset, Some(transform), map) => {
                tell_once_a_folder(path, "coordinate system", || "has no coordinate system; it is taken to have that of the grid".into());
                part_of_grid(path, map, place_of(map, path)?, (cols, rows))?
            }
            Ok(transform) => {
                let (has_given, crs) = (given.is_some(), crs(path, &dataset, given)?);
                let transform = if has_given { in_units_of(transform, &dataset, &crs) } else { transform };
                part_of_grid(path, map, (transform, crs), (cols, rows))?
            }
            // GDAL finds positions through the arrays of the whole.
            Err(_) if !arrays.is_empty() => (Part { col: 0, row: 0, cols, rows }, Place::Arrays(arrays)),
            // SAFETY: the handle lives as long as the dataset.
            Err(_) if unsafe { gdal_sys::GDALGetGCPCount(dataset.c_dataset()) } > 0 => {
                return Err(Error::input(
                    path,
                    "is placed by ground control points, which is no grid; bring it onto one with `gdalwarp IN OUT`",
                ));
            }
            Err(_) => {
                // Of a TIFF more is known: what places it instead.
                if let Ok(map) = map_file(path)
                    && Layout::parse(&map, path).is_ok()
                {
                    declared(&map, path)?;
                }
                if lies_on(&dataset, None, map) {
                    tell_once_a_folder(path, "no georeference", || "has no georeference; it is taken to lie on the grid".into());
                    let (part, place) = part_of_grid(path, map, place_of(map, path)?, (cols, rows))?;
                    return Ok(GdalSource {
                        path: path.to_owned(),
                        reader: Reader::Bands(dataset, encoding),
                        axes,
                        part,
                        place,
                        notes: beside,
                    });
                }
                let message = "has no georeference: neither evenly spaced axes nor arrays of longitude and latitude that its \
                    `coordinates` attribute names; add one with gdal_translate -a_ullr";
                return Err(Error::input(path, message));
            }
        };
        Ok(GdalSource { path: path.to_owned(), reader: Reader::Bands(dataset, encoding), axes, part, place, notes: beside })
    }

    /// The files that it becomes, each with whether no time axis says its day, and the steps whose mean it is.
    pub fn files(&self, options: &PackOptions) -> Result<Vec<(String, bool, Vec<usize>)>> {
        files(&self.path, &self.axes, options)
    }

    /// Its bands, where it is a raster of nothing else.
    pub fn bands(&self) -> Option<usize> {
        match (&self.reader, &self.axes[..]) {
            (Reader::Bands(_, None), [bands]) if !self.axes.iter().any(Axis::is_named) => Some(bands.size),
            _ => None,
        }
    }

    /// Whether this is the source that it has opened.
    pub fn reads(&self, path: &Path) -> bool {
        self.path == path
    }

    /// The mean of some bands (from 1) as a raster in memory.
    pub fn day(&self, bands: &[usize], options: &PackOptions) -> Result<Dataset> {
        let read = |band: usize| Ok(options.before(self.read(band)?));
        let pixels = match bands {
            [band] => read(*band)?,
            _ => mean(bands, &mut |band| read(band))?,
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
        day.map_err(|e| Error::input(&self.path, format!("cannot be placed on the map ({})", reason(&e))).because(e))
    }

    /// A step of the part, unscaled, with NaN for no-data.
    fn read(&self, step: usize) -> Result<Vec<f64>> {
        let failed = |message: String| {
            Error::input(
                &self.path,
                format!("step {step} cannot be read ({message}); it is damaged or incomplete: copy or download it again"),
            )
        };
        match &self.reader {
            Reader::Cube(cube) => cube.read(step, self.part).map_err(failed),
            Reader::Bands(dataset, encoding) => {
                read_band(dataset, step, self.part, encoding.as_ref(), self.notes.as_ref().filter(|_| step == 1))
                    .map_err(|e| failed(reason(&e)))
            }
        }
    }
}

/// A part of a band, unscaled, with NaN for no-data; `encoding` and `notes` go before what GDAL says of that.
fn read_band(
    dataset: &Dataset,
    number: usize,
    part: Part,
    encoding: Option<&Encoding>,
    notes: Option<&Pam>,
) -> gdal::errors::Result<Vec<f64>> {
    let Part { col, row, cols, rows } = part;
    let band = dataset.rasterband(number)?;
    let window = (col as isize, row as isize);
    let mut pixels = band.read_as::<f64>(window, (cols, rows), (cols, rows), None)?.data().to_vec();
    // Before version 3.7 GDAL gives signed bytes as unsigned ones and says so beside them.
    let is_signed = band.metadata_item("PIXELTYPE", "IMAGE_STRUCTURE").as_deref() == Some("SIGNEDBYTE");
    let signed = |sample: f64| if is_signed && sample > 127.0 { sample - 256.0 } else { sample };
    let no_data = notes.and_then(|notes| notes.no_data).or_else(|| band.no_data_value()).map(signed);
    // As in the files that are read without GDAL: floats that differ by rounding are equal.
    let float = match band.band_type() {
        GdalDataType::Float32 => Some(SampleType::Float(32)),
        GdalDataType::Float64 => Some(SampleType::Float(64)),
        _ => None,
    };
    let rule = float.and_then(|float| NoData::new(no_data?, float));
    let is_missing = |sample: f64| match (float, rule) {
        (Some(SampleType::Float(32)), Some(rule)) => rule.is_f32(sample as f32),
        (Some(_), Some(rule)) => rule.is_f64(sample),
        _ => Some(sample) == no_data,
    };
    let own = Linear { scale: band.scale().unwrap_or(1.0), offset: band.offset().unwrap_or(0.0) };
    let change = notes.and_then(|notes| notes.unscale).unwrap_or(own);
    let value = |sample: f64| match encoding {
        Some(encoding) => encoding.value(signed(sample)),
        None if is_missing(signed(sample)) => f64::NAN,
        None => change.apply(signed(sample)),
    };
    pixels.iter_mut().for_each(|sample| *sample = value(*sample));
    let flags = band.mask_flags()?;
    // No-data values of the band were looked at above; a mask beside or inside the file, an alpha band or values of all bands were not.
    if !flags.is_all_valid() && (flags.is_per_dataset() || !flags.is_nodata()) {
        let mask = band.open_mask_band()?.read_as::<u8>(window, (cols, rows), (cols, rows), None)?;
        pixels.iter_mut().zip(mask.data()).filter(|(_, mask)| **mask == 0).for_each(|(sample, _)| *sample = f64::NAN);
    }
    Ok(pixels)
}

/// The part of a grid that the map needs, and where that lies.
fn part_of_grid(path: &Path, map: &Dataset, (transform, crs): (GeoTransform, SpatialRef), size: (usize, usize)) -> Result<(Part, Place)> {
    let unplaced = |e: &GdalError| Error::input(path, format!("cannot be placed on the map ({})", reason(e)));
    let map_transform = map.geo_transform().map_err(|e| unplaced(&e))?;
    let map_crs = crs_of(map).ok_or_else(|| Error::input(path, "cannot be placed: the map has no coordinate system"))?;
    let to_source = CoordTransform::new(&map_crs, &crs).map_err(|e| unplaced(&e))?;
    let inverse = transform.invert().map_err(|e| unplaced(&e))?;
    let place = |row: f64, col: f64| {
        let (x, y) = map_transform.apply(col, row);
        let (mut x, mut y) = ([x], [y]);
        to_source.transform_coords(&mut x, &mut y, &mut []).ok()?;
        Some(inverse.apply(x[0], y[0]))
    };
    let (cols, rows) = map.raster_size();
    let part = part_around(&place, (rows, cols), size).map_err(|message| Error::input(path, message))?;
    let (mut placed, (x, y)) = (transform, transform.apply(part.col as f64, part.row as f64));
    (placed[0], placed[3]) = (x, y);
    Ok((part, Place::Grid(placed, crs)))
}

/// Whether a GeoTIFF without a coordinate system is taken to lie on the map, as one that is read without GDAL is: it has the same size,
/// and no place or the same.
fn lies_on(dataset: &Dataset, transform: Option<GeoTransform>, map: &Dataset) -> bool {
    /// Share of a pixel.
    const TOLERANCE: f64 = 0.01;
    let (cols, rows) = map.raster_size();
    let corners = [(0.0, 0.0), (cols as f64, 0.0), (0.0, rows as f64), (cols as f64, rows as f64)];
    let near = |own: GeoTransform, of_map: GeoTransform| {
        let pixel = of_map[1].hypot(of_map[4]).min(of_map[2].hypot(of_map[5]));
        corners.into_iter().all(|(col, row)| {
            let (a, b) = (own.apply(col, row), of_map.apply(col, row));
            (a.0 - b.0).hypot(a.1 - b.1) <= TOLERANCE * pixel
        })
    };
    let same_place = transform.is_none_or(|own| map.geo_transform().is_ok_and(|of_map| near(own, of_map)));
    dataset.driver().short_name() == "GTiff" && dataset.raster_size() == (cols, rows) && crs_of(map).is_some() && same_place
}

/// Where a map lies; `path` is for messages.
fn place_of(map: &Dataset, path: &Path) -> Result<(GeoTransform, SpatialRef)> {
    let lack = || Error::input(path, "has no place, and neither has the grid of --like");
    Ok((map.geo_transform().map_err(|_| lack())?, crs_of(map).ok_or_else(lack)?))
}

/// A coordinate system as GDAL has it, x before y.
pub(super) fn gdal_crs(path: &Path, system: &System) -> Result<SpatialRef> {
    let mut crs = SpatialRef::from_definition(&system.words).map_err(|e| {
        Error::input(path, format!("its coordinate system {} is none that GDAL knows ({})", system.words, reason(&e))).because(e)
    })?;
    crs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(crs)
}

/// A transform in GDAL's order.
pub(super) fn six(transform: &crate::data::geotags::GeoTransform) -> GeoTransform {
    let crate::data::geotags::GeoTransform { origin_x, origin_y, col_x, row_x, col_y, row_y } = *transform;
    [origin_x, col_x, row_x, origin_y, col_y, row_y]
}

/// The source's coordinate system: the given one, else its own, else WGS 84 for axes of longitude and latitude.
fn crs(path: &Path, dataset: &Dataset, given: Option<SpatialRef>) -> Result<SpatialRef> {
    let geographic = || is_geographic(&metadata(dataset)).then(|| SpatialRef::from_epsg(4326).ok()).flatten();
    let mut crs = given.or_else(|| crs_of(dataset)).or_else(geographic).ok_or_else(|| {
        Error::input(path, "has no coordinate system; give it with --source-crs, for example \"EPSG:3413\" or a PROJ string")
    })?;
    crs.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    Ok(crs)
}

/// The transform in the unit of a given coordinate system: axes in km are common, and a PROJ string in metres does not know them.
fn in_units_of(transform: [f64; 6], dataset: &Dataset, crs: &SpatialRef) -> [f64; 6] {
    let axes = metres_of_axes(&metadata(dataset)).filter(|_| crs.is_projected());
    let factor = axes.map_or(1.0, |metres| metres / crs.linear_units());
    transform.map(|coefficient| coefficient * factor)
}
