//! The 1×1 convolution whose weights each sample picks, against f64 loops, with and without its gradients.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::gpu::software::prepare_software_device;
use meltcore::ops::{Candidate, conv2d_by_sample};
use meltcore::tensor::Tensor;
use on_device::{assert_close, gpu, noise, noisy, wide};

const N: usize = 4;
const C: usize = 4;
const C_OUT: usize = 2;
const H: usize = 5;
const W: usize = 7;
const PIXELS: usize = H * W;
/// Candidate 1 is picked twice, candidate 2 never.
const PICKS: [usize; N] = [1, 0, 1, 3];

#[test]
fn each_sample_uses_the_weights_that_it_picks() {
    let gpu = gpu();
    for left_out in 0..C {
        let (x, values) = noisy(&gpu, 1, [N, C, H, W]);
        let candidate = |i: usize| {
            let (weight, bias) = (noise(10 + i as u64, C_OUT * (C - 1)), noise(20 + i as u64, C_OUT));
            let tensors =
                [Tensor::from_slice(&gpu, [C_OUT, C - 1, 1, 1], &weight).unwrap(), Tensor::from_slice(&gpu, [C_OUT], &bias).unwrap()];
            (tensors, wide(&weight), wide(&bias))
        };
        let own: Vec<_> = (0..4).map(candidate).collect();
        let candidates: Vec<_> = own.iter().map(|([weight, bias], ..)| Candidate { weight, bias }).collect();
        let tape = Tape::recording();
        tape.watch(&x);
        own.iter().flat_map(|(tensors, ..)| tensors).for_each(|tensor| tape.watch(tensor));
        let y = conv2d_by_sample(&tape, &x, left_out, &candidates, &PICKS).unwrap();
        let (seed, upstream) = noisy(&gpu, 2, [N, C_OUT, H, W]);

        let used: Vec<usize> = (0..C).filter(|channel| *channel != left_out).collect();
        let mut want_y = vec![0.0; N * C_OUT * PIXELS];
        let mut want_x = vec![0.0; values.len()];
        let mut want_weight = vec![vec![0.0; C_OUT * (C - 1)]; 4];
        let mut want_bias = vec![vec![0.0; C_OUT]; 4];
        for (n, &pick) in PICKS.iter().enumerate() {
            let (_, weight, bias) = &own[pick];
            for (o, pixel) in (0..C_OUT).flat_map(|o| (0..PIXELS).map(move |pixel| (o, pixel))) {
                let out = (n * C_OUT + o) * PIXELS + pixel;
                want_y[out] = bias[o];
                want_bias[pick][o] += upstream[out];
                for (i, channel) in used.iter().enumerate() {
                    let input = (n * C + channel) * PIXELS + pixel;
                    want_y[out] += weight[o * (C - 1) + i] * values[input];
                    want_x[input] += weight[o * (C - 1) + i] * upstream[out];
                    want_weight[pick][o * (C - 1) + i] += values[input] * upstream[out];
                }
            }
        }
        assert_close("y", &y, &want_y, 1e-6);
        let gradients = tape.backward(&[(&y, seed)]).unwrap();
        assert_close("gradient of x", gradients.get(&x).unwrap(), &want_x, 1e-6);
        for (i, ([weight, bias], ..)) in own.iter().enumerate() {
            // No gradient, not a zero one: the optimizer leaves the parameter and its state alone.
            assert_eq!(gradients.get(weight).is_some() && gradients.get(bias).is_some(), i != 2);
            if i != 2 {
                assert_close(&format!("gradient of weight {i}"), gradients.get(weight).unwrap(), &want_weight[i], 1e-6);
                assert_close(&format!("gradient of bias {i}"), gradients.get(bias).unwrap(), &want_bias[i], 1e-6);
            }
        }
    }
}

