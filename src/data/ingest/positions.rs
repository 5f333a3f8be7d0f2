//! Where the pixels of the map lie in a source: positions in its pixels, (0, 0) being the outer corner of its first one.
//!
//! They are computed once for all days of a source, and for all sources that lie alike; exactly, not between supporting points.

use rayon::prelude::*;

use super::grid::Grid;
use super::source_window::{Part, part_around, samples};
use crate::data::crs::{Crossing, Crs};
use crate::data::geotags::GeoTransform;

/// Parts of a pixel that positions are rounded to, so that those which should lie on centres or edges do.
const FINEST: f64 = (1u64 << 30) as f64;
/// More positions than this are not kept (1 GiB) but computed for each map.
const MOST_KEPT: usize = 1 << 26;

/// What positions follow from.
#[derive(Debug, Clone, PartialEq)]
struct Key {
    map: GeoTransform,
    map_crs: Option<Crs>,
    source: GeoTransform,
    source_crs: Option<Crs>,
    corners: bool,
    size: (usize, usize),
    cols: usize,
}

/// Positions of the centres of a map's pixels in a source, or of their corners.
pub(super) struct Positions {
    key: Key,
    crossing: Crossing,
    /// Rows and columns of positions.
    rows: usize,
    cols: usize,
    /// Of the first one, in pixels of the map.
    first: f64,
    /// Columns of a turn around the Earth, where the source counts longitudes.
    turn: Option<f64>,
    kept: Option<Vec<(f64, f64)>>,
}

impl Positions {
    /// Works out the way from the map to a source of `cols` columns; `source_crs` none means that of the map. An error is a clause about
    /// coordinate systems.
    pub fn new(
        grid: &Grid,
        map: GeoTransform,
        source: GeoTransform,
        source_crs: Option<&Crs>,
        cols: usize,
        corners: bool,
    ) -> Result<Self, String> {
        let map_crs = Crs::of_tags(&grid.geo);
        let crossing = match (&map_crs, source_crs) {
            (_, None) => Crossing::Same,
            (Some(map), Some(source)) => Crossing::new(map, source)?,
            (None, Some(_)) => return Err("a grid without a coordinate system".into()),
        };
        let turned = matches!(crossing, Crossing::Through(_)) || source_crs.is_some();
        let geographic = turned && source_crs.is_some_and(Crs::is_geographic);
        let upright = source.row_x == 0.0 && source.col_y == 0.0;
        let turn = (geographic && upright).then(|| (360.0 / source.col_x).abs());
        let more = usize::from(corners);
        let size = (grid.rows, grid.cols);
        Ok(Positions {
            key: Key { map, map_crs, source, source_crs: source_crs.cloned(), corners, size, cols },
            crossing,
            rows: grid.rows + more,
            cols: grid.cols + more,
            first: if corners { 0.0 } else { 0.5 },
            turn,
            kept: None,
        })
    }

    /// Whether others follow from the same.
    pub fn is_same(&self, other: &Positions) -> bool {
        self.key == other.key
    }

    /// The (column, row) in the source of a place on the map; `None` where the source's coordinate system has no such place.
    fn at(&self, row: f64, col: f64) -> Option<(f64, f64)> {
        let (x, y) = self.key.map.at(row, col);
        let (x, y) = self.crossing.at(x, y)?;
        let (mut col, row) = self.key.source.position(x, y);
        if let Some(turn) = self.turn {
            // The same meridian within the source, or else as near to its middle as it comes.
            col -= ((col - self.key.cols as f64 / 2.0) / turn).round() * turn;
        }
        let rounded = |at: f64| (at * FINEST).round() / FINEST;
        Some((rounded(col), rounded(row)))
    }

    /// The part of a source of `whole` size that the map needs, or where it lies not at all under the map a clause.
    pub fn part(&self, whole: (usize, usize)) -> Result<Part, String> {
        part_around(&|row, col| self.at(row, col), self.key.size, whole)
    }

    /// The same with its positions computed, where so many are kept.
    pub fn kept(self) -> Positions {
        let few = self.rows.saturating_mul(self.cols) <= MOST_KEPT;
        let kept = few.then(|| (0..self.rows).into_par_iter().flat_map_iter(|row| self.computed(row)).collect());
        Positions { kept, ..self }
    }

    /// The positions of a row; NaN for places that the source's coordinate system does not have.
    pub fn row(&self, row: usize) -> Vec<(f64, f64)> {
        match &self.kept {
            Some(kept) => kept[row * self.cols..][..self.cols].to_vec(),
            None => self.computed(row).collect(),
        }
    }

    fn computed(&self, row: usize) -> impl Iterator<Item = (f64, f64)> {
        (0..self.cols).map(move |col| self.at(row as f64 + self.first, col as f64 + self.first).unwrap_or((f64::NAN, f64::NAN)))
    }

    /// How many columns and rows of the source a pixel of the map is long, as a rule: the middle one of many places on the map.
    pub fn span(&self) -> (f64, f64) {
        let (rows, cols) = (self.key.size.0 as f64, self.key.size.1 as f64);
        let spans = samples(self.key.size).filter_map(|(row, col)| {
            let (row, col) = (row.min(rows - 1.0), col.min(cols - 1.0));
            let (here, right, below) = (self.at(row, col)?, self.at(row, col + 1.0)?, self.at(row + 1.0, col)?);
            Some(((right.0 - here.0).hypot(below.0 - here.0), (right.1 - here.1).hypot(below.1 - here.1)))
        });
        let (mut across, mut down): (Vec<f64>, Vec<f64>) = spans.unzip();
        let middle = |spans: &mut Vec<f64>| {
            spans.sort_by(f64::total_cmp);
            spans.get(spans.len() / 2).copied().unwrap_or(1.0)
        };
        (middle(&mut across), middle(&mut down))
    }
}
