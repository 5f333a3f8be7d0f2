//! Features fused: a branch of two convolutions for each, its channels weighted by what it holds on average (squeeze-excitation), summed.

use super::layers::{ConvBias, LEAKY, Settings};
use crate::autograd::Tape;
use crate::error::{Error, Result};
use crate::models::Inputs;
use crate::nn::{Builder, Dropout, Linear, Mode};
use crate::ops::{self, Activation};
use crate::tensor::Tensor;

struct Branch {
    feature: String,
    first: ConvBias,
    second: ConvBias,
    dropout: Dropout,
    squeeze: Linear,
    excite: Linear,
}

impl Branch {
    fn new(b: &mut Builder, feature: &str, channels: usize, &Settings { width, dropout, .. }: &Settings) -> Result<Branch> {
        let name = |part: &str| format!("fusion.{feature}.{part}");
        Ok(Branch {
            feature: feature.to_owned(),
            first: ConvBias::new(b, [&name("conv1"), &name("bn1")], [channels, width])?,
            second: ConvBias::new(b, [&name("conv2"), &name("bn2")], [width, width])?,
            dropout: b.dropout(dropout),
            squeeze: b.linear(&name("fc1"), [width, width], [width, width])?,
            excite: b.linear(&name("fc2"), [width, width], [width, width])?,
        })
    }

    fn forward(&self, tape: &Tape, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let y = self.first.forward(tape, x, mode, LEAKY)?;
        let y = self.dropout.of_maps(tape, &self.second.forward(tape, &y, mode, LEAKY)?, mode)?;
        let [n, c, ..] = y.nchw("glavitu")?;
        let mean = ops::reshape(tape, &ops::adaptive_avg_pool2d(tape, &y)?, [n, c])?;
        let scale = self.squeeze.forward(tape, &mean, LEAKY)?;
        let scale = self.excite.forward(tape, &scale, Activation::Sigmoid)?;
        ops::mul_row(tape, &y, &scale)
    }
}

/// All branches.
pub(super) struct Fusion(Vec<Branch>);

impl Fusion {
    pub(super) fn new(b: &mut Builder, settings: &Settings) -> Result<Fusion> {
        let branches = settings.features.iter().map(|(feature, channels)| Branch::new(b, feature, *channels, settings));
        Ok(Fusion(branches.collect::<Result<_>>()?))
    }

    /// Their sum, in the order of the features.
    pub(super) fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        for branch in &self.0 {
            let of_branch = branch.forward(tape, inputs.get(&branch.feature)?, mode)?;
            sum = Some(match sum {
                None => of_branch,
                Some(sum) => ops::add(tape, &sum, &of_branch)?,
            });
        }
        sum.ok_or_else(|| Error::shape("glavitu", "a network without a feature"))
    }
}
