//! Regions that scenes are of: where they lie, and how their mountains, snow, debris, plants and sky differ.

/// A region; heights in m, shares from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// Code at the beginning of its scenes' names.
    pub code: &'static str,
    /// Zone of the universal transverse Mercator grid, and whether it is the southern one.
    pub zone: (u16, bool),
    /// Easting and northing of the upper left corner of its first tile, m.
    pub origin: [f64; 2],
    /// Height differences of the broad land, from which streams cut the rest.
    pub relief: f32,
    /// Slope of a stream times the root of the area above it, m.
    pub steepness: f32,
    /// Height where a glacier gains in a year what it loses.
    pub equilibrium: f32,
    /// How far below that height seasonal snow still lies.
    pub snow_below: f32,
    /// How readily rock that falls onto a glacier covers its tongue.
    pub debris: f32,
    /// How far below the equilibrium height plants end, and how dense they are below.
    pub plants: (f32, f32),
    /// Brightness of bare rock.
    pub rock: f32,
    /// Height of the sun in degrees at the time of the images, and how far that may differ.
    pub sun: (f32, f32),
    /// Share of scenes with clouds.
    pub clouds: f32,
}

/// The regions, by turns.
pub static REGIONS: [Region; 4] = [
    Region {
        code: "ALP",
        zone: (32, false),
        origin: [390_000.0, 5_160_000.0],
        relief: 900.0,
        steepness: 430.0,
        equilibrium: 2950.0,
        snow_below: 130.0,
        debris: 0.8,
        plants: (270.0, 0.9),
        rock: 1.0,
        sun: (46.0, 7.0),
        clouds: 0.4,
    },
    Region {
        code: "HMA",
        zone: (44, false),
        origin: [480_000.0, 3_520_000.0],
        relief: 1200.0,
        steepness: 560.0,
        equilibrium: 5350.0,
        snow_below: 80.0,
        debris: 3.0,
        plants: (560.0, 0.3),
        rock: 1.25,
        sun: (49.0, 8.0),
        clouds: 0.3,
    },
    Region {
        code: "SC",
        zone: (33, false),
        origin: [480_000.0, 7_440_000.0],
        relief: 550.0,
        steepness: 250.0,
        equilibrium: 1420.0,
        snow_below: 170.0,
        debris: 0.12,
        plants: (230.0, 0.75),
        rock: 0.8,
        sun: (36.0, 5.0),
        clouds: 0.6,
    },
    Region {
        code: "NZ",
        zone: (59, true),
        origin: [400_000.0, 5_190_000.0],
        relief: 1000.0,
        steepness: 500.0,
        equilibrium: 1900.0,
        snow_below: 120.0,
        debris: 1.4,
        plants: (400.0, 1.0),
        rock: 0.9,
        sun: (43.0, 8.0),
        clouds: 0.5,
    },
];
