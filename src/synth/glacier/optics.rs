//! What a satellite sees of the ground: reflectance at the top of the atmosphere in six bands.
//!
//! ρ = a·(D·(1 − s) + s·V) + p, with a the ground's albedo, D direct light in that on level ground, s the share of light that comes from
//! the sky, V the share of the sky that the place sees, and p what the air itself sends up; all but D and V by band. Albedos after the
//! shapes of measured spectra (snow and ice: Warren, 1982; rock, plants and water: ECOSTRESS library), rounded.

use super::super::field::Field;
use super::super::noise::{Noise, mix, smoothstep, white};
use super::super::rows;
use super::ground::{Ground, place};
use super::light::{Sun, light};
use super::region::Region;
use super::sky::Clouds;

/// Blue, green, red, near infrared, short-wave infrared 1 and 2.
pub const BANDS: usize = 6;

type Spectrum = [f32; BANDS];

const SNOW: Spectrum = [0.90, 0.89, 0.87, 0.77, 0.11, 0.08];
const OLD_SNOW: Spectrum = [0.70, 0.71, 0.70, 0.58, 0.07, 0.05];
const ICE: Spectrum = [0.52, 0.51, 0.46, 0.32, 0.035, 0.025];
const DIRTY_ICE: Spectrum = [0.29, 0.29, 0.28, 0.22, 0.06, 0.05];
const ROCK: Spectrum = [0.125, 0.140, 0.152, 0.180, 0.225, 0.200];
const RED_ROCK: Spectrum = [0.092, 0.118, 0.155, 0.205, 0.275, 0.235];
const GRAVEL: Spectrum = [0.150, 0.175, 0.195, 0.230, 0.270, 0.235];
const GRASS: Spectrum = [0.045, 0.085, 0.075, 0.330, 0.235, 0.130];
const FOREST: Spectrum = [0.022, 0.040, 0.028, 0.240, 0.110, 0.050];
const CLEAR_WATER: Spectrum = [0.035, 0.040, 0.022, 0.010, 0.004, 0.003];
const MILKY_WATER: Spectrum = [0.120, 0.165, 0.120, 0.045, 0.010, 0.007];
const CLOUD: Spectrum = [0.80, 0.79, 0.80, 0.82, 0.58, 0.44];

/// Share of the light that comes from the sky.
const FROM_SKY: Spectrum = [0.20, 0.135, 0.095, 0.060, 0.024, 0.015];
/// What the air sends up above low ground, and the height over which it falls to 1/e, m.
const FROM_AIR: Spectrum = [0.080, 0.046, 0.027, 0.012, 0.003, 0.002];
const AIR: f32 = 8000.0;

/// Noise of the sensor: of dark pixels, and what bright ones add.
const NOISE: [f32; 2] = [0.0016, 0.006];

fn blend(a: Spectrum, b: Spectrum, share: f32) -> Spectrum {
    std::array::from_fn(|band| mix(a[band], b[band], share))
}

/// What is known of the time of an image.
pub struct Sight<'a> {
    /// Where it is of.
    pub region: &'a Region,
    /// Where the sun stands.
    pub sun: Sun,
    /// What the sky holds.
    pub clouds: &'a Clouds,
    /// Key of the sensor's noise ([`white`]).
    pub key: u32,
}

/// The reflectance of each band.
pub fn reflectance(ground: &Ground, sight: &Sight<'_>, noise: &Noise) -> [Field; BANDS] {
    let (direct, sky) = light(&ground.surface, sight.sun);
    let grid = &ground.surface;
    let seen = rows::map(grid.rows, grid.cols, |row, col| {
        let i = row * grid.cols + col;
        let height = grid.values[i];
        let albedo = albedo(ground, sight.region, noise, i);
        let air = (-height / AIR).exp();
        let (over, shade) = (sight.clouds.over.values[i], sight.clouds.shade.values[i]);
        let (x, y) = place(grid, i);
        let billow = 0.86 + 0.22 * noise.fractal(x / 380.0, y / 380.0, 4);
        let spectrum: Spectrum = std::array::from_fn(|band| {
            let from_sky = FROM_SKY[band] * (0.5 + 0.5 * air) + 0.5 * FROM_SKY[band] * shade;
            let below = albedo[band] * (direct.values[i] * (1.0 - from_sky) * (1.0 - 0.72 * shade) + from_sky * sky.values[i]);
            mix(below + FROM_AIR[band] * air, CLOUD[band] * billow, 0.97 * over)
        });
        spectrum
    });
    std::array::from_fn(|band| {
        let sharp = grid.like(|i| seen[i][band]);
        let soft = sharp.smoothed(1);
        grid.like(|i| {
            // The optics blur a little, the detector adds noise.
            let value = mix(sharp.values[i], soft.values[i], 0.3);
            let grain: f32 = (0..4).map(|k| white(sight.key.wrapping_add(0x9e37 * (BANDS * k + band) as u32), i) - 0.5).sum();
            (value + 1.7 * grain * (NOISE[0] + NOISE[1] * value)).max(0.0)
        })
    })
}

/// Albedo of a pixel.
fn albedo(ground: &Ground, region: &Region, noise: &Noise, i: usize) -> Spectrum {
    let (x, y) = place(&ground.surface, i);
    let height = ground.surface.values[i] - ground.equilibrium.values[i];
    let kind = noise.fractal(x / 3100.0 + 20.0, y / 3100.0, 3);
    let fine = noise.fractal(x / 130.0, y / 130.0 + 11.0, 4);
    // Scree is bright, cliffs are dark.
    let (east, south) = ground.surface.gradient(i);
    let scree = smoothstep(0.35, 0.6, east.hypot(south)) * smoothstep(0.95, 0.7, east.hypot(south));
    let shade = (0.8 + 0.4 * kind + 0.5 * fine + 0.25 * scree).clamp(0.35, 1.7);
    let rock = blend(ROCK, RED_ROCK, smoothstep(-0.3, 0.5, kind)).map(|a| a * region.rock * shade);
    let gravel = GRAVEL.map(|a| a * (1.0 + 0.3 * fine));
    let wood = smoothstep(-480.0, -720.0, height + 120.0 * fine) * smoothstep(0.3, 0.8, region.plants.1);
    let green = blend(GRASS, FOREST, wood).map(|a| a * (1.0 + 0.35 * fine));
    let milky = smoothstep(-0.5, 0.1, kind + 0.3);
    let water = blend(CLEAR_WATER, MILKY_WATER, milky);
    let bare = blend(blend(rock, gravel, ground.gravel.values[i]), green, ground.plants.values[i]);
    let mut seen = blend(bare, water, ground.water.values[i]);
    if ground.is_glacier[i] {
        let dirty = smoothstep(-0.35, 0.45, noise.fractal(x / 600.0, y / 600.0 + 31.0, 4)) * smoothstep(0.0, -250.0, height);
        let ice = blend(ICE, DIRTY_ICE, 0.7 * dirty).map(|a| a * (1.0 + 0.16 * fine));
        let rubble = blend(rock, ROCK, 0.4).map(|a| a * 0.9);
        seen = blend(ice, rubble, ground.debris.values[i]);
    }
    let fresh = smoothstep(-40.0, 320.0, height + 60.0 * fine);
    let snow = blend(OLD_SNOW, SNOW, fresh).map(|a| a * (1.0 + 0.04 * fine));
    // Rubble that has come out of the ice lies on its snow, too.
    let share = ground.snow.values[i] * (1.0 - 0.8 * ground.debris.values[i] * f32::from(u8::from(ground.is_glacier[i])));
    blend(seen, snow, share)
}
