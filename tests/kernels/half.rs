//! Operands in f16: the rounding itself, bit by bit; and kernels that read activations as they were kept.

use meltcore::gpu::Gpu;
use meltcore::kernels::activation::Activation;
use meltcore::kernels::batch_norm::{Saved, batch_norm_grad_input, batch_norm_grad_stats, batch_norm_stats};
use meltcore::kernels::conv2d::{Conv2dAttrs, Conv2dDims, conv2d_grad_weight_of_stored};
use meltcore::kernels::linear::linear;
use meltcore::kernels::operands::Operands;
use meltcore::kernels::pack_half::{Stored, pack_half, unpack_half};
use meltcore::reference::operands::{nearest_f16, nearest_f16s};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, ensure, extents, per_channel};
use crate::on_device::{Shape, noise, noisy, poison};

pub fn cases() -> Vec<Case> {
    // Marked as splitting for the device without f16.
    let mut cases = vec![
        Case::new("rounding", rounding).splitting(),
        Case::new("not_finite", not_finite).splitting(),
        Case::new("packed", packed).splitting(),
    ];
    for &(shape, c_out, kernel, stride) in KEPT {
        let name = format!("kept_{}_to_{c_out}_{kernel}x{kernel}_s{stride}_f16", extents(&shape));
        let case = Case::new(name, move |gpu| kept(gpu, shape, c_out, [kernel, stride]));
        // Weights of many channels are more than the bounded device sees.
        cases.push(if shape[1] < 32 { case.splitting() } else { case });
    }
    cases
}

/// Inputs of a norm and of convolutions, with channels out, side of the window and stride: of few channels, of many by minimal filtering,
/// of single pixels side by side and not, of other windows; images of whole packs of four numbers, with planes that are not, and others.
const KEPT: &[(Shape, usize, usize, usize)] = &[
    ([3, 4, 9, 13], 5, 3, 1),
    ([2, 3, 8, 12], 9, 3, 1),
    ([2, 3, 7, 9], 4, 3, 1),
    ([2, 36, 7, 9], 40, 3, 1),
    ([3, 36, 8, 12], 33, 3, 1),
    ([3, 40, 8, 8], 72, 1, 1),
    ([2, 72, 7, 5], 40, 1, 1),
    ([3, 40, 9, 7], 72, 3, 2),
    ([2, 6, 5, 7], 3, 5, 1),
];

/// Gradients of a norm and of a convolution's weight from what was packed are those from the same numbers unpacked, to the bit.
fn kept(gpu: &Gpu, shape: Shape, c_out: usize, [kernel, stride]: [usize; 2]) -> Checked {
    let c = shape[1];
    let input = Tensor::from_slice(gpu, shape, &noise(1, shape.iter().product()).iter().map(|v| 3.0 + v).collect::<Vec<_>>())?;
    let packed = Stored::Half { packed: pack_half(&input)?, shape: shape.into() };
    let whole = Stored::Whole(packed.whole()?);
    let grad_output = noisy(gpu, 2, shape).0;
    let (weight, bias) = (per_channel(gpu, 3, c).0, per_channel(gpu, 4, c).0);
    let stats = batch_norm_stats(&input, 1e-3)?.stats;
    let norm = |input: &Stored| -> meltcore::error::Result<[Vec<f32>; 3]> {
        let (weight, bias) = (weight.clone(), bias.clone());
        let saved = Saved { input: input.clone(), stats: stats.clone(), weight, bias, activation: Activation::Relu };
        let (grad_weight, grad_bias) = batch_norm_grad_stats(&saved, &grad_output)?;
        let grad_input = batch_norm_grad_input(&saved, &grad_output, Some((&grad_weight, &grad_bias)))?;
        Ok([grad_weight.to_vec()?, grad_bias.to_vec()?, grad_input.to_vec()?])
    };
    poison(gpu, input.len());
    ensure(norm(&packed)? == norm(&whole)?, "the gradients of a norm differ")?;

    let attrs = Conv2dAttrs { stride, padding: kernel / 2, operands: Operands::F16, ..Conv2dAttrs::PLAIN };
    let filters = Tensor::full(gpu, [c_out, c, kernel, kernel], 0.0)?;
    let dims = Conv2dDims::forward(&input, &filters, &attrs)?;
    let grad_output = noisy(gpu, 5, [shape[0], c_out, dims.h_out, dims.w_out]).0;
    let of = |input: &Stored| conv2d_grad_weight_of_stored(&dims, input, &grad_output)?.to_vec();
    poison(gpu, filters.len());
    ensure(of(&packed)? == of(&whole)?, "the gradients of a weight differ")?;
    let other = Stored::Half { packed: pack_half(&grad_output)?, shape: grad_output.shape().clone() };
    ensure(conv2d_grad_weight_of_stored(&dims, &other, &grad_output).is_err() || c == c_out && stride == 1, "another shape")
}

