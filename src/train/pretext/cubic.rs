//! Squares brought to another size by cubic convolution with a = −0.75 over half-pixel centres, without antialiasing, edges repeated.
//!
//! w(t) = (a+2)|t|³ − (a+3)|t|² + 1 for |t| ≤ 1, a|t|³ − 5a|t|² + 8a|t| − 4a for |t| < 2.
//! Source: R. Keys, "Cubic convolution interpolation for digital image processing" (1981); a as in OpenCV's `INTER_CUBIC`.

const A: f64 = -0.75;

/// Where a pixel of the new size comes from: the first of four pixels of the old one, which may lie outside, and their weights.
fn taps(place: usize, from: usize, to: usize) -> (isize, [f32; 4]) {
    let at = (place as f64 + 0.5) * from as f64 / to as f64 - 0.5;
    let first = at.floor();
    let t = at - first;
    let near = |t: f64| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f64| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    let weights = [far(1.0 + t), near(t), near(1.0 - t), far(2.0 - t)];
    (first as isize - 1, weights.map(|weight| weight as f32))
}

/// A plane of `from` rows and columns as one of `to`.
///
/// # Shapes
/// `plane`: from rows × columns, row after row; so is what is returned, of `to`.
pub(super) fn resized(plane: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    if from == to {
        return plane.to_vec();
    }
    let inside = |place: isize, count: usize| place.clamp(0, count as isize - 1) as usize;
    let across: Vec<_> = (0..to[1]).map(|col| taps(col, from[1], to[1])).collect();
    let mut wide = Vec::with_capacity(from[0] * to[1]);
    for row in plane.chunks_exact(from[1].max(1)) {
        wide.extend(
            across
                .iter()
                .map(|(first, weights)| -> f32 { (0..4).map(|tap| weights[tap] * row[inside(first + tap as isize, from[1])]).sum() }),
        );
    }
    let mut resized = Vec::with_capacity(to[0] * to[1]);
    for row in 0..to[0] {
        let (first, weights) = taps(row, from[0], to[0]);
        let rows: [&[f32]; 4] = std::array::from_fn(|tap| &wide[inside(first + tap as isize, from[0]) * to[1]..][..to[1]]);
        resized.extend((0..to[1]).map(|col| -> f32 { (0..4).map(|tap| weights[tap] * rows[tap][col]).sum() }));
    }
    resized
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;

    use super::*;

    #[test]
    fn weights_are_those_of_cubic_convolution() {
        // Half way between two pixels: (a, 4 − a…)/8 with a = −0.75.
        let (first, weights) = taps(1, 2, 4);
        assert_eq!(first, -1);
        assert_abs_diff_eq!(weights.as_slice(), [-0.10546875, 0.87890625, 0.26171875, -0.03515625].as_slice(), epsilon = 1e-6);
        for (from, to) in [(358, 512), (411, 512), (7, 5)] {
            for place in 0..to {
                assert_abs_diff_eq!(taps(place, from, to).1.iter().sum::<f32>(), 1.0, epsilon = 1e-6);
            }
        }
    }

    #[test]
    fn planes_are_resized_by_rows_and_columns() {
        let plane: Vec<f32> = (0..35).map(|i| (i / 7) as f32 * 3.0 + (i % 7) as f32).collect();
        assert_eq!(resized(&plane, [5, 7], [5, 7]), plane);
        let large = resized(&plane, [5, 7], [10, 14]);
        assert_eq!(large.len(), 140);
        // Linear ramps stay linear away from the edges.
        let at = |row: usize, col: usize| large[row * 14 + col];
        assert_abs_diff_eq!(at(5, 7) - at(5, 6), 0.5, epsilon = 0.1);
        assert_abs_diff_eq!(at(5, 6) - at(4, 6), 1.5, epsilon = 0.3);
        assert!(resized(&[4.0; 12], [3, 4], [9, 2]).iter().all(|value| (value - 4.0).abs() < 1e-5));
    }
}
