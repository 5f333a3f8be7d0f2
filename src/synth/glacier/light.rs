//! Sunlight on a terrain: how squarely it falls, which places lie in the shadow of others, and how much sky each sees.

use super::super::field::Field;
use super::super::noise::smoothstep;
use super::region::Region;
use crate::random::Draw;

/// Where the sun stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sun {
    /// Direction in radians from north through east.
    pub azimuth: f32,
    /// Height above the horizon, radians.
    pub elevation: f32,
}

impl Sun {
    /// Late in a morning: in the south-east, in the southern half of the world in the north-east.
    pub fn of_morning(region: &Region, draw: &mut Draw) -> Sun {
        let azimuth = if region.zone.1 { 50.0 } else { 148.0 } + 24.0 * (draw.uniform() - 0.5);
        let (height, scatter) = region.sun;
        let elevation = height + scatter * (2.0 * draw.uniform() - 1.0);
        Sun { azimuth: azimuth.to_radians(), elevation: elevation.to_radians() }
    }

    /// Pixels to the east and to the south of a step towards it.
    pub fn step(&self) -> (f32, f32) {
        let (sin, cos) = self.azimuth.sin_cos();
        (sin, -cos)
    }
}

/// Direct light on each pixel in that on level ground, shadows and all; and the share of the sky that it sees.
pub fn light(surface: &Field, sun: Sun) -> (Field, Field) {
    let (east, south) = sun.step();
    let (sin, cos) = sun.elevation.sin_cos();
    let rise = sun.elevation.tan();
    let highest = surface.values.iter().copied().fold(f32::MIN, f32::max);
    let direct = surface.like(|i| {
        let (to_east, to_south) = surface.gradient(i);
        let steep = (1.0 + to_east * to_east + to_south * to_south).sqrt();
        let facing = (sin - cos * (to_east * east + to_south * south)) / (steep * sin);
        if facing <= 0.0 {
            return 0.0;
        }
        // The least clearance of the ray above the ground, in units of the sun's own half degree a step.
        let (row, col, z) = ((i / surface.cols) as f32, (i % surface.cols) as f32, surface.values[i]);
        let (mut lit, mut far) = (1.0f32, 1.5f32);
        while lit > 0.0 && z + rise * far * surface.cell < highest {
            let (r, c) = (row + south * far, col + east * far);
            if r < 0.0 || c < 0.0 || r > (surface.rows - 1) as f32 || c > (surface.cols - 1) as f32 {
                break;
            }
            let clear = z + rise * far * surface.cell - surface.between(r, c);
            lit = lit.min(smoothstep(-4.0 - 0.3 * far, 4.0 + 0.3 * far, clear));
            far += 1.0;
        }
        facing * lit
    });
    // Hollows see less of the sky than crests; slopes less than plains.
    let broad = surface.smoothed(10);
    let sky = surface.like(|i| {
        let (to_east, to_south) = surface.gradient(i);
        let tilted = 0.5 + 0.5 / (1.0 + to_east * to_east + to_south * to_south).sqrt();
        tilted * (1.0 - (broad.values[i] - surface.values[i]) / 400.0).clamp(0.55, 1.15)
    });
    (direct, sky)
}
