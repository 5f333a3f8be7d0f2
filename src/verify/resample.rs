//! Replays of ops that pool, resample or join maps.

use crate::error::Result;
use crate::gpu::Gpu;
use crate::ops::{self, Interpolation, Target, Window};
use crate::verify::elementwise::{binary, unary};
use crate::verify::{Case, Outcome, Runner};

pub(super) const RUNNERS: &[(&str, Runner)] =
    &[("adaptive_avg_pool2d", adaptive_avg_pool2d), ("cat", cat), ("interpolate", interpolate), ("max_pool2d", max_pool2d)];

fn max_pool2d(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let window = Window { kernel: case.attr_usize("kernel")?, stride: case.attr_usize("stride")?, padding: case.attr_usize("padding")? };
    unary(gpu, case, |tape, x| {
        let [n, c, h, w] = x.nchw("max_pool2d")?;
        let [h_out, w_out] = window.output([h, w])?;
        case.expect_output("y", [n, c, h_out, w_out])?;
        ops::max_pool2d(tape, x, window)
    })
}

fn adaptive_avg_pool2d(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    match case.attr_usize("output_size")? {
        1 => unary(gpu, case, ops::adaptive_avg_pool2d),
        other => Err(case.malformed(format!("`output_size` is {other}; only 1 is supported"))),
    }
}

fn interpolate(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    let mode = match case.attr_str("mode")?.as_str() {
        "nearest" => Interpolation::Nearest,
        "bilinear" if case.has_attr("align_corners") && case.attr_bool("align_corners")? => Interpolation::BilinearAligned,
        "bilinear" => Interpolation::Bilinear,
        other => return Err(case.malformed(format!("`mode` is {other}; nearest and bilinear are supported"))),
    };
    let target = if case.has_attr("size") {
        match case.attr_list("size")?.as_slice() {
            &[h, w] if h >= 1.0 && w >= 1.0 && h.fract() == 0.0 && w.fract() == 0.0 => Target::Size([h as usize, w as usize]),
            other => return Err(case.malformed(format!("`size` is {other:?}; two whole numbers were expected"))),
        }
    } else {
        Target::Scale(case.attr_f64("scale_factor")?)
    };
    unary(gpu, case, |tape, x| {
        let [n, c, h, w] = x.nchw("interpolate")?;
        let [h_out, w_out] = target.output([h, w])?;
        case.expect_output("y", [n, c, h_out, w_out])?;
        ops::interpolate(tape, x, target, mode)
    })
}

fn cat(gpu: &Gpu, case: &Case) -> Result<Outcome> {
    if case.attr_usize("dim")? != 1 {
        return Err(case.malformed("`dim` is not 1, the only one supported"));
    }
    binary(gpu, case, |tape, a, b| ops::cat(tape, &[a, b]))
}