/// Values as operands hold them.
pub fn held(operands: Operands, values: Vec<f64>) -> Vec<f64> {
    match operands {
        Operands::F32 => values,
        Operands::F16 => nearest_f16s(&values),
    }
}

/// What f16 makes of values: their products with 1.
fn rounded(gpu: &Gpu, values: &[f32]) -> meltcore::error::Result<Vec<f32>> {
    let (rows, one) = (Tensor::from_slice(gpu, [values.len(), 1], values)?, Tensor::full(gpu, [1, 1], 1.0)?);
    linear(&rows, &one, None, Activation::None, Operands::F16)?.to_vec()
}

/// Every f16 from the smallest to the largest, what lies half way to the next one, and the nearest f32 to each of both.
fn rounding(gpu: &Gpu) -> Checked {
    let step = |bits: u32| {
        let (exponent, places) = ((bits >> 10).max(1) as i32, f64::from(if bits < 1024 { bits } else { 1024 + bits % 1024 }));
        places * 2f64.powi(exponent - 25)
    };
    let mut values = Vec::new();
    for bits in 0..0x7c00 {
        for value in [step(bits), 0.5 * (step(bits) + step(bits + 1))] {
            let bits = (value as f32).to_bits();
            let near = [bits.saturating_sub(1), bits, bits + 1].map(f32::from_bits);
            values.extend(near.iter().flat_map(|&value| [value, -value]));
        }
    }
    values.extend([1e-8, 3e-8, 1e-30, 65519.996, 65520.0, 65536.0, 1e30, f32::MAX]);
    for chunk in values.chunks(8000) {
        for (value, got) in chunk.iter().zip(rounded(gpu, chunk)?) {
            let want = nearest_f16(f64::from(*value)) as f32;
            ensure(got == want, format!("{value:e} became {got:e}, expected {want:e}"))?;
        }
    }
    Ok(())
}

fn not_finite(gpu: &Gpu) -> Checked {
    let got = rounded(gpu, &[f32::INFINITY, f32::NEG_INFINITY, f32::NAN])?;
    ensure(got[0] == f32::INFINITY && got[1] == f32::NEG_INFINITY && got[2].is_nan(), format!("{got:?}"))
}

/// Packed and back is what operands are rounded to, in half the words: of every size of numbers, of lengths that are no whole packs, and of
/// more than kernels of the bounded device see.
fn packed(gpu: &Gpu) -> Checked {
    let extremes = [0.0, -0.0, 6e-8, 2e-8, 1e-5, 6.1e-5, 65504.0, 65519.0, 65520.0, -1e9, f32::INFINITY, f32::NEG_INFINITY, f32::NAN];
    for len in [1, 3, 13, 64, 1000, 30_003] {
        let factor = |i: usize| 10f32.powi((i % 12) as i32 - 7);
        let mut values: Vec<f32> = noise(5, len).into_iter().enumerate().map(|(i, value)| value * factor(i)).collect();
        values.iter_mut().zip(if len == 1 { &[][..] } else { &extremes }).for_each(|(value, extreme)| *value = *extreme);
        let tensor = Tensor::from_slice(gpu, [len], &values)?;
        poison(gpu, 2 * len.div_ceil(4));
        let half = pack_half(&tensor)?;
        ensure(half.len() == 2 * len.div_ceil(4), format!("{} words for {len}", half.len()))?;
        poison(gpu, len);
        for (value, got) in values.iter().zip(unpack_half(&half, tensor.shape())?.to_vec()?) {
            let want = nearest_f16(f64::from(*value)) as f32;
            ensure(got == want || (got.is_nan() && want.is_nan()), format!("{value:e} of {len} became {got:e}, expected {want:e}"))?;
        }
        ensure(unpack_half(&half, &[len + 4].into()).is_err(), "too few words")?;
    }
    Ok(())
}
