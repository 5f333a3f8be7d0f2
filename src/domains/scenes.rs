//! Satellite scenes: what a network sees of them a configuration declares itself, and what it learns is a map of classes.

use super::{Domain, Gaps, Look, Unit, Variable};
use crate::image::Colormap;

/// The table.
pub static DOMAIN: Domain = Domain {
    name: "scenes",
    inputs: &[],
    // Numbers of classes, from 0; without a value where nobody said what is there.
    target: Variable {
        name: "classes",
        gaps: Gaps::Masked,
        suffix: "_zones",
        look: Look { title: "Classes", unit: "", colormap: Colormap::Classes, range: Some(Colormap::CLASS_RANGE), masked: true },
        ..Variable::DAILY
    },
    mask: "landmask",
    map_reference: "map_reference",
    unit: Unit::Scene,
};
