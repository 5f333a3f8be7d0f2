//! What a radar sees: backscatter of rock, snow, ice, melange and water, slopes that face it or do not, shadow, layover, and speckle.
//!
//! A pixel of L looks is its backscatter times the mean of L exponential draws, a gamma distribution of shape L and mean 1 (Goodman 1976).
//! Greys are amplitudes, 255 times the root of the intensity, as in CaFFe's images: steep slopes that face the radar are white.

use super::super::field::Field;
use super::super::noise::{Noise, smoothstep, white};
use super::super::rows;
use super::archive::Sensor;
use super::ground::{Ground, Kind};
use super::sea::{self, Weather};
use crate::random::Draw;

/// A look of a radar at a glacier.
#[derive(Debug, Clone)]
pub struct Look {
    /// Which radar.
    pub sensor: &'static Sensor,
    /// Direction of the beam over the ground, east and south.
    pub beam: [f32; 2],
    /// Corner of the scene that the swath leaves out: its normal (east, south) and the distance from the centre, as a share of the side.
    pub swath: Option<([f32; 2], f32)>,
}

impl Look {
    /// The look of an orbit; `draw` is the orbit's own.
    pub fn of_orbit(sensor: &'static Sensor, draw: &mut Draw) -> Look {
        // Right-looking on a near-polar orbit: to the east on the way north, to the west on the way south.
        let to_the_east = draw.uniform() < 0.5;
        let tilt = 0.15 + 0.2 * draw.uniform();
        let beam = if to_the_east { [tilt.cos(), tilt.sin()] } else { [-tilt.cos(), tilt.sin()] };
        let (sin, cos) = (std::f32::consts::TAU * draw.uniform()).sin_cos();
        let far = 0.42 + 0.2 * draw.uniform();
        let swath = (draw.uniform() < 0.5).then_some(([cos, sin], far));
        Look { sensor, beam, swath }
    }

    /// Whether the swath leaves out a place, given in shares of the side from the centre.
    fn leaves_out(&self, x: f32, y: f32) -> bool {
        self.swath.is_some_and(|([east, south], far)| x * east + y * south > far)
    }
}

/// What belongs to one scene: its weather and its random numbers.
pub struct Sight<'a> {
    /// The radar.
    pub look: &'a Look,
    /// The weather.
    pub weather: Weather,
    /// Brighter or darker than the same would be in another scene, decibels.
    pub gain: f32,
    /// The same of melange alone.
    pub melange_gain: f32,
    /// The scene's noise.
    pub noise: Noise,
    /// The glacier's noise, the same in all of its scenes.
    pub texture: &'a Noise,
    /// How far the ice has moved since the archive began, m.
    pub moved: f32,
    /// The key of its white noise.
    pub key: u32,
}

/// Greys of a scene, and whether each pixel is seen at all (shadow, layover, outside the swath).
pub fn image(ground: &Ground, sight: &Sight, side: f32) -> (Vec<u8>, Vec<bool>) {
    let Field { rows, cols, cell, .. } = ground.height;
    let sensor = sight.look.sensor;
    let steep = ground.height.like(|i| facing(&ground.height, i, sight.look.beam));
    let coherent = steep.smoothed(2);
    let tangent = sensor.incidence.to_radians().tan();
    let shadow = ground.height.like(|i| f32::from(u8::from(is_shadowed(&ground.height, i, sight.look.beam, tangent)))).smoothed(1);
    let edge = cliff(ground);
    let centre = [0.5 * cols as f32 * cell, 0.5 * rows as f32 * cell];
    let place = |i: usize| [((i % cols) as f32 + 0.5) * cell, ((i / cols) as f32 + 0.5) * cell];
    let outside = |i: usize| {
        let [x, y] = place(i);
        sight.look.leaves_out((x - centre[0]) / side, (y - centre[1]) / side)
    };
    let intensity = ground.height.like(|i| {
        let [x, y] = place(i);
        if outside(i) {
            return 0.0;
        }
        let decibels = if shadow.values[i] > 0.5 {
            -60.0
        } else {
            let light = 13.0 * (1.35 * steep.values[i]).tanh() + 9.0 * facing(&edge, i, sight.look.beam).clamp(-0.8, 0.8);
            // Farther from the radar the angle is flatter.
            let across = ((x - centre[0]) * sight.look.beam[0] + (y - centre[1]) * sight.look.beam[1]) / side;
            backscatter(ground, i, [x, y], sight, side) + light + sight.gain - 2.0 * across
        };
        let looks = sensor.looks;
        let product: f32 = (0..looks).map(|look| 1.0 - white(sight.key, i * 16 + look)).product();
        let speckle = -product.max(f32::MIN_POSITIVE).ln() / looks as f32;
        (power(decibels) + power(sensor.floor)) * speckle
    });
    let wide = intensity.smoothed(1);
    let grey = |i: usize| {
        if outside(i) {
            return 0;
        }
        let blurred = intensity.values[i] + sensor.blur * (wide.values[i] - intensity.values[i]);
        (255.0 * blurred.sqrt()).clamp(0.0, 255.0) as u8
    };
    let is_seen = |i: usize| {
        let layover = ground.kind[i] != Kind::Sea && ground.kind[i] != Kind::Tongue && coherent.values[i] > tangent + 0.3;
        !outside(i) && shadow.values[i] <= 0.5 && !layover
    };
    (rows::map(rows, cols, |row, col| grey(row * cols + col)), rows::map(rows, cols, |row, col| is_seen(row * cols + col)))
}

