//! Gradients of whole graphs against finite differences of the same in f64: every op sits between others, and the loss is scaled by a
//! constant that is not 1.
//!
//! Also what the tape does where tensors and modules are used more than once.

use meltcore::autograd::Tape;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops::{self, Activation, LossKind};
use meltcore::reference::masked_loss as definition;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure};
use crate::graphs::{DEPTHWISE, LEVEL, Leaf, SMALL, UNET, depthwise, level, small_ops, unet};
use crate::graphs_in_f64::{self as in_f64, Map};
use crate::on_device::{noise, wide};

/// Factor behind the loss.
const SCALE: f32 = 0.7;
/// Distance of the differences, which are of f64.
const STEP: f64 = 1e-6;
/// Tolerance as a share of Σ |gradient · direction|, to which the slopes of all elements could add up.
const TOLERANCE: f64 = 6e-6;
/// Tolerance of the loss, relative.
const LOSS_TOLERANCE: f64 = 3e-7;

/// Largest relative error of one rounding to f32.
const ONE_ROUNDING: f64 = 6e-8;

pub fn cases() -> Vec<Case> {
    let kinds = [
        (LossKind::L1, definition::LossKind::L1),
        (LossKind::Mse, definition::LossKind::Mse),
        (LossKind::FocalL1(0.5), definition::LossKind::FocalL1(0.5)),
        (LossKind::Pinball(0.3), definition::LossKind::Pinball(0.3)),
    ];
    let unets = kinds.map(|(kind, meaning)| {
        let name = format!("two_levels_of_a_unet_{kind:?}").to_lowercase().replace(['(', ')'], "_");
        Case::new(name, move |gpu| slopes(gpu, UNET, &|tape, leaves| unet(tape, leaves, kind), &|leaves| in_f64::unet(leaves, meaning)))
    });
    let others = [
        Case::new("depthwise_layers", |gpu| slopes(gpu, DEPTHWISE, &depthwise, &in_f64::depthwise)),
        Case::new("one_level_with_resampling", |gpu| slopes(gpu, LEVEL, &level, &in_f64::level)),
        Case::new("small_ops", |gpu| slopes(gpu, SMALL, &small_ops, &in_f64::small_ops)),
        Case::new("a_module_that_is_used_twice", used_twice),
        Case::new("a_tensor_that_is_used_in_many_places", used_often),
    ];
    unets.into_iter().chain(others).collect()
}

/// Values of a leaf.
fn values(leaf: &Leaf) -> Vec<f32> {
    noise(leaf.seed, leaf.shape.iter().product()).iter().map(|v| leaf.centre + leaf.spread * v).collect()
}

/// A graph over its leaves; the loss is the sum of what it gives.
pub type Graph<'a> = &'a dyn Fn(&Tape, &[Tensor]) -> Result<Tensor>;

/// Compares the slopes that the tape says with those that `loss`, the same in f64, shows, in every leaf.
pub fn slopes(gpu: &Gpu, leaves: &[Leaf], graph: Graph, loss: &dyn Fn(&[Map]) -> f64) -> Checked {
    let at = leaves.iter().map(|leaf| Tensor::from_slice(gpu, leaf.shape, &values(leaf))).collect::<Result<Vec<_>>>()?;
    let tape = Tape::recording();
    at.iter().for_each(|leaf| tape.watch(leaf));
    let output = graph(&tape, &at)?;
    let gradients = tape.backward(&[(&output, Tensor::full(gpu, output.shape(), SCALE)?)])?;
    let maps: Vec<Map> = leaves.iter().map(|leaf| Map::leaf(wide(&values(leaf)), leaf.shape)).collect();
    let value: f64 = wide(&output.to_vec()?).iter().sum();
    let error = (value - loss(&maps)).abs() / value.abs();
    ensure(error <= LOSS_TOLERANCE, format!("the loss is {value}, in f64 {}", loss(&maps)))?;
    let loss_at = |moved: usize, step: f64, direction: &[f32]| {
        let mut maps = maps.clone();
        maps[moved].values.iter_mut().zip(direction).for_each(|(value, along)| *value += step * f64::from(*along));
        f64::from(SCALE) * loss(&maps)
    };
    for (i, leaf) in at.iter().enumerate() {
        let name = leaves[i].name;
        let gradient = gradients.get(leaf).ok_or_else(|| format!("{name} has no gradient"))?.to_vec()?;
        let random = noise(50 + i as u64, gradient.len());
        // Uphill in every element, so that no error hides in a sum that cancels; and in any direction, so that none hides in a zero.
        let uphill: Vec<f32> = random.iter().zip(&gradient).map(|(r, g)| if *g < 0.0 { -r.abs() } else { r.abs() }).collect();
        for direction in [uphill, random] {
            let products: Vec<f64> = gradient.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).collect();
            let (slope, size): (f64, f64) = (products.iter().sum(), products.iter().map(|p| p.abs()).sum());
            let numeric = (loss_at(i, STEP, &direction) - loss_at(i, -STEP, &direction)) / (2.0 * STEP);
            ensure(size > 1e-3, format!("{name}: the gradient hardly differs from 0"))?;
            let error = (slope - numeric).abs() / size;
            ensure(error <= TOLERANCE, format!("{name}: the tape says {slope}, differences {numeric}, {error:e} of {size}"))?;
        }
    }
    Ok(())
}

