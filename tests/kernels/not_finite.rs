//! NaN stays where PyTorch keeps it: shaders tell it by its bits, because compilers may drop comparisons that only NaN answers otherwise.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops::{self, Activation, BatchNormAttrs, Window};
use meltcore::optim::clip_grad_norm;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, ensure};

const ACTIVATIONS: [Activation; 7] = [
    Activation::None,
    Activation::Relu,
    Activation::Gelu,
    Activation::Sigmoid,
    Activation::Tanhshelf,
    Activation::Sigmoidcutoff,
    Activation::LeakyRelu(0.2),
];

pub fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new("max_pool2d_keeps_nan_wherever_it_stands", pooled),
        Case::new("max_pool2d_gives_the_gradient_to_the_last_nan", pooled_gradient),
        Case::new("dropout_keeps_nan_that_it_drops", dropped),
        Case::new("clip_grad_norm_scales_all_gradients_by_nan", clipped),
    ];
    for kind in ACTIVATIONS {
        for (sign, nan) in [("", f32::NAN), ("negative_", -f32::NAN)] {
            cases.push(Case::new(format!("{kind:?}_of_{sign}nan_behind_every_layer").to_lowercase(), move |gpu| layers(gpu, kind, nan)));
        }
    }
    cases
}

/// Behind a convolution, a depthwise one, batch normalisation and on its own; rows of whole packs and others.
fn layers(gpu: &Gpu, kind: Activation, nan: f32) -> Checked {
    for width in [8, 7] {
        let mut values = vec![0.5; 4 * 3 * width];
        values[width + 2] = nan;
        let x = Tensor::from_slice(gpu, [1, 4, 3, width], &values)?;
        let attrs = |groups| Conv2dAttrs { padding: 1, groups, ..Default::default() };
        let weights = |per_group, side| Tensor::full(gpu, [4, per_group, side, side], 0.1);
        let channels = |value| Tensor::full(gpu, [4], value);
        let normalised = |training| -> meltcore::error::Result<Tensor> {
            let attrs = BatchNormAttrs { training, momentum: 0.1, eps: 1e-5, variance: Default::default(), activation: kind };
            ops::batch_norm(&Tape::off(), &x, &channels(1.0)?, &channels(0.0)?, &channels(0.0)?, &channels(1.0)?, &attrs)
        };
        let outputs = [
            ("conv2d 1x1", ops::conv2d(&Tape::off(), &x, &weights(4, 1)?, None, &Conv2dAttrs::default(), kind)?),
            ("conv2d 3x3", ops::conv2d(&Tape::off(), &x, &weights(4, 3)?, None, &attrs(1), kind)?),
            ("depthwise 3x3", ops::depthwise_conv2d(&Tape::off(), &x, &weights(1, 3)?, None, &attrs(4), kind)?),
            (
                "depthwise 1x1",
                ops::depthwise_conv2d(&Tape::off(), &x, &weights(1, 1)?, None, &Conv2dAttrs { groups: 4, ..attrs(4) }, kind)?,
            ),
            ("batch_norm in evaluation", normalised(false)?),
            ("batch_norm in training", normalised(true)?),
            ("activation", ops::activation(&Tape::off(), kind, &x)?),
        ];
        for (layer, output) in outputs {
            let [_, _, _, w] = output.nchw("test")?;
            // The 1×1 window at padding 1 moves it.
            let at = if layer == "depthwise 1x1" { 2 * w + 3 } else { w + 2 };
            ensure(output.to_vec()?[at].is_nan(), format!("NaN is lost by {layer}, {width} columns"))?;
        }
    }
    Ok(())
}

/// Windows of 2 × 2 with a kernel of their own on GPUs, and overlapping ones.
fn pooled(gpu: &Gpu) -> Checked {
    for (window, width) in [
        (Window { kernel: 2, stride: 2, padding: 0 }, 8),
        (Window { kernel: 2, stride: 2, padding: 0 }, 6),
        (Window { kernel: 3, stride: 1, padding: 1 }, 6),
    ] {
        for nan in [f32::NAN, -f32::NAN] {
            for at in [0, 1, width, width + 1] {
                // Larger values stand before and behind it.
                let mut values: Vec<f32> = (0..2 * width).map(|i| 100.0 - i as f32).collect();
                values[width + 1] = 1e30;
                values[at] = nan;
                let x = Tensor::from_slice(gpu, [1, 1, 2, width], &values)?;
                let y = ops::max_pool2d(&Tape::off(), &x, window)?.to_vec()?;
                ensure(y[0].is_nan(), format!("{window:?} of {width} columns, NaN at {at}: {y:?}"))?;
                ensure(!y[y.len() - 1].is_nan(), format!("{window:?} of {width} columns: NaN where there is none: {y:?}"))?;
            }
        }
    }
    Ok(())
}

fn pooled_gradient(gpu: &Gpu) -> Checked {
    let x = Tensor::from_slice(gpu, [1, 1, 2, 4], &[f32::NAN, 5.0, 1.0, 2.0, f32::NAN, 9.0, 4.0, 3.0])?;
    let tape = Tape::recording();
    tape.watch(&x);
    let y = ops::max_pool2d(&tape, &x, Window { kernel: 2, stride: 2, padding: 0 })?;
    let gradients = tape.backward(&[(&y, Tensor::full(gpu, y.shape(), 1.0)?)])?;
    let got = gradients.get(&x).ok_or("no gradient")?.to_vec()?;
    ensure(got == [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0], format!("{got:?}"))
}

fn dropped(gpu: &Gpu) -> Checked {
    let y = ops::dropout(&Tape::off(), &Tensor::full(gpu, [64], f32::NAN)?, 0.5, 1, 0)?.to_vec()?;
    ensure(y.iter().all(|value| value.is_nan()), format!("{y:?}"))
}

fn clipped(gpu: &Gpu) -> Checked {
    let gradients = [Tensor::from_slice(gpu, [2], &[1.0, f32::NAN])?, Tensor::full(gpu, [3], 1.0)?];
    let (scaled, norm) = clip_grad_norm(&gradients, 1.0)?;
    ensure(norm.to_vec()?[0].is_nan(), "the norm is finite")?;
    ensure(scaled[1].to_vec()?.iter().all(|value| value.is_nan()), "a gradient of an infinite step stays finite")
}