/// 1 where the decibels are 0.
fn power(decibels: f32) -> f32 {
    10f32.powf(0.1 * decibels)
}

/// How steeply a pixel rises along the beam, m a metre: positive where it faces the radar.
fn facing(height: &Field, i: usize, [east, south]: [f32; 2]) -> f32 {
    let (to_east, to_south) = height.gradient(i);
    to_east * east + to_south * south
}

/// The step of a front down to the sea, in pixels, as a raster that only the front's own pixels feel.
fn cliff(ground: &Ground) -> Field {
    let cell = ground.ahead.cell;
    ground.ahead.like(|i| match ground.kind[i] {
        Kind::Tongue | Kind::Sea => cell * (1.0 - smoothstep(-cell, cell, ground.ahead.values[i])),
        Kind::Rock | Kind::Upland => cell,
    })
}

/// Whether higher ground stands between a pixel and the radar, whose beam falls by 1 m in `tangent` metres.
fn is_shadowed(height: &Field, i: usize, [east, south]: [f32; 2], tangent: f32) -> bool {
    let (row, col) = ((i / height.cols) as f32, (i % height.cols) as f32);
    (1..=48).any(|step| {
        let (r, c) = (row - south * step as f32, col - east * step as f32);
        let inside = r >= 0.0 && c >= 0.0 && r < height.rows as f32 && c < height.cols as f32;
        inside && height.between(r, c) > height.values[i] + step as f32 * height.cell / tangent
    })
}

/// Backscatter of flat ground, decibels.
fn backscatter(ground: &Ground, i: usize, [x, y]: [f32; 2], sight: &Sight, side: f32) -> f32 {
    let (at, ahead, texture, weather) = (ground.along[i], ground.ahead.values[i], sight.texture, &sight.weather);
    let patches = texture.fractal(x / (0.22 * side), y / (0.22 * side) + 40.0, 3);
    match ground.kind[i] {
        Kind::Rock => -10.0 + 5.0 * texture.fractal(x / 130.0, y / 130.0, 3) + 2.0 * patches,
        Kind::Upland => {
            let wet = weather.wet * smoothstep(0.17, 0.06, ground.height.values[i] / side + 0.02 * patches);
            -9.0 - 8.0 * wet + 5.0 * patches
        }
        Kind::Tongue => {
            // What moves with the ice, and what the walls do to it.
            let (down, across) = (at.length - sight.moved, at.across);
            let bands = texture.at(across / (0.03 * side), down / (0.55 * side));
            let grains = texture.fractal(down / 75.0, across / 95.0, 2);
            let rifts = texture.at(down / 85.0, across / 420.0 + 0.3 * bands);
            let torn = smoothstep(-0.45 * side, -0.02 * side, ahead);
            -10.5 - 6.0 * weather.wet + 3.5 * bands * (1.0 - 0.6 * torn) + (1.2 + 4.0 * torn) * (grains + 0.5 * rifts) + 3.0 * patches
        }
        Kind::Sea => {
            let cover = sea::cover(weather, [x, y], ahead, side, &sight.noise, sight.key);
            let grains = sight.noise.fractal(x / 80.0, y / 80.0, 2);
            let streaks = sight.noise.at(x / 350.0 + 0.2 * y / 350.0, y / 90.0);
            let calm = sight.noise.fractal(x / (0.3 * side) + 17.0, y / (0.3 * side), 2);
            let water = -23.0 + 13.0 * weather.wind + 3.0 * calm + 1.0 * streaks;
            let floes = -13.5 + 3.5 * sight.noise.fractal(x / 240.0, y / 240.0, 3);
            let melange = -10.5 + sight.melange_gain - 4.0 * weather.wet + 4.5 * grains + 2.5 * calm;
            let berg = -5.0 - 4.0 * weather.wet + 3.0 * grains;
            let mut decibels = water + cover.sea_ice * (floes - water).max(-3.0);
            decibels += cover.melange * (melange - decibels);
            decibels + cover.berg * (berg - decibels)
        }
    }
}
