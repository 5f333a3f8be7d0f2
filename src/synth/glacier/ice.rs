//! Glaciers: ice that gathers high up and flows down valleys until it melts, at rest between the two.
//!
//! Shallow ice: the flux between two pixels is Γ·H⁵·S³ with H the thickness on the higher side and S the slope of the surface (Glen's law
//! with n = 3; Cuffey and Paterson, 2010, section 8). Only the end counts, so that every pixel steps as far as its own flow allows.

use super::super::field::Field;
use super::super::noise::smoothstep;
use super::super::rows;
use super::drainage::Drainage;
use super::relief::LEVELS;

/// Γ of ice at its melting point, for thickness in m, slope in m/m and flux in m²/a.
const SOFTNESS: f32 = 2e-5;
/// Steps on each grid, the coarsest first.
const STEPS: [usize; LEVELS + 1] = [1350, 250, 70];
/// Times that the climate is corrected on the coarsest grid, and by how much for a share that is 1 too large, m.
const TRIALS: usize = 15;
const CORRECTION: f32 = 160.0;
/// Longest step, a.
const LONGEST: f32 = 3.0;
/// Gain in a year for each metre above the equilibrium, loss for each metre below, and most of either, m.
const GAINED: f32 = 0.01;
const LOST: f32 = 0.0055;
const MOST_GAIN: f32 = 1.8;
const MOST_LOSS: f32 = 6.0;
/// Slopes on which snow begins to slide off, and on which none stays.
const BARE: [f32; 2] = [0.6, 1.15];
/// Reach of the hollows that wind fills, pixels, and the depth that doubles what they get, m.
const HOLLOW: usize = 6;
const DEPTH: f32 = 16.0;
/// Most snow of a place, in that of the open.
const MOST_SNOW: f32 = 3.5;

/// Ice at rest.
#[derive(Debug, Clone)]
pub struct Ice {
    /// Thickness, m.
    pub thickness: Field,
    /// Height of the equilibrium where nothing departs from it, m in the heights of the bed.
    pub equilibrium: f32,
}

/// Net gain at a height in a year, m of ice.
pub(super) fn gain(above_equilibrium: f32) -> f32 {
    (above_equilibrium * if above_equilibrium > 0.0 { GAINED } else { LOST }).clamp(-MOST_LOSS, MOST_GAIN)
}

/// Snow that stays on each pixel, in that of the open: wind takes it from crests to hollows, and steep slopes let it slide to their feet.
pub fn drifted(bed: &Field) -> Field {
    let mean = bed.smoothed(HOLLOW);
    let mut filled = bed.clone();
    let drainage = Drainage::of(&mut filled);
    let mut snow: Vec<f32> = (0..bed.values.len()).map(|i| (1.0 + (mean.values[i] - bed.values[i]) / DEPTH).clamp(-0.45, 2.2)).collect();
    for &i in drainage.order.iter().rev() {
        let (east, south) = bed.gradient(i);
        let steep = smoothstep(BARE[0], BARE[1], east.hypot(south));
        let slides = snow[i].max(0.0) * steep + (0.8 * snow[i] - MOST_SNOW).max(0.0);
        snow[i] -= slides + 0.5 * steep;
        if drainage.into[i] != i {
            snow[drainage.into[i]] += slides;
        }
    }
    let snow = Field { values: snow, ..bed.clone() };
    let snow = snow.like(|i| snow.values[i].min(MOST_SNOW));
    snow.smoothed(2)
}

/// The ice on a bed in a climate that leaves about a share of it under ice, `margin` pixels at the edges aside.
///
/// `departure`: how far the equilibrium of each pixel lies above that of the scene, m.
pub fn at_rest(bed: &Field, departure: &Field, share: f32, margin: usize) -> Ice {
    let mut grids = vec![(bed.clone(), departure.clone(), drifted(bed))];
    for _ in 0..LEVELS {
        let (bed, departure, snow) = &grids[grids.len() - 1];
        grids.push((halved(bed), halved(departure), halved(snow)));
    }
    let mut sorted = grids[LEVELS].0.values.clone();
    sorted.sort_by(f32::total_cmp);
    // Glaciers gather on somewhat more than half of their area.
    let mut equilibrium = sorted[((1.0 - 0.5 * share) * (sorted.len() - 1) as f32) as usize];
    let mut ice = grids[LEVELS].0.like(|_| 0.0);
    for (level, steps) in STEPS.into_iter().enumerate() {
        let (bed, departure, snow) = &grids[LEVELS - level];
        let height_of = |equilibrium: f32| departure.like(|i| departure.values[i] + equilibrium);
        if level == 0 {
            settle(&mut ice, bed, &height_of(equilibrium), snow, steps / 3);
            for _ in 0..TRIALS {
                settle(&mut ice, bed, &height_of(equilibrium), snow, steps * 2 / (3 * TRIALS));
                let inside = ice.inner(margin >> LEVELS, [bed.rows - 2 * (margin >> LEVELS), bed.cols - 2 * (margin >> LEVELS)]);
                let covered = inside.values.iter().filter(|thick| **thick > 3.0).count() as f32 / inside.values.len() as f32;
                equilibrium += CORRECTION * (covered - share);
            }
            continue;
        }
        // Refined as a surface: ice keeps its level where the finer bed does not.
        let coarse = &grids[LEVELS - level + 1].0;
        let surface = coarse.like(|i| coarse.values[i] + ice.values[i]).refined();
        let thick = ice.refined();
        ice = bed.like(|i| if thick.values[i] > 1.0 { (surface.values[i] - bed.values[i]).max(0.0) } else { 0.0 });
        settle(&mut ice, bed, &height_of(equilibrium), snow, steps);
    }
    Ice { thickness: ice, equilibrium }
}

