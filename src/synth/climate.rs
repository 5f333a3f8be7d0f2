//! The coarse inputs: the climate model's liquid water in rotated blocks, smooth brightness temperatures in small diamonds, winter means.
//!
//! The model sees the same weather as the radar through a coarse terrain and with errors of its own, so that its wet band lies beside the
//! radar's. Brightness temperature is a dry field (ice facies, rock, ocean) that rises by up to 70 K where the surface within the footprint
//! melts.
//! Both are computed once a cell; a pixel takes its cell's value.

use super::cells::{Cells, Smooth};
use super::noise::{Noise, mix, smoothstep};
use super::sar::Ranks;
use super::season::{Weather, draw_index};
use super::terrain::Terrain;
use crate::data::day::Day;
use crate::random::{Draw, Purpose};

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

/// What the climate model knows of a cell's terrain.
struct MarCell {
    x: f32,
    y: f32,
    height: f32,
    land: f32,
    rock: f32,
}

/// What the microwave sensor sees of a cell whatever the day.
struct PmwCell {
    row: usize,
    col: usize,
    x: f32,
    y: f32,
    /// Brightness temperature of the dry land, K, times its share.
    facies: f32,
    land: f32,
    rock: f32,
}

/// What the coarse fields need of the terrain; made once.
pub struct Climate {
    mar_grid: Cells,
    mar: Vec<MarCell>,
    mar_ranks: Ranks,
    pmw_grid: Cells,
    pmw: Vec<PmwCell>,
}

impl Climate {
    /// Coarse terrain and cell tables.
    pub fn new(terrain: &Terrain, seed: u64) -> Self {
        let km = terrain.pixel_km();
        let (rows, cols) = (terrain.rows, terrain.cols);
        let land = |i: usize| f32::from(u8::from(terrain.land[i]));
        let rock = |i: usize| terrain.rock[i];

        let mar_grid = Cells::new(rows, cols, MAR_CELL_KM / km, MAR_TURN);
        let height = Smooth::new(rows, cols, km, 3.5, |i| terrain.dem[i]);
        let (coarse_land, coarse_rock) = (Smooth::new(rows, cols, km, 2.5, land), Smooth::new(rows, cols, km, 2.5, rock));
        let on_land = (0..rows * cols).map(|i| (i / cols, i % cols)).filter(|(row, col)| coarse_land.at(*row, *col) > 0.5);
        let mar_ranks = Ranks::of(on_land.map(|(row, col)| height.at(row, col)));
        let mar = mar_grid.centres().iter().map(|&(row, col)| MarCell {
            x: col as f32 * km,
            y: row as f32 * km,
            height: height.at(row, col),
            land: coarse_land.at(row, col),
            rock: coarse_rock.at(row, col),
        });
        let mar = mar.collect();

        let pmw_grid = Cells::new(rows, cols, PMW_CELL_KM / km, PMW_TURN);
        let noise = Noise::new(seed, Purpose::Pmw, 0);
        let facies = Smooth::new(rows, cols, km, FOOTPRINT_KM, |i| {
            if !terrain.land[i] {
                return 0.0;
            }
            let (x, y) = ((i % cols) as f32 * km, (i / cols) as f32 * km);
            let z = terrain.dem[i];
            // Low: seasonal snow on ice; middle: percolation zone, coldest; summit: dry snow.
            let ice = mix(mix(237.0, 171.0, smoothstep(450.0, 1400.0, z)), 206.0, smoothstep(2150.0, 2900.0, z));
            mix(ice, 246.0, terrain.rock[i]) + 5.0 * noise.fractal(x / 30.0, y / 30.0, 3)
        });
        let wide = |value: &(dyn Fn(usize) -> f32 + Sync)| Smooth::new(rows, cols, km, FOOTPRINT_KM, value);
        let (wide_land, wide_rock) = (wide(&land), wide(&rock));
        let pmw = pmw_grid.centres().iter().map(|&(row, col)| PmwCell {
            row,
            col,
            x: col as f32 * km,
            y: row as f32 * km,
            facies: facies.at(row, col),
            land: wide_land.at(row, col),
            rock: wide_rock.at(row, col),
        });
        let pmw = pmw.collect();
        Climate { mar_grid, mar, mar_ranks, pmw_grid, pmw }
    }

