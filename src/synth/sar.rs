//! Radar melt fraction: bimodal, ragged, first in the valleys, absent from bare rock late in the year, seen through tilted swaths.
//!
//! Every land pixel has an equivalent elevation: its height, changed by valleys, rock, lasting and daily departures. The lowest share of
//! the land melts, that share being the day's; a pixel's fraction is a narrow ramp over its rank, so histograms hold at every scene size.

use super::noise::{Noise, smoothstep, white, white_key};
use super::rows;
use super::season::{Weather, draw_index};
use super::terrain::{LAND_SHARE, Terrain};
use crate::data::day::Day;
use crate::random::{Draw, Purpose};

/// Width of the ramp from dry to wet, in shares of the land.
const RAMP: f32 = 0.11;
/// Bins of the rank table.
const BINS: usize = 4096;
/// Shares of the scene that the swaths see of the land, and how often each occurs.
const SWATHS: [(f64, f32); 6] = [(0.716, 0.50), (0.62, 0.14), (0.56, 0.13), (0.46, 0.11), (0.16, 0.07), (0.07, 0.05)];
/// Columns by which each swath's edge moves from row to row, and whether the radar looks from the right: descending passes lean one way,
/// ascending the other; each level is one track and always looks the same.
const TRACKS: [(f32, bool); SWATHS.len()] = [(0.0, false), (0.21, true), (-0.19, false), (0.23, false), (-0.2, true), (0.22, true)];
/// Land pixels that are looked at to place a swath's edge.
const EDGE_SAMPLE: usize = 400_000;

/// What the radar's view of a scene needs beyond the terrain; made once.
pub struct Radar {
    lasting: Vec<f32>,
    grain: Vec<f32>,
    /// How far each swath reaches, in [`across`].
    edges: [f32; SWATHS.len()],
}

impl Radar {
    /// Lasting departures of the melt from elevation, and the grain of bare rock.
    pub fn new(terrain: &Terrain, seed: u64) -> Self {
        let noise = Noise::new(seed, Purpose::MeltStatic, 0);
        let km = terrain.pixel_km();
        let (rows, cols) = (terrain.rows, terrain.cols);
        let mut lasting = vec![0.0; rows * cols];
        rows::fill(&mut lasting, cols, |row, line| {
            noise.fractal_row(line, 0.0, km / 48.0, row as f32 * km / 48.0, 6);
            line.iter_mut().for_each(|e| *e *= 190.0);
        });
        let key = white_key(seed, Purpose::MeltStatic, 1);
        // Grain: patches of a few kilometres, broken up pixel by pixel; about uniform in 0…1.
        let mut grain = vec![0.0; rows * cols];
        rows::fill(&mut grain, cols, |row, line| {
            noise.fractal_row(line, 70.0, km / 6.0, row as f32 * km / 6.0, 3);
            for (col, g) in line.iter_mut().enumerate() {
                *g = (0.5 + 0.75 * *g + 0.45 * (white(key, row * cols + col) - 0.5)).clamp(0.0, 1.0);
            }
        });
        Radar { lasting, grain, edges: std::array::from_fn(|index| edge(terrain, index)) }
    }

    /// Melt fraction 0…1 everywhere on one day, ocean clutter included.
    pub fn melt(&self, terrain: &Terrain, seed: u64, day: Day, weather: Weather) -> Vec<f32> {
        let daily = Noise::new(seed, Purpose::MeltDaily, draw_index(day));
        let (rows, cols, km) = (terrain.rows, terrain.cols, terrain.pixel_km());
        let key = white_key(seed, Purpose::MeltDaily, -draw_index(day));
        let spring = 1.0 - 0.8 * weather.bare;
        // First the equivalent elevation, then, in its place, the melt.
        let mut melt = vec![0.0; rows * cols];
        rows::fill(&mut melt, cols, |row, line| {
            daily.fractal_row(line, 0.0, km / 55.0, row as f32 * km / 55.0, 4);
            for (col, e) in line.iter_mut().enumerate() {
                let i = row * cols + col;
                if !terrain.land[i] {
                    continue;
                }
                let (z, rock, valley) = (terrain.dem[i], terrain.rock[i], terrain.valley[i]);
                let lowland = 1.0 - smoothstep(900.0, 1500.0, z);
                *e = z + self.lasting[i] + 150.0 * *e;
                *e += (420.0 * (1.0 - valley) * lowland + 300.0 * rock) * spring;
                *e += 70.0 * (white(key, i) - 0.5) + 60.0 * (self.grain[i] - 0.5);
                // Bare rock has no snow left to melt; single pixels keep some.
                let line = 150.0 + 650.0 * weather.bare + 0.9 * self.lasting[i];
                let bare = weather.bare * smoothstep(0.08, 0.55, rock) * (1.0 - smoothstep(line, line + 250.0, z));
                if bare > 0.06 + 0.85 * self.grain[i] {
                    *e += 6000.0;
                }
            }
        });
        let ranks = Ranks::of(melt.iter().zip(&terrain.land).filter(|(_, land)| **land).map(|(e, _)| *e));
        let share = weather.melt_share;
        let ramp = RAMP * (5.0 * share * (1.0 - share)).clamp(0.35, 1.0);
        rows::fill(&mut melt, cols, |row, line| {
            let here = row * cols..(row + 1) * cols;
            let mut clutter = Vec::new();
            if terrain.land[here.clone()].contains(&false) {
                clutter.resize(cols, 0.0);
                daily.fractal_row(&mut clutter, 0.0, km / 30.0, row as f32 * km / 12.0, 3);
            }
            for (col, (e, i)) in line.iter_mut().zip(here).enumerate() {
                if !terrain.land[i] {
                    *e = (0.25 + 0.6 * clutter[col] + 0.2 * (white(key, i) - 0.5)).clamp(0.0, 1.0);
                    continue;
                }
                let t = (share - ranks.rank(*e)) / ramp + 0.5;
                // A rock pixel that escapes is only partly wet.
                let most = if terrain.rock[i] > 0.4 { 1.0 - 0.55 * weather.bare * smoothstep(0.5, 1.0, self.grain[i]) } else { 1.0 };
                *e = t.clamp(0.0, most);
            }
        });
        melt
    }

