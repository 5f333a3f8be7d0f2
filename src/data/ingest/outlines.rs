//! Outlines as a class map: 1 where the centre of a pixel lies in a polygon, 0 elsewhere, no class where a mask says that nobody knows.

use std::path::Path;

use super::grid::Grid;
use super::source::Source;
use super::{Job, Outlines, PackOptions, Work, scene};
use crate::data::about::{About, BandAbout};
use crate::data::class_map::{NO_CLASS, write_class_map};
use crate::data::day::Day;
use crate::error::{Error, Result};

/// The classes' names.
const NAMES: [&str; 2] = ["background", "glacier"];

/// The file that outlines become.
///
/// # Errors
/// [`Error::Usage`] for a build without GDAL, and for a name that is none; what cannot be read or placed.
pub(super) fn plan(name: &str, of: &Outlines, options: &PackOptions, grid: &Grid) -> Result<Job> {
    let file = scene::file_name(name)?;
    check_available()?;
    // Opened as for reading, so that what cannot be placed is refused before anything is written.
    for mask in &of.ignore {
        Source::open(mask, options, grid)?;
    }
    near(&of.file, options, grid)?;
    Ok(Job { file, source: of.file.clone(), is_timeless: true, work: Work::Outlines(of.ignore.clone()) })
}

/// Writes the class map; returns the pixels outside, inside, and of no class.
///
/// # Shapes
/// `masks`: rows × columns each, not 0 where nothing is known; NaN is known.
///
/// # Errors
/// Those of [`rasterised`] and of [`write_class_map`].
pub(super) fn make(path: &Path, file: &Path, masks: &[Vec<f32>], options: &PackOptions, grid: &Grid) -> Result<[usize; 3]> {
    let mut classes = rasterised(file, options, grid)?;
    for mask in masks {
        let ignored = |value: &f32| *value != 0.0 && !value.is_nan();
        classes.iter_mut().zip(mask).filter(|(_, value)| ignored(value)).for_each(|(class, _)| *class = NO_CLASS);
    }
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let about = About {
        software: concat!("meltcore ", env!("CARGO_PKG_VERSION")).into(),
        day: Day::from_scene_name(&name).unwrap_or(Day::UNDATED),
        bands: vec![BandAbout { description: "class".into(), unit: String::new() }],
        items: vec![("OUTLINES", file.file_name().unwrap_or_default().to_string_lossy().into_owned())],
    };
    write_class_map(path, [grid.rows, grid.cols], &classes, &grid.geo, &NAMES, &about)?;
    let count = |wanted: u8| classes.iter().filter(|class| **class == wanted).count();
    Ok([count(0), count(1), count(NO_CLASS)])
}

fn check_available() -> Result<()> {
    #[cfg(not(feature = "gdal"))]
    return Err(Error::Usage(format!("--outlines takes GDAL, which this build lacks: {}", crate::data::GET_GDAL)));
    #[cfg(feature = "gdal")]
    Ok(())
}

#[cfg(not(feature = "gdal"))]
fn near(_: &Path, _: &PackOptions, _: &Grid) -> Result<()> {
    check_available()
}

#[cfg(not(feature = "gdal"))]
fn rasterised(_: &Path, _: &PackOptions, _: &Grid) -> Result<Vec<u8>> {
    check_available().map(|()| Vec::new())
}

/// The pixels whose centres lie in a polygon, as 1.
///
/// # Errors
/// Those of [`near`]; polygons that GDAL cannot draw.
#[cfg(feature = "gdal")]
fn rasterised(path: &Path, options: &PackOptions, grid: &Grid) -> Result<Vec<u8>> {
    use crate::data::gdal_library::reason;
    use gdal::raster::{RasterizeOptions, rasterize};

    let failed = |e: &gdal::errors::GdalError| Error::input(path, format!("GDAL cannot draw its outlines ({})", reason(e)));
    let (mut map, polygons) = near(path, options, grid)?;
    map.rasterband(1).and_then(|mut band| band.fill(0.0, None)).map_err(|e| failed(&e))?;
    let inside = vec![1.0; polygons.len()];
    if !polygons.is_empty() {
        rasterize(&mut map, &[1], &polygons, &inside, Some(RasterizeOptions::default())).map_err(|e| failed(&e))?;
    }
    let size = (grid.cols, grid.rows);
    let drawn = map.rasterband(1).and_then(|band| band.read_as::<u8>((0, 0), size, size, None)).map_err(|e| failed(&e))?;
    Ok(drawn.data().to_vec())
}

