//! What all parts of the network share: its settings, convolutions with a norm behind them, and the rules of its layers.

use crate::autograd::Tape;
use crate::error::Result;
use crate::kernels::conv2d::Conv2dAttrs;
use crate::nn::{BatchNorm2d, Builder, Conv2d, Mode};
use crate::ops::Activation;
use crate::tensor::Tensor;

/// eps of batch norms and layer norms.
pub(super) const EPS: f32 = 1e-3;
/// Share of a batch in the running statistics.
pub(super) const MOMENTUM: f32 = 0.01;
/// Activation in fusion and ResU-Net, and in the location encoder.
pub(super) const LEAKY: Activation = Activation::LeakyRelu(0.2);
pub(super) const LEAKY_LOCATION: Activation = Activation::LeakyRelu(0.3);

const SAME_3X3: Conv2dAttrs = Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN };

/// Sizes of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Features by name with their channels, in the order of their branches.
    pub features: Vec<(String, usize)>,
    /// Numbers that encode a location; 0 for none.
    pub location: usize,
    /// Rows and columns of a tile.
    pub size: [usize; 2],
    /// Channels of maps at full resolution, and of a token.
    pub width: usize,
    /// Channels within the transformer's MLPs.
    pub hidden: usize,
    /// Blocks of the transformer.
    pub blocks: usize,
    /// Heads of its attention.
    pub heads: usize,
    /// Pixels along a patch, which makes a token.
    pub patch: usize,
    /// Halvings of the ResU-Net.
    pub resunet_steps: usize,
    /// Classes.
    pub classes: usize,
    /// The weight of the auxiliary head's loss; none without that head.
    pub auxiliary: Option<f32>,
    /// Share that is dropped: of maps in fusion and ResU-Net, of values behind the location and in the transformer's MLPs.
    pub dropout: f64,
}

/// 1×1 convolution.
pub(super) fn conv1(b: &mut Builder, name: &str, c_in: usize, c_out: usize, bias: bool) -> Result<Conv2d> {
    b.conv2d(name, c_in, c_out, 1, Conv2dAttrs::default(), bias)
}

/// A 3×3 convolution with bias and the batch norm behind it.
pub(super) struct ConvBias {
    conv: Conv2d,
    norm: BatchNorm2d,
}

impl ConvBias {
    pub(super) fn new(b: &mut Builder, [conv, norm]: [&str; 2], [c_in, c_out]: [usize; 2]) -> Result<ConvBias> {
        Ok(ConvBias { conv: b.conv2d(conv, c_in, c_out, 3, SAME_3X3, true)?, norm: b.batch_norm2d(norm, c_out, EPS)? })
    }

    /// y = f(norm(conv(x))).
    pub(super) fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode, activation: Activation) -> Result<Tensor> {
        self.norm.forward(tape, &self.conv.forward(tape, x, Activation::None)?, mode, activation)
    }
}
