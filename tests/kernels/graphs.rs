//! The graphs whose gradients are checked, and what they have gradients for.
//!
//! The leaves' seeds are chosen so that no rectifier and no pooling window is about to switch, where differences would straddle a kink.
//! `graphs_in_f64` says the same of numbers in f64.

use meltcore::autograd::Tape;
use meltcore::error::{Error, Result};
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops::{self, Activation, BatchNormAttrs, Candidate, Interpolation, LossKind, Reduction, Sides, Target, Window};
use meltcore::tensor::Tensor;

use crate::on_device::noise;

/// A tensor that has a gradient: its values are noise of this seed, centre and spread.
pub struct Leaf {
    pub name: &'static str,
    pub shape: &'static [usize],
    pub centre: f32,
    pub spread: f32,
    pub seed: u64,
}

pub const fn leaf(seed: u64, name: &'static str, shape: &'static [usize], centre: f32, spread: f32) -> Leaf {
    Leaf { name, shape, centre, spread, seed }
}

pub const UNET: &[Leaf] = &[
    leaf(800, "x", &[2, 2, 13, 11], 0.0, 1.0),
    leaf(801, "inc.weight", &[4, 2, 3, 3], 0.0, 0.5),
    leaf(802, "inc.bias", &[4], 0.1, 0.3),
    leaf(803, "norm.weight", &[4], 1.0, 0.4),
    leaf(804, "norm.bias", &[4], 0.0, 0.4),
    leaf(805, "down.weight", &[6, 4, 3, 3], 0.0, 0.4),
    leaf(806, "down.bias", &[6], 0.0, 0.4),
    leaf(807, "depthwise.weight", &[6, 1, 3, 3], 0.2, 0.5),
    leaf(808, "shared.weight", &[6, 6, 1, 1], 0.0, 0.6),
    leaf(809, "shared.bias", &[6], 0.2, 0.4),
    leaf(810, "up.weight", &[6, 4, 2, 2], 0.0, 0.6),
    leaf(811, "up.bias", &[4], 0.0, 0.4),
    leaf(812, "head.weight", &[1, 8, 1, 1], 0.0, 0.8),
    leaf(813, "head.bias", &[1], 0.1, 0.2),
];

/// The loss of two levels of a U-Net.
pub fn unet(tape: &Tape, leaves: &[Tensor], kind: LossKind) -> Result<Tensor> {
    let melt = melt(tape, leaves)?;
    let [target, mask] = answers(melt.len()).map(|values| Tensor::from_slice(melt.gpu(), melt.shape(), &values));
    ops::masked_loss(tape, &melt, &target?, &mask?, kind, Reduction::Mean)
}

/// Target and mask. Targets of 0 and 1, which a sigmoid never reaches: the absolute error has no kink. A fifth of the pixels is masked.
pub fn answers(len: usize) -> [Vec<f32>; 2] {
    [(91, 0.0), (92, 0.6)].map(|(seed, threshold)| noise(seed, len).iter().map(|value| f32::from(u8::from(*value > threshold))).collect())
}

/// Two levels of a U-Net with all that its steps are made of; `shared` is applied twice, and `skip` and `deep` are used twice.
fn melt(tape: &Tape, leaves: &[Tensor]) -> Result<Tensor> {
    let [x, inc_w, inc_b, norm_w, norm_b, down_w, down_b, depthwise, shared_w, shared_b, up_w, up_b, head_w, head_b] = leaves else {
        return Err(wrong_number(leaves));
    };
    let (plain, same) = (Conv2dAttrs::default(), Conv2dAttrs { padding: 1, ..Default::default() });
    let full = ops::conv2d(tape, x, inc_w, Some(inc_b), &same, Activation::Relu)?;
    let skip = normalised(tape, &full, norm_w, norm_b, Activation::None)?;
    let pooled = ops::max_pool2d(tape, &skip, Window { kernel: 2, stride: 2, padding: 0 })?;
    let deep = ops::conv2d(tape, &pooled, down_w, Some(down_b), &same, Activation::Gelu)?;
    let mixed = ops::depthwise_conv2d(tape, &deep, depthwise, None, &Conv2dAttrs { groups: 6, ..same }, Activation::None)?;
    let once = ops::add(tape, &deep, &ops::conv2d(tape, &mixed, shared_w, Some(shared_b), &plain, Activation::Relu)?)?;
    let twice = ops::add(tape, &once, &ops::conv2d(tape, &once, shared_w, Some(shared_b), &plain, Activation::Gelu)?)?;
    let raised = ops::conv_transpose2d(tape, &twice, up_w, Some(up_b), 2, 0)?;
    let joined = ops::cat_padded(tape, &[&skip, &raised])?;
    let larger = ops::interpolate(tape, &joined, Target::Size([17, 15]), Interpolation::BilinearAligned)?;
    ops::sigmoid(tape, &ops::conv2d(tape, &larger, head_w, Some(head_b), &plain, Activation::None)?)
}

