//! Gradients of a whole graph against finite differences: every op sits between others, and the loss is scaled by a constant that is not 1.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::config::LossKind;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops::{self, Activation, BatchNormAttrs, Interpolation, Reduction, Target, Window};
use meltcore::tensor::Tensor;
use on_device::{assert_close, gpu, noise, wide};

/// Factor behind the loss.
const SCALE: f32 = 0.7;
/// Distance of the differences: with losses near 0.3, f32 leaves an error of about 2e-5 in the slope.
const STEP: f32 = 1e-3;
/// Tolerance as a share of Σ |gradient · direction|, to which the slopes of all elements could add up; 0.005 is the largest error found.
const TOLERANCE: f64 = 0.02;

/// What the graph has gradients for: name, shape, centre and spread of its values.
const LEAVES: &[(&str, &[usize], f32, f32)] = &[
    ("x", &[2, 2, 13, 11], 0.0, 1.0),
    ("inc.weight", &[4, 2, 3, 3], 0.0, 0.5),
    ("inc.bias", &[4], 0.1, 0.3),
    ("norm.weight", &[4], 1.0, 0.4),
    ("norm.bias", &[4], 0.0, 0.4),
    ("down.weight", &[6, 4, 3, 3], 0.0, 0.4),
    ("down.bias", &[6], 0.0, 0.4),
    ("depthwise.weight", &[6, 1, 3, 3], 0.2, 0.5),
    ("shared.weight", &[6, 6, 1, 1], 0.0, 0.6),
    ("shared.bias", &[6], 0.2, 0.4),
    ("up.weight", &[6, 4, 2, 2], 0.0, 0.6),
    ("up.bias", &[4], 0.0, 0.4),
    ("head.weight", &[1, 8, 1, 1], 0.0, 0.8),
    ("head.bias", &[1], 0.1, 0.2),
];

/// Two levels of a U-Net with all that its steps are made of; `shared` is applied twice, and `skip` and `deep` are used twice.
fn graph(tape: &Tape, leaves: &[Tensor], kind: LossKind) -> Result<Tensor> {
    let [x, inc_w, inc_b, norm_w, norm_b, down_w, down_b, depthwise, shared_w, shared_b, up_w, up_b, head_w, head_b] = leaves else {
        unreachable!("one tensor a leaf")
    };
    let gpu = x.gpu();
    let (plain, same) = (Conv2dAttrs::default(), Conv2dAttrs { padding: 1, ..Default::default() });
    let full = ops::conv2d(tape, x, inc_w, Some(inc_b), &same, Activation::Relu)?;
    let (mean, var) = (Tensor::full(gpu, norm_w.shape(), 0.0)?, Tensor::full(gpu, norm_w.shape(), 1.0)?);
    let norm = BatchNormAttrs { training: true, momentum: 0.1, eps: 1e-3, activation: Activation::None };
    let skip = ops::batch_norm(tape, &full, norm_w, norm_b, &mean, &var, &norm)?;
    let pooled = ops::max_pool2d(tape, &skip, Window { kernel: 2, stride: 2, padding: 0 })?;
    let deep = ops::conv2d(tape, &pooled, down_w, Some(down_b), &same, Activation::Gelu)?;
    let mixed = ops::depthwise_conv2d(tape, &deep, depthwise, None, &Conv2dAttrs { groups: 6, ..same }, Activation::None)?;
    let once = ops::add(tape, &deep, &ops::conv2d(tape, &mixed, shared_w, Some(shared_b), &plain, Activation::Relu)?)?;
    let twice = ops::add(tape, &once, &ops::conv2d(tape, &once, shared_w, Some(shared_b), &plain, Activation::Gelu)?)?;
    let raised = ops::conv_transpose2d(tape, &twice, up_w, Some(up_b), 2, 0)?;
    let joined = ops::cat_padded(tape, &[&skip, &raised])?;
    let larger = ops::interpolate(tape, &joined, Target::Size([17, 15]), Interpolation::BilinearAligned)?;
    let melt = ops::sigmoid(tape, &ops::conv2d(tape, &larger, head_w, Some(head_b), &plain, Activation::None)?)?;
    // Targets of 0 and 1, which a sigmoid never reaches: the absolute error has no kink. A fifth of the pixels is masked.
    let answers = |seed, threshold: f32| -> Vec<f32> {
        noise(seed, melt.len()).iter().map(|value| f32::from(u8::from(*value > threshold))).collect()
    };
    let target = Tensor::from_slice(gpu, melt.shape(), &answers(91, 0.0))?;
    let mask = Tensor::from_slice(gpu, melt.shape(), &answers(92, 0.6))?;
    ops::masked_loss(tape, &melt, &target, &mask, kind, Reduction::Mean)
}

/// Values of the leaves, those of leaf `moved` shifted by `step` along `direction`. Their seeds are chosen so that no rectifier and no
/// pooling window is about to switch, where differences would straddle a kink.
fn leaves(gpu: &Gpu, moved: usize, step: f32, direction: &[f32]) -> Vec<Tensor> {
    let leaf = |(i, &(_, shape, centre, spread)): (usize, &(&str, &[usize], f32, f32))| {
        let mut values: Vec<f32> = noise(800 + i as u64, shape.iter().product()).iter().map(|v| centre + spread * v).collect();
        if i == moved {
            values.iter_mut().zip(direction).for_each(|(value, along)| *value += step * along);
        }
        Tensor::from_slice(gpu, shape, &values).unwrap()
    };
    LEAVES.iter().enumerate().map(leaf).collect()
}

