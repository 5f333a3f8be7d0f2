//! Structural similarity as a loss, and its gradient.

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::error::{Error, Result};
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::Outputs;
use meltcore::ops::{self, Activation};
use meltcore::reference::{masked_loss, masked_ssim_loss as definition};
use meltcore::tasks::{self, Targets};
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure, extents};
use crate::gradcheck::slopes;
use crate::graphs::{Leaf, answers, leaf};
use crate::graphs_in_f64::{Map, SAME};
use crate::masked_loss::{Maps, SCENE, maps};
use crate::on_device::{Shape, noise, wide};

/// Shape, σ of the window, range of the data.
type Row = (Shape, f64, [f64; 2]);

const ROWS: &[Row] = &[
    ([2, 1, 41, 47], 1.5, [0.0, 1.0]),
    // A frame that leaves one pixel, and one that leaves none.
    ([1, 1, 15, 15], 2.0, [0.0, 1.0]),
    ([1, 1, 14, 15], 2.0, [0.0, 1.0]),
    ([3, 2, 33, 29], 2.0, [-1.0, 3.0]),
    // A wide window.
    ([1, 1, 75, 73], 10.0, [0.0, 1.0]),
    // More than one tile each way, of two planes.
    ([2, 1, 523, 1030], 0.4, [0.0, 1.0]),
];

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        ROWS.iter().map(|&row| Case::new(format!("sigma_{}_{}", row.1, extents(&row.0)), move |gpu| check(gpu, row))).collect();
    cases.push(Case::new("in_a_graph", |gpu| slopes(gpu, LEAVES, &graph_masked_ssim_loss, &in_f64)));
    cases.push(Case::new("beside_the_absolute_error_of_a_task", of_tasks));
    cases.push(Case::new("of_a_scene_needs_little_memory", little_memory));
    cases.push(Case::new("what_is_masked_or_no_number_has_no_slope", unseen));
    cases
}

/// The loss of a prediction that is a sum, with an upstream gradient: the sum's input gets twice the loss's own gradient.
fn check(gpu: &Gpu, (shape, sigma, range): Row) -> Checked {
    let Maps { mut pred, target, mask } = maps(shape, 23);
    // Outside of the range, and a smooth part that SSIM likes.
    for (i, (p, t)) in pred.iter_mut().zip(&target).enumerate() {
        *p = if i % 3 == 0 { *p * 6.0 - 2.5 } else { *t * 0.9 + *p * 0.1 };
    }
    let half = Tensor::from_slice(gpu, shape, &pred.iter().map(|p| p / 2.0).collect::<Vec<_>>())?;
    let (t, m) = (Tensor::from_slice(gpu, shape, &target)?, Tensor::from_slice(gpu, shape, &mask)?);
    let tape = Tape::recording();
    tape.watch(&half);
    let whole = ops::add(&tape, &half, &half)?;
    let loss = ops::masked_ssim_loss(&tape, &whole, &t, &m, sigma, range)?;
    let (p, d, hidden) = (wide(&pred), wide(&target), wide(&mask));
    close("loss", &loss, &[definition::masked_ssim_loss(&p, &d, &hidden, shape, sigma, range)], 5e-7, 1e-11)?;
    let gradients = tape.backward(&[(&loss, Tensor::full(gpu, [], 0.7)?)])?;
    let want = definition::masked_ssim_loss_grad_pred(1.4, &p, &d, &hidden, shape, sigma, range);
    // Of a window that is nearly one pixel the variance is what is left of two numbers that are nearly equal.
    let rtol = if sigma < 1.0 { 1e-4 } else { 1e-5 };
    close("grad_pred", gradients.get(&half).ok_or("no gradient")?, &want, rtol, 1e-12)
}

const LEAVES: &[Leaf] = &[leaf(60, "x", &[2, 2, 13, 17], 0.0, 1.0), leaf(61, "weight", &[1, 2, 3, 3], 0.0, 0.6)];

/// The loss of a convolution's probabilities.
fn graph_masked_ssim_loss(tape: &Tape, leaves: &[Tensor]) -> Result<Tensor> {
    let [x, weight] = leaves else { return Err(Error::Usage("the graph has 2 leaves".into())) };
    let same = Conv2dAttrs { padding: 1, ..Default::default() };
    let map = ops::sigmoid(tape, &ops::conv2d(tape, x, weight, None, &same, Activation::None)?)?;
    let [target, mask] = answers(map.len()).map(|values| Tensor::from_slice(map.gpu(), map.shape(), &values));
    ops::masked_ssim_loss(tape, &map, &target?, &mask?, 1.0, [0.0, 1.0])
}

fn in_f64(leaves: &[Map]) -> f64 {
    let [x, weight] = leaves else { panic!("the graph has 2 leaves, not {}", leaves.len()) };
    let map = x.conv2d(weight, None, SAME).activated(Activation::Sigmoid);
    let [target, mask] = answers(map.values.len()).map(|values| wide(&values));
    definition::masked_ssim_loss(&map.values, &target, &mask, map.shape, 1.0, [0.0, 1.0])
}

