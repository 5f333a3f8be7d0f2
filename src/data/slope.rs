//! Slopes of elevations, in degrees, by differences over the eight neighbours of a pixel.
//!
//! With z₁ z₂ z₃ above, z₄ z₅ z₆ beside, z₇ z₈ z₉ below: ∂z/∂x = ((z₃ + 2z₆ + z₉) − (z₁ + 2z₄ + z₇)) / 8w, ∂z/∂y likewise over 8h, slope =
//! atan |∇z|, where w and h are a pixel's metres. A neighbour without a value lies on the line from its opposite through the pixel; without
//! the opposite, too, one on a side is as high as the pixel, and one at a corner rises as those on its two sides do. Source: Horn 1981,
//! Hill shading and the reflectance map, Proc. IEEE 69.

use super::cells::Cells;

/// The slope of each pixel, NaN where it has no elevation.
///
/// # Shapes
/// `elevation`: (rows + 2) × (cols + 2), the pixels with one more around them; the result is rows × cols.
pub(super) fn slope(elevation: &[f32], [rows, cols]: [usize; 2], cells: &Cells) -> Vec<f32> {
    let at = |row: usize, col: usize| f64::from(elevation[row * (cols + 2) + col]);
    let mut slopes = Vec::with_capacity(rows * cols);
    for row in 0..rows {
        let (width, height) = cells.size(row);
        for col in 0..cols {
            let centre = at(row + 1, col + 1);
            let known = |down: usize, right: usize| {
                let (own, opposite) = (at(row + down, col + right), at(row + 2 - down, col + 2 - right));
                [own, 2.0 * centre - opposite].into_iter().find(|height| !height.is_nan())
            };
            let side = |down: usize, right: usize| known(down, right).unwrap_or(centre);
            let z = |down: usize, right: usize| known(down, right).unwrap_or_else(|| side(down, 1) + side(1, right) - centre);
            let across = (z(0, 2) + 2.0 * z(1, 2) + z(2, 2)) - (z(0, 0) + 2.0 * z(1, 0) + z(2, 0));
            let down = (z(2, 0) + 2.0 * z(2, 1) + z(2, 2)) - (z(0, 0) + 2.0 * z(0, 1) + z(0, 2));
            let gradient = (across / (8.0 * width)).hypot(down / (8.0 * height));
            slopes.push(if centre.is_nan() { f32::NAN } else { gradient.atan().to_degrees() as f32 });
        }
    }
    slopes
}
