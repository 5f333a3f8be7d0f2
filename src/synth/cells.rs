//! Coarse grids over a scene: square cells turned by an angle, of which every pixel takes the nearest, and smooth fields sampled at them.

use super::rows;

/// Blocks that smooth fields are made of have about this side, km: small beside every footprint, large beside a pixel of a full scene.
const BLOCK_KM: f32 = 0.8;

/// The cells of a turned grid that a scene sees.
pub struct Cells {
    /// The cell of every pixel.
    of_pixel: Vec<u32>,
    /// (row, col) of the pixel nearest to each cell's centre.
    centres: Vec<(usize, usize)>,
    cols: usize,
}

impl Cells {
    /// Square cells of `side` pixels, the grid turned by `turn` radians.
    pub fn new(rows: usize, cols: usize, side: f32, turn: f32) -> Self {
        let (sin, cos) = turn.sin_cos();
        let side = side.max(1.0);
        let mut of_pixel: Vec<u32> = rows::map(rows, cols, |row, col| {
            let (x, y) = (col as f32 + 0.5, row as f32 + 0.5);
            let along = (((cos * x + sin * y) / side).floor() + 0.5) * side;
            let across = (((cos * y - sin * x) / side).floor() + 0.5) * side;
            let col = (cos * along - sin * across).clamp(0.0, cols as f32 - 1.0) as usize;
            let row = (sin * along + cos * across).clamp(0.0, rows as f32 - 1.0) as usize;
            (row * cols + col) as u32
        });
        // Central pixels are numbered in the order in which pixels name them.
        let (mut number, mut centres) = (vec![u32::MAX; rows * cols], Vec::new());
        for pixel in &mut of_pixel {
            let centre = *pixel as usize;
            if number[centre] == u32::MAX {
                number[centre] = centres.len() as u32;
                centres.push((centre / cols, centre % cols));
            }
            *pixel = number[centre];
        }
        Cells { of_pixel, centres, cols }
    }

    /// (row, col) of the cells' central pixels.
    pub fn centres(&self) -> &[(usize, usize)] {
        &self.centres
    }

    /// A raster in which every pixel has the value of its cell.
    pub fn spread(&self, values: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; self.of_pixel.len()];
        rows::fill(&mut out, self.cols, |row, line| {
            let cells = &self.of_pixel[row * self.cols..][..line.len()];
            line.iter_mut().zip(cells).for_each(|(pixel, cell)| *pixel = values[*cell as usize]);
        });
        out
    }
}

/// A field smoothed by about a Gaussian, kept as means of blocks of pixels.
pub struct Smooth {
    values: Vec<f32>,
    cols: usize,
    block: usize,
}

impl Smooth {
    /// Smooths what `value` says of every pixel index with a standard deviation of `radius_km`.
    pub fn new(rows: usize, cols: usize, km: f32, radius_km: f32, value: impl Fn(usize) -> f32 + Sync) -> Self {
        let block = ((BLOCK_KM / km) as usize).max(1);
        let (tall, wide) = (rows.div_ceil(block), cols.div_ceil(block));
        let mut values = rows::map(tall, wide, |row, col| {
            let (from, to) = (col * block, (col * block + block).min(cols));
            let lines = row * block..(row * block + block).min(rows);
            let count = lines.len() * (to - from);
            lines.flat_map(|line| line * cols + from..line * cols + to).map(&value).sum::<f32>() / count as f32
        });
        blur(&mut values, tall, wide, radius_km / (km * block as f32));
        Smooth { values, cols: wide, block }
    }

    /// The value of the block that holds a pixel.
    pub fn at(&self, row: usize, col: usize) -> f32 {
        self.values[row / self.block * self.cols + col / self.block]
    }
}

/// Three box blurs, about a Gaussian of standard deviation `radius` pixels; edges repeat.
fn blur(values: &mut [f32], rows: usize, cols: usize, radius: f32) {
    let half = radius.round().max(0.0) as usize;
    if half == 0 {
        return;
    }
    for _ in 0..3 {
        for row in values.chunks_mut(cols) {
            box_mean(row, half);
        }
        let mut column = vec![0.0; rows];
        for col in 0..cols {
            for row in 0..rows {
                column[row] = values[row * cols + col];
            }
            box_mean(&mut column, half);
            for row in 0..rows {
                values[row * cols + col] = column[row];
            }
        }
    }
}

/// Running mean of 2·half + 1 values in place, edges repeated.
fn box_mean(line: &mut [f32], half: usize) {
    let source = line.to_vec();
    let last = source.len() - 1;
    let at = |i: isize| f64::from(source[i.clamp(0, last as isize) as usize]);
    let reach = half as isize;
    let mut sum: f64 = (-reach..=reach).map(at).sum();
    for (i, value) in line.iter_mut().enumerate() {
        *value = (sum / (2 * half + 1) as f64) as f32;
        sum += at(i as isize + reach + 1) - at(i as isize - reach);
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn pixels_take_their_cells_and_means_survive_smoothing() {
        let cells = Cells::new(50, 40, 7.0, 0.3);
        let numbers: Vec<f32> = (0..cells.centres().len()).map(|i| i as f32).collect();
        let raster = cells.spread(&numbers);
        // Away from the border, a central pixel lies in its own cell.
        for (i, (row, col)) in cells.centres().iter().enumerate().filter(|(_, (r, c))| (8..42).contains(r) && (8..32).contains(c)) {
            assert_eq!(raster[row * 40 + col], i as f32);
        }
        // A pixel of 0.1 km makes blocks of 8.
        let smooth = Smooth::new(50, 40, 0.1, 0.9, |i| if i % 40 < 20 { 0.0 } else { 1.0 });
        assert!(smooth.at(25, 0) < 0.15 && smooth.at(25, 39) > 0.85);
        assert_abs_diff_eq!(smooth.at(25, 20), 0.5, epsilon = 0.2);
    }
}
