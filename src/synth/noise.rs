//! Seeded noise for the synthetic scene: white, and gradient noise with its fractal sums.
//!
//! Gradient noise after K. Perlin, "Improving noise" (2002): gradients on an integer lattice, quintic fade, values about −0.7…0.7.

use crate::random::{Draw, Purpose};

/// A uniform number in 0…1 for a counter: the same one whichever thread asks, in whatever order.
///
/// Mixed by the finaliser of MurmurHash3 (A. Appleby, public domain), twice.
pub fn white(key: u32, index: usize) -> f32 {
    let mix = |mut h: u32| {
        h = (h ^ (h >> 16)).wrapping_mul(0x85eb_ca6b);
        h = (h ^ (h >> 13)).wrapping_mul(0xc2b2_ae35);
        h ^ (h >> 16)
    };
    (mix(mix(index as u32).wrapping_add(key)) >> 8) as f32 / (1u32 << 24) as f32
}

/// A key for [`white`], from the stream of a purpose and index.
pub fn white_key(seed: u64, purpose: Purpose, index: i64) -> u32 {
    Draw::new(seed, purpose, index).bits()
}

/// Gradient noise on a lattice of its own.
pub struct Noise {
    order: [u8; 256],
    /// Unit vectors in 256 directions.
    directions: [(f32, f32); 256],
}

/// Weight of the further corner at a share of the way, with first and second derivatives of 0 at both ends.
fn fade(t: f32) -> f32 {
    t * t * t * (t * (t * 6.0 - 15.0) + 10.0)
}

/// Scale, height and shift of the octaves of a fractal sum.
fn octaves(count: u32) -> impl Iterator<Item = (f32, f32, f32)> {
    (0..count as i32).map(|octave| (2f32.powi(octave), 0.75 * 0.5f32.powi(octave), 17.3 * octave as f32))
}

impl Noise {
    /// Noise from the stream of a purpose and index.
    pub fn new(seed: u64, purpose: Purpose, index: i64) -> Self {
        let mut draw = Draw::new(seed, purpose, index);
        let mut order: [u8; 256] = std::array::from_fn(|i| i as u8);
        for i in (1..256).rev() {
            order.swap(i, draw.bits() as usize % (i + 1));
        }
        let directions = std::array::from_fn(|i| (i as f32 * (std::f32::consts::TAU / 256.0)).sin_cos()).map(|(sin, cos)| (cos, sin));
        Noise { order, directions }
    }

    /// The gradient at a point of the lattice.
    fn gradient(&self, col: i32, row: i32) -> (f32, f32) {
        let inner = self.order[(col & 255) as usize];
        self.directions[usize::from(self.order[((i32::from(inner) + row) & 255) as usize])]
    }

    /// Value at a point, about −0.7…0.7, 0 at whole coordinates.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (col, row) = (x.floor(), y.floor());
        let (fx, fy) = (x - col, y - row);
        let (col, row) = (col as i32, row as i32);
        let corner = |dc: i32, dr: i32| {
            let (gx, gy) = self.gradient(col.wrapping_add(dc), row.wrapping_add(dr));
            gx * (fx - dc as f32) + gy * (fy - dr as f32)
        };
        let top = mix(corner(0, 0), corner(1, 0), fade(fx));
        let bottom = mix(corner(0, 1), corner(1, 1), fade(fx));
        mix(top, bottom, fade(fy))
    }

    /// Fractal sum of `count` octaves, each half as wide and half as high, scaled to about −1…1.
    pub fn fractal(&self, x: f32, y: f32, count: u32) -> f32 {
        octaves(count).map(|(scale, height, shift)| height * self.at(x * scale + shift, y * scale - shift)).sum()
    }

    /// The fractal sums along a row: `line[i]` = `fractal(x + i·step, y, count)` up to rounding, at a fraction of the cost.
    ///
    /// Within a cell of the lattice and at a fixed y, noise is two straight lines in x, blended.
    pub fn fractal_row(&self, line: &mut [f32], x: f32, step: f32, y: f32, count: u32) {
        line.fill(0.0);
        for (scale, height, shift) in octaves(count) {
            let (start, stride, y) = (x * scale + shift, step * scale, y * scale - shift);
            let row = y.floor();
            let fy = y - row;
            let (row, blend) = (row as i32, fade(fy));
            // Slope in x and value at its own x of the line that belongs to a column of the lattice.
            let column = |col: i32| {
                let ((ax, ay), (bx, by)) = (self.gradient(col, row), self.gradient(col, row.wrapping_add(1)));
                (height * mix(ax, bx, blend), height * mix(ay * fy, by * (fy - 1.0), blend))
            };
            let mut first = 0;
            while first < line.len() {
                let col = (start + first as f32 * stride).floor();
                let past = (((col + 1.0 - start) / stride).ceil().max(0.0) as usize).clamp(first + 1, line.len());
                let (left, right) = (column(col as i32), column((col as i32).wrapping_add(1)));
                for (i, value) in line.iter_mut().enumerate().take(past).skip(first) {
                    let fx = start + i as f32 * stride - col;
                    *value += mix(left.0 * fx + left.1, right.0 * (fx - 1.0) + right.1, fade(fx));
                }
                first = past;
            }
        }
    }

    /// Ridged fractal sum in 0…1: sharp crests at 1, round valleys.
    pub fn ridged(&self, x: f32, y: f32, octaves: u32) -> f32 {
        let (mut sum, mut total, mut height, mut scale) = (0.0, 0.0, 1.0, 1.0);
        for octave in 0..octaves {
            let shift = 31.7 * octave as f32;
            let crest = 1.0 - (2.2 * self.at(x * scale + shift, y * scale + shift)).abs().min(1.0);
            sum += height * crest * crest;
            total += height;
            height *= 0.5;
            scale *= 2.1;
        }
        sum / total
    }
}

/// Linear interpolation.
pub fn mix(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

/// 0 below `low`, 1 above `high`, smooth between.
pub fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn rows_of_noise_are_the_noise() {
        let noise = Noise::new(3, Purpose::Terrain, 0);
        for (x, step, y) in [(0.0, 0.01, 0.3), (-7.6, 0.9, 12.0), (3.0, 2.7, -5.25), (100.0, 0.1, 77.7)] {
            let mut line = [9.0; 500];
            noise.fractal_row(&mut line, x, step, y, 4);
            for (i, got) in line.iter().enumerate() {
                let want = noise.fractal(x + i as f32 * step, y, 4);
                assert!((got - want).abs() < 1e-3, "{i} from {x} by {step} at {y}: {got}, {want}");
            }
        }
    }

    #[test]
    fn white_numbers_are_uniform_and_uncorrelated() {
        let n = 100_000;
        let draw = |key: u32| -> Vec<f64> { (0..n).map(|i| f64::from(white(key, i)) - 0.5).collect() };
        let (a, b) = (draw(1), draw(2));
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / n as f64 * 12.0;
        assert!(a.iter().all(|v| (-0.5..0.5).contains(v)) && (a.iter().sum::<f64>() / n as f64).abs() < 4e-3);
        assert_abs_diff_eq!(dot(&a, &a), 1.0, epsilon = 0.02);
        assert!(dot(&a, &b).abs() < 0.02 && dot(&a[1..], &a).abs() < 0.02 && dot(&a[192..], &a).abs() < 0.02);
    }
}
