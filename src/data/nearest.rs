//! The nearest pixel of some, exactly: a distance transform in two passes.
//!
//! First of every pixel the nearest row of its own column that has one, g rows away. Then along each row the least of
//! (w (col − i))² + (h g(i))² over the columns i, a pixel being w across and h down, as the lower envelope of these parabolas: P. F.
//! Felzenszwalb and D. P. Huttenlocher, "Distance Transforms of Sampled Functions" (2012). Of equally near pixels the one of the smallest
//! column counts, and there the one of the smallest row, so that the result does not depend on anything but the raster. With w = h = 1 all
//! numbers are whole, and ties are exact.

/// No row of this column has one.
const NONE: u32 = u32::MAX;

/// Gives every NaN of a raster the value of the nearest pixel that has one; returns how many there were, `None` where no pixel has one.
///
/// # Shapes
/// `values`: rows × `cols`, row after row.
pub fn fill_from_nearest(values: &mut [f32], cols: usize) -> Option<usize> {
    if !values.iter().any(|value| value.is_nan()) {
        return Some(0);
    }
    if values.iter().all(|value| value.is_nan()) {
        return None;
    }
    let mut nearest = Nearest::of(values.len(), cols, |pixel| !values[pixel].is_nan());
    let mut filled = 0;
    for row in 0..values.len() / cols {
        if !values[row * cols..][..cols].iter().any(|value| value.is_nan()) {
            continue;
        }
        nearest.along(row, (1.0, 1.0), |pixel, from| {
            if values[pixel].is_nan() {
                values[pixel] = values[from];
                filled += 1;
            }
        });
    }
    Some(filled)
}

/// Of every pixel the nearest one of some.
#[derive(Debug)]
pub struct Nearest {
    cols: usize,
    /// Of every pixel the nearest row of its column.
    rows: Vec<u32>,
    envelope: Vec<(usize, usize)>,
}

impl Nearest {
    /// Of the pixels that `is_one` says, of so many in rows of `cols`.
    pub fn of(pixels: usize, cols: usize, is_one: impl Fn(usize) -> bool) -> Nearest {
        Nearest { cols, rows: nearest_rows(pixels, cols, is_one), envelope: Vec::new() }
    }

    /// Gives `take` each pixel of a row and the nearest of those pixels; nothing at all where there are none.
    ///
    /// # Shapes
    /// `size`: how far it is from a pixel of this row to the next one beside it, and to the next one below.
    pub fn along(&mut self, row: usize, size: (f64, f64), mut take: impl FnMut(usize, usize)) {
        let rows = &self.rows[row * self.cols..][..self.cols];
        lower_envelope(&mut self.envelope, row, rows, size);
        let mut piece = 0;
        for col in 0..self.cols {
            while self.envelope.get(piece + 1).is_some_and(|(_, start)| *start <= col) {
                piece += 1;
            }
            let Some((from, _)) = self.envelope.get(piece) else { return };
            take(row * self.cols + col, rows[*from] as usize * self.cols + from);
        }
    }
}

/// Of every pixel the row of its column that is nearest and has one, the upper one of two; [`NONE`] in a column without any.
fn nearest_rows(pixels: usize, cols: usize, is_one: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut nearest = vec![NONE; pixels];
    for at in 0..pixels {
        nearest[at] = match (is_one(at), at.checked_sub(cols)) {
            (true, _) => (at / cols) as u32,
            (false, Some(above)) => nearest[above],
            (false, None) => NONE,
        };
    }
    for at in (0..pixels.saturating_sub(cols)).rev() {
        let (row, below) = ((at / cols) as u32, nearest[at + cols]);
        // What lies above or here is in `nearest` already; from below counts only what is nearer.
        if below != NONE && below > row && (nearest[at] == NONE || below - row < row - nearest[at]) {
            nearest[at] = below;
        }
    }
    nearest
}

/// The columns whose pixel is the nearest one somewhere in a row, in their order, each with the first column where it is.
fn lower_envelope(envelope: &mut Vec<(usize, usize)>, row: usize, nearest_rows: &[u32], (across, down): (f64, f64)) {
    let down_to = |col: usize| (down * (f64::from(nearest_rows[col]) - row as f64)).powi(2);
    let distance = |col: usize, to: usize| (across * (col as f64 - to as f64)).powi(2) + down_to(to);
    envelope.clear();
    for to in (0..nearest_rows.len()).filter(|col| nearest_rows[*col] != NONE) {
        while envelope.last().is_some_and(|(from, start)| distance(*start, *from) > distance(*start, to)) {
            envelope.pop();
        }
        let start = match envelope.last() {
            None => 0,
            // The last column where the left one is at most as far away, and the next.
            Some((from, _)) => {
                let (left, right, squared) = (*from as f64, to as f64, across * across);
                let last = (squared * (right * right - left * left) + down_to(to) - down_to(*from)) / (2.0 * squared * (right - left));
                (last.floor() + 1.0).max(0.0) as usize
            }
        };
        if start < nearest_rows.len() {
            envelope.push((to, start));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_pixels_are_those_that_all_distances_say() {
        let [rows, cols] = [13, 17];
        for (seed, size) in [(7919, (1.0, 1.0)), (104_729, (0.4, 1.0)), (1_299_709, (3.0, 0.7))] {
            let is_one = |pixel: usize| (pixel * seed + pixel / 3).is_multiple_of(23);
            let mut nearest = Nearest::of(rows * cols, cols, is_one);
            for row in 0..rows {
                nearest.along(row, size, |pixel, found| {
                    let far = |to: usize| {
                        let across = size.0 * ((pixel % cols) as f64 - (to % cols) as f64);
                        across.hypot(size.1 * (row as f64 - (to / cols) as f64))
                    };
                    let least = (0..rows * cols).filter(|to| is_one(*to)).map(far).fold(f64::INFINITY, f64::min);
                    assert!(is_one(found) && (far(found) - least).abs() < 1e-12, "{pixel} {found}");
                });
            }
        }
        Nearest::of(6, 3, |_| false).along(1, (1.0, 1.0), |_, _| panic!("there is none"));
    }
}
