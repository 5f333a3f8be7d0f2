//! conv2d_of_norm: a batch norm in training, a rectifier, or both, that the convolution behind them computes as it reads: the bits of the
//! ops one after the other, and a refusal where a convolution does not.

use meltcore::autograd::Tape;
use meltcore::error::Result;
use meltcore::gpu::{DeviceKind, Gpu};
use meltcore::kernels::batch_norm::batch_norm_stats_of_moments;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::kernels::operands::Operands;
use meltcore::ops::{self, Activation, BatchNormAttrs, Batching, NormBefore, RunningVariance};
use meltcore::reference::batch_norm;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure, extents, per_channel};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, leaf, wrong_number};
use crate::graphs_in_f64::SAME;
use crate::on_device::{Shape, noise, noisy, poison, wide, within};

const BY: Batching = Batching { momentum: 0.1, eps: 1e-3, variance: RunningVariance::Unbiased };

/// What is before the convolution.
#[derive(Clone, Copy)]
struct Before {
    has_norm: bool,
    activation: Activation,
}

const BEFORE: [(&str, Before); 3] = [
    ("norm", Before { has_norm: true, activation: Activation::None }),
    ("norm_relu", Before { has_norm: true, activation: Activation::Relu }),
    ("relu", Before { has_norm: false, activation: Activation::Relu }),
];

/// Input, channels out (as many as in where depthwise), stride, dilation. Widths of whole quads and others, borders inside a quad, strips
/// and patches past the plane, several blocks of channels.
const ROWS: &[(Shape, Option<usize>, usize, usize)] = &[
    ([2, 3, 41, 47], None, 1, 1),
    ([1, 5, 40, 48], None, 1, 1),
    ([3, 2, 9, 13], None, 1, 2),
    ([1, 2, 12, 16], None, 1, 2),
    ([2, 3, 17, 32], None, 1, 4),
    ([2, 3, 17, 31], None, 1, 3),
    ([2, 3, 41, 47], None, 2, 1),
    ([1, 4, 24, 32], None, 2, 1),
    ([1, 2, 1, 5], None, 2, 1),
    ([2, 3, 41, 47], Some(5), 1, 1),
    ([1, 8, 20, 40], Some(17), 1, 1),
    ([2, 30, 7, 9], Some(2), 1, 1),
    ([1, 1, 1, 3], Some(1), 1, 1),
    ([2, 33, 19, 21], Some(40), 1, 1),
    ([1, 70, 8, 12], Some(64), 1, 1),
    ([1, 400, 5, 6], Some(32), 1, 1),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &(shape, c_out, stride, dilation) in ROWS {
        for (before, what) in BEFORE {
            let to = c_out.map_or("depthwise".into(), |c_out| format!("to_{c_out}"));
            let name = format!("{before}_{}_{to}_s{stride}_d{dilation}", extents(&shape));
            cases.push(Case::new(name, move |gpu| check(gpu, shape, c_out, [stride, dilation], what)));
        }
    }
    for (c_out, name) in [(None, "depthwise"), (Some(3), "to_3")] {
        cases.push(
            Case::new(format!("norm_relu_7x4x12x12_{name}"), move |gpu| check(gpu, [7, 4, 12, 12], c_out, [1, 1], BEFORE[1].1)).splitting(),
        );
    }
    for &(shape, _, stride, dilation) in ROWS.iter().filter(|row| row.1.is_none()) {
        let name = format!("moments_{}_s{stride}_d{dilation}", extents(&shape));
        let case = Case::new(name, move |gpu| moments(gpu, shape, [stride, dilation]));
        cases.push(if shape[0] > 1 { case.splitting() } else { case });
    }
    cases.push(Case::new("graph_conv2d_of_norm", graph_conv2d_of_norm));
    cases.push(Case::new("refusals", refusals));
    cases
}

