//! Rock on glaciers: what falls from walls above travels with the ice and comes out where that melts, in bands along the flow.
//!
//! Ice and rock are handed down from the highest surface to the lowest; where ice melts away and rock stays, the share of rock grows.

use super::super::field::Field;
use super::super::noise::{Noise, smoothstep};
use super::ice::gain;

/// Slope from which bare ground lets rock fall.
const WALL: f32 = 0.5;
/// Rock that a rotten wall beside a pixel gives, and that all ice has, m of ice in a year.
const FALLEN: f32 = 1.5;
const INSIDE: f32 = 0.012;
/// Part of what flows that leaves to a neighbour grows with this power of the slope to it: bands stay narrow.
const FOCUS: i32 = 3;
/// Rock in that of ice at which half of the surface is covered.
const HALF: f32 = 0.06;

/// The share of each pixel's ice that rock covers, 0 where there is no ice.
///
/// `equilibrium`: height where ice neither gains nor loses, m; `supply`: how much rock falls.
pub fn cover(surface: &Field, is_ice: &[bool], equilibrium: &Field, supply: f32, noise: &Noise) -> Field {
    let count = is_ice.len();
    let mut order: Vec<u32> = (0..count as u32).filter(|i| is_ice[*i as usize]).collect();
    order.sort_by(|a, b| surface.values[*b as usize].total_cmp(&surface.values[*a as usize]).then(a.cmp(b)));
    let (mut ice, mut rock) = (vec![0.0f32; count], vec![0.0f32; count]);
    let mut share = vec![0.0f32; count];
    for i in order.into_iter().map(|i| i as usize) {
        let (row, col) = ((i / surface.cols) as f32, (i % surface.cols) as f32);
        let wall: f32 = surface
            .neighbours(i)
            .filter(|(next, far)| !is_ice[*next] && surface.values[*next] - surface.values[i] > WALL * far * surface.cell)
            .map(|(_, far)| 1.0 / far)
            .sum();
        // Some walls are rotten and most are not.
        let rotten = smoothstep(-0.1, 0.5, noise.fractal(col * surface.cell / 420.0, row * surface.cell / 420.0, 3));
        let above = surface.values[i] - equilibrium.values[i];
        rock[i] += supply * (FALLEN * wall * rotten + INSIDE);
        // What is left where more melts than came: rock shields it.
        ice[i] = (ice[i] + gain(above)).max(0.35 + 0.1 * rock[i]);
        share[i] = rock[i] / ice[i] * smoothstep(40.0, -110.0, above);
        let ways = || surface.neighbours(i).filter(|(next, _)| is_ice[*next] && surface.values[*next] < surface.values[i]);
        let pull = |(next, far): (usize, f32)| ((surface.values[i] - surface.values[next]) / far).powi(FOCUS) / far;
        let total: f32 = ways().map(pull).sum();
        if total > 0.0 {
            for way in ways() {
                let part = pull(way) / total;
                ice[way.0] += part * ice[i];
                rock[way.0] += part * rock[i];
            }
        }
    }
    let share = Field { values: share, ..surface.clone() };
    let soft = share.smoothed(1);
    let covered = |i: usize| {
        let much = 0.5 * (share.values[i] + soft.values[i]) / HALF;
        much * much / (1.0 + much * much)
    };
    share.like(|i| if is_ice[i] { covered(i) } else { 0.0 })
}
