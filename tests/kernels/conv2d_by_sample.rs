//! The 1×1 convolution whose weights each sample picks, with and without its gradients.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::ops::{self, Candidate};
use meltcore::reference::conv2d::{self as definition, Conv2dAttrs};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure};
use crate::on_device::{noise, noisy, wide};

const C: usize = 4;
const C_OUT: usize = 2;
const SIDES: [usize; 2] = [5, 7];
const PIXELS: usize = SIDES[0] * SIDES[1];
/// Candidate 1 is picked twice, candidate 2 never.
const PICKS: &[usize] = &[1, 0, 1, 3];
/// Seven samples of 560 bytes.
const MANY_PICKS: &[usize] = &[3, 0, 1, 1, 0, 3, 1];

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        (0..C).map(|left_out| Case::new(format!("without_channel_{left_out}"), move |gpu| check(gpu, left_out, PICKS))).collect();
    // So many samples that their arrays are split.
    let many = || MANY_PICKS.repeat(16);
    cases.push(Case::new("112_samples", move |gpu| check(gpu, 1, &many())).splitting());
    cases.push(Case::new("refusals", refusals));
    cases
}

/// Weights of one candidate on the device and in f64.
struct Owned {
    tensors: [Tensor; 2],
    weight: Vec<f64>,
    bias: Vec<f64>,
}

/// Every sample is a convolution of its own with the weights that it picks, over the channels but one.
fn check(gpu: &Gpu, left_out: usize, picks: &[usize]) -> Checked {
    let n = picks.len();
    let (x, values) = noisy(gpu, 1, [n, C, SIDES[0], SIDES[1]]);
    let own = (0..4)
        .map(|i| {
            let (weight, bias) = (noise(10 + i, C_OUT * (C - 1)), noise(20 + i, C_OUT));
            let tensors = [Tensor::from_slice(gpu, [C_OUT, C - 1, 1, 1], &weight)?, Tensor::from_slice(gpu, [C_OUT], &bias)?];
            Ok(Owned { tensors, weight: wide(&weight), bias: wide(&bias) })
        })
        .collect::<meltcore::error::Result<Vec<_>>>()?;
    let candidates: Vec<_> = own.iter().map(|Owned { tensors: [weight, bias], .. }| Candidate { weight, bias }).collect();
    let tape = Tape::recording();
    tape.watch(&x);
    own.iter().flat_map(|own| &own.tensors).for_each(|tensor| tape.watch(tensor));
    let y = ops::conv2d_by_sample(&tape, &x, left_out, &candidates, picks)?;
    let (seed, upstream) = noisy(gpu, 2, [n, C_OUT, SIDES[0], SIDES[1]]);
    let gradients = tape.backward(&[(&y, seed)])?;

    let (shape, weight_shape) = ([1, C - 1, SIDES[0], SIDES[1]], [C_OUT, C - 1, 1, 1]);
    let (plain, output_shape) = (Conv2dAttrs::default(), [1, C_OUT, SIDES[0], SIDES[1]]);
    let (mut want_y, mut want_x) = (Vec::new(), Vec::new());
    let mut want_weight = vec![vec![0.0; C_OUT * (C - 1)]; 4];
    let mut want_bias = vec![vec![0.0; C_OUT]; 4];
    let add = |sum: &mut [f64], part: Vec<f64>| sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
    for (sample, &pick) in picks.iter().enumerate() {
        let Owned { weight, bias, .. } = &own[pick];
        let all = &values[sample * C * PIXELS..][..C * PIXELS];
        let used = [&all[..left_out * PIXELS], &all[(left_out + 1) * PIXELS..]].concat();
        let grad = &upstream[sample * C_OUT * PIXELS..][..C_OUT * PIXELS];
        want_y.extend(definition::conv2d(&used, shape, weight, weight_shape, Some(bias), &plain).0);
        let mut grad_input = definition::conv2d_grad_input(grad, shape, weight, weight_shape, &plain);
        grad_input.splice(left_out * PIXELS..left_out * PIXELS, [0.0; PIXELS]);
        want_x.extend(grad_input);
        add(&mut want_weight[pick], definition::conv2d_grad_weight(grad, &used, shape, weight_shape, &plain));
        add(&mut want_bias[pick], definition::conv2d_grad_bias(grad, output_shape));
    }
    close("output", &y, &want_y, 4e-7, 0.0)?;
    close("gradient of the input", gradients.get(&x).ok_or("no gradient")?, &want_x, 3e-7, 0.0)?;
    for (i, Owned { tensors: [weight, bias], .. }) in own.iter().enumerate() {
        match (gradients.get(weight), gradients.get(bias)) {
            (Some(weight), Some(bias)) if picks.contains(&i) => {
                close(&format!("gradient of weight {i}"), weight, &want_weight[i], 1.5e-6, 0.0)?;
                close(&format!("gradient of bias {i}"), bias, &want_bias[i], 5e-7, 0.0)?;
            }
            // No gradient, not a zero one: the optimizer leaves the parameter and its state alone.
            (None, None) if !picks.contains(&i) => {}
            _ => return Err(format!("candidate {i} has a gradient that it should not have, or lacks one").into()),
        }
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Checked {
    let tensor = |shape: &[usize]| Tensor::full(gpu, shape, 1.0).unwrap();
    let (x, weight, bias) = (tensor(&[2, 3, 4, 4]), tensor(&[1, 2, 1, 1]), tensor(&[1]));
    let call = |x: &Tensor, weight: &Tensor, bias: &Tensor, left_out, picks: &[usize]| {
        ops::conv2d_by_sample(&Tape::off(), x, left_out, &[Candidate { weight, bias }], picks).is_ok()
    };
    ensure(call(&x, &weight, &bias, 2, &[0, 0]), "what fits was refused")?;
    for (what, accepted) in [
        ("a channel that is not there", call(&x, &weight, &bias, 3, &[0, 0])),
        ("a pick without a candidate", call(&x, &weight, &bias, 0, &[0, 1])),
        ("one pick for two samples", call(&x, &weight, &bias, 0, &[0])),
        ("a weight for three channels", call(&x, &tensor(&[1, 3, 1, 1]), &bias, 0, &[0, 0])),
        ("a bias of two", call(&x, &weight, &tensor(&[2]), 0, &[0, 0])),
        ("one channel", call(&tensor(&[2, 1, 4, 4]), &tensor(&[1, 1, 1, 1]), &bias, 0, &[0, 0])),
    ] {
        ensure(!accepted, format!("{what} was not refused"))?;
    }
    Ok(())
}
