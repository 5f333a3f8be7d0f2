//! The rows of a raster shared out among threads: which thread fills a row changes nothing in it.

use rayon::prelude::*;

/// Fills a raster row by row: `each` gets the row's number and its pixels.
pub fn fill<T: Send>(pixels: &mut [T], cols: usize, each: impl Fn(usize, &mut [T]) + Sync) {
    pixels.par_chunks_mut(cols.max(1)).enumerate().for_each(|(row, line)| each(row, line));
}

/// A raster of `rows × cols` of what `each` says of every (row, col).
pub fn map<T: Send + Clone + Default>(rows: usize, cols: usize, each: impl Fn(usize, usize) -> T + Sync) -> Vec<T> {
    let mut out = vec![T::default(); rows * cols];
    fill(&mut out, cols, |row, line| line.iter_mut().enumerate().for_each(|(col, pixel)| *pixel = each(row, col)));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_filled_once() {
        for (rows, cols) in [(1, 1), (3, 7), (1000, 2), (17, 64), (0, 5)] {
            let mut pixels = map(rows, cols, |row, col| row * cols + col);
            assert!(pixels.iter().enumerate().all(|(i, v)| i == *v), "{rows} x {cols}");
            fill(&mut pixels, cols, |_, line| line.iter_mut().for_each(|v| *v += 1));
            assert!(pixels.iter().enumerate().all(|(i, v)| i + 1 == *v), "{rows} x {cols}");
        }
    }
}
