//! A raster of numbers with the side of its pixels, and what terrain asks of one: interpolation, refinement, slopes, smoothing.

use super::noise::mix;
use super::rows;

/// Numbers on a grid, row after row, north up.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Rows of the grid.
    pub rows: usize,
    /// Columns of the grid.
    pub cols: usize,
    /// Side of a pixel, m.
    pub cell: f32,
    /// The numbers.
    pub values: Vec<f32>,
}

impl Field {
    /// Of what a function says of every pixel's centre: (x, y) in metres from the upper left corner, y to the south.
    pub fn of([rows, cols]: [usize; 2], cell: f32, each: impl Fn(f32, f32) -> f32 + Sync) -> Field {
        let values = rows::map(rows, cols, |row, col| each((col as f32 + 0.5) * cell, (row as f32 + 0.5) * cell));
        Field { rows, cols, cell, values }
    }

    /// Of the same grid, of what a function says of every pixel's number.
    pub fn like(&self, each: impl Fn(usize) -> f32 + Sync) -> Field {
        Field { values: rows::map(self.rows, self.cols, |row, col| each(row * self.cols + col)), ..*self }
    }

    /// The value at a pixel; beyond the edge that of the nearest.
    pub fn at(&self, row: isize, col: isize) -> f32 {
        let side = |place: isize, count: usize| place.clamp(0, count as isize - 1) as usize;
        self.values[side(row, self.rows) * self.cols + side(col, self.cols)]
    }

    /// The value between pixels, bilinear; (0, 0) is the centre of the first.
    pub fn between(&self, row: f32, col: f32) -> f32 {
        let (row, col) = (row.clamp(0.0, (self.rows - 1) as f32), col.clamp(0.0, (self.cols - 1) as f32));
        let (r, c) = (row as isize, col as isize);
        let (down, right) = (row - r as f32, col - c as f32);
        mix(mix(self.at(r, c), self.at(r, c + 1), right), mix(self.at(r + 1, c), self.at(r + 1, c + 1), right), down)
    }

    /// With twice the rows and columns on the same ground.
    pub fn refined(&self) -> Field {
        Field::of([2 * self.rows, 2 * self.cols], 0.5 * self.cell, |x, y| self.between(y / self.cell - 0.5, x / self.cell - 0.5))
    }

    /// Change a metre to the east and to the south, weighted over three rows and columns (Horn, 1981).
    pub fn gradient(&self, index: usize) -> (f32, f32) {
        let (row, col) = ((index / self.cols) as isize, (index % self.cols) as isize);
        let z = |down: isize, right: isize| self.at(row + down, col + right);
        let east = (z(-1, 1) + 2.0 * z(0, 1) + z(1, 1)) - (z(-1, -1) + 2.0 * z(0, -1) + z(1, -1));
        let south = (z(1, -1) + 2.0 * z(1, 0) + z(1, 1)) - (z(-1, -1) + 2.0 * z(-1, 0) + z(-1, 1));
        (east / (8.0 * self.cell), south / (8.0 * self.cell))
    }

    /// The mean over the square that reaches `reach` pixels around each, cut at the edges.
    pub fn smoothed(&self, reach: usize) -> Field {
        let along = |field: &Field, down: isize, right: isize| {
            let count = 2 * reach as isize + 1;
            let sum =
                |row: isize, col: isize| (0..count).map(|k| k - reach as isize).map(|k| field.at(row + k * down, col + k * right)).sum();
            field.like(|i| {
                let total: f32 = sum((i / field.cols) as isize, (i % field.cols) as isize);
                total / count as f32
            })
        };
        along(&along(self, 0, 1), 1, 0)
    }

    /// The part of `rows × cols` pixels behind `margin` of them on every side.
    pub fn inner(&self, margin: usize, [rows, cols]: [usize; 2]) -> Field {
        let values = rows::map(rows, cols, |row, col| self.values[(row + margin) * self.cols + col + margin]);
        Field { rows, cols, cell: self.cell, values }
    }

    /// The eight neighbours of a pixel that are on the grid, with their distances in pixels, in a fixed order.
    pub fn neighbours(&self, index: usize) -> impl Iterator<Item = (usize, f32)> + use<> {
        const AROUND: [(isize, isize, f32); 8] = {
            let d = std::f32::consts::SQRT_2;
            [(-1, 0, 1.0), (0, -1, 1.0), (0, 1, 1.0), (1, 0, 1.0), (-1, -1, d), (-1, 1, d), (1, -1, d), (1, 1, d)]
        };
        let (rows, cols) = (self.rows as isize, self.cols as isize);
        let (row, col) = (index as isize / cols, index as isize % cols);
        AROUND.into_iter().filter_map(move |(down, right, distance)| {
            let (r, c) = (row + down, col + right);
            ((0..rows).contains(&r) && (0..cols).contains(&c)).then_some(((r * cols + c) as usize, distance))
        })
    }
}
