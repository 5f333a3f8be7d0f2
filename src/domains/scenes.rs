//! Satellite scenes: what a network sees of them a configuration declares itself, and what it learns is a map of classes.

use super::{Domain, Gaps, Look, Unit, Variable};
use crate::image::{Colormap, Rgb};

/// The table.
pub static DOMAIN: Domain = Domain {
    name: "scenes",
    inputs: &[],
    // Numbers of classes, from 0; without a value where nobody said what is there.
    target: Variable {
        name: "classes",
        gaps: Gaps::Masked,
        look: Look { title: "Classes", unit: "", colormap: Colormap::Classes, range: Some(Colormap::CLASS_RANGE), masked: true },
        ..Variable::DAILY
    },
    mask: "landmask",
    map_reference: "map_reference",
    unit: Unit::Scene,
};

/// The colour of a class, by its number; after the last of the table they begin again, but for that of class 0.
pub fn class_colour(class: usize) -> Rgb {
    let last = Colormap::CLASS_RANGE.1 as usize;
    let index = if class == 0 { 0 } else { (class - 1) % last + 1 };
    Colormap::Classes.colour_in(index as f32, Colormap::CLASS_RANGE)
}