/// Means of two by two pixels.
fn halved(field: &Field) -> Field {
    let at = |row: usize, col: usize| field.values[row * field.cols + col];
    let (rows, cols) = (field.rows / 2, field.cols / 2);
    let values =
        rows::map(rows, cols, |r, c| 0.25 * (at(2 * r, 2 * c) + at(2 * r, 2 * c + 1) + at(2 * r + 1, 2 * c) + at(2 * r + 1, 2 * c + 1)));
    Field { rows, cols, cell: 2.0 * field.cell, values }
}

/// Flux through the side between two pixels, m²/a towards the first, and what of either limits a step, m²/a.
fn through([to, from]: [f32; 2], [to_thick, from_thick]: [f32; 2], cell: f32) -> (f32, f32) {
    let slope = (from - to) / cell;
    let deep = if slope > 0.0 { from_thick } else { to_thick };
    let (squared, steep) = (deep * deep, slope * slope);
    let diffusivity = SOFTNESS * squared * squared * deep * steep;
    (diffusivity * slope, 3.0 * diffusivity + 5.0 * SOFTNESS * squared * squared * steep * slope.abs() * cell)
}

/// Lets ice gather, flow and melt for some steps; `snow` multiplies what a pixel gains. At the edges all is as beside them.
fn settle(ice: &mut Field, bed: &Field, equilibrium: &Field, snow: &Field, steps: usize) {
    let (rows, cols, cell) = (bed.rows, bed.cols, bed.cell);
    let mut next = ice.values.clone();
    let mut surface = vec![0.0; next.len()];
    let mut below = vec![(0.0, 0.0); cols];
    for _ in 0..steps {
        for (surface, (bed, ice)) in surface.iter_mut().zip(bed.values.iter().zip(&ice.values)) {
            *surface = bed + ice;
        }
        let thick = &ice.values;
        let side = |to: usize, from: usize| match thick[to] == 0.0 && thick[from] == 0.0 {
            true => (0.0, 0.0),
            false => through([surface[to], surface[from]], [thick[to], thick[from]], cell),
        };
        for (col, below) in below.iter_mut().enumerate() {
            *below = side(col, col + cols);
        }
        for row in 1..rows - 1 {
            let mut right = side(row * cols, row * cols + 1);
            for (col, below) in below.iter_mut().enumerate().take(cols - 1).skip(1) {
                let i = row * cols + col;
                let (north, west) = (*below, right);
                let (south, east) = (side(i, i + cols), side(i, i + 1));
                (*below, right) = (south, east);
                let above = surface[i] - equilibrium.values[i];
                if thick[i] == 0.0 && above < 0.0 && north.0 + west.0 == 0.0 && south.0 + east.0 == 0.0 {
                    next[i] = 0.0;
                    continue;
                }
                let flow = south.0 + east.0 - north.0 - west.0;
                let ease = south.1.max(east.1).max(north.1).max(west.1);
                let gain = if above > 0.0 { gain(above) * snow.values[i] } else { gain(above) };
                let step = LONGEST.min(0.12 * cell * cell / ease.max(1e-3));
                next[i] = (thick[i] + step * (flow / cell + gain)).max(0.0);
            }
        }
        for col in 0..cols {
            next[col] = next[col + cols];
            next[(rows - 1) * cols + col] = next[(rows - 2) * cols + col];
        }
        for row in next.chunks_mut(cols) {
            row[0] = row[1];
            row[cols - 1] = row[cols - 2];
        }
        std::mem::swap(&mut ice.values, &mut next);
    }
}
