//! What swims before a front: melange, that is icebergs frozen together, single icebergs, and sea ice; and the weather of a scene.

use super::super::noise::{Noise, smoothstep, white};
use super::place::Place;
use crate::data::day::Day;
use crate::random::Draw;

/// Side of the squares of which each may hold one iceberg, m.
const SQUARE: f32 = 190.0;

/// The state of a scene on its day; shares from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Weather {
    /// How wet the snow is: wet snow sends little back.
    pub wet: f32,
    /// Wind over open water: rough water sends much back.
    pub wind: f32,
    /// How dense the melange is; 0 for none.
    pub melange: f32,
    /// How far it reaches, as a share of the scene's side.
    pub reach: f32,
    /// How much sea ice there is.
    pub sea_ice: f32,
}

impl Weather {
    /// The weather of a place on a day.
    pub fn of(place: &Place, day: Day, draw: &mut Draw) -> Weather {
        let summer = 0.5 + 0.5 * (day.season_angle() as f32 - 0.3).cos();
        let mut any = || draw.uniform();
        let (wet, wind, strength, reach, frozen) = (any(), any(), 0.5 + 0.5 * any(), 0.12 + 0.7 * any(), 0.5 + 0.5 * any());
        Weather {
            wet: (1.4 * summer - 0.55 + 0.4 * (wet - 0.5)).clamp(0.0, 1.0),
            wind,
            melange: if any() < place.melange { strength } else { 0.0 },
            reach,
            sea_ice: if any() < 0.65 * (1.0 - summer) { frozen } else { 0.0 },
        }
    }
}

/// What is at a place of the sea; shares from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub struct Cover {
    /// Melange.
    pub melange: f32,
    /// An iceberg.
    pub berg: f32,
    /// Sea ice.
    pub sea_ice: f32,
}

/// What is at a place of the sea, `ahead` metres before the front; `side`: the scene's, m; `noise` and `key` are the scene's own.
pub fn cover(weather: &Weather, [x, y]: [f32; 2], ahead: f32, side: f32, noise: &Noise, key: u32) -> Cover {
    let rough = noise.fractal(x / (0.16 * side), y / (0.16 * side), 4);
    let dense = 1.25 * weather.melange - ahead / (weather.reach * side) + 0.45 * rough;
    let leads = smoothstep(0.80, 0.93, noise.ridged(x / 900.0 + 5.0, y / 900.0, 2));
    let melange = if weather.melange > 0.0 { smoothstep(0.0, 0.22, dense) * (1.0 - 0.8 * leads) } else { 0.0 };
    let floes = weather.sea_ice + 0.6 * noise.fractal(x / 420.0 + 31.0, y / 420.0, 3) - 0.35;
    let sea_ice = if weather.sea_ice > 0.0 { smoothstep(-0.05, 0.12, floes) } else { 0.0 };
    let chance = 0.05 + 0.2 * (1.0 - ahead / side).clamp(0.0, 1.0) * weather.melange + 0.35 * melange;
    Cover { melange, berg: berg([x, y], chance, key), sea_ice }
}

/// How much of an iceberg is at a place, where a square holds one with a `chance`.
fn berg([x, y]: [f32; 2], chance: f32, key: u32) -> f32 {
    let (col, row) = ((x / SQUARE).floor() as i64, (y / SQUARE).floor() as i64);
    let mut most = 0.0f32;
    for near in 0..9 {
        let (col, row) = (col + near % 3 - 1, row + near / 3 - 1);
        let draw = |number: i64| white(key, ((row * 8192 + col) * 8 + number) as usize);
        if draw(0) >= chance {
            continue;
        }
        let centre = [(col as f32 + draw(1)) * SQUARE, (row as f32 + draw(2)) * SQUARE];
        let (long, wide) = (18.0 + 70.0 * draw(3) * draw(4), 0.5 + 0.5 * draw(5));
        let (sin, cos) = (std::f32::consts::TAU * draw(6)).sin_cos();
        let (dx, dy) = (x - centre[0], y - centre[1]);
        let far = ((dx * cos + dy * sin) / long).hypot((dy * cos - dx * sin) / (long * wide));
        most = most.max(1.0 - smoothstep(0.8, 1.1, far));
    }
    most
}
