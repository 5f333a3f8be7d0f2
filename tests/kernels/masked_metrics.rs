//! The scores of a map against its target.

use meltcore::gpu::Gpu;
use meltcore::kernels::masked_metrics::{Scores, masked_metrics};
use meltcore::reference::masked_metrics::masked_metrics as definition;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, ensure, extents};
use crate::masked_loss::{Maps, SCENE, SHAPES, maps};
use crate::on_device::{Shape, wide};

/// Relative tolerance of quotients of counts, which are computed in f64: a few roundings.
const EXACT: f64 = 1e-15;

pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let shapes = SHAPES.iter().flat_map(|&shape| [(shape, 0.0), (shape, 500.0)]);
    for (shape, offset) in shapes.chain([(SCENE, 500.0)]) {
        cases.push(Case::new(format!("{}_around_{offset}", extents(&shape)), move |gpu| check(gpu, shape, offset)));
    }
    cases.push(Case::new("nan_counts_as_zero_and_is_reported", nan));
    cases
}

fn check(gpu: &Gpu, shape: Shape, offset: f32) -> Checked {
    let Maps { mut pred, mut target, mask } = maps(shape, 31);
    pred.iter_mut().chain(&mut target).for_each(|value| *value += offset);
    let [p, t, m] = [&pred, &target, &mask].map(|values| Tensor::from_slice(gpu, shape, values).unwrap());
    let threshold = 0.1 + f64::from(offset);
    let scores: Vec<Scores> = masked_metrics(&p, &t, &m, threshold)?.iter().map(|sums| sums.scores()).collect();
    let want = definition(&wide(&pred), &wide(&target), &wide(&mask), shape[0], threshold);
    let close = |what: &str, score: fn(&Scores) -> f64, want: &[f64], rtol: f64| {
        let allowance = rtol * want.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let got: Vec<f64> = scores.iter().map(score).collect();
        let near = got.iter().zip(want).all(|(got, want)| (got - want).abs() <= allowance);
        ensure(near, format!("{what}: {got:?}, expected {want:?} within {allowance:e}"))
    };
    close("mae", |s| s.mae, &want.mae, 5e-7)?;
    close("mse", |s| s.mse, &want.mse, 5e-7)?;
    // An offset far above the spread must not cancel.
    close("r2", |s| s.r2, &want.r2, 1e-6)?;
    close("accuracy", |s| s.accuracy, &want.accuracy, EXACT)?;
    close("precision", |s| s.precision, &want.precision, EXACT)?;
    close("recall", |s| s.recall, &want.recall, EXACT)?;
    close("f1", |s| s.f1, &want.f1, EXACT)?;
    let valid: Vec<f64> = scores.iter().map(|scores| scores.valid_px as f64).collect();
    ensure(valid == want.valid_px, format!("{valid:?} valid pixels instead of {:?}", want.valid_px))
}

fn nan(gpu: &Gpu) -> Checked {
    let tensor = |values: &[f32]| Tensor::from_slice(gpu, [1, 1, 1, 5], values).unwrap();
    let (target, mask) = (tensor(&[0.5, 0.0, 0.3, 0.1, f32::NAN]), tensor(&[0.0, 0.0, 0.0, 0.0, 1.0]));
    let sums = masked_metrics(&tensor(&[f32::NAN, 0.0, 0.3, 0.1, f32::NAN]), &target, &mask, 0.1)?[0];
    // 0.1 in float32 is not above 0.1 in float32.
    ensure((sums.valid, sums.hits, sums.false_alarms, sums.misses, sums.nan_px) == (4, 1, 0, 1, 1), format!("{sums:?}"))?;
    ensure(sums.abs_sum == 0.5, format!("{sums:?}"))
}
