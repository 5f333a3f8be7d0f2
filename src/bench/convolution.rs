//! The convolution family at shapes of UNets and of Xception: forward, both gradients, and the transposed convolution.

use crate::bench::case::{Case, Job, noisy};
use crate::error::Result;
use crate::gpu::Gpu;
use crate::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d, conv2d_grad_bias, conv2d_grad_input, conv2d_grad_weight};
use crate::kernels::depthwise_conv2d::{depthwise_conv2d, depthwise_conv2d_grad_input, depthwise_conv2d_grad_weight};
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
}

const fn dense(n: usize, c_in: usize, c_out: usize, side: usize, kernel: usize, stride: usize) -> Shape {
    Shape { n, c_in, c_out, side, kernel, stride, dilation: 1, groups: 1 }
}

const fn depthwise(n: usize, channels: usize, side: usize, stride: usize, dilation: usize) -> Shape {
    Shape { n, c_in: channels, c_out: channels, side, kernel: 3, stride, dilation, groups: channels }
}

/// UNet's first level at base 8, wide ones at several sides; of Xception the stem, pointwise, depthwise and shortcut convolutions.
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
    depthwise(1, 256, 64, 1, 1),
    depthwise(1, 256, 63, 1, 1),
    depthwise(2, 728, 6, 1, 1),
    depthwise(1, 256, 64, 2, 1),
    depthwise(1, 728, 32, 1, 2),
    depthwise(1, 728, 32, 1, 4),
    depthwise(1, 728, 32, 1, 6),
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
        format!("{op}{pass} {kernel}x{kernel}{stride}{dilation} {channels} {n}x{side}x{side}")
    }

    fn attrs(&self) -> Conv2dAttrs {
        Conv2dAttrs { stride: self.stride, padding: self.kernel / 2 * self.dilation, dilation: self.dilation, groups: self.groups }
    }
}

/// Input, weight, and a gradient of the output, with their values.
struct Data {
    dims: Conv2dDims,
    x: (Tensor, Vec<f32>),
    w: (Tensor, Vec<f32>),
    g: (Tensor, Vec<f32>),
}

impl Data {
    fn new(gpu: &Gpu, shape: Shape) -> Result<Self> {
        let Shape { n, c_in, c_out, side, kernel, groups, .. } = shape;
        let (x, w) = (noisy(gpu, 1, [n, c_in, side, side])?, noisy(gpu, 2, [c_out, c_in / groups, kernel, kernel])?);
        let dims = Conv2dDims::forward(&x.0, &w.0, &shape.attrs())?;
        let g = noisy(gpu, 3, [n, c_out, dims.h_out, dims.w_out])?;
        Ok(Data { dims, x, w, g })
    }
}

/// Input position that tap `k` of output position `o` reads along one axis, if it is inside.
fn source(d: &Conv2dDims, o: usize, k: usize, extent: usize) -> Option<usize> {
    (o * d.attrs.stride + k * d.attrs.dilation).checked_sub(d.attrs.padding).filter(|&i| i < extent)
}

/// Output position that reads input position `i` by tap `k` along one axis, if there is one.
fn target(d: &Conv2dDims, i: usize, k: usize, extent: usize) -> Option<usize> {
    let at = (i + d.attrs.padding).checked_sub(k * d.attrs.dilation)?;
    Some(at / d.attrs.stride).filter(|&o| at.is_multiple_of(d.attrs.stride) && o < extent)
}

fn taps(d: &Conv2dDims) -> impl Iterator<Item = (usize, usize)> {
    let kernel_w = d.kernel_w;
    (0..d.kernel_h * kernel_w).map(move |tap| (tap / kernel_w, tap % kernel_w))
}

/// Last axis first: (col, row, plane / planes, plane % planes) of a flat index.
fn place(i: usize, [planes, height, width]: [usize; 3]) -> [usize; 4] {
    let plane = i / (width * height);
    [i % width, i / width % height, plane / planes, plane % planes]
}

fn product(a: f32, b: f32) -> f64 {
    f64::from(a) * f64::from(b)
}

fn output_at(d: &Conv2dDims, x: &[f32], w: &[f32], i: usize) -> f64 {
    let [col, row, image, o] = place(i, [d.c_out, d.h_out, d.w_out]);
    let (per_group, mut sum) = (d.in_per_group(), 0.0);
    let first = image * d.c_in + o / (d.c_out / d.attrs.groups) * per_group;
    for (ky, kx) in taps(d) {
        let (Some(r), Some(c)) = (source(d, row, ky, d.h_in), source(d, col, kx, d.w_in)) else { continue };
        for k in 0..per_group {
            let weight = w[((o * per_group + k) * d.kernel_h + ky) * d.kernel_w + kx];
            sum += product(x[((first + k) * d.h_in + r) * d.w_in + c], weight);
        }
    }
    sum
}

