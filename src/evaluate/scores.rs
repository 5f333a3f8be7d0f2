//! Scores of one scene: both maps go to the device once, sums and structural similarity come back; the reliability is counted here.
//!
//! Scored are pixels that the radar saw and that are no ocean. Source of the definitions: Wang et al. 2004 for the similarity,
//! otherwise the usual ones with the guards of [`SceneSums`]. Kernels: `masked_metrics`, `masked_ssim`.

use std::path::Path;

use super::reliability::Reliability;
use crate::data::dataset::HostSample;
use crate::error::{Error, Result};
use crate::gpu::Gpu;
use crate::kernels::masked_metrics::{SceneSums, masked_metrics};
use crate::kernels::masked_ssim::{masked_ssim, ssim_frame};
use crate::preprocess::masked;
use crate::tensor::Tensor;

/// A pixel melts where its fraction exceeds this.
pub const MELT_THRESHOLD: f64 = 0.1;
/// Standard deviation of the similarity's window, pixels.
pub const SSIM_SIGMA: f64 = 10.0;
/// Range of melt fractions.
pub const DATA_RANGE: [f64; 2] = [0.0, 1.0];

/// What is known of one scene of one model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SceneScores {
    /// Counts and sums over valid pixels.
    pub sums: SceneSums,
    /// Structural similarity.
    pub ssim: f64,
    /// Valid pixels whose prediction was NaN and counted as 0.
    pub nan_px: u64,
}

/// Scores scenes of one size.
pub struct SceneScorer {
    gpu: Gpu,
    rows: usize,
    cols: usize,
}

impl SceneScorer {
    /// For scenes of `rows` × `cols` pixels.
    pub fn new(gpu: &Gpu, rows: usize, cols: usize) -> Self {
        SceneScorer { gpu: gpu.clone(), rows, cols }
    }

    /// What to warn of before scoring: scenes that have nothing inside the similarity's frame.
    pub fn warning(&self) -> Option<String> {
        let frame = ssim_frame(SSIM_SIGMA);
        (self.rows.min(self.cols) <= 2 * frame).then(|| {
            format!(
                "SSIM leaves out a frame of {frame} pixels, and nothing remains of scenes of {} × {} pixels: it is 0 for all of them",
                self.rows, self.cols
            )
        })
    }

    /// Puts a scene's target on the device, to score any number of maps against.
    ///
    /// # Shapes
    /// `sample.target` and `sample.ocean`: rows × cols.
    ///
    /// # Errors
    /// [`Error::Shape`] where the sample has another size; out of memory.
    pub fn scene(&self, sample: &HostSample) -> Result<Scene> {
        let shape = [1, 1, self.rows, self.cols];
        let (host_target, host_mask) = masked(&sample.target, &sample.ocean);
        let tensors = [&host_target, &host_mask].map(|values| Tensor::from_slice(&self.gpu, shape, values));
        let [target, mask] = tensors;
        Ok(Scene { target: target?, mask: mask?, host_target, host_mask })
    }
}

/// A scene's target and mask on the device.
pub struct Scene {
    target: Tensor,
    mask: Tensor,
    host_target: Vec<f32>,
    host_mask: Vec<f32>,
}

impl Scene {
    /// Scores one map, and adds its pixels to the model's reliability; NaN counts as 0. `path` is where the map comes from, for messages.
    ///
    /// # Errors
    /// [`Error::Input`] for infinite values; [`Error::Shape`] for a map of another size; out of memory.
    pub fn score(&self, mut map: Vec<f32>, path: &Path, reliability: &mut Reliability) -> Result<SceneScores> {
        let mut nan_px = 0;
        for (value, mask) in map.iter_mut().zip(&self.host_mask) {
            if value.is_nan() {
                *value = 0.0;
                nan_px += u64::from(*mask == 0.0);
            } else if value.is_infinite() {
                return Err(Error::input(path, "holds infinite values, which have no score; make this map again"));
            }
        }
        let pred = Tensor::from_slice(self.target.gpu(), self.target.shape(), &map)?;
        let sums = masked_metrics(&pred, &self.target, &self.mask, MELT_THRESHOLD)?;
        let ssim = masked_ssim(&pred, &self.target, &self.mask, SSIM_SIGMA, DATA_RANGE)?;
        reliability.add(&map, &self.host_target, &self.host_mask);
        match (sums.first(), ssim.first()) {
            (Some(sums), Some(ssim)) => Ok(SceneScores { sums: *sums, ssim: *ssim, nan_px }),
            _ => Err(Error::shape("evaluate", "a scene gave no score")),
        }
    }
}