fn check(gpu: &Gpu, kind: LossKind) {
    let at = leaves(gpu, 0, 0.0, &[]);
    let tape = Tape::recording();
    at.iter().for_each(|leaf| tape.watch(leaf));
    let loss = graph(&tape, &at, kind).unwrap();
    let gradients = tape.backward(&[(&loss, Tensor::full(gpu, loss.shape(), SCALE).unwrap())]).unwrap();
    let loss_at = |moved: usize, step: f32, direction: &[f32]| -> f64 {
        let loss = graph(&Tape::off(), &leaves(gpu, moved, step, direction), kind).unwrap();
        f64::from(SCALE) * f64::from(loss.to_vec().unwrap()[0])
    };
    for (i, leaf) in at.iter().enumerate() {
        let gradient = gradients.get(leaf).unwrap().to_vec().unwrap();
        let random = noise(50 + i as u64, gradient.len());
        // Uphill in every element, so that no error hides in a sum that cancels; and in any direction, so that none hides in a zero.
        let uphill: Vec<f32> = random.iter().zip(&gradient).map(|(r, g)| if *g < 0.0 { -r.abs() } else { r.abs() }).collect();
        for direction in [uphill, random] {
            let products: Vec<f64> = gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).collect();
            let (slope, size): (f64, f64) = (products.iter().sum(), products.iter().map(|p| p.abs()).sum());
            let numeric = (loss_at(i, STEP, &direction) - loss_at(i, -STEP, &direction)) / (2.0 * f64::from(STEP));
            let name = LEAVES[i].0;
            assert!(size > 1e-3, "{name}: the gradient hardly differs from 0");
            let error = (slope - numeric).abs() / size;
            assert!(error <= TOLERANCE, "{kind:?}, {name}: the tape says {slope}, differences {numeric}, {error:.4} of {size}");
        }
    }
}

#[test]
fn a_graph_of_all_ops_has_the_slope_that_its_loss_shows() {
    for kind in [LossKind::L1, LossKind::Mse] {
        check(&gpu(), kind);
    }
}

#[test]
fn so_it_has_with_the_portable_kernels() {
    check(&Gpu::open_as(None, |capabilities| capabilities.subgroup_size = None).unwrap(), LossKind::Mse);
}

/// The last values along a chain of two convolutions and their joint residual, scaled; the modules may be the same one.
fn chain(tape: &Tape, x: &Tensor, modules: [&[Tensor; 2]; 2]) -> Result<Tensor> {
    let same = Conv2dAttrs { padding: 1, ..Default::default() };
    let [first, second] = modules;
    let a = ops::conv2d(tape, x, &first[0], Some(&first[1]), &same, Activation::Gelu)?;
    let b = ops::conv2d(tape, &a, &second[0], Some(&second[1]), &same, Activation::Relu)?;
    ops::add(tape, &ops::add(tape, &b, x)?, &a)
}

#[test]
fn gradients_of_a_module_that_is_used_twice_are_the_sum_over_its_uses() {
    let gpu = gpu();
    let tensor = |seed, shape: &[usize]| Tensor::from_slice(&gpu, shape, &noise(seed, shape.iter().product::<usize>())).unwrap();
    let module = || [tensor(1, &[3, 3, 3, 3]), tensor(2, &[3])];
    let x = tensor(3, &[2, 3, 7, 9]);
    let run = |modules: [&[Tensor; 2]; 2]| {
        let tape = Tape::recording();
        [&x].into_iter().chain(modules.into_iter().flatten()).for_each(|leaf| tape.watch(leaf));
        let y = chain(&tape, &x, modules).unwrap();
        let seed = Tensor::full(&gpu, y.shape(), SCALE).unwrap();
        let gradients = tape.backward(&[(&y, seed)]).unwrap();
        [&x].into_iter().chain(modules.into_iter().flatten()).map(|leaf| gradients.get(leaf).unwrap().clone()).collect::<Vec<_>>()
    };
    let (shared, first, second) = (module(), module(), module());
    let [x_shared, w_shared, b_shared, ..] = &run([&shared, &shared])[..] else { panic!("five gradients") };
    let [x_apart, w_first, b_first, w_second, b_second] = &run([&first, &second])[..] else { panic!("five gradients") };
    let values = |tensor: &Tensor| wide(&tensor.to_vec().unwrap());
    let sum = |a: &Tensor, b: &Tensor| values(a).iter().zip(values(b)).map(|(a, b)| a + b).collect::<Vec<_>>();
    assert_close("gradient of x", x_shared, &values(x_apart), 0.0);
    assert_close("gradient of the shared weight", w_shared, &sum(w_first, w_second), 1e-6);
    assert_close("gradient of the shared bias", b_shared, &sum(b_first, b_second), 1e-6);
}

#[test]
fn a_tensor_that_is_used_in_many_places_gathers_the_gradients_of_all() {
    let gpu = gpu();
    let x = Tensor::from_slice(&gpu, [1, 1, 2, 3], &noise(5, 6)).unwrap();
    let tape = Tape::recording();
    tape.watch(&x);
    // Three channels: 2x, x, 2x. Each brings its share of the gradient.
    let double = ops::add(&tape, &x, &x).unwrap();
    let joined = ops::cat(&tape, &[&double, &x, &double]).unwrap();
    let seed = noise(6, 18);
    let gradients = tape.backward(&[(&joined, Tensor::from_slice(&gpu, [1, 3, 2, 3], &seed).unwrap())]).unwrap();
    let seed = wide(&seed);
    let want: Vec<f64> = (0..6).map(|i| 2.0 * seed[i] + seed[6 + i] + 2.0 * seed[12 + i]).collect();
    assert_close("gradient of x", gradients.get(&x).unwrap(), &want, 1e-6);
}
