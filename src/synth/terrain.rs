//! A fractal ice dome with a branching fjord and a dissected, mountainous coast: elevation, land mask and what melt depends on.
//!
//! Shape in fractions of the scene (u to the right, v down), noise in kilometres, so that a small scene shows the same land with fewer
//! pixels. The coast's height in the scene is shifted until 71.6 % is land. Ice surface: h = H·(1 − (1 − d/L)^{4/3})^{3/8}, the profile of
//! a plastic-creep ice sheet (Vialov, 1958) with d the distance from the coast, plus a summit towards the top right.

use super::noise::{Noise, mix, smoothstep};
use super::rows;
use crate::random::Purpose;

/// Height of the scene in kilometres, whatever its number of pixels.
pub const SCENE_KM: f32 = 286.3;
/// Share of the scene that is land.
pub const LAND_SHARE: f64 = 0.716;

/// Fixed geography, row-major rasters of `rows × cols`.
#[derive(Debug, Clone)]
pub struct Terrain {
    /// Rows of the grid.
    pub rows: usize,
    /// Columns of the grid.
    pub cols: usize,
    /// Ellipsoid height, m; the ocean is at 44–60 m.
    pub dem: Vec<f32>,
    /// True on land.
    pub land: Vec<bool>,
    /// 0 on ice … 1 on bare rock.
    pub rock: Vec<f32>,
    /// 0 on slopes and plateaus … 1 on valley floors and along glacier flow.
    pub valley: Vec<f32>,
}

/// Water courses as (u, v, half-width in km): the main fjord with two branches, then the smaller ones.
const FJORDS: [&[(f32, f32, f32)]; 8] = [
    &[(0.54, 0.78, 4.6), (0.56, 0.66, 3.6), (0.58, 0.56, 3.9), (0.62, 0.50, 3.6)],
    &[(0.62, 0.50, 2.8), (0.56, 0.465, 2.2), (0.47, 0.455, 1.9)],
    &[(0.62, 0.50, 3.0), (0.70, 0.475, 2.2), (0.77, 0.45, 1.7), (0.82, 0.41, 1.0)],
    &[(0.55, 0.69, 1.6), (0.47, 0.655, 1.1), (0.42, 0.62, 0.6)],
    &[(0.74, 0.78, 2.6), (0.80, 0.68, 1.4), (0.76, 0.61, 1.0), (0.77, 0.55, 0.6)],
    &[(0.88, 0.78, 2.8), (0.93, 0.66, 1.8), (0.95, 0.58, 1.5), (0.92, 0.535, 0.8)],
    &[(0.22, 0.82, 2.0), (0.21, 0.76, 1.2), (0.20, 0.72, 0.6)],
    &[(0.38, 0.80, 1.6), (0.39, 0.755, 1.0), (0.37, 0.73, 0.6)],
];

/// Glaciers that flow into the fjords' heads, same form: troughs in the ice surface.
const GLACIERS: [&[(f32, f32, f32)]; 4] = [
    &[(0.47, 0.455, 3.2), (0.36, 0.44, 4.0), (0.24, 0.46, 5.0), (0.12, 0.44, 7.0)],
    &[(0.82, 0.41, 3.0), (0.86, 0.34, 3.4), (0.80, 0.27, 4.5)],
    &[(0.42, 0.62, 2.4), (0.34, 0.60, 3.2), (0.24, 0.61, 5.0)],
    &[(0.58, 0.48, 2.0), (0.56, 0.38, 3.0), (0.50, 0.30, 4.5)],
];

