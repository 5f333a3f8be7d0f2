//! A fjord with a glacier in it: where its walls are, how far along it a place lies, and where the front is on a day.
//!
//! The fjord is a straight line through the scene that winds; a place has a length along it (m, downstream from the scene's centre) and a
//! distance across (m). The front bulges in the middle, has embayments that come and go, and moves with the years and the seasons.

use std::f32::consts::TAU;

use super::super::noise::{Noise, smoothstep};
use super::archive::share_of_archive;
use super::place::Place;
use crate::data::day::Day;
use crate::random::{Draw, Purpose};

/// A place in a fjord, m.
#[derive(Debug, Clone, Copy)]
pub struct Along {
    /// Downstream from the scene's centre.
    pub length: f32,
    /// Across, from the middle.
    pub across: f32,
    /// Half the width of the fjord here.
    pub half: f32,
}

impl Along {
    /// How far outside the walls, m; negative inside.
    pub fn outside(self) -> f32 {
        self.across.abs() - self.half
    }
}

/// The fjord of a glacier.
pub struct Fjord {
    place: &'static Place,
    /// Centre of the scene, m from its upper left corner.
    centre: [f32; 2],
    /// Cosine and sine of the direction downstream, from east to south.
    direction: [f32; 2],
    /// The smaller side of the scene, m.
    side: f32,
    noise: Noise,
    phase: f32,
}

impl Fjord {
    /// The fjord of a place in a scene of `width × height` metres; `stream` is the glacier's own.
    pub fn new(place: &'static Place, [width, height]: [f32; 2], seed: u64, stream: i64) -> Fjord {
        let mut draw = Draw::new(seed, Purpose::Calving, stream);
        let angle = TAU * draw.uniform();
        let phase = 50.0 * draw.uniform();
        Fjord {
            place,
            centre: [0.5 * width, 0.5 * height],
            direction: [angle.cos(), angle.sin()],
            side: width.min(height),
            noise: Noise::new(seed, Purpose::Calving, stream + 1),
            phase,
        }
    }

    /// The smaller side of the scene, m: what shapes are scaled by.
    pub fn side(&self) -> f32 {
        self.side
    }

    /// How far the middle winds from the straight line at a length.
    fn winding(&self, length: f32) -> f32 {
        self.place.bend * self.side * 1.8 * self.noise.at(length / (0.62 * self.side) + self.phase, 0.37)
    }

    /// Where a place of the scene lies in the fjord; x to the east and y to the south, m.
    pub fn along(&self, x: f32, y: f32) -> Along {
        let ([cos, sin], [x, y]) = (self.direction, [x - self.centre[0], y - self.centre[1]]);
        let side = self.side;
        let length = x * cos + y * sin;
        let rough = 0.022 * side * self.noise.fractal(x / (0.13 * side) + 7.0, y / (0.13 * side), 3);
        let across = y * cos - x * sin - self.winding(length);
        let wide = 1.0 + 0.5 * self.noise.at(length / (0.31 * side) + self.phase, 4.5);
        let open = self.place.mouth * smoothstep(0.18, 0.62, length / side);
        Along { length, across, half: side * (self.place.half_width * wide + open) + rough }
    }

    /// The length along the fjord to which the ice reaches on a day, at a place.
    pub fn front(&self, at: Along, day: Day) -> f32 {
        let side = self.side;
        let years = share_of_archive(day);
        let season = day.season_angle() as f32;
        // Farthest at the end of the winter of the south.
        let wiggle = 0.018 * (season - 4.6).cos();
        let share = (at.across / at.half.max(1.0)).clamp(-1.5, 1.5);
        let bulge = -0.30 * at.half / side * share * share;
        let slow = 0.085 * self.noise.at(at.across / (0.16 * side) + self.phase, 5.0 * years + 3.0);
        let fine = 0.024 * self.noise.fractal(at.across / (0.05 * side), at.length / (0.12 * side) + 90.0 * years, 3);
        side * (0.04 + self.place.travel * self.place.course.at(years) + wiggle + bulge + slow + fine)
    }

    /// The middle of the fjord through the scene from the ice to the sea, as points (x to the east, y to the south, m).
    pub fn middle(&self) -> Vec<[f32; 2]> {
        let reach = 2.0 * self.centre[0].max(self.centre[1]);
        let [cos, sin] = self.direction;
        let points = (-100..=100).map(|step| {
            let length = reach * step as f32 / 100.0;
            let across = self.winding(length);
            [self.centre[0] + length * cos - across * sin, self.centre[1] + length * sin + across * cos]
        });
        let inside = |p: &[f32; 2]| (0..2).all(|axis| (0.0..=2.0 * self.centre[axis]).contains(&p[axis]));
        points.filter(inside).collect()
    }
}
