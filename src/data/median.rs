//! The median filter of class maps: single pixels and ragged edges take the class of what is around them.
//!
//! Out of a window of s × s pixels, which begins ⌊s/2⌋ before the pixel in both directions, the value of rank ⌊s²/2⌋ from 0, as in SciPy's
//! `ndimage.median_filter`; beyond the edges the map is mirrored with its edge pixels repeated. Pixels without a class stay so and are not
//! counted: of n others in a window it is rank ⌊n/2⌋. Source: Maslov et al. 2025 (GlaViTU), whose program filters with 3 × 3.

use super::class_map::NO_CLASS;
use crate::error::{Error, Result};

/// Largest window.
pub const LARGEST: usize = 99;

/// The filtered map; a window of 1 leaves it as it is.
///
/// # Shapes
/// `classes`: rows × columns, row after row; `size`: rows and columns of the window, 1 to [`LARGEST`].
///
/// # Errors
/// [`Error::Shape`] for another number of pixels, or a window of another size.
pub fn median_filter(classes: &[u8], [rows, cols]: [usize; 2], size: usize) -> Result<Vec<u8>> {
    if classes.len() != rows * cols || !(1..=LARGEST).contains(&size) {
        let message = format!("{} pixels of {rows} rows × {cols} columns, in windows of {size} (1 to {LARGEST})", classes.len());
        return Err(Error::shape("median filter", message));
    }
    let lines = |at: usize, len: usize| (0..size).map(move |step| mirrored(at as isize + step as isize - (size / 2) as isize, len));
    let columns: Vec<Vec<usize>> = (0..cols).map(|col| lines(col, cols).collect()).collect();
    let mut filtered = Vec::with_capacity(classes.len());
    for row in 0..rows {
        let window: Vec<&[u8]> = lines(row, rows).map(|row| &classes[row * cols..][..cols]).collect();
        for col in 0..cols {
            let mut counts = [0usize; 256];
            window.iter().for_each(|line| columns[col].iter().for_each(|col| counts[usize::from(line[*col])] += 1));
            counts[usize::from(NO_CLASS)] = 0;
            let rank = counts.iter().sum::<usize>() / 2;
            let mut before = 0;
            let median = counts.iter().position(|count| {
                before += count;
                before > rank
            });
            let own = classes[row * cols + col];
            filtered.push(median.filter(|_| own != NO_CLASS).map_or(own, |class| class as u8));
        }
    }
    Ok(filtered)
}

/// The pixel of a line of `len` that a place before or behind it mirrors.
fn mirrored(at: isize, len: usize) -> usize {
    let place = at.rem_euclid(2 * len as isize) as usize;
    place.min(2 * len - 1 - place)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: usize = 5;
    const COLS: usize = 7;

    /// The map that SciPy was given.
    #[rustfmt::skip]
    const MAP: [u8; ROWS * COLS] = [3, 2, 2, 3, 2, 3, 3, 0, 0, 1, 1, 3, 3, 0, 1, 3, 0, 3, 0, 1, 3, 1, 1, 1, 2, 1, 3, 1, 1, 2, 2, 2, 2, 3, 3];

    /// `scipy.ndimage.median_filter(MAP, size)` of SciPy 1.17.1, for each size.
    #[rustfmt::skip]
    const FILTERED: [(usize, [u8; ROWS * COLS]); 5] = [
        (2, [3, 3, 2, 3, 3, 3, 3, 3, 2, 2, 2, 3, 3, 3, 1, 1, 1, 1, 3, 3, 3, 1, 1, 1, 2, 2, 1, 3, 1, 1, 2, 2, 2, 3, 3]),
        (3, [2, 2, 2, 2, 3, 3, 3, 1, 1, 2, 2, 3, 3, 3, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 2, 2, 2, 3, 1, 1, 2, 2, 2, 3, 3]),
        (4, [2, 2, 2, 2, 3, 3, 3, 2, 2, 2, 2, 2, 3, 3, 1, 1, 1, 2, 2, 3, 3, 1, 1, 1, 2, 2, 2, 3, 1, 1, 2, 2, 2, 2, 3]),
        (5, [1, 1, 2, 2, 2, 3, 3, 1, 2, 2, 2, 2, 3, 3, 1, 1, 2, 2, 2, 3, 3, 1, 1, 1, 2, 2, 2, 3, 1, 1, 1, 2, 2, 2, 3]),
        (12, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2]),
    ];

    #[test]
    fn as_scipy_filters() {
        for (size, wanted) in FILTERED {
            assert_eq!(median_filter(&MAP, [ROWS, COLS], size).unwrap(), wanted, "{size}");
        }
        assert_eq!(median_filter(&MAP, [ROWS, COLS], 1).unwrap(), MAP);
        for (size, rows) in [(0, ROWS), (LARGEST + 1, ROWS), (3, ROWS + 1)] {
            assert!(median_filter(&MAP, [rows, COLS], size).is_err());
        }
    }

    #[test]
    fn what_has_no_class_keeps_none_and_counts_for_none() {
        let n = NO_CLASS;
        let filtered = median_filter(&[n, n, n, n, 1, 0, n, 0, 0], [3, 3], 3).unwrap();
        assert_eq!(filtered, [n, n, n, n, 0, 0, n, 0, 0]);
        assert_eq!(median_filter(&[n, n, 1, n], [2, 2], 3).unwrap(), [n, n, 1, n]);
    }
}
