//! Rules for the first values of a convolution's weight and bias, all uniform in ±bound.
//!
//! fan_in = c_in / groups · kernel_h · kernel_w, fan_out = c_out · kernel_h · kernel_w (groups are not considered), as
//! `torch.nn.init` counts them. Sources: He et al. 2015, arXiv 1502.01852; Glorot & Bengio 2010, AISTATS.

/// How a convolution is initialised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Init {
    /// PyTorch's default, kaiming_uniform with a = √5: weight and bias in ±1/√fan_in.
    #[default]
    Default,
    /// kaiming_uniform for ReLU: weight in ±√(6/fan_in), bias 0. Decoders of segmentation_models_pytorch.
    KaimingRelu,
    /// xavier_uniform: weight in ±√(6/(fan_in + fan_out)), bias 0. Segmentation heads of segmentation_models_pytorch.
    Xavier,
}

impl Init {
    /// Bound of the weight.
    pub fn weight_bound(self, fan_in: usize, fan_out: usize) -> f64 {
        match self {
            Init::Default => 1.0 / (fan_in as f64).sqrt(),
            Init::KaimingRelu => (6.0 / fan_in as f64).sqrt(),
            Init::Xavier => (6.0 / (fan_in + fan_out) as f64).sqrt(),
        }
    }

    /// Bound of the bias; `None`: 0 throughout.
    pub fn bias_bound(self, fan_in: usize) -> Option<f64> {
        (self == Init::Default).then(|| 1.0 / (fan_in as f64).sqrt())
    }
}