#[test]
fn shapes_and_picks_that_do_not_fit_are_refused() {
    let gpu = gpu();
    let tensor = |shape: &[usize]| Tensor::full(&gpu, shape, 1.0).unwrap();
    let (x, weight, bias) = (tensor(&[2, 3, 4, 4]), tensor(&[1, 2, 1, 1]), tensor(&[1]));
    let call = |x: &Tensor, weight: &Tensor, bias: &Tensor, left_out, picks: &[usize]| {
        conv2d_by_sample(&Tape::off(), x, left_out, &[Candidate { weight, bias }], picks).is_ok()
    };
    assert!(call(&x, &weight, &bias, 2, &[0, 0]));
    assert!(!call(&x, &weight, &bias, 3, &[0, 0]));
    assert!(!call(&x, &weight, &bias, 0, &[0, 1]));
    assert!(!call(&x, &weight, &bias, 0, &[0]));
    assert!(!call(&x, &tensor(&[1, 3, 1, 1]), &bias, 0, &[0, 0]));
    assert!(!call(&x, &weight, &tensor(&[2]), 0, &[0, 0]));
    assert!(!call(&tensor(&[2, 1, 4, 4]), &tensor(&[1, 1, 1, 1]), &bias, 0, &[0, 0]));
}

/// Output and gradients of seven samples of odd sides on a device whose kernels see at most so many bytes at once.
fn seven_samples(limit: u64) -> Vec<Vec<f32>> {
    let gpu = Gpu::open_as(None, |capabilities| capabilities.max_binding_bytes = limit.min(capabilities.max_binding_bytes)).unwrap();
    let (x, _) = noisy(&gpu, 1, [7, C, H, W]);
    let own: Vec<_> = (0..3).map(|i| (noisy(&gpu, 10 + i, [C_OUT, C - 1, 1, 1]).0, noisy(&gpu, 20 + i, [1, 1, 1, C_OUT]).0)).collect();
    let own: Vec<_> = own.into_iter().map(|(weight, bias)| (weight, bias.reshaped([C_OUT]).unwrap())).collect();
    let candidates: Vec<_> = own.iter().map(|(weight, bias)| Candidate { weight, bias }).collect();
    let leaves: Vec<&Tensor> = own.iter().flat_map(|(weight, bias)| [weight, bias]).chain([&x]).collect();
    let tape = Tape::recording();
    leaves.iter().for_each(|leaf| tape.watch(leaf));
    let y = conv2d_by_sample(&tape, &x, 1, &candidates, &[2, 0, 1, 1, 0, 2, 1]).unwrap();
    let gradients = tape.backward(&[(&y, noisy(&gpu, 2, [7, C_OUT, H, W]).0)]).unwrap();
    let mut found: Vec<_> = leaves.iter().map(|leaf| gradients.get(leaf).unwrap().to_vec().unwrap()).collect();
    found.push(y.to_vec().unwrap());
    found
}

#[test]
fn batches_beyond_the_binding_limit_take_several_launches() {
    prepare_software_device();
    // 560 bytes a sample: runs of two samples, and a single one.
    for (i, (got, want)) in seven_samples(2048).iter().zip(&seven_samples(u64::MAX)).enumerate() {
        let worst = got.iter().zip(want).fold(0.0, |worst: f32, (got, want)| worst.max((got - want).abs()));
        // Not the same bits: the single sample is a convolution without groups, which another kernel sums.
        assert!(got.len() == want.len() && worst <= 5e-6, "result {i}: {worst}");
    }
    let gpu = Gpu::open_as(None, |capabilities| capabilities.max_binding_bytes = 512).unwrap();
    let tensor = |shape: &[usize]| Tensor::full(&gpu, shape, 1.0).unwrap();
    let (x, weight, bias) = (tensor(&[2, C, H, W]), tensor(&[1, C - 1, 1, 1]), tensor(&[1]));
    let error = conv2d_by_sample(&Tape::off(), &x, 0, &[Candidate { weight: &weight, bias: &bias }], &[0, 0]).err().unwrap();
    assert!(error.exit_status() == 3 && error.to_string().contains("img_size"), "{error}");
}
