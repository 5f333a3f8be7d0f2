//! The convolution family at shapes of UNets and of Xception: forward, both gradients, and the transposed convolution.

use crate::autograd::Tape;
use crate::bench::case::{Case, Job, noisy};
use crate::bench::parts::{by_parts, noisy_wide, plane};
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::batch_norm::{batch_norm_stats, batch_norm_stats_of_moments};
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d, conv2d_grad_bias, conv2d_grad_input, conv2d_grad_weight};
use crate::kernels::depthwise_conv2d::{depthwise_conv2d, depthwise_conv2d_grad_input, depthwise_conv2d_grad_weight};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::operands::Operands;
use crate::ops::{self, Activation, BatchNormAttrs, Batching, NormBefore, RunningVariance};
use crate::reference::activation::relu;
use crate::reference::{self, batch_norm, conv2d as definition};
use crate::tensor::Tensor;

/// One convolution; the padding keeps the size where the stride is 1.
#[derive(Clone, Copy)]
struct Shape {
    n: usize,
    c_in: usize,
    c_out: usize,
    side: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    groups: usize,
    operands: Operands,
}

const fn dense(n: usize, c_in: usize, c_out: usize, side: usize, kernel: usize, stride: usize) -> Shape {
    Shape { n, c_in, c_out, side, kernel, stride, dilation: 1, groups: 1, operands: Operands::F32 }
}

/// As in mixed precision.
const fn half(n: usize, c_in: usize, c_out: usize, side: usize, kernel: usize) -> Shape {
    Shape { operands: Operands::F16, ..dense(n, c_in, c_out, side, kernel, 1) }
}

const fn depthwise(n: usize, channels: usize, side: usize, stride: usize, dilation: usize) -> Shape {
    Shape { c_in: channels, c_out: channels, kernel: 3, dilation, groups: channels, ..dense(n, 1, 1, side, 3, stride) }
}

/// UNet's first level at base 8, wide ones at several sides; of Xception the stem, pointwise, depthwise and shortcut convolutions; two as
/// in mixed precision.
const SHAPES: &[Shape] = &[
    dense(8, 8, 8, 128, 3, 1),
    dense(1, 64, 64, 128, 3, 1),
    dense(8, 128, 128, 16, 3, 1),
    dense(1, 256, 256, 64, 1, 1),
    dense(2, 728, 728, 6, 1, 1),
    dense(2, 2048, 256, 3, 1, 1),
    dense(1, 32, 64, 128, 3, 2),
    dense(1, 4, 32, 256, 3, 2),
    dense(1, 256, 256, 64, 1, 2),
    half(8, 128, 128, 16, 3),
    half(1, 256, 256, 64, 1),
    depthwise(1, 256, 64, 1, 1),
    depthwise(1, 256, 63, 1, 1),
    depthwise(2, 728, 6, 1, 1),
    depthwise(1, 256, 64, 2, 1),
    depthwise(1, 728, 32, 1, 2),
    depthwise(1, 728, 32, 1, 4),
    depthwise(1, 728, 32, 1, 6),
    Shape { kernel: 5, ..depthwise(1, 256, 64, 1, 1) },
];
const LARGE: &[Shape] = &[
    dense(8, 64, 64, 256, 3, 1),
    dense(8, 256, 256, 64, 3, 1),
    dense(8, 728, 728, 32, 1, 1),
    depthwise(8, 728, 32, 1, 1),
    depthwise(8, 128, 256, 1, 1),
    depthwise(8, 128, 256, 2, 1),
];
const RTOL: f64 = 2e-5;
const EPS: f32 = 1e-3;

impl Shape {
    fn is_depthwise(&self) -> bool {
        self.groups > 1
    }

    fn label(&self, pass: &str) -> String {
        let Shape { n, c_in, c_out, side, kernel, stride, dilation, .. } = self;
        let stride = if *stride > 1 { format!("/{stride}") } else { String::new() };
        let dilation = if *dilation > 1 { format!(" dilation {dilation}") } else { String::new() };
        let (op, channels) =
            if self.is_depthwise() { ("depthwise_conv2d", c_in.to_string()) } else { ("conv2d", format!("{c_in}>{c_out}")) };
        let operands = if self.operands == Operands::F16 { " f16" } else { "" };
        format!("{op}{pass} {kernel}x{kernel}{stride}{dilation} {channels} {n}x{side}x{side}{operands}")
    }

    fn attrs(&self) -> Conv2dAttrs {
        Conv2dAttrs {
            stride: self.stride,
            padding: self.kernel / 2 * self.dilation,
            dilation: self.dilation,
            groups: self.groups,
            operands: self.operands,
        }
    }
}

/// Input, weight, and a gradient of the output, with their values and what the definitions need to know.
struct Data {
    dims: Conv2dDims,
    attrs: definition::Conv2dAttrs,
    shape: reference::Shape,
    weight_shape: reference::Shape,
    x: (Tensor, Vec<f64>),
    w: (Tensor, Vec<f64>),
    g: (Tensor, Vec<f64>),
}

