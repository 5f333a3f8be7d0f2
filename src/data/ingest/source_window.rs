//! The part of a source that a map needs, so that a continent is not read for a glacier.

use gdal::spatial_ref::{CoordTransform, SpatialRef};
use gdal::{Dataset, GeoTransform, GeoTransformEx};

use crate::data::gdal_library::{crs_of, reason};

/// Sources up to so many pixels are read whole (256 MiB).
const WHOLE: usize = 1 << 25;
/// Positions looked up along each side of the map.
const SAMPLES: usize = 33;

/// A rectangle of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub col: usize,
    pub row: usize,
    pub cols: usize,
    pub rows: usize,
}

/// The pixels of a source that lie under the map or near it; an error is a message.
pub(super) fn part_around(map: &Dataset, transform: &GeoTransform, crs: &SpatialRef, whole: Part) -> Result<Part, String> {
    if whole.cols * whole.rows <= WHOLE {
        return Ok(whole);
    }
    let unplaced = |e: &gdal::errors::GdalError| format!("cannot be placed on the map ({})", reason(e));
    let map_crs = crs_of(map).ok_or("the map has no coordinate system")?;
    let map_transform = map.geo_transform().map_err(|e| unplaced(&e))?;
    let to_source = CoordTransform::new(&map_crs, crs).map_err(|e| unplaced(&e))?;
    let inverse = transform.invert().map_err(|e| unplaced(&e))?;

    let (width, height) = map.raster_size();
    let at = |index: usize, size: usize| size as f64 * index as f64 / (SAMPLES - 1) as f64;
    let positions = (0..SAMPLES * SAMPLES).filter_map(|index| {
        let (x, y) = map_transform.apply(at(index % SAMPLES, width), at(index / SAMPLES, height));
        let (mut x, mut y) = ([x], [y]);
        to_source.transform_coords(&mut x, &mut y, &mut []).ok()?;
        Some(inverse.apply(x[0], y[0])).filter(|(col, row)| col.is_finite() && row.is_finite())
    });
    let positions: Vec<(f64, f64)> = positions.collect();
    // Between the samples a curved edge may reach further out, and a coarse map takes more of the source for each of its pixels.
    let range = |values: &mut dyn Iterator<Item = f64>, size: usize| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let margin = 16.0 + 0.1 * (high - low);
        let (low, high) = ((low - margin).floor().clamp(0.0, size as f64), (high + margin).ceil().clamp(0.0, size as f64));
        (low as usize, (high - low).max(0.0) as usize)
    };
    let (col, cols) = range(&mut positions.iter().map(|position| position.0), whole.cols);
    let (row, rows) = range(&mut positions.iter().map(|position| position.1), whole.rows);
    if cols == 0 || rows == 0 {
        return Err("does not reach the grid; check its coordinate system (--source-crs)".into());
    }
    Ok(Part { col, row, cols, rows })
}
