//! What an optical satellite sees of the same ground on a clear day: 14 bands of Sentinel-2, twelve reflectances, water vapour, classes.
//!
//! The order is that of SSL4SAR's optical scenes (Gourmelon et al. 2025): B1 to B8, B8A, B9, B11, B12, water vapour (cm), and the scene
//! classes of Sentinel-2's own processing (5 bare, 6 water, 11 snow or ice).

use super::super::field::Field;
use super::super::noise::{Noise, mix, smoothstep, white};
use super::ground::{Ground, Kind};
use super::sea::{self, Weather};

/// Bands of an optical scene.
pub const BANDS: usize = 14;
/// Of them reflectances.
const SPECTRAL: usize = 12;

type Spectrum = [f32; SPECTRAL];

const SNOW: Spectrum = [0.90, 0.91, 0.92, 0.91, 0.90, 0.89, 0.87, 0.85, 0.83, 0.60, 0.12, 0.08];
const ICE: Spectrum = [0.60, 0.63, 0.62, 0.56, 0.52, 0.46, 0.40, 0.36, 0.32, 0.22, 0.05, 0.03];
const ROCK: Spectrum = [0.09, 0.10, 0.12, 0.15, 0.17, 0.18, 0.19, 0.20, 0.21, 0.18, 0.26, 0.22];
const WATER: Spectrum = [0.08, 0.07, 0.05, 0.03, 0.02, 0.015, 0.012, 0.01, 0.01, 0.008, 0.004, 0.003];

/// The bands of a scene; `texture` is the glacier's noise, `noise` and `key` are the scene's own, `side` the scene's in metres.
pub fn bands(ground: &Ground, weather: &Weather, side: f32, texture: &Noise, noise: &Noise, key: u32) -> [Field; BANDS] {
    let cell = ground.height.cell;
    let seen = |i: usize| -> (Spectrum, f32) {
        let (x, y) = (((i % ground.height.cols) as f32 + 0.5) * cell, ((i / ground.height.cols) as f32 + 0.5) * cell);
        let (east, south) = ground.height.gradient(i);
        // The sun of a southern noon stands in the north.
        let light = ((1.0 + 1.1 * south - 0.3 * east) / east.hypot(south).hypot(1.0)).clamp(0.15, 1.5);
        let lit = |spectrum: Spectrum, by: f32| spectrum.map(|value| value * by);
        match ground.kind[i] {
            Kind::Rock => (lit(ROCK, light * (1.0 + 0.4 * texture.fractal(x / 130.0, y / 130.0, 3))), 5.0),
            Kind::Upland => (lit(SNOW, light), 11.0),
            Kind::Tongue => {
                let at = ground.along[i];
                let bands = texture.at(at.across / (0.03 * side), at.length / (0.55 * side));
                let torn = smoothstep(-0.45 * side, -0.02 * side, ground.ahead.values[i]);
                let cracks = texture.fractal(at.length / 75.0, at.across / 95.0, 2).max(0.0) * (0.2 + torn);
                (lit(blend(SNOW, ICE, 0.5 + 0.8 * bands), 1.0 - 0.6 * cracks), 11.0)
            }
            Kind::Sea => {
                let cover = sea::cover(weather, [x, y], ground.ahead.values[i], side, noise, key);
                let brash = blend(WATER, ICE, 0.75 + 0.3 * noise.fractal(x / 80.0, y / 80.0, 2));
                let floes = blend(WATER, SNOW, 0.7 * cover.sea_ice);
                let ice = cover.melange.max(cover.berg);
                (blend(blend(floes, brash, cover.melange), SNOW, cover.berg), if ice > 0.5 { 11.0 } else { 6.0 })
            }
        }
    };
    let noisy = |value: f32, band: usize, i: usize| (value * (0.98 + 0.04 * white(key ^ band as u32, i))).max(0.0);
    std::array::from_fn(|band| match band {
        12 => ground.height.like(|i| noisy(0.45 - 0.2 * ground.height.values[i] / side, band, i)),
        13 => ground.height.like(|i| seen(i).1),
        band => ground.height.like(|i| noisy(seen(i).0[band], band, i)),
    })
}

fn blend(from: Spectrum, to: Spectrum, share: f32) -> Spectrum {
    std::array::from_fn(|band| mix(from[band], to[band], share.clamp(0.0, 1.0)))
}
