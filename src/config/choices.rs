//! The values that keys with a fixed set of words take.

/// What a network is trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKey {
    /// Daily fractions of melt.
    #[default]
    MeltFraction,
}

impl TaskKey {
    /// Every task.
    pub const ALL: [TaskKey; 1] = [TaskKey::MeltFraction];
    /// Their names in configurations.
    pub const NAMES: [&str; 1] = ["melt_fraction"];
}

/// Which model (or baseline) a configuration describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKey {
    /// The vanilla UNet.
    Unet,
    /// UNet with an Xception71 encoder.
    UnetSmp,
    /// DeepLabv3+ with an Xception71 encoder.
    #[serde(rename = "deeplabv3")]
    DeepLabV3,
    /// One 1×1 convolution per month.
    LinearDem,
    /// Baseline: blurred, brightened climate-model field.
    InterpolateMar,
    /// Baseline: brightness-temperature threshold.
    ThresholdPmw,
    /// Baseline: running mean of radar maps.
    TimeInterpolateSar,
}

impl ModelKey {
    /// Every name in configurations.
    pub const NAMES: [&str; 7] =
        ["unet", "unet_smp", "deeplabv3", "linear_dem", "interpolate_mar", "threshold_pmw", "time_interpolate_sar"];

    /// Its name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            ModelKey::Unet => "unet",
            ModelKey::UnetSmp => "unet_smp",
            ModelKey::DeepLabV3 => "deeplabv3",
            ModelKey::LinearDem => "linear_dem",
            ModelKey::InterpolateMar => "interpolate_mar",
            ModelKey::ThresholdPmw => "threshold_pmw",
            ModelKey::TimeInterpolateSar => "time_interpolate_sar",
        }
    }
}

/// Arithmetic of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// Everything in float32.
    F32,
    /// f16 operands, f32 accumulation and master weights.
    Mixed,
}
