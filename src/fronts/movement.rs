//! Where a front is, without a centre line: the mean place of its pixels, seen along its own direction to the ocean.

use super::drawing::Front;

/// The mean row and column of the centres of pixels; none of no pixel.
///
/// # Shapes
/// `pixels`: which are on the front, row after row of `cols`.
pub fn centre(pixels: &[bool], cols: usize) -> Option<(f64, f64)> {
    let (mut sum, mut count) = ((0.0, 0.0), 0.0);
    for at in (0..pixels.len()).filter(|at| pixels[*at]) {
        sum = (sum.0 + (at / cols) as f64 + 0.5, sum.1 + (at % cols) as f64 + 0.5);
        count += 1.0;
    }
    (count > 0.0).then(|| (sum.0 / count, sum.1 / count))
}

impl Front {
    /// The sum of the steps (rows, columns) from each glacier pixel beside the front to the pixel of the front: it points to the ocean,
    /// across the line between the front's ends.
    pub fn seaward(&self) -> (f64, f64) {
        let [rows, cols] = self.size;
        let is_ice = |row: Option<usize>, col: Option<usize>| match (row, col) {
            (Some(row), Some(col)) if row < rows && col < cols => self.zones[row * cols + col] == self.labels.glacier,
            _ => false,
        };
        let (mut down, mut right) = (0.0, 0.0);
        for at in (0..self.pixels.len()).filter(|at| self.pixels[*at]) {
            let (row, col) = (at / cols, at % cols);
            let ice = |row, col| f64::from(u8::from(is_ice(row, col)));
            down += ice(row.checked_sub(1), Some(col)) - ice(Some(row + 1), Some(col));
            right += ice(Some(row), col.checked_sub(1)) - ice(Some(row), Some(col + 1));
        }
        (down, right)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fronts::drawing::Drawing;

    #[test]
    fn fronts_point_to_the_ocean() {
        let front = |classes: &[u8], size| Drawing { shortest_piece: 0.0, ..Drawing::at(1.0) }.draw(classes, size).unwrap();
        let straight = front(&[2, 2, 3, 3, 2, 2, 3, 3], [2, 4]);
        assert_eq!((straight.seaward(), centre(&straight.pixels, 4)), ((0.0, 2.0), Some((1.0, 2.5))));
        let tilted = front(&[3, 3, 3, 3, 3, 2, 3, 2, 2], [3, 3]);
        assert_eq!(tilted.seaward(), (-2.0, -2.0));
        assert_eq!(centre(&[false; 4], 2), None);
    }
}
