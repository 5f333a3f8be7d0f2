//! The values that keys with a fixed set of words take.

/// What a network is trained for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKey {
    /// Daily fractions of melt.
    #[default]
    MeltFraction,
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

/// Activation between layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// x·Φ(x), the erf form.
    Gelu,
    /// The identity (`activation: linear` of the published linear_dem config).
    Linear,
}

/// Activation of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OutActivation {
    /// 1 / (1 + exp(−x)).
    Sigmoid,
    /// ½(tanh(x + 4) + tanh(4 − x)).
    TanhShelf,
    /// sigmoid(10 − x⁶).
    SigmoidCutoff,
    /// The identity.
    Linear,
}

/// Optimizer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam with bias correction.
    Adam,
    /// Stochastic gradient descent, momentum optional.
    Sgd,
    /// RMSprop, not centered, alpha 0.99.
    RmsProp,
}

/// Training loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LossKind {
    /// Mean absolute error over valid pixels.
    L1,
    /// Mean squared error over valid pixels.
    Mse,
}

/// Learning-rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SchedulerKind {
    /// Tenfold cut when the validation loss stalls for `lr_patience` epochs.
    ReduceLROnPlateau,
    /// SGDR: cosine decay restarted after T_0, T_0·T_mult, … epochs.
    CosineAnnealingWarmRestarts,
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
