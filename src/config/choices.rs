//! The values that keys with a fixed set of words take.

use crate::domains::DomainKey;

/// An enum of the words that a key takes, a line each: its variants, [`ALL`](TaskKey::ALL) and [`WORDS`](TaskKey::WORDS) in one order.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every one.
            pub const ALL: &[$name] = &[$($name::$variant),+];
            /// Their names in configurations.
            pub const WORDS: &[&str] = &[$($word),+];

            /// Its name in configurations.
            pub fn name(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }
    };
}
pub(super) use words;

words! {
/// What a network is trained for.
#[derive(Default)]
TaskKey {
    /// Zones of radar scenes, between two of which glaciers calve.
    CalvingFront = "calving_front",
    /// Daily fractions of melt.
    #[default]
    MeltFraction = "melt_fraction",
    /// A quantity of any kind.
    Regression = "regression",
    /// Classes of pixels.
    Segmentation = "segmentation",
}
}

impl TaskKey {
    /// Whose variables its configurations speak of, where they do not say.
    pub(super) fn domain(self) -> DomainKey {
        match self {
            TaskKey::CalvingFront | TaskKey::Segmentation => DomainKey::Scenes,
            TaskKey::MeltFraction | TaskKey::Regression => DomainKey::Helheim,
        }
    }

    /// Whether its targets are classes.
    pub(super) fn has_classes(self) -> bool {
        matches!(self, TaskKey::CalvingFront | TaskKey::Segmentation)
    }
}

words! {
/// What a network sees of where a crop lies.
#[derive(Default)]
LocationKey {
    /// Nothing.
    #[default]
    None = "none",
    /// The region of its scene, one of a list, or that it is of none of them.
    Region = "region",
    /// Sine and cosine of latitude and longitude.
    Coordinates = "coordinates",
}
}

words! {
/// Which model (or baseline) a configuration describes.
ModelKey {
    /// The vanilla UNet.
    Unet = "unet",
    /// UNet with an Xception71 encoder.
    UnetSmp = "unet_smp",
    /// DeepLabv3+ with an Xception71 encoder.
    DeepLabV3 = "deeplabv3",
    /// A vision transformer and a residual UNet, for outlines of glaciers.
    Glavitu = "glavitu",
    /// TYRION: Swin V2 with a decoder of convolutions.
    Tyrion = "tyrion",
    /// One 1×1 convolution per month.
    LinearDem = "linear_dem",
    /// Baseline: blurred, brightened climate-model field.
    InterpolateMar = "interpolate_mar",
    /// Baseline: brightness-temperature threshold.
    ThresholdPmw = "threshold_pmw",
    /// Baseline: running mean of radar maps.
    TimeInterpolateSar = "time_interpolate_sar",
}
}

words! {
/// Where crops of scenes to train on are drawn.
CropsOfClasses {
    /// Anywhere, so that classes come as often as they are.
    AsTheyAre = "as_they_are",
    /// About pixels of each class alike.
    Even = "even",
}
}

words! {
/// What chooses the best weights of a run.
BestBy {
    /// The loss over crops of the val split, or of training without one.
    Loss = "loss",
    /// The mean over val scenes of their maps' mean intersection over union.
    Iou = "iou",
    /// The mean distance between the fronts of val maps and drawn ones.
    Mde = "mde",
}
}

words! {
/// Of which scenes crops to train on are.
CropsOfScenes {
    /// Each of a scene that is drawn.
    Drawn = "drawn",
    /// Of all scenes in turn, in a random order.
    InTurn = "in_turn",
}
}

words! {
/// What lies beyond the edge of a scene.
BorderKey {
    /// Nothing: a network sees 0, and nothing counts.
    Zeros = "zeros",
    /// The scene mirrored, its edge pixels twice.
    Symmetric = "symmetric",
}
}

/// Arithmetic of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Everything in float32.
    F32,
    /// Products of f16 operands, added in f32; f32 weights, and all else.
    Mixed,
}

/// What of a network does not move while it is trained.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum Freeze {
    /// What was loaded, for so many epochs.
    Epochs(usize),
    /// Modules or parameters by name, or the encoder, for the whole run.
    Names(Vec<String>),
}

words! {
/// What a network learns from data without targets, before it is trained.
#[derive(Default)]
Objective {
    /// Nothing: it is trained on targets.
    #[default]
    None = "none",
    /// Its own inputs where they are hidden.
    Masked = "masked",
    /// The optical scene of a radar scene's place, where tokens of the radar scene are hidden.
    OptSimMim = "optsimmim",
    /// The optical scene of a radar scene's place.
    OptTranslator = "opttranslator",
}
}

words! {
/// Which list of days or scenes a pretraining learns from.
#[derive(Default)]
PretrainingSplit {
    /// That of training.
    #[default]
    Train = "train",
    /// All of those with targets.
    All = "all",
    /// That of days without targets.
    Deploy = "deploy",
}
}
