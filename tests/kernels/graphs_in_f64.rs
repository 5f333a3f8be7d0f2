//! The losses of the graphs in `graphs`, by the ops' definitions in f64: differences of steps so small that no kink lies within them.

use meltcore::kernels::dropout::Draw;
use meltcore::ops::Activation;
use meltcore::reference::adaptive_avg_pool2d::adaptive_avg_pool2d;
use meltcore::reference::batch_norm::{BatchNormAttrs, batch_norm};
use meltcore::reference::conv_transpose2d::{ConvTranspose2dAttrs, conv_transpose2d};
use meltcore::reference::conv2d::{Conv2dAttrs, conv2d};
use meltcore::reference::interpolate::{InterpolateMode, InterpolateSize, interpolate};
use meltcore::reference::masked_loss::{LossKind, Reduction, masked_loss};
use meltcore::reference::max_pool2d::{MaxPool2dAttrs, max_pool2d};
use meltcore::reference::{add::add, cat::cat, dropout::dropout, pad};

use crate::activation::activated;
use crate::graphs::answers;
use crate::on_device::{Shape, wide};

/// A leaf, or what an op makes of it; missing extents of a leaf are 1, so that a vector's length comes first.
#[derive(Clone)]
pub struct Map {
    pub values: Vec<f64>,
    pub shape: Shape,
}

pub const PLAIN: Conv2dAttrs = Conv2dAttrs { stride: 1, padding: 0, dilation: 1, groups: 1 };
pub const SAME: Conv2dAttrs = Conv2dAttrs { padding: 1, ..PLAIN };

impl Map {
    /// A leaf with these extents, four at most.
    pub fn leaf(values: Vec<f64>, extents: &[usize]) -> Map {
        let mut shape = [1; 4];
        shape[..extents.len()].copy_from_slice(extents);
        Map { values, shape }
    }

    fn of((values, shape): (Vec<f64>, Shape)) -> Map {
        Map { values, shape }
    }

    pub fn activated(self, kind: Activation) -> Map {
        Map { values: activated(kind, &self.values), ..self }
    }

    pub fn conv2d(&self, weight: &Map, bias: Option<&Map>, attrs: Conv2dAttrs) -> Map {
        Map::of(conv2d(&self.values, self.shape, &weight.values, weight.shape, bias.map(|bias| &bias.values[..]), &attrs))
    }

    pub fn normalised(&self, weight: &Map, bias: &Map) -> Map {
        let (before, attrs) = (vec![0.0; self.shape[1]], BatchNormAttrs { training: true, momentum: 0.1, eps: f64::from(1e-3f32) });
        let found = batch_norm(&self.values, self.shape, &weight.values, &bias.values, &before, &before, &attrs);
        Map { values: found.output, shape: self.shape }
    }

    fn pooled(&self) -> Map {
        Map::of(max_pool2d(&self.values, self.shape, &MaxPool2dAttrs { kernel: 2, stride: 2, padding: 0 }))
    }

    fn plus(&self, other: &Map) -> Map {
        Map { values: add(&self.values, &other.values), shape: self.shape }
    }

    fn padded(&self, sides: pad::PadAttrs) -> Map {
        Map::of(pad::pad(&self.values, self.shape, &sides))
    }

    /// With the channels of a map that is as large or smaller behind its own.
    pub fn joined(&self, other: &Map) -> Map {
        let [below, beside] = [2, 3].map(|axis| self.shape[axis] - other.shape[axis]);
        let sides = pad::PadAttrs { left: beside / 2, right: beside - beside / 2, top: below / 2, bottom: below - below / 2 };
        let other = other.padded(sides);
        Map::of(cat(&self.values, self.shape, &other.values, other.shape))
    }

    fn resized(&self, size: InterpolateSize) -> Map {
        Map::of(interpolate(&self.values, self.shape, InterpolateMode::Bilinear { align_corners: true }, size))
    }

    pub fn sum(&self) -> f64 {
        self.values.iter().sum()
    }
}

/// The loss of two levels of a U-Net.
pub fn unet(leaves: &[Map], kind: LossKind) -> f64 {
    let [x, inc_w, inc_b, norm_w, norm_b, down_w, down_b, depthwise, shared_w, shared_b, up_w, up_b, head_w, head_b] = leaves else {
        panic!("the graph has 14 leaves, not {}", leaves.len());
    };
    let skip = x.conv2d(inc_w, Some(inc_b), SAME).activated(Activation::Relu).normalised(norm_w, norm_b);
    let deep = skip.pooled().conv2d(down_w, Some(down_b), SAME).activated(Activation::Gelu);
    let mixed = deep.conv2d(depthwise, None, Conv2dAttrs { groups: 6, ..SAME });
    let once = deep.plus(&mixed.conv2d(shared_w, Some(shared_b), PLAIN).activated(Activation::Relu));
    let twice = once.plus(&once.conv2d(shared_w, Some(shared_b), PLAIN).activated(Activation::Gelu));
    let upwards = ConvTranspose2dAttrs { stride: 2, padding: 0 };
    let raised = Map::of(conv_transpose2d(&twice.values, twice.shape, &up_w.values, up_w.shape, Some(&up_b.values), &upwards));
    let larger = skip.joined(&raised).resized(InterpolateSize::Size([17, 15]));
    let melt = larger.conv2d(head_w, Some(head_b), PLAIN).activated(Activation::Sigmoid);
    let [target, mask] = answers(melt.values.len()).map(|values| wide(&values));
    masked_loss(&melt.values, &target, &mask, melt.shape[0], kind, Reduction::Mean)[0]
}

pub fn depthwise(leaves: &[Map]) -> f64 {
    let [x, w, b, dilated, shift] = leaves else { panic!("the graph has 5 leaves, not {}", leaves.len()) };
    let halved = x.conv2d(w, Some(b), Conv2dAttrs { stride: 2, groups: 3, ..SAME }).activated(Activation::Gelu);
    let wider = Conv2dAttrs { padding: 2, dilation: 2, groups: 3, ..PLAIN };
    halved.conv2d(dilated, Some(shift), wider).activated(Activation::Sigmoid).sum()
}

pub fn level(leaves: &[Map]) -> f64 {
    let [x, weight, bias] = leaves else { panic!("the graph has 3 leaves, not {}", leaves.len()) };
    let skip = x.normalised(weight, bias).activated(Activation::Gelu);
    let joined = skip.joined(&skip.pooled().resized(InterpolateSize::ScaleFactor(2.0)));
    joined.plus(&joined).activated(Activation::Tanhshelf).sum()
}

pub fn small_ops(leaves: &[Map]) -> f64 {
    let [x, weight, bias, other_weight, other_bias] = leaves else { panic!("the graph has 5 leaves, not {}", leaves.len()) };
    let padded = x.padded(pad::PadAttrs { left: 1, right: 2, top: 0, bottom: 3 });
    let thinned = dropout(&padded.values, 0.25, Draw { p: 0.25, seed: 7, draw: 1 }.key());
    let bent = activated(Activation::Gelu, &thinned);
    let [_, channels, h, w] = padded.shape;
    // The second candidate for the first sample; each without its channel 1.
    let samples = bent.chunks(channels * h * w).zip([(other_weight, other_bias), (weight, bias)]);
    let sums = samples.map(|(sample, (weight, bias))| {
        let used = Map { values: [&sample[..h * w], &sample[2 * h * w..]].concat(), shape: [1, channels - 1, h, w] };
        let picked = used.conv2d(weight, Some(bias), PLAIN);
        Map::of(adaptive_avg_pool2d(&picked.values, picked.shape)).sum()
    });
    sums.sum()
}
