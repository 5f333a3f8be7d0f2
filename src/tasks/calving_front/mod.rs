//! Zones of radar scenes, between two of which, glacier and ocean, a glacier calves.
//!
//! Targets, losses and maps are those of a [segmentation](super::segmentation); scores are those of the benchmark CaFFe (Gourmelon et al.
//! 2022, ESSD 14, 4287): means over all zones, and 0 for a zone that a scene's map and target both lack. The front follows from a map of
//! zones, and where `path_fronts` has drawn ones they score it; nothing is learnt from them.

use super::segmentation::{Manner, Segmentation};
use super::{Subject, Sure, Words};
use crate::config::{Config, TaskKey};
use crate::domains::ZONES;

const WORDS: Words = Words {
    title: "Calving fronts",
    stack: "Maps of zones",
    maps: "Zone maps",
    first_score: ["Intersection over union", ""],
    scores: "Means over the scenes, weighted by their pixels with a zone, and the standard deviation over the scenes below. IoU: pixels of \
             the zone in both map and target over those in either; without a zone's name the mean over the zones. A zone that a scene and \
             its map both lack scores 0 there, as in the benchmark CaFFe. Pooled: all pixels of all scenes at once.",
    pooled: &[("iou", "pooled IoU"), ("f1", "pooled F1")],
    extent: None,
    sure: &Sure::CLASS,
    of: &Subject::SCENES,
};

const MANNER: Manner = Manner { key: TaskKey::CalvingFront, words: &WORDS, absent: 0.0, second_of_two: false };

/// With the zones, the loss and its weights of a configuration.
pub fn of(config: &Config) -> Segmentation {
    Segmentation::configured(config, &MANNER)
}

/// The zones of CaFFe, for maps of which no configuration is at hand.
pub fn untrained() -> Segmentation {
    Segmentation::of(&ZONES, &MANNER)
}
