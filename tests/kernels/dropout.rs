//! Dropout: the definition's mask, its share and scale, one mask a draw, and the same mask for the gradient.

use meltcore::autograd::Tape;
use meltcore::gpu::Gpu;
use meltcore::kernels::dropout::Draw;
use meltcore::nn::{Builder, Mode};
use meltcore::ops;
use meltcore::reference::dropout::dropout;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, Definition, ensure, extents};
use crate::on_device::{SHAPES, Shape};

/// More elements than 65 535 workgroups of 256 hold.
const MANY: Shape = [1, 1, 4097, 4099];
const DRAW: u64 = 7;
const SEED: u64 = 42;

pub fn cases() -> Vec<Case> {
    let shares = [0.5, 0.1, 0.9, 0.25, 0.5, 0.5, 0.01, 0.5];
    let shapes = SHAPES.iter().chain(&[MANY]).zip(shares);
    let mut cases: Vec<Case> =
        shapes.map(|(&shape, p)| Case::new(format!("{p}_of_{}", extents(&shape)), move |gpu| check(gpu, shape, p))).collect();
    cases.push(Case::new("0.3_of_9x2x13x11", |gpu| check(gpu, [9, 2, 13, 11], 0.3)).splitting());
    cases.extend([0.1, 0.5, 0.9].map(|p| Case::new(format!("draws_of_{p}_are_independent"), move |gpu| independent(gpu, p))));
    cases.push(Case::new("equal_draws_give_equal_masks", equal_draws));
    cases.push(Case::new("layers_draw_by_pass_and_rest_in_evaluation", layers));
    cases.push(Case::new("refusals", refusals));
    cases
}

fn check(gpu: &Gpu, shape: Shape, p: f64) -> Checked {
    let key = Draw { p, seed: SEED, draw: DRAW }.key();
    Definition {
        inputs: &[&shape],
        // Two roundings: of the scale, and of the product.
        rtol: [1.2e-7; 2],
        op: &|tape, inputs| ops::dropout(tape, &inputs[0], p, SEED, DRAW),
        forward: &|values| (dropout(&values[0], p, key), shape.to_vec()),
        backward: &|grad, _| vec![dropout(grad, p, key)],
    }
    .check(gpu)
}

/// The mask of one draw over `count` elements: true where an element is kept.
fn mask(gpu: &Gpu, p: f64, seed: u64, draw: u64, count: usize) -> meltcore::error::Result<Vec<bool>> {
    let ones = Tensor::full(gpu, [count], 1.0)?;
    let y = ops::dropout(&Tape::off(), &ones, p, seed, draw)?.to_vec()?;
    let scale = (1.0 / (1.0 - p)) as f32;
    assert!(y.iter().all(|value| *value == 0.0 || *value == scale), "values are 0 or 1/(1 - p)");
    Ok(y.iter().map(|value| *value != 0.0).collect())
}

/// Share of elements for which a condition on two masks holds.
fn share(a: &[bool], b: &[bool], holds: impl Fn(bool, bool) -> bool) -> f64 {
    a.iter().zip(b).filter(|(a, b)| holds(**a, **b)).count() as f64 / a.len() as f64
}

/// The share is p; neighbours and other draws know nothing of each other.
fn independent(gpu: &Gpu, p: f64) -> Checked {
    let count = 1 << 18;
    // Four standard deviations of a share of `count` independent draws.
    let slack = |q: f64| 4.0 * (q * (1.0 - q) / count as f64).sqrt();
    let (first, kept) = (mask(gpu, p, 1, 0, count)?, 1.0 - p);
    let found = share(&first, &first, |a, _| a);
    ensure((found - kept).abs() < slack(kept), format!("{found} of the elements are kept"))?;
    let others = [(1, 1), (2, 0), (1, 1 << 32), (1 << 32, 0)].map(|(seed, draw)| mask(gpu, p, seed, draw, count));
    // The mask beside itself shifted: neighbours, the four lanes, rows of 64.
    let shifted = [1, 2, 3, 4, 64].map(|by| Ok(first[by..].iter().chain(&first[..by]).copied().collect::<Vec<_>>()));
    for other in others.into_iter().chain(shifted) {
        let both = share(&first, &other?, |a, b| a && b);
        ensure((both - kept * kept).abs() < 1.5 * slack(kept * kept), format!("{both} of the elements are kept by both"))?;
    }
    Ok(())
}

fn equal_draws(gpu: &Gpu) -> Checked {
    let long = mask(gpu, 0.5, 3, 9, 1000)?;
    ensure(long == mask(gpu, 0.5, 3, 9, 1000)?, "two masks of one draw differ")?;
    ensure(long[..37] == mask(gpu, 0.5, 3, 9, 37)?, "an element's fate depends on how many there are")
}

fn layers(gpu: &Gpu) -> Checked {
    let x = Tensor::full(gpu, [2, 3, 8, 8], 1.0)?;
    let mut b = Builder::new(gpu, 42);
    let (first, second) = (b.dropout(0.5), b.dropout(0.5));
    let run = |layer: &meltcore::nn::Dropout, mode| layer.forward(&Tape::off(), &x, mode).unwrap().to_vec().unwrap();
    let pass = |draw| Mode::Train { draw };
    ensure(run(&first, Mode::Eval) == x.to_vec()?, "evaluation changes the input")?;
    ensure(run(&first, pass(5)) == run(&first, pass(5)), "a repeated pass draws anew")?;
    ensure(run(&first, pass(5)) != run(&first, pass(6)), "two passes draw the same")?;
    ensure(run(&first, pass(5)) != run(&second, pass(5)), "two layers draw the same")?;
    let again = Builder::new(gpu, 42).dropout(0.5);
    ensure(run(&first, pass(5)) == run(&again, pass(5)), "the same seed draws anew")?;
    ensure(run(&b.dropout(0.0), pass(5)) == x.to_vec()?, "a share of 0 changes the input")
}

fn refusals(gpu: &Gpu) -> Checked {
    let x = Tensor::full(gpu, [4], 1.0)?;
    for p in [1.0, -0.1, f64::NAN] {
        let said = ops::dropout(&Tape::off(), &x, p, 0, 0).err().map_or("nothing".into(), |error| error.to_string());
        ensure(said.contains("dropout"), format!("a share of {p}: {said}"))?;
    }
    Ok(())
}
