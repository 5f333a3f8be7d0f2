//! The invented glaciers: where they lie, how their fjords and fronts are, and how much melange they have.

/// How a front moves over the years, beside its seasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// Back all the time.
    Retreat,
    /// Back in one step of a few years, and still before and after.
    Collapse,
    /// Forward, slowly.
    Advance,
    /// Back and then forward again.
    Return,
}

impl Course {
    /// Where the front is at a share of the archive's years, −1 (far back) to 1.
    pub fn at(self, share: f32) -> f32 {
        match self {
            Course::Retreat => 1.0 - 2.0 * share,
            Course::Collapse => 0.9 - 1.8 / (1.0 + (-22.0 * (share - 0.45)).exp()),
            Course::Advance => -0.5 + share,
            Course::Return => 0.8 - 1.6 * (1.0 - (2.0 * share - 1.1).powi(2)).max(0.0),
        }
    }
}

/// A glacier; lengths as shares of a scene's smaller side.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// First part of its scenes' names.
    pub name: &'static str,
    /// Easting and northing of the upper left corner in the southern zone [`ZONE`], m.
    pub origin: [f64; 2],
    /// Half the width of its fjord.
    pub half_width: f32,
    /// How far the fjord winds to either side.
    pub bend: f32,
    /// How much wider the fjord is where it opens to the sea.
    pub mouth: f32,
    /// How the front moves.
    pub course: Course,
    /// How far it moves to either side of its middle.
    pub travel: f32,
    /// How often, and how densely, melange lies before the front.
    pub melange: f32,
}

/// Zone of the universal transverse Mercator grid, southern: seasons are those of the south.
pub const ZONE: u16 = 20;

/// The glaciers, by turns; nothing is learned from the last.
pub static PLACES: [Place; 4] = [
    Place {
        name: "Arda",
        origin: [412_000.0, 2_861_000.0],
        half_width: 0.17,
        bend: 0.07,
        mouth: 0.10,
        course: Course::Retreat,
        travel: 0.14,
        melange: 0.7,
    },
    Place {
        name: "Brel",
        origin: [447_000.0, 2_833_000.0],
        half_width: 0.23,
        bend: 0.05,
        mouth: 0.22,
        course: Course::Collapse,
        travel: 0.12,
        melange: 0.5,
    },
    Place {
        name: "Corvo",
        origin: [391_000.0, 2_902_000.0],
        half_width: 0.20,
        bend: 0.10,
        mouth: 0.0,
        course: Course::Advance,
        travel: 0.12,
        melange: 0.85,
    },
    Place {
        name: "Dunmar",
        origin: [468_000.0, 2_790_000.0],
        half_width: 0.20,
        bend: 0.06,
        mouth: 0.14,
        course: Course::Return,
        travel: 0.13,
        melange: 0.65,
    },
];