/// A map on the grid, and the polygons near it in its coordinate system.
///
/// # Errors
/// [`Error::Input`] where GDAL cannot read the file, it has several layers, no coordinate system, or something else than polygons.
#[cfg(feature = "gdal")]
fn near(path: &Path, options: &PackOptions, grid: &Grid) -> Result<(gdal::Dataset, Vec<gdal::vector::Geometry>)> {
    use super::system::System;
    use super::{gdal_rasters::gdal_crs, warp};
    use crate::data::gdal_library::crs_of;

    let given = System::given(options)?.map(|system| gdal_crs(path, &system)).transpose()?;
    let map = warp::empty_map(grid)?;
    let to = crs_of(&map).ok_or_else(|| Error::input(&grid.path, "has no coordinate system that outlines could be brought to"))?;
    let polygons = polygons(path, given, &map, &to)?;
    Ok((map, polygons))
}

/// Whether a system is one: GeoPackages have words for none.
#[cfg(feature = "gdal")]
fn is_defined(system: &gdal::spatial_ref::SpatialRef) -> bool {
    !system.name().unwrap_or_default().to_ascii_lowercase().starts_with("undefined")
}

/// The polygons near a map, in its coordinate system.
#[cfg(feature = "gdal")]
fn polygons(
    path: &Path,
    given: Option<gdal::spatial_ref::SpatialRef>,
    map: &gdal::Dataset,
    to: &gdal::spatial_ref::SpatialRef,
) -> Result<Vec<gdal::vector::Geometry>> {
    use gdal::spatial_ref::{AxisMappingStrategy, CoordTransform};
    use gdal::vector::{LayerAccess, OGRwkbGeometryType, geometry_type_flatten};
    use gdal::{Dataset, DatasetOptions, GdalOpenFlags, GeoTransformEx};

    use crate::data::gdal_library::{name_of, quiet, reason};

    let failed = |e: &gdal::errors::GdalError| Error::input(path, format!("GDAL cannot read its outlines ({})", reason(e)));
    quiet();
    let flags = DatasetOptions { open_flags: GdalOpenFlags::GDAL_OF_VECTOR, ..DatasetOptions::default() };
    let dataset = Dataset::open_ex(name_of(path)?, flags).map_err(|e| failed(&e))?;
    if dataset.layer_count() != 1 {
        let names: Vec<String> = dataset.layers().map(|layer| layer.name()).collect();
        let message = format!(
            "has {} layers ({}) where outlines are one; extract it with `ogr2ogr OUT.gpkg IN LAYER`",
            names.len(),
            names.join(", ")
        );
        return Err(Error::input(path, message));
    }
    let mut layer = dataset.layer(0).map_err(|e| failed(&e))?;
    let mut from = given.or_else(|| layer.spatial_ref().filter(is_defined)).ok_or_else(|| {
        Error::input(path, "has no coordinate system; give it with --source-crs, for example \"EPSG:3413\" or a PROJ string")
    })?;
    from.set_axis_mapping_strategy(AxisMappingStrategy::TraditionalGisOrder);
    let forth = CoordTransform::new(&from, to).map_err(|e| failed(&e))?;
    // Only what is near: elsewhere a projection may have no place for it.
    if let (Ok(back), Ok(transform)) = (CoordTransform::new(to, &from), map.geo_transform()) {
        let (cols, rows) = map.raster_size();
        let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)].map(|(x, y)| transform.apply(x * cols as f64, y * rows as f64));
        let edge = |value: fn(&(f64, f64)) -> f64, pick: fn(f64, f64) -> f64| corners.iter().map(value).reduce(pick).unwrap_or(0.0);
        let bounds = [edge(|p| p.0, f64::min), edge(|p| p.1, f64::min), edge(|p| p.0, f64::max), edge(|p| p.1, f64::max)];
        // Over the meridian where longitudes begin the least comes out as the largest: everything is looked at then.
        if let Ok([left, low, right, high]) = back.transform_bounds(&bounds, 33)
            && left < right
            && low < high
        {
            let (x, y) = ((right - left) / 50.0, (high - low) / 50.0);
            layer.set_spatial_filter_rect(left - x, low - y, right + x, high + y);
        }
    }
    let mut found = Vec::new();
    for feature in layer.features() {
        let Some(geometry) = feature.geometry().filter(|geometry| !geometry.is_empty()) else { continue };
        let kind = geometry_type_flatten(geometry.geometry_type());
        if ![OGRwkbGeometryType::wkbPolygon, OGRwkbGeometryType::wkbMultiPolygon].contains(&kind) {
            let message = format!(
                "holds a {} (feature {}) where outlines are polygons; make them with `ogr2ogr -nlt MULTIPOLYGON OUT.gpkg IN`",
                geometry.geometry_name(),
                feature.fid().unwrap_or_default()
            );
            return Err(Error::input(path, message));
        }
        found.push(geometry.transform(&forth).map_err(|e| failed(&e))?);
    }
    Ok(found)
}
