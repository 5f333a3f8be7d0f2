//! The coarse inputs: the climate model's liquid water in rotated blocks, smooth brightness temperatures in small diamonds, winter means.
//!
//! The model sees the same weather as the radar through a coarse terrain and with errors of its own, so that its wet band lies beside the
//! radar's. Brightness temperature is a dry field (ice facies, rock, ocean) that rises by up to 70 K where the surface within the footprint melts.

use super::noise::{Noise, Purpose, mix, normal, smoothstep, stream};
use super::sar::Ranks;
use super::season::{Day, Weather};
use super::terrain::Terrain;

/// Side of a climate-model cell, km.
const MAR_CELL_KM: f32 = 5.7;
/// Rotation of its grid, radians (5°).
const MAR_TURN: f32 = 0.0873;
/// Side of a microwave cell, km.
const PMW_CELL_KM: f32 = 3.125;
/// Rotation of its grid, radians (45°).
const PMW_TURN: f32 = std::f32::consts::FRAC_PI_4;
/// Radius of the microwave footprint, km.
const FOOTPRINT_KM: f32 = 7.0;

/// What the coarse fields need of the terrain; made once.
pub struct Climate {
    mar_height: Vec<f32>,
    mar_land: Vec<f32>,
    mar_rock: Vec<f32>,
    mar_ranks: Ranks,
    mar_cell: Vec<u32>,
    pmw_cell: Vec<u32>,
    facies: Vec<f32>,
    land: Vec<f32>,
    rock: Vec<f32>,
}

impl Climate {
    /// Coarse terrain and cell tables.
    pub fn new(terrain: &Terrain, seed: u64) -> Self {
        let km = terrain.pixel_km();
        let (rows, cols) = (terrain.rows, terrain.cols);
        let smooth = |values: &[f32], radius_km: f32| blur(values, rows, cols, radius_km / km);
        let land: Vec<f32> = terrain.land.iter().map(|l| f32::from(u8::from(*l))).collect();
        let mar_height = smooth(&terrain.dem, 3.5);
        let mar_land = smooth(&land, 2.5);
        let noise = Noise::new(seed, Purpose::Pmw, 0);
        let facies = (0..land.len()).map(|i| {
            let (x, y) = ((i % cols) as f32 * km, (i / cols) as f32 * km);
            let z = terrain.dem[i];
            // Low: seasonal snow on ice; middle: percolation zone, coldest; summit: dry snow.
            let ice = mix(mix(220.0, 173.0, smoothstep(450.0, 1400.0, z)), 207.0, smoothstep(2150.0, 2900.0, z));
            let dry = mix(ice, 230.0, terrain.rock[i]);
            if terrain.land[i] { dry + 5.0 * noise.fractal(x / 30.0, y / 30.0, 3) } else { 0.0 }
        });
        let facies = smooth(&facies.collect::<Vec<_>>(), FOOTPRINT_KM);
        let mar_ranks = Ranks::of(mar_height.iter().zip(&mar_land).filter(|(_, l)| **l > 0.5).map(|(z, _)| *z));
        Climate {
            mar_rock: smooth(&terrain.rock, 2.5),
            mar_cell: cell_table(rows, cols, MAR_CELL_KM / km, MAR_TURN),
            pmw_cell: cell_table(rows, cols, PMW_CELL_KM / km, PMW_TURN),
            rock: smooth(&terrain.rock, FOOTPRINT_KM),
            land: smooth(&land, FOOTPRINT_KM),
            facies,
            mar_height,
            mar_land,
            mar_ranks,
        }
    }

    /// Liquid water content of the top metre on one day, 0…0.09, in blocks.
    pub fn mar(&self, terrain: &Terrain, seed: u64, day: Day, weather: Weather) -> Vec<f32> {
        let mut rng = stream(seed, Purpose::Mar, day.number());
        let bias = 1.0 + 0.16 * normal(&mut rng);
        let noise = Noise::new(seed, Purpose::Mar, -1 - day.number());
        let daily = Noise::new(seed, Purpose::MeltDaily, day.number());
        let km = terrain.pixel_km();
        let share = (weather.melt_share * bias).clamp(0.0, 0.95);
        let (low, high) = (0.28 * share * weather.bare, 1.42 * share + 0.025);
        let strength = (0.022 + 0.027 * share) * (1.0 + 0.12 * weather.warmth).clamp(0.6, 1.4);
        let cell_value = |i: usize| {
            if self.mar_land[i] < 0.5 {
                return 0.0;
            }
            let (x, y) = ((i % terrain.cols) as f32 * km, (i / terrain.cols) as f32 * km);
            let height = self.mar_height[i] + 130.0 * daily.fractal(x / 55.0, y / 55.0, 2) + 140.0 * noise.fractal(x / 30.0, y / 30.0, 3);
            let t = (self.mar_ranks.rank(height) - low) / (high - low).max(1e-3);
            let band = if (0.0..1.0).contains(&t) { smoothstep(0.0, 0.25, t + 0.08).min(smoothstep(1.0, 0.45, t)) } else { 0.0 };
            let wet = strength * band * (1.0 + 0.8 * noise.fractal(x / 26.0 + 5.0, y / 26.0, 3)) * (1.0 - 0.8 * self.mar_rock[i]);
            if wet < 0.0006 { 0.0 } else { wet.min(0.09) }
        };
        self.mar_cell.iter().map(|i| cell_value(*i as usize)).collect()
    }