/// Tasks add the loss to the absolute error, over the range of what they learn.
fn of_tasks(gpu: &Gpu) -> Checked {
    let shape: Shape = [2, 1, 12, 14];
    let Maps { pred, target, mask } = maps(shape, 11);
    let (p, d, hidden) = (wide(&pred), wide(&target), wide(&mask));
    let own = "task: regression, target: snow, path_snow: snow, max_snow: 40, range_snow: [-20, 80]";
    for (keys, range) in [("task: melt_fraction", [0.0, 1.0]), (own, [-0.5, 2.0])] {
        let yaml = format!("{{model_key: unet, {keys}, loss_function: l1_ssim, ssim_weight: 0.3, ssim_sigma: 1}}");
        let task = tasks::of(&Config::from_yaml(&yaml, "the keys above", &[])?);
        let outputs = Outputs::from(Tensor::from_slice(gpu, shape, &pred)?);
        let loss = task.loss(&Tape::off(), &outputs, &Targets::new(gpu, shape, &target, &mask)?)?;
        let (l1, mean) = (masked_loss::LossKind::L1, masked_loss::Reduction::Mean);
        let absolute = masked_loss::masked_loss(&p, &d, &hidden, shape[0], l1, mean)[0];
        let want = absolute + 0.3 * definition::masked_ssim_loss(&p, &d, &hidden, shape, 1.0, range);
        close(keys, &loss, &[want], 1e-6, 1e-12)?;
    }
    Ok(())
}

/// Beside the images of a full scene and the gradient there are moments and slopes of one tile only: 30 MiB, where whole images would take
/// 180.
fn little_memory(gpu: &Gpu) -> Checked {
    let Maps { pred, target, mask } = maps(SCENE, 5);
    let [p, t, m] = [&pred, &target, &mask].map(|values| Tensor::from_slice(gpu, SCENE, values).unwrap());
    gpu.reset_peak();
    let images = gpu.memory().live;
    let tape = Tape::recording();
    tape.watch(&p);
    let loss = ops::masked_ssim_loss(&tape, &p, &t, &m, 10.0, [0.0, 1.0])?;
    let gradients = tape.backward(&[(&loss, Tensor::full(gpu, [], 1.0)?)])?;
    let peak = gpu.memory().peak - images - 4 * p.len() as u64;
    ensure(peak < 34 << 20, format!("{peak} bytes"))?;
    // Along its own slope the loss falls.
    let slope = gradients.get(&p).ok_or("no gradient")?.to_vec()?;
    let size: f64 = slope.iter().map(|s| f64::from(*s).abs()).sum();
    let moved: Vec<f32> = pred.iter().zip(&slope).map(|(p, s)| p - 1e-3 * s.signum()).collect();
    let moved = Tensor::from_slice(gpu, SCENE, &moved)?;
    let after = ops::masked_ssim_loss(&Tape::off(), &moved, &t, &m, 10.0, [0.0, 1.0])?.to_vec()?[0];
    let (fall, promised) = (f64::from(loss.to_vec()?[0] - after), 1e-3 * size);
    ensure((fall / promised - 1.0).abs() < 0.05, format!("the loss falls by {fall:e} where its slope promises {promised:e}"))
}

fn unseen(gpu: &Gpu) -> Checked {
    let shape: Shape = [2, 1, 9, 9];
    let (mut pred, target) = (noise(3, 162), noise(4, 162));
    let mut mask = vec![0.0; 162];
    mask[40] = 1.0;
    (pred[40], pred[30], pred[41]) = (f32::NAN, f32::NAN, 1.5);
    mask[81..].fill(1.0);
    let [p, t, m] = [&pred, &target, &mask].map(|values| Tensor::from_slice(gpu, shape, values).unwrap());
    let tape = Tape::recording();
    tape.watch(&p);
    let loss = ops::masked_ssim_loss(&tape, &p, &t, &m, 0.5, [-1.0, 1.0])?;
    let gradients = tape.backward(&[(&loss, Tensor::full(gpu, [], 1.0)?)])?;
    let slopes = gradients.get(&p).ok_or("no gradient")?.to_vec()?;
    let none = [40, 30, 41].into_iter().chain(81..162).all(|i| slopes[i] == 0.0);
    ensure(none && slopes.iter().all(|slope| slope.is_finite()) && slopes[31] != 0.0, format!("{slopes:?}"))?;
    // An image without a valid pixel counts with a similarity of 0.
    let loss = loss.to_vec()?[0];
    ensure((0.5..1.0).contains(&loss), format!("{loss}"))?;
    let refused = ops::masked_ssim_loss(&Tape::off(), &p, &t, &m, 0.0, [-1.0, 1.0]);
    ensure(matches!(refused, Err(Error::Shape { .. })), "a sigma of 0 was not refused")
}
