//! Progressive up-sampling (Zheng et al. 2021, arXiv 2012.15840): convolutions with a norm, each doubled in size, and no activation.

use super::layers::{ConvBias, Settings, conv1};
use crate::autograd::Tape;
use crate::error::Result;
use crate::nn::{Builder, Conv2d, Mode};
use crate::ops::{self, Activation, Interpolation, Target};
use crate::tensor::Tensor;

/// Convolutions with a norm.
const CONVS: usize = 4;

/// The decoder of the transformer's maps. The last enlargement comes behind a 1×1 convolution, to the size of the tile.
pub(super) struct Pup {
    convs: Vec<ConvBias>,
    last: Conv2d,
    patch: usize,
}

impl Pup {
    pub(super) fn new(b: &mut Builder, settings: &Settings) -> Result<Pup> {
        let (width, patch) = (settings.width, settings.patch);
        let convs = (1..=CONVS).map(|i| ConvBias::new(b, [&format!("pup.conv{i}"), &format!("pup.bn{i}")], [width, width]));
        let convs = convs.collect::<Result<_>>()?;
        Ok(Pup { convs, last: conv1(b, "pup.conv5", width, width, true)?, patch })
    }

    pub(super) fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let [_, _, h, w] = x.nchw("glavitu")?;
        let mut x = x.clone();
        for (index, conv) in self.convs.iter().enumerate() {
            x = conv.forward(tape, &x, mode, Activation::None)?;
            let mut factor = 2 << index;
            if index + 1 == CONVS {
                x = self.last.forward(tape, &x, Activation::None)?;
                factor = self.patch;
            }
            x = ops::interpolate(tape, &x, Target::Size([h * factor, w * factor]), Interpolation::Bilinear)?;
        }
        Ok(x)
    }
}
