//! The climate model's field as a melt map: normalise, blur the whole scene, 0 on ocean, brighten, clamp, bend, clamp.

use super::gaussian_blur::gaussian_blur;

/// What the four numbers and the statistics say, pixel by pixel; `ocean` is 1 on ocean, `size` rows and columns.
pub fn interpolate_mar(
    mar: &[f64],
    ocean: &[f64],
    size: [usize; 2],
    [max, mean, std]: [f64; 3],
    kernel_size: usize,
    sigma: f64,
    brightness: f64,
    gamma: f64,
) -> Vec<f64> {
    let normalised: Vec<f64> = mar.iter().map(|x| (x / max - mean) / std).collect();
    let blurred = gaussian_blur(&normalised, [1, 1, size[0], size[1]], kernel_size, sigma);
    let mut map = Vec::new();
    for i in 0..blurred.len() {
        let masked = if ocean[i] == 1.0 { 0.0 } else { blurred[i] };
        let bright = (masked * brightness).clamp(0.0, 1.0);
        map.push(bright.powf(gamma).clamp(0.0, 1.0));
    }
    map
}
