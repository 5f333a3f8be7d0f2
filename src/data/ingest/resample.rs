//! Values between the pixels of a source, by GDAL's rules.
//!
//! *Nearest*: the pixel that the position lies in; on an edge the one behind it. *Bilinear*: the product of two triangles over the centres,
//! each as wide as two pixels of the source or, where a pixel of the map is longer than those, as two of the map. Neighbours without a
//! value are left out and their weight is shared between the others, at the outer edge of the source too; where the pixel that the position
//! lies in has no value there is none. *Average*: the mean over the box between the positions of a pixel's first and last corner, each
//! pixel of the source weighted by its share in the box.
//!
//! GDAL's triangles over longer pixels of the map are a little wider: it divides by a rounded part of the source with a margin around it.
//!
//! Source: the description of `gdalwarp`, and what its results are (`tests/packing/with_gdal.rs`).

use super::Resampling;
use super::positions::Positions;
use super::source_window::Part;
use crate::data::unpack::no_memory;

/// Pixels of the map that span up to so many of the source are not averaged over them.
const FINE: f64 = 1.0 / 0.95;
/// Spans that are so near to a whole number are taken for it.
const NEAR: f64 = 0.05;
/// Less weight than this is no value.
const LEAST: f64 = 1e-6;

/// A part of a source: its pixels row by row, NaN where there is no value.
pub(super) struct Day {
    pub pixels: Vec<f32>,
    pub part: Part,
}

impl Day {
    fn value(&self, col: usize, row: usize) -> f32 {
        self.pixels[row * self.part.cols + col]
    }

    /// A position within this part; none outside.
    fn within(&self, (col, row): (f64, f64)) -> Option<(f64, f64)> {
        let (col, row) = (col - self.part.col as f64, row - self.part.row as f64);
        let inside = (0.0..=self.part.cols as f64).contains(&col) && (0.0..=self.part.rows as f64).contains(&row);
        inside.then_some((col, row))
    }

    fn pixel_at(&self, (col, row): (f64, f64)) -> (usize, usize) {
        // The outer edges belong to the last pixels.
        ((col as usize).min(self.part.cols - 1), (row as usize).min(self.part.rows - 1))
    }

    fn nearest(&self, position: (f64, f64)) -> f32 {
        let Some(at) = self.within(position) else { return f32::NAN };
        let (col, row) = self.pixel_at(at);
        self.value(col, row)
    }

    fn bilinear(&self, position: (f64, f64), width: (f64, f64), room: &mut Vec<f64>) -> f32 {
        let Some(at) = self.within(position) else { return f32::NAN };
        let (col, row) = self.pixel_at(at);
        if self.value(col, row).is_nan() {
            return f32::NAN;
        }
        room.clear();
        let cols = triangle(at.0 - 0.5, width.0, self.part.cols, room);
        let across = room.len();
        let rows = triangle(at.1 - 0.5, width.1, self.part.rows, room);
        let (col_weights, row_weights) = room.split_at(across);
        let (mut sum, mut weights) = (0.0, 0.0);
        for (row, row_weight) in (rows..).zip(row_weights) {
            for (col, col_weight) in (cols..).zip(col_weights) {
                let (value, weight) = (self.value(col, row), row_weight * col_weight);
                if !value.is_nan() && weight > 0.0 {
                    sum += weight * f64::from(value);
                    weights += weight;
                }
            }
        }
        if weights < LEAST { f32::NAN } else { (sum / weights) as f32 }
    }

    fn average(&self, first: (f64, f64), last: (f64, f64)) -> f32 {
        let Part { col, row, cols, rows } = self.part;
        if first.0.is_nan() || last.0.is_nan() {
            return f32::NAN;
        }
        let span = |a: f64, b: f64, start: usize, size: usize| {
            let (low, high) = (a.min(b) - start as f64, a.max(b) - start as f64);
            // A box without any width is the pixel that it lies in.
            let high = if high > low { high } else { low.floor() + 1.0 };
            let (low, high) = (low.max(0.0), high.min(size as f64));
            (low < high).then_some((low, high))
        };
        let spans = span(first.0, last.0, col, cols).zip(span(first.1, last.1, row, rows));
        let Some(((left, right), (top, bottom))) = spans else { return f32::NAN };
        let share = |index: usize, low: f64, high: f64| high.min(index as f64 + 1.0) - low.max(index as f64);
        let (mut sum, mut weights) = (0.0, 0.0);
        for row in top as usize..bottom.ceil() as usize {
            for col in left as usize..right.ceil() as usize {
                let value = self.value(col, row);
                if !value.is_nan() {
                    let weight = share(col, left, right) * share(row, top, bottom);
                    sum += weight * f64::from(value);
                    weights += weight;
                }
            }
        }
        // Without any value 0/0, which is NaN.
        (sum / weights) as f32
    }
}

/// Weights of the centres around a position along one axis, added to `room`, and the index of the first one.
fn triangle(centre: f64, width: f64, size: usize, room: &mut Vec<f64>) -> usize {
    let first = (centre - width).ceil().max(0.0);
    let last = (centre + width).floor().min(size as f64 - 1.0);
    let mut at = first;
    while at <= last {
        room.push(1.0 - (at - centre).abs() / width);
        at += 1.0;
    }
    first as usize
}

/// Half the width of the triangles for pixels of the map that span so many of the source.
fn half_width(span: f64) -> f64 {
    let whole = span.round();
    match span {
        _ if !span.is_finite() || span <= FINE => 1.0,
        _ if (span - whole).abs() < NEAR => whole,
        _ => span,
    }
}

/// The map of a day; `positions` are of centres, or for averages of corners. An error is a message.
pub(super) fn resample(day: &Day, positions: &Positions, method: Resampling, (rows, cols): (usize, usize)) -> Result<Vec<f32>, String> {
    let mut map = Vec::new();
    map.try_reserve_exact(rows * cols).map_err(|_| no_memory(rows * cols * size_of::<f32>()))?;
    let mut room = Vec::new();
    let (across, down) = positions.span();
    let width = (half_width(across), half_width(down));
    let mut above = if method == Resampling::Average { positions.row(0) } else { Vec::new() };
    for row in 0..rows {
        match method {
            Resampling::Nearest => map.extend(positions.row(row).into_iter().map(|at| day.nearest(at))),
            Resampling::Bilinear => map.extend(positions.row(row).into_iter().map(|at| day.bilinear(at, width, &mut room))),
            Resampling::Average => {
                let below = positions.row(row + 1);
                map.extend((0..cols).map(|col| day.average(above[col], below[col + 1])));
                above = below;
            }
        }
    }
    Ok(map)
}
