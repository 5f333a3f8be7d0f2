//! What lies on the ground of a scene: snow that outlasts the season and snow that does not, ice, debris, lakes, streams, rock and plants.

use super::super::field::Field;
use super::super::noise::{Noise, smoothstep};
use super::debris;
use super::drainage::Drainage;
use super::ice::{self, drifted};
use super::region::Region;
use super::relief::relief;
use crate::random::{Draw, Purpose};

/// Thinnest ice that somebody would draw as a glacier, m.
const THINNEST: f32 = 4.0;
/// Smallest glacier and smallest hole in one that somebody would draw, m².
const SMALLEST: f32 = 70_000.0;
const SMALLEST_HOLE: f32 = 27_000.0;
/// Area above a stream that one sees from space, m².
const STREAM: f32 = 2.5e6;
/// Most lakes of a scene, and the largest, m².
const LAKES: usize = 4;
/// Places that are tried.
const DAMS: usize = 80;
const LARGEST_LAKE: f32 = 900_000.0;

/// Every pixel's ground; shares from 0 to 1, the later of these fields covers the earlier.
pub struct Ground {
    /// Height of the surface, ice and lakes included, m.
    pub surface: Field,
    /// Height where a glacier neither gains nor loses, m.
    pub equilibrium: Field,
    /// Plants.
    pub plants: Field,
    /// Gravel of flood plains and moraines.
    pub gravel: Field,
    /// Streams and lakes.
    pub water: Field,
    /// Whether it is a glacier.
    pub is_glacier: Vec<bool>,
    /// Debris on the ice.
    pub debris: Field,
    /// Snow.
    pub snow: Field,
}

impl Ground {
    /// Invents the ground of a scene.
    ///
    /// # Shapes
    /// Sides that [`LEVELS`](super::relief::LEVELS) halvings leave whole; the outer `margin` pixels are for what lies around the scene.
    pub fn invent(sides: [usize; 2], cell: f32, margin: usize, region: &Region, seed: u64, stream: i64) -> Ground {
        let noise = Noise::new(seed, Purpose::Glacier, stream + 2);
        let mut draw = Draw::new(seed, Purpose::Glacier, stream + 3);
        let share = 0.22 + 0.22 * draw.uniform();
        let bed = relief(sides, cell, region, seed, stream);
        // Slopes away from the midday sun keep more.
        let towards_sun = if region.zone.1 { 1.0 } else { -1.0 };
        let broad = bed.smoothed(4);
        let departure = bed.like(|i| {
            let (_, south) = broad.gradient(i);
            let (x, y) = place(&bed, i);
            110.0 * (towards_sun * south).clamp(-1.0, 1.0) + 70.0 * noise.fractal(x / 2500.0, y / 2500.0, 2)
        });
        let ice = ice::at_rest(&bed, &departure, share, margin);
        let lift = region.equilibrium + 120.0 * (draw.uniform() - 0.5) - ice.equilibrium;
        let equilibrium = departure.like(|i| departure.values[i] + ice.equilibrium + lift);
        let thick = ice.thickness.smoothed(1);
        let mut is_glacier: Vec<bool> = thick.values.iter().map(|thick| *thick > THINNEST).collect();
        fill_patches(&bed, &mut is_glacier, true, SMALLEST);
        fill_patches(&bed, &mut is_glacier, false, SMALLEST_HOLE);
        let mut surface = bed.like(|i| bed.values[i] + lift + ice.thickness.values[i] * f32::from(u8::from(is_glacier[i])));

        let mut filled = surface.clone();
        let drainage = Drainage::of(&mut filled);
        let area = drainage.gathered(|_| cell * cell);
        let lakes = lakes(&mut surface, &drainage, &area, &is_glacier, &mut draw);
        let streams = surface.like(|i| if is_glacier[i] { 0.0 } else { smoothstep(0.6 * STREAM, 3.0 * STREAM, area[i]) * 0.75 });
        let streams = streams.smoothed(1);
        let water = surface.like(|i| if lakes[i] { 1.0 } else { (1.8 * streams.values[i]).min(0.6) });

        let debris = debris::cover(&surface, &is_glacier, &equilibrium, region.debris, &noise);
        let snow = seasonal(&surface, &equilibrium, &is_glacier, region, &noise, &mut draw);
        let (broad, steep) = (surface.smoothed(6), steepness(&surface));
        let gravel = surface.like(|i| {
            let (x, y) = place(&surface, i);
            let floor = smoothstep(6.0, 30.0, broad.values[i] - surface.values[i]) * smoothstep(0.45, 0.2, steep.values[i]);
            (floor * (0.6 + noise.fractal(x / 300.0 + 5.0, y / 300.0, 3))).clamp(0.0, 1.0)
        });
        let plants = surface.like(|i| {
            let (x, y) = place(&surface, i);
            let below = equilibrium.values[i] - region.plants.0 - surface.values[i] + 150.0 * noise.fractal(x / 900.0, y / 900.0 + 7.0, 5);
            let dense = smoothstep(-60.0, 260.0, below) * smoothstep(1.15, 0.6, steep.values[i]);
            dense * region.plants.1 * (0.75 + 0.6 * noise.fractal(x / 240.0, y / 240.0, 4)).clamp(0.0, 1.0) * (1.0 - 0.7 * gravel.values[i])
        });
        Ground { surface, equilibrium, plants, gravel, water, is_glacier, debris, snow }
    }
}