    /// Brightness temperature on one day, K, from the melt of the whole scene.
    pub fn pmw(&self, terrain: &Terrain, seed: u64, day: Day, weather: Weather, melt: &[f32]) -> Vec<f32> {
        let mut rng = stream(seed, Purpose::Pmw, day.number());
        let gain = 1.0 + 0.07 * normal(&mut rng);
        let ocean = mix(216.0, 177.0, weather.bare) + 5.0 * normal(&mut rng);
        let shift = 2.0 * weather.warmth + 1.5 * normal(&mut rng);
        let noise = Noise::new(seed, Purpose::Pmw, day.number());
        let km = terrain.pixel_km();
        let wet: Vec<f32> = melt.iter().zip(&terrain.land).map(|(m, land)| if *land { *m } else { 0.0 }).collect();
        let wet = blur(&wet, terrain.rows, terrain.cols, FOOTPRINT_KM / km);
        self.pmw_cell
            .iter()
            .map(|i| {
                let i = *i as usize;
                let (x, y) = ((i % terrain.cols) as f32 * km, (i / terrain.cols) as f32 * km);
                let dry = self.facies[i] + (shift + 20.0 * weather.bare * self.rock[i]) * self.land[i];
                let land_wet = if self.land[i] > 0.02 { wet[i] / self.land[i] } else { 0.0 };
                let target = 246.0 - dry / self.land[i].max(0.02);
                let warm = dry + gain * self.land[i] * land_wet * target.clamp(6.0, 72.0);
                let sea = ocean + 26.0 * noise.fractal(x / 80.0, y / 80.0, 2);
                (warm + (1.0 - self.land[i]) * sea + 2.2 * noise.fractal(x / 12.0 + 3.0, y / 12.0, 3)).clamp(137.0, 250.0)
            })
            .collect()
    }

    /// Mean brightness temperature of January and February, K.
    pub fn winter_mean(&self, terrain: &Terrain, seed: u64, year: i32) -> Vec<f32> {
        let mut rng = stream(seed, Purpose::Pmw, -i64::from(year));
        let (shift, ocean) = (1.5 * normal(&mut rng), 166.0 + 3.0 * normal(&mut rng));
        let noise = Noise::new(seed, Purpose::Pmw, i64::from(year));
        let km = terrain.pixel_km();
        self.pmw_cell
            .iter()
            .map(|i| {
                let i = *i as usize;
                let (x, y) = ((i % terrain.cols) as f32 * km, (i / terrain.cols) as f32 * km);
                let sea = ocean + 22.0 * noise.fractal(x / 110.0, y / 110.0, 2);
                let ice = self.facies[i] + (shift - 4.0) * self.land[i];
                (ice + (1.0 - self.land[i]) * sea + 1.5 * noise.fractal(x / 12.0, y / 12.0, 2)).clamp(147.0, 229.0)
            })
            .collect()
    }
}

/// For every pixel, the pixel nearest to the centre of its cell on a grid of square cells turned by `turn` radians.
fn cell_table(rows: usize, cols: usize, cell: f32, turn: f32) -> Vec<u32> {
    let (sin, cos) = turn.sin_cos();
    let cell = cell.max(1.0);
    (0..rows * cols)
        .map(|i| {
            let (x, y) = ((i % cols) as f32 + 0.5, (i / cols) as f32 + 0.5);
            let along = (((cos * x + sin * y) / cell).floor() + 0.5) * cell;
            let across = (((cos * y - sin * x) / cell).floor() + 0.5) * cell;
            let col = (cos * along - sin * across).clamp(0.0, cols as f32 - 1.0) as usize;
            let row = (sin * along + cos * across).clamp(0.0, rows as f32 - 1.0) as usize;
            (row * cols + col) as u32
        })
        .collect()
}

/// Three box blurs, about a Gaussian of standard deviation `radius` pixels; edges repeat.
fn blur(values: &[f32], rows: usize, cols: usize, radius: f32) -> Vec<f32> {
    let half = radius.round().max(0.0) as usize;
    let mut out = values.to_vec();
    if half == 0 {
        return out;
    }
    for _ in 0..3 {
        for row in out.chunks_mut(cols) {
            box_mean(row, half);
        }
        let mut column = vec![0.0; rows];
        for col in 0..cols {
            for row in 0..rows {
                column[row] = out[row * cols + col];
            }
            box_mean(&mut column, half);
            for row in 0..rows {
                out[row * cols + col] = column[row];
            }
        }
    }
    out
}

/// Running mean of 2·half + 1 values in place, edges repeated.
fn box_mean(line: &mut [f32], half: usize) {
    let source = line.to_vec();
    let last = source.len() - 1;
    let at = |i: isize| f64::from(source[i.clamp(0, last as isize) as usize]);
    let reach = half as isize;
    let mut sum: f64 = (-reach..=reach).map(at).sum();
    for (i, value) in line.iter_mut().enumerate() {
        *value = (sum / (2 * half + 1) as f64) as f32;
        sum += at(i as isize + reach + 1) - at(i as isize - reach);
    }
}
