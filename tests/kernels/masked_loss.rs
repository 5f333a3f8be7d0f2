//! The masked losses and their gradient in the middle of a graph; and the maps that the scores share.

use meltcore::autograd::Tape;
use meltcore::error::Error;
use meltcore::gpu::Gpu;
use meltcore::ops::{self, LossKind, Reduction};
use meltcore::reference::masked_loss as definition;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, close, ensure, extents};
use crate::on_device::{Shape, noise, wide};

/// One pixel, odd, 41 and 47 wide, one channel and several, several images, longer than one workgroup's share.
pub const SHAPES: &[Shape] = &[[1, 1, 1, 1], [2, 1, 5, 4], [2, 3, 7, 5], [1, 1, 41, 47], [3, 1, 64, 64], [1, 2, 130, 47], [2, 1, 90, 101]];
/// Past 65 535 workgroups of one element an invocation.
pub const SCENE: Shape = [1, 1, 2863, 1633];

/// Two maps in 0…1 and a mask.
pub struct Maps {
    pub pred: Vec<f32>,
    pub target: Vec<f32>,
    pub mask: Vec<f32>,
}

/// Two maps and a mask that hides 40 %, and all of the second image.
pub fn maps(shape: Shape, seed: u64) -> Maps {
    let len: usize = shape.iter().product();
    let image = len / shape[0];
    let fractions = |seed| noise(seed, len).iter().map(|v| 0.5 * (v + 1.0)).collect::<Vec<f32>>();
    let hidden = fractions(seed + 2).iter().enumerate().map(|(i, &u)| f32::from(u8::from(u < 0.4 || i / image == 1))).collect();
    Maps { pred: fractions(seed), target: fractions(seed + 1), mask: hidden }
}

const KINDS: [(LossKind, definition::LossKind); 5] = [
    (LossKind::L1, definition::LossKind::L1),
    (LossKind::Mse, definition::LossKind::Mse),
    (LossKind::Huber(0.25), definition::LossKind::Huber(0.25)),
    (LossKind::FocalL1(0.5), definition::LossKind::FocalL1(0.5)),
    (LossKind::Pinball(0.9), definition::LossKind::Pinball(0.9)),
];
const REDUCTIONS: [(Reduction, definition::Reduction); 3] = [
    (Reduction::None, definition::Reduction::None),
    (Reduction::Mean, definition::Reduction::Mean),
    (Reduction::Sum, definition::Reduction::Sum),
];

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for &shape in SHAPES.iter().chain(&[[7, 1, 31, 29], SCENE]) {
        for kind in KINDS {
            for reduction in REDUCTIONS {
                // One of each is enough of so many pixels.
                let of_scene = if kind.0 == LossKind::L1 { Reduction::Mean } else { Reduction::None };
                let is_old = matches!(kind.0, LossKind::L1 | LossKind::Mse);
                if shape == SCENE && (reduction.0 != of_scene || !is_old) {
                    continue;
                }
                let name = format!("{:?}_{:?}_{}", kind.0, reduction.0, extents(&shape)).to_lowercase().replace(['(', ')'], "_");
                let case = Case::new(name, move |gpu| check(gpu, shape, kind, reduction));
                cases.push(if shape[0] == 7 { case.splitting() } else { case });
            }
        }
    }
    cases.push(Case::new("nan_stays_visible_and_other_shapes_are_refused", nan_and_refusals));
    cases
}

/// The loss of a prediction that is a sum, with an upstream gradient: the sum's input gets twice the loss's own gradient.
fn check(gpu: &Gpu, shape: Shape, kind: (LossKind, definition::LossKind), reduction: (Reduction, definition::Reduction)) -> Checked {
    let Maps { pred, target, mask } = maps(shape, 7);
    let half = Tensor::from_slice(gpu, shape, &pred.iter().map(|p| p / 2.0).collect::<Vec<_>>())?;
    let (t, m) = (Tensor::from_slice(gpu, shape, &target)?, Tensor::from_slice(gpu, shape, &mask)?);
    let tape = Tape::recording();
    tape.watch(&half);
    let whole = ops::add(&tape, &half, &half)?;
    let loss = ops::masked_loss(&tape, &whole, &t, &m, kind.0, reduction.0)?;
    let (p, d, hidden) = (wide(&pred), wide(&target), wide(&mask));
    close("loss", &loss, &definition::masked_loss(&p, &d, &hidden, shape[0], kind.1, reduction.1), 4e-7, 1e-12)?;

    let seed = noise(5, loss.len());
    let gradients = tape.backward(&[(&loss, Tensor::from_slice(gpu, loss.shape(), &seed)?)])?;
    let twice: Vec<f64> = wide(&seed).iter().map(|s| 2.0 * s).collect();
    let want = definition::masked_loss_grad_pred(&twice, &p, &d, &hidden, shape[0], kind.1, reduction.1);
    close("grad_pred", gradients.get(&half).ok_or("no gradient")?, &want, 5e-7, 1e-12)
}

fn nan_and_refusals(gpu: &Gpu) -> Checked {
    let tensor = |values: &[f32]| Tensor::from_slice(gpu, [1, 1, 1, values.len()], values).unwrap();
    let (pred, target) = (tensor(&[f32::NAN, 0.0, 1.0, 2.0]), tensor(&[0.0; 4]));
    // Even under the mask: a prediction that is not finite must not go unseen.
    let loss = ops::masked_loss(&Tape::off(), &pred, &target, &tensor(&[1.0, 0.0, 0.0, 0.0]), LossKind::L1, Reduction::Mean)?;
    ensure(loss.to_vec()?[0].is_nan(), "NaN is hidden")?;
    let refused = ops::masked_loss(&Tape::off(), &pred, &target, &tensor(&[0.0; 3]), LossKind::L1, Reduction::Mean);
    ensure(matches!(refused, Err(Error::Shape { .. })), "a mask of another shape was not refused")?;
    for kind in [LossKind::Huber(0.0), LossKind::Huber(f64::NAN), LossKind::FocalL1(-1.0), LossKind::Pinball(1.0)] {
        let refused = ops::masked_loss(&Tape::off(), &target, &target, &target, kind, Reduction::Mean);
        ensure(matches!(refused, Err(Error::Shape { .. })), format!("{kind:?} was not refused"))?;
    }
    // Where the error is 0 there is no slope, and no power of 0.
    for kind in KINDS {
        let tape = Tape::recording();
        tape.watch(&target);
        let loss = ops::masked_loss(&tape, &target, &tensor(&[0.0; 4]), &tensor(&[0.0; 4]), kind.0, Reduction::Mean)?;
        let gradients = tape.backward(&[(&loss, Tensor::full(gpu, [], 1.0)?)])?;
        let slopes = gradients.get(&target).ok_or("no gradient")?.to_vec()?;
        ensure(loss.to_vec()? == [0.0] && slopes == [0.0; 4], format!("{:?}: {slopes:?}", kind.0))?;
    }
    Ok(())
}