pub const DEPTHWISE: &[Leaf] = &[
    leaf(20, "x", &[2, 3, 13, 11], 0.0, 1.0),
    leaf(21, "weight", &[3, 1, 3, 3], 0.0, 1.0),
    leaf(22, "bias", &[3], 0.0, 1.0),
    leaf(23, "dilated", &[3, 1, 3, 3], 0.0, 1.0),
    leaf(24, "shift", &[3], 0.0, 1.0),
];

/// Two depthwise layers around a smooth activation, one that halves the size and one that is dilated.
pub fn depthwise(tape: &Tape, leaves: &[Tensor]) -> Result<Tensor> {
    let [x, w, b, dilated, shift] = leaves else { return Err(wrong_number(leaves)) };
    let halved = Conv2dAttrs { stride: 2, padding: 1, groups: 3, ..Conv2dAttrs::PLAIN };
    let h = ops::depthwise_conv2d(tape, x, w, Some(b), &halved, Activation::Gelu)?;
    let wider = Conv2dAttrs { padding: 2, dilation: 2, groups: 3, ..Conv2dAttrs::PLAIN };
    ops::depthwise_conv2d(tape, &h, dilated, Some(shift), &wider, Activation::Sigmoid)
}

pub const LEVEL: &[Leaf] = &[
    // A seed without near ties in the pooling windows.
    leaf(11, "x", &[2, 3, 9, 11], 0.0, 1.0),
    leaf(2, "weight", &[3], 1.0, 0.3),
    leaf(3, "bias", &[3], 0.0, 1.0),
];

/// One side of a U-Net: normalise, pool, bring back to size, join with the skip, activate.
pub fn level(tape: &Tape, leaves: &[Tensor]) -> Result<Tensor> {
    let [x, weight, bias] = leaves else { return Err(wrong_number(leaves)) };
    let skip = normalised(tape, x, weight, bias, Activation::Gelu)?;
    let deep = ops::max_pool2d(tape, &skip, Window { kernel: 2, stride: 2, padding: 0 })?;
    let up = ops::interpolate(tape, &deep, Target::Scale(2.0), Interpolation::BilinearAligned)?;
    let joined = ops::cat_padded(tape, &[&skip, &up])?;
    ops::tanhshelf(tape, &ops::add(tape, &joined, &joined)?)
}

pub const SMALL: &[Leaf] = &[
    leaf(31, "x", &[2, 3, 9, 11], 0.0, 1.0),
    leaf(32, "weight", &[2, 2, 1, 1], 0.3, 1.0),
    leaf(33, "bias", &[2], 0.0, 1.0),
    leaf(34, "other weight", &[2, 2, 1, 1], -0.2, 1.0),
    leaf(35, "other bias", &[2], 0.0, 1.0),
];

/// The ops that no U-Net needs: pad, thin out, bend, pick weights by sample, average.
pub fn small_ops(tape: &Tape, leaves: &[Tensor]) -> Result<Tensor> {
    let [x, weight, bias, other_weight, other_bias] = leaves else { return Err(wrong_number(leaves)) };
    let padded = ops::pad(tape, x, Sides { left: 1, right: 2, top: 0, bottom: 3 })?;
    let thinned = ops::dropout(tape, &padded, 0.25, 7, 1)?;
    let bent = ops::activation(tape, Activation::Gelu, &thinned)?;
    let candidates = [Candidate { weight, bias }, Candidate { weight: other_weight, bias: other_bias }];
    let picked = ops::conv2d_by_sample(tape, &bent, 1, &candidates, &[1, 0])?;
    ops::adaptive_avg_pool2d(tape, &picked)
}

pub fn normalised(tape: &Tape, x: &Tensor, weight: &Tensor, bias: &Tensor, activation: Activation) -> Result<Tensor> {
    let (mean, var) = (Tensor::full(x.gpu(), weight.shape(), 0.0)?, Tensor::full(x.gpu(), weight.shape(), 1.0)?);
    let attrs = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-3, variance: Default::default(), activation };
    ops::batch_norm(tape, x, weight, bias, &mean, &var, &attrs)
}

pub fn wrong_number(leaves: &[Tensor]) -> Error {
    Error::shape("graph", format!("{} leaves", leaves.len()))
}