fn grad_input_at(d: &Conv2dDims, g: &[f32], w: &[f32], i: usize) -> f64 {
    let [col, row, image, channel] = place(i, [d.c_in, d.h_in, d.w_in]);
    let (per_group, out_per_group, mut sum) = (d.in_per_group(), d.c_out / d.attrs.groups, 0.0);
    let first = channel / per_group * out_per_group;
    for (ky, kx) in taps(d) {
        let (Some(r), Some(c)) = (target(d, row, ky, d.h_out), target(d, col, kx, d.w_out)) else { continue };
        for o in first..first + out_per_group {
            let weight = w[((o * per_group + channel % per_group) * d.kernel_h + ky) * d.kernel_w + kx];
            sum += product(g[((image * d.c_out + o) * d.h_out + r) * d.w_out + c], weight);
        }
    }
    sum
}

fn grad_weight_at(d: &Conv2dDims, x: &[f32], g: &[f32], i: usize) -> f64 {
    let (per_group, mut sum) = (d.in_per_group(), 0.0);
    let [kx, ky, o, k] = place(i, [per_group, d.kernel_h, d.kernel_w]);
    let channel = o / (d.c_out / d.attrs.groups) * per_group + k;
    for image in 0..d.n {
        for row in 0..d.h_out {
            let Some(r) = source(d, row, ky, d.h_in) else { continue };
            for col in 0..d.w_out {
                let Some(c) = source(d, col, kx, d.w_in) else { continue };
                let gradient = g[((image * d.c_out + o) * d.h_out + row) * d.w_out + col];
                sum += product(x[((image * d.c_in + channel) * d.h_in + r) * d.w_in + c], gradient);
            }
        }
    }
    sum
}

fn forward(shape: Shape) -> Case {
    Case::new(shape.label(""), move |gpu| {
        let Data { dims, x, w, .. } = Data::new(gpu, shape)?;
        let launcher = if shape.is_depthwise() { depthwise_conv2d } else { conv2d };
        Ok(Job::new(move || launcher(&x.0, &w.0, None, &dims.attrs, 0), move |i| output_at(&dims, &x.1, &w.1, i), RTOL))
    })
}

fn grad_input(shape: Shape) -> Case {
    Case::new(shape.label("_grad_input"), move |gpu| {
        let Data { dims, w, g, .. } = Data::new(gpu, shape)?;
        let run = move || match shape.is_depthwise() {
            true => depthwise_conv2d_grad_input(&dims, &g.0, &w.0),
            false => conv2d_grad_input(&dims, &g.0, &w.0, None),
        };
        Ok(Job::new(run, move |i| grad_input_at(&dims, &g.1, &w.1, i), RTOL))
    })
}

fn grad_weight(shape: Shape) -> Case {
    Case::new(shape.label("_grad_weight"), move |gpu| {
        let Data { dims, x, g, .. } = Data::new(gpu, shape)?;
        let launcher = if shape.is_depthwise() { depthwise_conv2d_grad_weight } else { conv2d_grad_weight };
        Ok(Job::new(move || launcher(&dims, &x.0, &g.0), move |i| grad_weight_at(&dims, &x.1, &g.1, i), RTOL))
    })
}

fn grad_bias() -> Case {
    Case::new("conv2d_grad_bias 64 1x128x128", |gpu| {
        let (g, values) = noisy(gpu, 3, [1, 64, 128, 128])?;
        let plane = 128 * 128;
        let expected = move |o: usize| values[o * plane..(o + 1) * plane].iter().map(|&v| f64::from(v)).sum();
        Ok(Job::new(move || conv2d_grad_bias(&g), expected, RTOL))
    })
}

/// The forward pass of a U-Net's up-sampling, which is an input gradient with a bias.
fn transposed(n: usize, c_in: usize, c_out: usize, side: usize) -> Case {
    Case::new(format!("conv_transpose2d 2x2/2 {c_in}>{c_out} {n}x{side}x{side}"), move |gpu| {
        let (x, w) = (noisy(gpu, 1, [n, c_in, side, side])?, noisy(gpu, 2, [c_in, c_out, 2, 2])?);
        let bias = noisy(gpu, 3, [c_out])?;
        let dims = Conv2dDims::transposed(&x.0, &w.0, 2, 0)?;
        let plane = dims.h_in * dims.w_in;
        let expected = move |i: usize| grad_input_at(&dims, &x.1, &w.1, i) + f64::from(bias.1[i / plane % c_out]);
        Ok(Job::new(move || conv2d_grad_input(&dims, &x.0, &w.0, Some(&bias.0)), expected, RTOL))
    })
}

pub(super) fn cases(large: bool) -> Vec<Case> {
    let shapes: Vec<Shape> = SHAPES.iter().chain(if large { LARGE } else { &[] }).copied().collect();
    let mut cases: Vec<Case> = shapes.iter().map(|&shape| forward(shape)).collect();
    cases.extend(shapes.iter().map(|&shape| grad_input(shape)));
    cases.extend(shapes.iter().map(|&shape| grad_weight(shape)));
    cases.extend([grad_bias(), transposed(8, 16, 8, 64)]);
    cases
}
