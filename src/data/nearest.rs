//! The nearest pixel with a value, exactly: a distance transform in two passes.
//!
//! First of every pixel the nearest row of its own column that has a value, g rows away. Then along each row the least of
//! (col − i)² + g(i)² over the columns i, as the lower envelope of these parabolas, whose pieces are found in whole numbers: P. F.
//! Felzenszwalb and D. P. Huttenlocher, "Distance Transforms of Sampled Functions" (2012). Of equally near pixels the one of the smallest
//! column counts, and there the one of the smallest row, so that the result does not depend on anything but the raster.

/// No row of this column has a value.
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
    let nearest_rows = nearest_rows(values, cols);
    let mut filled = 0;
    let mut envelope = Vec::new();
    for row in 0..values.len() / cols {
        let line = row * cols..(row + 1) * cols;
        if !values[line.clone()].iter().any(|value| value.is_nan()) {
            continue;
        }
        let rows = &nearest_rows[line];
        lower_envelope(&mut envelope, row, rows);
        let mut piece = 0;
        for col in 0..cols {
            while envelope.get(piece + 1).is_some_and(|(_, start)| *start <= col) {
                piece += 1;
            }
            let at = row * cols + col;
            if values[at].is_nan() {
                let (from, _) = envelope[piece];
                values[at] = values[rows[from] as usize * cols + from];
                filled += 1;
            }
        }
    }
    Some(filled)
}

/// Of every pixel the row of its column that is nearest and has a value, the upper one of two; [`NONE`] in a column without any.
fn nearest_rows(values: &[f32], cols: usize) -> Vec<u32> {
    let mut nearest = vec![NONE; values.len()];
    for at in 0..values.len() {
        nearest[at] = match (values[at].is_nan(), at.checked_sub(cols)) {
            (false, _) => (at / cols) as u32,
            (true, Some(above)) => nearest[above],
            (true, None) => NONE,
        };
    }
    for at in (0..values.len().saturating_sub(cols)).rev() {
        let (row, below) = ((at / cols) as u32, nearest[at + cols]);
        // What lies above or here is in `nearest` already; from below counts only what is nearer.
        if below != NONE && below > row && (nearest[at] == NONE || below - row < row - nearest[at]) {
            nearest[at] = below;
        }
    }
    nearest
}

/// The columns whose pixel is the nearest one somewhere in a row, in their order, each with the first column where it is.
fn lower_envelope(envelope: &mut Vec<(usize, usize)>, row: usize, nearest_rows: &[u32]) {
    let square = |col: usize| (i64::from(nearest_rows[col]) - row as i64).pow(2);
    let distance = |col: usize, to: usize| (col as i64 - to as i64).pow(2) + square(to);
    envelope.clear();
    for to in (0..nearest_rows.len()).filter(|col| nearest_rows[*col] != NONE) {
        while envelope.last().is_some_and(|(from, start)| distance(*start, *from) > distance(*start, to)) {
            envelope.pop();
        }
        let start = match envelope.last() {
            None => 0,
            // The last column where the left one is at most as far away, and the next.
            Some((from, _)) => {
                let (left, right) = (*from as i64, to as i64);
                let last = (right * right - left * left + square(to) - square(*from)).div_euclid(2 * (right - left));
                usize::try_from(last + 1).unwrap_or(0)
            }
        };
        if start < nearest_rows.len() {
            envelope.push((to, start));
        }
    }
}