    /// Liquid water content of the top metre on one day, 0…0.09, in blocks.
    pub fn mar(&self, seed: u64, day: Day, weather: Weather) -> Vec<f32> {
        let mut draw = Draw::new(seed, Purpose::Mar, draw_index(day));
        let bias = 1.0 + 0.16 * draw.normal();
        let noise = Noise::new(seed, Purpose::Mar, -1 - draw_index(day));
        let daily = Noise::new(seed, Purpose::MeltDaily, draw_index(day));
        let share = (weather.melt_share * bias).clamp(0.0, 0.95);
        let (low, high) = (0.1 * share * weather.bare, 1.95 * share + 0.075);
        let strength = (0.0185 + 0.0172 * share) * (1.0 + 0.12 * weather.warmth).clamp(0.6, 1.4);
        let water = |cell: &MarCell| {
            if cell.land < 0.5 {
                return 0.0;
            }
            let MarCell { x, y, .. } = *cell;
            let height = cell.height + 130.0 * daily.fractal(x / 55.0, y / 55.0, 2) + 140.0 * noise.fractal(x / 30.0, y / 30.0, 3);
            let t = (self.mar_ranks.rank(height) - low) / (high - low).max(1e-3);
            let band = if (0.0..1.0).contains(&t) { smoothstep(0.0, 0.25, t + 0.08).min(smoothstep(1.0, 0.25, t)) } else { 0.0 };
            let patches = noise.fractal(x / 26.0 + 5.0, y / 26.0, 3);
            // A few cells are far wetter than the rest.
            let wet = strength * band * (1.0 + 0.5 * patches + 1.9 * smoothstep(0.3, 0.8, patches)) * (1.0 - 0.8 * cell.rock);
            if wet < 0.0006 { 0.0 } else { wet.min(0.09) }
        };
        self.mar_grid.spread(&self.mar.iter().map(water).collect::<Vec<_>>())
    }

    /// Brightness temperature on one day, K, from the melt of the whole scene.
    pub fn pmw(&self, terrain: &Terrain, seed: u64, day: Day, weather: Weather, melt: &[f32]) -> Vec<f32> {
        let mut draw = Draw::new(seed, Purpose::Pmw, draw_index(day));
        let gain = 1.0 + 0.07 * draw.normal();
        let ocean = mix(213.0, 168.0, weather.bare) + 5.0 * draw.normal();
        let shift = 2.0 * weather.warmth + 1.5 * draw.normal();
        let noise = Noise::new(seed, Purpose::Pmw, draw_index(day));
        let wet = |i: usize| if terrain.land[i] { melt[i] } else { 0.0 };
        let wet = Smooth::new(terrain.rows, terrain.cols, terrain.pixel_km(), FOOTPRINT_KM, wet);
        let kelvin = |cell: &PmwCell| {
            let PmwCell { row, col, x, y, facies, land, rock } = *cell;
            let dry = facies + (shift + 20.0 * weather.bare * rock) * land;
            let land_wet = if land > 0.02 { wet.at(row, col) / land } else { 0.0 };
            let target = 256.0 - dry / land.max(0.02);
            let warm = dry + gain * land * land_wet * target.clamp(6.0, 72.0);
            let sea = ocean + 44.0 * noise.fractal(x / 80.0, y / 80.0, 2);
            (warm + (1.0 - land) * sea + 2.2 * noise.fractal(x / 12.0 + 3.0, y / 12.0, 3)).clamp(137.0, 250.0)
        };
        self.pmw_grid.spread(&self.pmw.iter().map(kelvin).collect::<Vec<_>>())
    }

    /// Mean brightness temperature of January and February, K.
    pub fn winter_mean(&self, seed: u64, year: u16) -> Vec<f32> {
        let mut draw = Draw::new(seed, Purpose::Pmw, -i64::from(year));
        let (shift, ocean) = (1.5 * draw.normal(), 166.0 + 3.0 * draw.normal());
        let noise = Noise::new(seed, Purpose::Pmw, i64::from(year));
        let kelvin = |cell: &PmwCell| {
            let PmwCell { x, y, facies, land, .. } = *cell;
            let sea = ocean + 27.0 * noise.fractal(x / 110.0, y / 110.0, 2);
            let ice = facies + (shift - 4.0) * land;
            (ice + (1.0 - land) * sea + 1.5 * noise.fractal(x / 12.0, y / 12.0, 2)).clamp(147.0, 229.0)
        };
        self.pmw_grid.spread(&self.pmw.iter().map(kelvin).collect::<Vec<_>>())
    }
}
