//! Clouds with soft edges, and the shadows that they throw.

use super::super::field::Field;
use super::super::noise::{Noise, smoothstep};
use super::light::Sun;

/// Height of clouds above the ground, m.
const HEIGHT: f32 = 700.0;

/// Opacity of the clouds over each pixel and of those between it and the sun.
pub struct Clouds {
    /// Over it, 0…1.
    pub over: Field,
    /// Between it and the sun, 0…1.
    pub shade: Field,
}

/// Clouds over about a share of a grid; none for 0.
pub fn clouds(grid: &Field, share: f32, sun: Sun, noise: &Noise) -> Clouds {
    if share <= 0.0 {
        let none = grid.like(|_| 0.0);
        return Clouds { over: none.clone(), shade: none };
    }
    let thick = |x: f32, y: f32| {
        let (wx, wy) = (x + 160.0 * noise.fractal(x / 700.0, y / 700.0, 3), y + 160.0 * noise.fractal(x / 700.0 + 9.0, y / 700.0, 3));
        noise.fractal(wx / 2300.0 + 3.0, wy / 1900.0, 4) + 0.05 * noise.fractal(x / 210.0, y / 210.0, 3)
    };
    let field = Field::of([grid.rows, grid.cols], grid.cell, thick);
    let mut sorted = field.values.clone();
    sorted.sort_by(f32::total_cmp);
    let edge = sorted[((1.0 - share) * (sorted.len() - 1) as f32) as usize];
    let opacity = |value: f32| smoothstep(edge - 0.05, edge + 0.13, value);
    let (east, south) = sun.step();
    let far = HEIGHT / sun.elevation.tan();
    let shade = Field::of([grid.rows, grid.cols], grid.cell, |x, y| opacity(thick(x + east * far, y + south * far)));
    Clouds { over: field.like(|i| opacity(field.values[i])), shade }
}
