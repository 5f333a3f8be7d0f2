//! Mountains with branching valleys: noise that rises and is cut by its own streams until the two are about even.
//!
//! Every round lifts the land by u and lets streams cut it, ∂z/∂t = U − K·√A·S with A the area above a pixel and S its slope, solved
//! from the outlets upwards (Braun and Willett, 2013); slopes beyond what rock bears fall down. Coarse rounds come first.

use super::super::field::Field;
use super::super::noise::{Noise, smoothstep};
use super::drainage::Drainage;
use super::region::Region;
use crate::random::{Draw, Purpose};

/// Refinements of the coarsest grid.
pub const LEVELS: usize = 2;
/// Rounds at each level, and how much of a full round each is.
const ROUNDS: [(usize, f32); LEVELS + 1] = [(55, 1.0), (10, 0.5), (2, 0.25)];
/// What a full round cuts: K·dt, a share of a slope for each metre of √A and metre of pixel.
const CUT: f32 = 0.12;

/// The bare ground of a scene, mean about 0.
///
/// # Shapes
/// Sides that [`LEVELS`] halvings leave whole, with pixels of `cell` metres.
pub fn relief([rows, cols]: [usize; 2], cell: f32, region: &Region, seed: u64, stream: i64) -> Field {
    let noise = Noise::new(seed, Purpose::Glacier, stream);
    let mut draw = Draw::new(seed, Purpose::Glacier, stream + 1);
    let (ox, oy) = (1e3 * draw.uniform(), 1e3 * draw.uniform());
    let coarse = (1 << LEVELS) as f32;
    // Ridges lie along a direction of the range.
    let (sin, cos) = (std::f32::consts::TAU * draw.uniform()).sin_cos();
    let along = move |x: f32, y: f32| ((cos * x + sin * y) / 1.5 + ox, cos * y - sin * x + oy);
    let broad = |x: f32, y: f32, wide: f32, octaves: u32| {
        let (a, b) = along(x, y);
        noise.fractal(a / wide, b / wide, octaves)
    };
    let mut land = Field::of([rows >> LEVELS, cols >> LEVELS], cell * coarse, |x, y| {
        region.relief * (0.13 * broad(x, y, 8000.0, 2) + 0.08 * broad(x, y, 1800.0, 4))
    });
    for (level, (rounds, share)) in ROUNDS.into_iter().enumerate() {
        if level > 0 {
            let fine = land.refined();
            let rough = 0.11 * fine.cell;
            land = fine.like(|i| {
                let (x, y) = ((i % fine.cols) as f32 * fine.cell, (i / fine.cols) as f32 * fine.cell);
                fine.values[i] + rough * noise.fractal(x / (5.0 * fine.cell), y / (5.0 * fine.cell), 3)
            });
        }
        let place = |i: usize, land: &Field| ((i % land.cols) as f32 * land.cell, (i / land.cols) as f32 * land.cell);
        let uplift = land.like(|i| {
            let (x, y) = place(i, &land);
            share * CUT * region.steepness * smoothstep(-0.95, 0.5, broad(x, y, 4500.0, 3))
        });
        let bearing = land.like(|i| {
            let (x, y) = place(i, &land);
            0.95 + 0.5 * broad(x + 9000.0, y, 900.0, 4)
        });
        for _ in 0..rounds {
            round(&mut land, &uplift, &bearing, share);
        }
    }
    let land = hollowed(land);
    land.like(|i| {
        let (east, south) = land.gradient(i);
        let (x, y) = ((i % land.cols) as f32 * cell, (i / land.cols) as f32 * cell);
        land.values[i] + 16.0 * east.hypot(south).min(1.0) * noise.fractal(x / 330.0 + oy, y / 330.0 + ox, 4)
    })
}

/// With the bottoms of valleys as wide as ice leaves them; crests stay sharp.
fn hollowed(mut land: Field) -> Field {
    for reach in [3, 6] {
        let mean = land.smoothed(reach);
        land = land.like(|i| land.values[i] + 0.5 * (mean.values[i] - land.values[i]).max(0.0));
    }
    land
}

/// One round of lifting and cutting.
fn round(land: &mut Field, uplift: &Field, bearing: &Field, share: f32) {
    let drainage = Drainage::of(land);
    let area = drainage.gathered(|_| land.cell * land.cell);
    for &i in &drainage.order {
        let to = drainage.into[i];
        if to == i {
            continue;
        }
        let far = drainage.distance[i] * land.cell;
        let cut = share * CUT * area[i].sqrt() / far;
        let z = (land.values[i] + uplift.values[i] + cut * land.values[to]) / (1.0 + cut);
        land.values[i] = z.min(land.values[to] + bearing.values[i] * far);
    }
}