/// Metres to the east and to the south of the upper left corner.
pub fn place(field: &Field, index: usize) -> (f32, f32) {
    (((index % field.cols) as f32 + 0.5) * field.cell, ((index / field.cols) as f32 + 0.5) * field.cell)
}

/// Rise over run of the steepest slope.
fn steepness(surface: &Field) -> Field {
    surface.like(|i| {
        let (east, south) = surface.gradient(i);
        east.hypot(south)
    })
}

/// Turns patches of a value that are smaller than `smallest` m² into the other.
fn fill_patches(grid: &Field, values: &mut [bool], of: bool, smallest: f32) {
    let mut is_seen = vec![false; values.len()];
    let mut patch = Vec::new();
    for start in 0..values.len() {
        if is_seen[start] || values[start] != of {
            continue;
        }
        patch.clear();
        patch.push(start);
        is_seen[start] = true;
        let mut at = 0;
        while let Some(&i) = patch.get(at) {
            at += 1;
            for (next, far) in grid.neighbours(i) {
                if far == 1.0 && !is_seen[next] && values[next] == of {
                    is_seen[next] = true;
                    patch.push(next);
                }
            }
        }
        if (patch.len() as f32) * grid.cell * grid.cell < smallest {
            patch.iter().for_each(|i| values[*i] = !of);
        }
    }
}

/// Dams up a few valleys, by preference below glaciers: levels the surface, and says where the lakes are.
fn lakes(surface: &mut Field, drainage: &Drainage, area: &[f32], is_glacier: &[bool], draw: &mut Draw) -> Vec<bool> {
    let mut is_lake = vec![false; area.len()];
    let cell = surface.cell;
    let fed = drainage.gathered(|i| if is_glacier[i] { cell * cell } else { 0.0 });
    let mut dams: Vec<usize> = (0..area.len()).filter(|i| !is_glacier[*i] && (4e5..6e6).contains(&area[*i])).collect();
    draw.shuffle(&mut dams);
    dams.truncate(DAMS);
    let mut rank = vec![0; area.len()];
    for (at, i) in drainage.order.iter().enumerate() {
        rank[*i] = at;
    }
    // The dam that a pixel was last found to drain to.
    let mut above = vec![usize::MAX; area.len()];
    dams.sort_by(|a, b| (fed[*b] / area[*b] > 0.3).cmp(&(fed[*a] / area[*a] > 0.3)));
    let mut made = 0;
    for dam in dams {
        let level = surface.values[dam] + 5.0 + 12.0 * draw.uniform();
        above[dam] = dam;
        let mut basin = vec![dam];
        for &i in &drainage.order[rank[dam] + 1..] {
            if surface.values[i] > level {
                break;
            }
            let into = drainage.into[i];
            if into != i && above[into] == dam && !is_glacier[i] {
                above[i] = dam;
                basin.push(i);
            }
        }
        let flat = basin.len() as f32 * cell * cell;
        if (25_000.0..LARGEST_LAKE).contains(&flat) && !basin.iter().any(|i| is_lake[*i]) {
            for i in basin {
                is_lake[i] = true;
                surface.values[i] = level;
            }
            made += 1;
            if made == LAKES {
                break;
            }
        }
    }
    is_lake
}

/// Snow at the end of the season: all of the upper glaciers, and what is left in hollows and shade around them.
fn seasonal(surface: &Field, equilibrium: &Field, is_glacier: &[bool], region: &Region, noise: &Noise, draw: &mut Draw) -> Field {
    let drift = drifted(surface);
    let late = region.snow_below * (0.3 + 1.4 * draw.uniform());
    let steep = steepness(surface);
    surface.like(|i| {
        let (x, y) = place(surface, i);
        let above = surface.values[i] - equilibrium.values[i] + 60.0 * noise.fractal(x / 500.0, y / 500.0 + 3.0, 4);
        if is_glacier[i] {
            return smoothstep(-0.5 * late - 70.0, 60.0 - 0.5 * late, above + 50.0 * (drift.values[i] - 1.0));
        }
        let held = (drift.values[i] - 1.0).clamp(-1.5, 1.5);
        let patchy = 150.0 * noise.fractal(x / 170.0, y / 170.0, 4);
        let lies = smoothstep(-60.0, 90.0, above + late - 20.0 + 120.0 * held + patchy);
        // Crests are blown bare.
        let kept = smoothstep(-0.5, 0.5, drift.values[i] + 0.009 * patchy);
        lies * kept * smoothstep(1.1, 0.7, steep.values[i])
    })
}