/// The last values along a chain of two convolutions and their joint residual, scaled; the modules may be the same one.
fn chain(tape: &Tape, x: &Tensor, modules: [&[Tensor; 2]; 2]) -> Result<Tensor> {
    let same = Conv2dAttrs { padding: 1, ..Default::default() };
    let [first, second] = modules;
    let a = ops::conv2d(tape, x, &first[0], Some(&first[1]), &same, Activation::Gelu)?;
    let b = ops::conv2d(tape, &a, &second[0], Some(&second[1]), &same, Activation::Relu)?;
    ops::add(tape, &ops::add(tape, &b, x)?, &a)
}

/// Its gradients are the sum over its uses.
fn used_twice(gpu: &Gpu) -> Checked {
    let tensor = |seed, shape: &[usize]| Tensor::from_slice(gpu, shape, &noise(seed, shape.iter().product::<usize>())).unwrap();
    let module = || [tensor(1, &[3, 3, 3, 3]), tensor(2, &[3])];
    let x = tensor(3, &[2, 3, 7, 9]);
    let run = |modules: [&[Tensor; 2]; 2]| -> Result<Vec<Tensor>> {
        let tape = Tape::recording();
        let leaves = || [&x].into_iter().chain(modules.into_iter().flatten());
        leaves().for_each(|leaf| tape.watch(leaf));
        let y = chain(&tape, &x, modules)?;
        let gradients = tape.backward(&[(&y, Tensor::full(gpu, y.shape(), SCALE)?)])?;
        Ok(leaves().filter_map(|leaf| gradients.get(leaf).cloned()).collect())
    };
    let (shared, first, second) = (module(), module(), module());
    let (together, apart) = (run([&shared, &shared])?, run([&first, &second])?);
    let [x_shared, w_shared, b_shared, ..] = &together[..] else { return Err("gradients are missing".into()) };
    let [x_apart, w_first, b_first, w_second, b_second] = &apart[..] else { return Err("gradients are missing".into()) };
    let sum = |a: &Tensor, b: &Tensor| -> Result<Vec<f64>> {
        Ok(wide(&a.to_vec()?).iter().zip(wide(&b.to_vec()?)).map(|(a, b)| a + b).collect())
    };
    close("gradient of x", x_shared, &wide(&x_apart.to_vec()?), 0.0, 0.0)?;
    close("gradient of the shared weight", w_shared, &sum(w_first, w_second)?, ONE_ROUNDING, 0.0)?;
    close("gradient of the shared bias", b_shared, &sum(b_first, b_second)?, ONE_ROUNDING, 0.0)
}

/// It gathers the gradients of all.
fn used_often(gpu: &Gpu) -> Checked {
    let x = Tensor::from_slice(gpu, [1, 1, 2, 3], &noise(5, 6))?;
    let tape = Tape::recording();
    tape.watch(&x);
    // Three channels: 2x, x, 2x. Each brings its share of the gradient.
    let double = ops::add(&tape, &x, &x)?;
    let joined = ops::cat(&tape, &[&double, &x, &double])?;
    let seed = noise(6, 18);
    let gradients = tape.backward(&[(&joined, Tensor::from_slice(gpu, [1, 3, 2, 3], &seed)?)])?;
    let seed = wide(&seed);
    let want: Vec<f64> = (0..6).map(|i| 2.0 * seed[i] + seed[6 + i] + 2.0 * seed[12 + i]).collect();
    close("gradient of x", gradients.get(&x).ok_or("no gradient")?, &want, 2.0 * ONE_ROUNDING, 0.0)
}