    /// Puts NaN where the radar did not look on a day.
    pub fn mask(&self, melt: &mut [f32], cols: usize, seed: u64, day: Day) {
        let index = swath_index(seed, day);
        if seen_share(seed, day) >= 1.0 {
            return;
        }
        rows::fill(melt, cols, |row, line| {
            for (col, value) in line.iter_mut().enumerate() {
                if across(index, row, col) >= self.edges[index] {
                    *value = f32::NAN;
                }
            }
        });
    }
}

/// Which of the swaths a day has.
fn swath_index(seed: u64, day: Day) -> usize {
    let mut pick = Draw::new(seed, Purpose::Swath, draw_index(day)).uniform();
    let found = SWATHS.iter().position(|(_, often)| {
        pick -= often;
        pick < 0.0
    });
    found.unwrap_or(0)
}

/// Share of the land that a swath sees.
fn swath_share(index: usize) -> f64 {
    (SWATHS[index].0 / LAND_SHARE).min(1.0)
}

/// Share of the land that the radar saw on a day.
pub fn seen_share(seed: u64, day: Day) -> f64 {
    swath_share(swath_index(seed, day))
}

/// Position of a pixel across a swath's track, from the near side, in pixels.
fn across(index: usize, row: usize, col: usize) -> f32 {
    let (lean, from_right) = TRACKS[index];
    let side = col as f32 + lean * row as f32;
    if from_right { -side } else { side }
}

/// How far across a swath reaches, so that it sees its share of the land.
fn edge(terrain: &Terrain, index: usize) -> f32 {
    let cols = terrain.cols;
    let step = (terrain.land.len() / EDGE_SAMPLE).max(1);
    let land = (0..terrain.land.len()).filter(|i| terrain.land[*i]).step_by(step);
    let mut sides: Vec<f32> = land.map(|i| across(index, i / cols, i % cols)).collect();
    let nth = (swath_share(index) * sides.len() as f64) as usize;
    if nth < sides.len() { *sides.select_nth_unstable_by(nth, f32::total_cmp).1 } else { f32::MAX }
}

/// The rank of a value among many, 0…1, from a table of counts.
pub struct Ranks {
    low: f32,
    scale: f32,
    below: Vec<f32>,
}

impl Ranks {
    /// Ranks among finite values.
    pub fn of(values: impl Iterator<Item = f32> + Clone) -> Self {
        let (low, high, count) = values.clone().fold((f32::MAX, f32::MIN, 0usize), |(l, h, n), v| (l.min(v), h.max(v), n + 1));
        let scale = if high > low { BINS as f32 / (high - low) } else { 0.0 };
        let mut below = vec![0.0f32; BINS + 1];
        let mut table = Ranks { low, scale, below: Vec::new() };
        let mut counts = vec![0u32; BINS];
        for v in values {
            counts[(table.place(v) as usize).min(BINS - 1)] += 1;
        }
        let mut sum = 0u64;
        for (bin, n) in counts.into_iter().enumerate() {
            sum += u64::from(n);
            below[bin + 1] = (sum as f64 / count.max(1) as f64) as f32;
        }
        table.below = below;
        table
    }

    fn place(&self, value: f32) -> f32 {
        ((value - self.low) * self.scale).clamp(0.0, BINS as f32 - 0.01)
    }

    /// Share of the values below `value`.
    pub fn rank(&self, value: f32) -> f32 {
        let place = self.place(value);
        let bin = (place as usize).min(BINS - 1);
        self.below[bin] + (self.below[bin + 1] - self.below[bin]) * (place - bin as f32)
    }
}
