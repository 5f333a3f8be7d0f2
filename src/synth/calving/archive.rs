//! Which satellite saw a glacier when: radars with their years, pixels, looks and angles.
//!
//! Years and angles are about those of the real satellites; resolutions are those that CaFFe has (Gourmelon et al. 2022), the finest left
//! out, so that scenes stay small.

use crate::data::day::Day;
use crate::random::Draw;

/// Years that scenes are of: the first, and how many.
const YEARS: (u16, f32) = (2003, 17.0);

/// A radar satellite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensor {
    /// Its name in names of scenes.
    pub name: &'static str,
    /// First and last year.
    pub years: [u16; 2],
    /// Side of a pixel, m.
    pub resolution: u16,
    /// Independent measurements that a pixel is the mean of: the fewer, the grainier.
    pub looks: usize,
    /// Angle between the beam and the vertical, degrees.
    pub incidence: f32,
    /// Share of each pixel that is its neighbourhood's, 0…1.
    pub blur: f32,
    /// Brightness of what sends nothing back, decibels.
    pub floor: f32,
}

const fn sensor(name: &'static str, years: [u16; 2], resolution: u16, looks: usize, [incidence, blur, floor]: [f32; 3]) -> Sensor {
    Sensor { name, years, resolution, looks, incidence, blur, floor }
}

/// All of them.
pub static SENSORS: [Sensor; 7] = [
    sensor("ERS", [2003, 2010], 20, 3, [23.0, 0.35, -21.0]),
    sensor("RSAT", [2003, 2012], 20, 4, [35.0, 0.6, -20.0]),
    sensor("ENVISAT", [2003, 2011], 20, 3, [28.0, 0.5, -20.0]),
    sensor("PALSAR", [2006, 2010], 17, 4, [38.0, 0.3, -24.0]),
    sensor("TSX", [2008, 2020], 12, 5, [40.0, 0.1, -20.0]),
    sensor("TDX", [2011, 2020], 12, 5, [37.0, 0.1, -20.0]),
    sensor("S1", [2015, 2020], 20, 6, [39.0, 0.15, -23.0]),
];

/// The radar whose unlabelled scenes pretraining has.
pub static SENTINEL_1: &Sensor = &SENSORS[6];

/// How far a day lies in the archive, 0 at its beginning to 1 at its end.
pub fn share_of_archive(day: Day) -> f32 {
    (f32::from(day.year) + f32::from(day.day_of_year()) / 366.0 - f32::from(YEARS.0)) / YEARS.1
}

/// Day number `number` of `count` that share the years from `from` (a share of the archive) on.
pub fn day_of(number: usize, count: usize, from: f32, draw: &mut Draw) -> Day {
    let share = from + (1.0 - from) * (number as f32 + 0.15 + 0.7 * draw.uniform()) / count as f32;
    let first = Day { year: YEARS.0, month: 1, day: 1, scene: None };
    first.after((share * YEARS.1 * 365.25) as i64).unwrap_or(first)
}

/// One of the radars that flew on a day.
pub fn sensor_of(day: Day, draw: &mut Draw) -> &'static Sensor {
    let flying: Vec<&Sensor> = SENSORS.iter().filter(|sensor| (sensor.years[0]..=sensor.years[1]).contains(&day.year)).collect();
    flying.get(draw.below(flying.len())).copied().unwrap_or(SENTINEL_1)
}