impl Data {
    fn new(gpu: &Gpu, shape: Shape) -> Result<Self> {
        let Shape { n, c_in, c_out, side, kernel, groups, operands, .. } = shape;
        let Conv2dAttrs { stride, padding, dilation, .. } = shape.attrs();
        let (shape_in, weight_shape) = ([n, c_in, side, side], [c_out, c_in / groups, kernel, kernel]);
        let (x, w) = (noisy_wide(gpu, 1, shape_in, operands)?, noisy_wide(gpu, 2, weight_shape, operands)?);
        let dims = Conv2dDims::forward(&x.0, &w.0, &shape.attrs())?;
        let g = noisy_wide(gpu, 3, [n, c_out, dims.h_out, dims.w_out], operands)?;
        Ok(Data { dims, attrs: definition::Conv2dAttrs { stride, padding, dilation, groups }, shape: shape_in, weight_shape, x, w, g })
    }
}

fn forward(shape: Shape) -> Case {
    Case::new(shape.label(""), move |gpu| {
        let Data { dims, attrs, shape: shape_in, weight_shape, x, w, .. } = Data::new(gpu, shape)?;
        let launcher = if shape.is_depthwise() { depthwise_conv2d } else { conv2d };
        let expected = move |i: usize| definition::conv2d_at(&x.1, shape_in, &w.1, weight_shape, &attrs, i);
        Ok(Job::new(move || launcher(&x.0, &w.0, &dims.attrs, &Epilogue::default()), expected, RTOL))
    })
}

fn grad_input(shape: Shape) -> Case {
    Case::new(shape.label("_grad_input"), move |gpu| {
        let Data { dims, attrs, shape: shape_in, weight_shape, w, g, .. } = Data::new(gpu, shape)?;
        let run = move || match shape.is_depthwise() {
            true => depthwise_conv2d_grad_input(&dims, &g.0, &w.0),
            false => conv2d_grad_input(&dims, &g.0, &w.0, None),
        };
        let expected = move |i: usize| definition::conv2d_grad_input_at(&g.1, shape_in, &w.1, weight_shape, &attrs, i);
        Ok(Job::new(run, expected, RTOL))
    })
}

fn grad_weight(shape: Shape) -> Case {
    Case::new(shape.label("_grad_weight"), move |gpu| {
        let Data { dims, attrs, shape: shape_in, weight_shape, x, g, .. } = Data::new(gpu, shape)?;
        let launcher = if shape.is_depthwise() { depthwise_conv2d_grad_weight } else { conv2d_grad_weight };
        let expected = move |i: usize| definition::conv2d_grad_weight_at(&g.1, &x.1, shape_in, weight_shape, &attrs, i);
        Ok(Job::new(move || launcher(&dims, &x.0, &g.0), expected, RTOL))
    })
}

fn grad_bias() -> Case {
    Case::new("conv2d_grad_bias 64 1x128x128", |gpu| {
        let (g, values) = noisy(gpu, 3, [1, 64, 128, 128])?;
        let expected = move |o: usize| definition::conv2d_grad_bias(&plane(&values, 128 * 128, o), [1, 1, 128, 128])[0];
        Ok(Job::new(move || conv2d_grad_bias(&g), expected, RTOL))
    })
}

/// A batch norm in training and its rectifier before a convolution, which reads through them where the device's kernels do; with the
/// gradient of the weight, which is checked then.
fn of_norm(shape: Shape, gradient: bool) -> Case {
    Case::new(shape.label(if gradient { "_of_norm_grad_weight" } else { "_of_norm" }), move |gpu| {
        let Data { dims, attrs, shape: shape_in, weight_shape, x, w, g } = Data::new(gpu, shape)?;
        let (c, weight, of) = (dims.c_in, w.0.clone(), w.0.clone());
        let [(gain, gains), (offset, offsets)] = [noisy_wide(gpu, 4, [c], Operands::F32)?, noisy_wide(gpu, 5, [c], Operands::F32)?];
        let [mean, var] = [Tensor::full(gpu, [c], 0.0)?, Tensor::full(gpu, [c], 1.0)?];
        let meaning = batch_norm::BatchNormAttrs { training: true, momentum: 0.1, eps: EPS.into() };
        let read = relu(&batch_norm::batch_norm(&x.1, shape_in, &gains, &offsets, &vec![0.0; c], &vec![1.0; c], &meaning).output);
        let expected = move |i: usize| match gradient {
            true => definition::conv2d_grad_weight_at(&g.1, &read, shape_in, weight_shape, &attrs, i),
            false => definition::conv2d_at(&read, shape_in, &w.1, weight_shape, &attrs, i),
        };
        let convolved = move |tape: &Tape| {
            let (attrs, activation) = (&dims.attrs, Activation::Relu);
            let (momentum, eps, variance) = (0.1, EPS, RunningVariance::Unbiased);
            if ops::reads_through(tape, &x.0, &weight, attrs) {
                let by = Batching { momentum, eps, variance };
                let norm = NormBefore { weight: &gain, bias: &offset, running: [&mean, &var], by };
                return ops::conv2d_of_norm(tape, &x.0, Some(norm), activation, &weight, attrs, false);
            }
            let by = BatchNormAttrs { training: true, momentum, eps, variance, activation };
            let read = ops::batch_norm(tape, &x.0, &gain, &offset, &mean, &var, &by)?;
            let convolve = if shape.is_depthwise() { ops::depthwise_conv2d } else { ops::conv2d };
            convolve(tape, &read, &weight, None, attrs, Activation::None)
        };
        let run = move || {
            if !gradient {
                return convolved(&Tape::off());
            }
            let tape = Tape::recording();
            tape.watch(&of);
            let output = convolved(&tape)?;
            let gradients = tape.backward(&[(&output, g.0.clone())])?;
            gradients.get(&of).cloned().ok_or_else(|| Error::shape("conv2d_of_norm", "the weight has no gradient"))
        };
        Ok(Job::new(run, expected, RTOL))
    })
}

