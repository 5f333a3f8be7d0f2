//! Structural similarity of two maps.

use meltcore::gpu::Gpu;
use meltcore::kernels::masked_ssim::masked_ssim;
use meltcore::reference::masked_ssim::masked_ssim as definition;
use meltcore::tensor::Tensor;

use crate::case::{Case, Checked, ensure, extents};
use crate::masked_loss::{Maps, SCENE, maps};
use crate::on_device::{Shape, wide, within};

/// Shape, σ of the window, range of the data.
type Row = (Shape, f64, [f64; 2]);

const ROWS: &[Row] = &[
    ([2, 1, 41, 47], 1.5, [0.0, 1.0]),
    // A frame that leaves one row, and one that leaves none.
    ([1, 1, 71, 90], 10.0, [0.0, 1.0]),
    ([1, 1, 70, 90], 10.0, [0.0, 1.0]),
    ([3, 2, 33, 29], 2.0, [-1.0, 3.0]),
    ([1, 1, 200, 161], 3.0, [0.0, 1.0]),
    // More than one tile each way, of two planes.
    ([2, 1, 531, 1049], 1.0, [0.0, 1.0]),
];

pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> =
        ROWS.iter().map(|&row| Case::new(format!("sigma_{}_{}", row.1, extents(&row.0)), move |gpu| check(gpu, row))).collect();
    cases.push(Case::new("of_a_scene_needs_little_memory", little_memory));
    cases
}

fn check(gpu: &Gpu, (shape, sigma, range): Row) -> Checked {
    let Maps { mut pred, target, mask } = maps(shape, 23);
    // Outside of the range, and a smooth part that SSIM likes.
    for (i, (p, t)) in pred.iter_mut().zip(&target).enumerate() {
        *p = if i % 3 == 0 { *p * 6.0 - 2.5 } else { *t * 0.9 + *p * 0.1 };
    }
    let [p, t, m] = [&pred, &target, &mask].map(|values| Tensor::from_slice(gpu, shape, values));
    let got: Vec<f32> = masked_ssim(&p?, &t?, &m?, sigma, range)?.iter().map(|&score| score as f32).collect();
    let want = definition(&wide(&pred), &wide(&target), &wide(&mask), shape, sigma, range);
    Ok(within("similarity", &got, &want, 5e-7, 1e-11)?)
}

/// Beside the three images of a full scene there are the moments of one tile only: 20 MiB, where whole images would take 180.
fn little_memory(gpu: &Gpu) -> Checked {
    let Maps { pred, target, mask } = maps(SCENE, 5);
    let [p, t, m] = [&pred, &target, &mask].map(|values| Tensor::from_slice(gpu, SCENE, values).unwrap());
    gpu.reset_peak();
    let images = gpu.memory().live;
    let ssim = masked_ssim(&p, &t, &m, 10.0, [0.0, 1.0])?;
    let peak = gpu.memory().peak - images;
    ensure(peak < 22 << 20, format!("{peak} bytes"))?;
    ensure(ssim.len() == 1 && (-1.0..1.0).contains(&ssim[0]), format!("{ssim:?}"))
}