/// Output, running statistics and all gradients, to the bit.
fn check(gpu: &Gpu, shape: Shape, c_out: Option<usize>, [stride, dilation]: [usize; 2], before: Before) -> Checked {
    let c = shape[1];
    let weight_shape = [c_out.unwrap_or(c), if c_out.is_some() { c } else { 1 }, 3, 3];
    let attrs = Conv2dAttrs { stride, padding: dilation, dilation, groups: if c_out.is_some() { 1 } else { c }, ..Conv2dAttrs::PLAIN };
    // Far from zero, so that what is wrongly taken for a zero of the border shows, and with an offset that must not cost bits.
    let values: Vec<f32> = noise(3, shape.iter().product()).iter().map(|v| 3.0 + v).collect();
    let pass = |fused: bool| -> std::result::Result<Option<Vec<Vec<u32>>>, Box<dyn std::error::Error>> {
        let x = Tensor::from_slice(gpu, shape, &values)?;
        let [gain, offset, mean] = [4, 5, 6].map(|seed| per_channel(gpu, seed, c).0);
        let (var, weight) = (Tensor::full(gpu, [c], 1.0)?, noisy(gpu, 7, weight_shape).0);
        let tape = Tape::recording();
        [&x, &gain, &offset, &weight].into_iter().for_each(|leaf| tape.watch(leaf));
        if fused && !ops::reads_through(&tape, &x, &weight, &attrs) {
            return Ok(None);
        }
        poison(gpu, values.len());
        let y = if fused {
            let norm = before.has_norm.then_some(NormBefore { weight: &gain, bias: &offset, running: [&mean, &var], by: BY });
            ops::conv2d_of_norm(&tape, &x, norm, before.activation, &weight, &attrs, false)?
        } else {
            let Batching { momentum, eps, variance } = BY;
            let by = BatchNormAttrs { training: true, momentum, eps, variance, activation: before.activation };
            let read = match before.has_norm {
                true => ops::batch_norm(&tape, &x, &gain, &offset, &mean, &var, &by)?,
                false => ops::activation(&tape, before.activation, &x)?,
            };
            let convolve = if c_out.is_some() { ops::conv2d } else { ops::depthwise_conv2d };
            convolve(&tape, &read, &weight, None, &attrs, Activation::None)?
        };
        let upstream = Tensor::from_slice(gpu, y.shape(), &noise(8, y.len()))?;
        let gradients = tape.backward(&[(&y, upstream)])?;
        let leaves = if before.has_norm { vec![&x, &weight, &gain, &offset] } else { vec![&x, &weight] };
        let mut found = vec![y, mean, var];
        for leaf in leaves {
            found.push(gradients.get(leaf).cloned().ok_or("a gradient is missing")?);
        }
        let bits = |tensor: &Tensor| Ok(tensor.to_vec()?.into_iter().map(f32::to_bits).collect());
        found.iter().map(bits).collect::<Result<Vec<_>>>().map(Some).map_err(Into::into)
    };
    let Some(found) = pass(true)? else {
        let is_wgsl = !gpu.capabilities().is_host();
        return ensure(c_out.is_some() && gpu.capabilities().kind != DeviceKind::Gpu || !is_wgsl, "not read through");
    };
    let wanted = pass(false)?.unwrap_or_default();
    ensure(found.len() == wanted.len(), "other results than one after the other")?;
    let names = ["output", "running_mean", "running_var", "grad of x", "grad of the weight", "grad of the factors", "grad of the summands"];
    for ((name, found), wanted) in names.iter().zip(&found).zip(&wanted) {
        let differ = found.iter().zip(wanted).filter(|(a, b)| a != b).count();
        ensure(differ == 0 && found.len() == wanted.len(), format!("{name}: {differ} of {} differ", wanted.len()))?;
    }
    Ok(())
}

/// The statistics from what a depthwise kernel leaves of its results, which have a large offset, are those of the results.
fn moments(gpu: &Gpu, shape: Shape, [stride, dilation]: [usize; 2]) -> Checked {
    let c = shape[1];
    let values: Vec<f32> = noise(3, shape.iter().product()).iter().map(|v| 100.0 + v).collect();
    let (x, weight) = (Tensor::from_slice(gpu, shape, &values)?, noisy(gpu, 7, [c, 1, 3, 3]).0);
    let attrs = Conv2dAttrs { stride, padding: dilation, dilation, groups: c, ..Conv2dAttrs::PLAIN };
    let tape = Tape::off();
    if gpu.capabilities().is_host() {
        return ensure(!ops::reads_through(&tape, &x, &weight, &attrs), "read through by the host");
    }
    poison(gpu, 4 * values.len());
    let y = ops::conv2d_of_norm(&tape, &x, None, Activation::None, &weight, &attrs, true)?;
    let is_split = [&x, &y].iter().any(|tensor| 4 * tensor.len() as u64 > gpu.capabilities().max_binding_bytes);
    let rows = y.nchw("y")?[2].div_ceil(dilation);
    // Of strips of one or two rows they would be as much as their values.
    let Some(moments) = tape.take_moments(&y) else { return ensure(is_split || rows < 3, "no moments") };
    ensure(!is_split && rows >= 3 && tape.take_moments(&y).is_none(), "moments of a part, of few rows, or twice")?;
    let (mean, var) = batch_norm::batch_norm_stats(&wide(&y.to_vec()?), y.nchw("y")?);
    let found = batch_norm_stats_of_moments(&moments, BY.eps)?;
    let count = (y.len() / c) as f64;
    let unbiased: Vec<f64> = var.iter().map(|var| var * count / (count - 1.0)).collect();
    close("mean", &found.mean, &mean, 2e-7, 0.0)?;
    close("variance", &found.var, &unbiased, 4e-6, 0.0)?;
    let invstd: Vec<f32> = found.stats.to_vec()?.chunks(4).map(|words| words[2]).collect();
    let wanted: Vec<f64> = var.iter().map(|var| (var + f64::from(BY.eps)).sqrt().recip()).collect();
    Ok(within("invstd", &invstd, &wanted, 4e-6, 0.0)?)
}