/// A depthwise convolution and the statistics of what it gives, for the batch norm behind it; of these the mean is checked.
fn with_stats(shape: Shape) -> Case {
    Case::new(shape.label("_with_stats"), move |gpu| {
        let Data { dims, attrs, shape: shape_in, weight_shape, x, w, .. } = Data::new(gpu, shape)?;
        let plane = dims.h_out * dims.w_out;
        let expected = by_parts(
            |channel| (channel, 0),
            move |channel| {
                let at = |i: usize| (i / plane * dims.c_out + channel) * plane + i % plane;
                let sum: f64 = (0..dims.n * plane).map(|i| definition::conv2d_at(&x.1, shape_in, &w.1, weight_shape, &attrs, at(i))).sum();
                vec![sum / (dims.n * plane) as f64]
            },
        );
        let run = move || {
            let (tape, attrs) = (Tape::off(), &dims.attrs);
            if !ops::reads_through(&tape, &x.0, &w.0, attrs) {
                let output = depthwise_conv2d(&x.0, &w.0, attrs, &Epilogue::default())?;
                return batch_norm_stats(&output, EPS).map(|stats| stats.mean);
            }
            let output = ops::conv2d_of_norm(&tape, &x.0, None, Activation::None, &w.0, attrs, true)?;
            let stats = tape
                .take_moments(&output)
                .map_or_else(|| batch_norm_stats(&output, EPS), |moments| batch_norm_stats_of_moments(&moments, EPS))?;
            Ok(stats.mean)
        };
        Ok(Job::new(run, expected, RTOL))
    })
}

/// The forward pass of a U-Net's up-sampling, which is an input gradient with a bias.
fn transposed(n: usize, c_in: usize, c_out: usize, side: usize) -> Case {
    Case::new(format!("conv_transpose2d 2x2/2 {c_in}>{c_out} {n}x{side}x{side}"), move |gpu| {
        let weight_shape = [c_in, c_out, 2, 2];
        let (x, w) = (noisy_wide(gpu, 1, [n, c_in, side, side], Operands::F32)?, noisy_wide(gpu, 2, weight_shape, Operands::F32)?);
        let bias = noisy(gpu, 3, [c_out])?;
        let dims = Conv2dDims::transposed(&x.0, &w.0, 2, 0)?;
        let (shape, attrs) = ([n, c_out, dims.h_in, dims.w_in], definition::Conv2dAttrs { stride: 2, ..Default::default() });
        let expected = move |i: usize| {
            let offset = f64::from(bias.1[reference::place(shape, i)[1]]);
            definition::conv2d_grad_input_at(&x.1, shape, &w.1, weight_shape, &attrs, i) + offset
        };
        Ok(Job::new(move || conv2d_grad_input(&dims, &x.0, &w.0, Some(&bias.0)), expected, RTOL))
    })
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let shapes: Vec<Shape> = SHAPES.iter().chain(if large { LARGE } else { &[] }).copied().collect();
    let mut cases: Vec<Case> = shapes.iter().map(|&shape| forward(shape)).collect();
    cases.extend(shapes.iter().map(|&shape| grad_input(shape)));
    cases.extend(shapes.iter().map(|&shape| grad_weight(shape)));
    cases.extend([grad_bias(), transposed(8, 16, 8, 64)]);
    let read_through = [
        dense(8, 8, 8, 128, 3, 1),
        dense(1, 64, 64, 128, 3, 1),
        depthwise(1, 256, 64, 1, 1),
        depthwise(1, 256, 64, 2, 1),
        depthwise(1, 728, 32, 1, 2),
        depthwise(1, 728, 32, 1, 4),
    ];
    cases.extend(read_through.iter().flat_map(|&shape| [false, true].map(|gradient| of_norm(shape, gradient))));
    cases.extend([depthwise(1, 256, 64, 1, 1), depthwise(1, 256, 64, 2, 1)].map(with_stats));
    cases
}