impl Terrain {
    /// Invents a scene.
    pub fn invent(rows: usize, cols: usize, seed: u64) -> Self {
        let km = SCENE_KM / rows.max(1) as f32;
        let width_km = km * cols as f32;
        let noise = Noise::new(seed, Purpose::Terrain, 0);
        let fine = Noise::new(seed, Purpose::Terrain, 1);
        let each = |f: &(dyn Fn(f32, f32) -> f32 + Sync)| -> Vec<f32> {
            rows::map(rows, cols, |row, col| f(col as f32 * km + 0.5 * km, row as f32 * km + 0.5 * km))
        };
        // Warped coordinates bend every straight line of the tables above.
        let warp = |x: f32, y: f32| {
            (x + 10.0 * noise.fractal(x / 27.0, y / 27.0, 6), y + 10.0 * noise.fractal(x / 27.0 + 40.0, y / 27.0 + 40.0, 6))
        };
        let water = each(&|x, y| {
            let (wx, wy) = warp(x, y);
            let narrow = 1.0 + 0.6 * fine.fractal(x / 7.0, y / 7.0, 4);
            FJORDS.iter().map(|f| course_distance(f, wx, wy, width_km)).fold(f32::MAX, f32::min) / narrow
        });
        let coast = each(&|x, y| {
            let (wx, wy) = warp(x, y);
            let u = wx / width_km;
            let shore = 0.80 - 0.07 * smoothstep(0.1, 0.45, u) + 0.02 * smoothstep(0.5, 0.8, u) - 0.05 * smoothstep(0.85, 1.0, u);
            shore * SCENE_KM - wy + 15.0 * fine.fractal(x / 19.0, y / 26.0, 6)
        });
        let shift = shore_shift(&coast, &water);
        let land: Vec<bool> = coast.iter().zip(&water).map(|(c, w)| c + shift > 0.0 && *w > 1.0).collect();

        // Height, rock and valley.
        let ground = rows::map(rows, cols, |row, col| {
            let i = row * cols + col;
            let (x, y) = (col as f32 * km + 0.5 * km, row as f32 * km + 0.5 * km);
            let (u, v) = (x / width_km, y / SCENE_KM);
            let (wx, wy) = warp(x, y);
            if !land[i] {
                return [52.0 + 9.0 * noise.fractal(x / 90.0, y / 90.0, 2) + 2.0 * (u - 0.5) + 1.5 * (v - 0.5), 0.0, 0.0];
            }
            let inland = (coast[i] + shift).max(0.0);
            let flow = GLACIERS.iter().map(|g| course_distance(g, wx, wy, width_km)).fold(f32::MAX, f32::min);
            // The main fjord draws the ice surface down over tens of kilometres.
            let head = course_distance(&[(0.62, 0.62, 1.0), (0.6, 0.47, 1.0)], wx, wy, width_km);
            let d = (inland - 55.0 * (-head * head / 1800.0).exp()).max(0.12 * inland);
            let mut ice = 2520.0 * (1.0 - (1.0 - (d / 300.0).min(1.0)).powf(4.0 / 3.0)).powf(0.375);
            let summit = ((u - 0.84) / 0.24).powi(2) + ((v - 0.07) / 0.16).powi(2);
            ice += 1020.0 * (-summit).exp() - 160.0 * (1.0 - u) * smoothstep(0.5, 0.0, v);
            ice += 40.0 * noise.fractal(x / 14.0, y / 14.0, 4);
            ice *= 1.0 - 0.33 * (-flow * flow / 5.0).exp() * smoothstep(2300.0, 900.0, ice);

            // Mountains: a strip along the whole coast, and the country around the fjords.
            let country = smoothstep(0.42, 0.56, u + 0.06 * noise.fractal(x / 26.0, y / 26.0, 3))
                * smoothstep(0.345, 0.43, v + 0.05 * noise.fractal(x / 26.0 + 9.0, y / 26.0, 3) + 0.10 * (u - 0.75));
            let strip = smoothstep(26.0, 8.0, inland + 9.0 * fine.fractal(x / 15.0, y / 15.0, 3));
            let mountains = country.max(strip);
            let ridges = noise.ridged(x / 21.0 + 0.15 * wx / 21.0, y / 30.0, 5);
            let crest = 260.0 + (500.0 + 1500.0 * country) * (1.0 - 0.45 * smoothstep(0.55, 0.75, v)) * ridges.powf(1.25) * 1.35;
            // Valleys follow the zero lines of warped noise: thin, winding and connected.
            let channel = smoothstep(0.80, 0.93, 1.0 - noise.at(wx / 13.0 + 50.0, wy / 19.0 + 50.0).abs() * 2.0);
            let crest = crest * (1.0 - 0.62 * channel);
            let shore_fall = smoothstep(0.0, 5.0, inland.min((water[i] - 1.0) * 3.0));
            let height = mix(ice, crest, mountains) * mix(0.35, 1.0, shore_fall) + 30.0 * fine.fractal(x / 3.0, y / 3.0, 3) * mountains;
            let floor = (-flow * flow / 2.5).exp().max(mountains * channel);
            let rock = mountains * (1.0 - 0.75 * floor) * smoothstep(1900.0, 1300.0, height);
            [height.clamp(45.0, 3439.0) + 48.0 * (1.0 - smoothstep(0.0, 400.0, height)), rock, floor]
        });
        let [dem, rock, valley] = [0, 1, 2].map(|field| ground.iter().map(|pixel| pixel[field]).collect());
        Terrain { rows, cols, dem, land, rock, valley }
    }

    /// Side of a pixel, km.
    pub fn pixel_km(&self) -> f32 {
        SCENE_KM / self.rows.max(1) as f32
    }
}

/// Shift of the coast in km that makes the land share right.
fn shore_shift(coast: &[f32], water: &[f32]) -> f32 {
    let (mut low, mut high) = (-SCENE_KM, SCENE_KM);
    for _ in 0..30 {
        let middle = 0.5 * (low + high);
        let land = coast.iter().zip(water).filter(|(c, w)| **c + middle > 0.0 && **w > 1.0).count();
        if (land as f64) < LAND_SHARE * coast.len() as f64 { low = middle } else { high = middle }
    }
    high
}

/// Distance from a water course in units of its half-width there, at (x, y) in km.
fn course_distance(course: &[(f32, f32, f32)], x: f32, y: f32, width_km: f32) -> f32 {
    let place = |p: &(f32, f32, f32)| (p.0 * width_km, p.1 * SCENE_KM, p.2);
    course.windows(2).map(|w| (place(&w[0]), place(&w[1]))).fold(f32::MAX, |nearest, (a, b)| {
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = (dx * dx + dy * dy).max(1e-6);
        let t = (((x - a.0) * dx + (y - a.1) * dy) / length).clamp(0.0, 1.0);
        nearest.min((x - a.0 - t * dx).hypot(y - a.1 - t * dy) / mix(a.2, b.2, t))
    })
}