const LEAVES: &[Leaf] = &[
    leaf(81, "x", &[2, 3, 9, 11], 0.0, 1.0),
    leaf(82, "gain", &[3], 1.0, 0.3),
    leaf(83, "offset", &[3], 0.0, 0.3),
    leaf(84, "weight", &[4, 3, 3, 3], 0.0, 0.5),
];

/// Of a map that is used elsewhere, too, before an activation; where it is not read through, norm and convolution stand for it.
fn graph_conv2d_of_norm(gpu: &Gpu) -> Checked {
    let attrs = Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN };
    let graph = |tape: &Tape, leaves: &[Tensor]| -> Result<Tensor> {
        let [x, gain, offset, weight] = leaves else { return Err(wrong_number(leaves)) };
        let gelu = ops::gelu(tape, x)?;
        let (mean, var) = (Tensor::full(x.gpu(), [3], 0.0)?, Tensor::full(x.gpu(), [3], 1.0)?);
        let convolved = match ops::reads_through(tape, &gelu, weight, &attrs) {
            true => {
                let norm = NormBefore { weight: gain, bias: offset, running: [&mean, &var], by: BY };
                ops::conv2d_of_norm(tape, &gelu, Some(norm), Activation::None, weight, &attrs, false)?
            }
            false => {
                let Batching { momentum, eps, variance } = BY;
                let by = BatchNormAttrs { training: true, momentum, eps, variance, activation: Activation::None };
                ops::conv2d(tape, &ops::batch_norm(tape, &gelu, gain, offset, &mean, &var, &by)?, weight, None, &attrs, Activation::None)?
            }
        };
        ops::gelu(tape, &convolved)
    };
    slopes(gpu, LEAVES, &graph, &|leaves| {
        let [x, gain, offset, weight] = leaves else { panic!("4 leaves, not {}", leaves.len()) };
        let normed = x.clone().activated(Activation::Gelu).normalised(gain, offset);
        normed.conv2d(weight, None, SAME).activated(Activation::Gelu).sum()
    })
}

fn refusals(gpu: &Gpu) -> Checked {
    let tape = Tape::off();
    let (x, depthwise, dense) = (noisy(gpu, 1, [1, 4, 8, 8]).0, noisy(gpu, 2, [4, 1, 3, 3]).0, noisy(gpu, 3, [4, 4, 3, 3]).0);
    let of =
        |attrs: &Conv2dAttrs, weight: &Tensor, activation| ops::conv2d_of_norm(&tape, &x, None, activation, weight, attrs, false).is_ok();
    let (same, each) = (Conv2dAttrs { padding: 1, ..Conv2dAttrs::PLAIN }, Conv2dAttrs { padding: 1, groups: 4, ..Conv2dAttrs::PLAIN });
    let (relu, is_gpu, is_wgsl) = (Activation::Relu, gpu.capabilities().kind == DeviceKind::Gpu, !gpu.capabilities().is_host());
    ensure(of(&same, &dense, relu) == is_gpu, "dense on GPUs alone")?;
    ensure(of(&each, &depthwise, relu) == is_wgsl, "depthwise where strips are walked down")?;
    ensure(!of(&each, &depthwise, Activation::Gelu) && !of(&each, &depthwise, Activation::LeakyRelu(0.2)), "another activation")?;
    ensure(!of(&Conv2dAttrs { padding: 0, ..each }, &depthwise, relu), "a window that loses the border")?;
    let (x_wide, wide) = (Tensor::full(gpu, [1, 40, 4, 4], 1.0)?, [64, 65].map(|c| Tensor::full(gpu, [c, 40, 3, 3], 1.0).unwrap()));
    let reads = wide.each_ref().map(|weight| ops::reads_through(&tape, &x_wide, weight, &same));
    ensure(reads == [is_gpu, false], "up to so many channels that it costs less than it saves")?;
    let [four, five] = [4, 5].map(|c| Tensor::full(gpu, [c], 1.0).unwrap());
    for (weight, bias) in [(&five, &four), (&four, &five)] {
        let norm = NormBefore { weight, bias, running: [&four, &four], by: BY };
        ensure(ops::conv2d_of_norm(&tape, &x, Some(norm), relu, &depthwise, &each, false).is_err(), "a norm of five channels")?;
    }
    // One value a channel has no variance, even where a convolution left its moments.
    let one = noisy(gpu, 1, [1, 4, 1, 1]).0;
    tape.leave_moments(&one, Tensor::full(gpu, [4, 1, 4], 1.0)?);
    let by = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-3, variance: BY.variance, activation: relu };
    let said = ops::batch_norm(&tape, &one, &four, &four, &four, &four.clone(), &by).err().map(|error| error.to_string());
    ensure(said.is_some_and(|said| said.contains("more than one value")), "a norm of one value a channel")?;
    tape.autocast(Operands::F16, || ensure(!ops::reads_through(&tape, &x, &depthwise, &each), "f16 is kept apart"))
}
