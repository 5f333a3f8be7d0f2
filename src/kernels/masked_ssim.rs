//! Structural similarity of two batches of maps over valid pixels (Wang et al. 2004), one value an image, read back.
//!
//! Both images are set to 0 under the mask and clamped to the data range; the window has radius ⌊3.5 σ + ½⌋, and the mean is over
//! valid pixels that lie further than that from the border, so that no window reaches past it. Computed tile by tile: beside the three
//! images the device holds the moments of one tile with its margin, some 20 MiB for a window of 71 pixels, whatever the images' size.
//! Shaders: `shaders/masked_ssim_prepare.wgsl`, `shaders/gaussian_blur.wgsl`, `shaders/masked_ssim.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::masked_ssim::{MaskedSsimParams, PIXELS_A_PART};
use crate::host::masked_ssim_prepare::MaskedSsimPrepareParams;
use crate::kernels::gaussian_blur::{Window, blur_inside};
use crate::tensor::Tensor;

/// Longest side of a tile without its margin, in pixels.
const TILE: usize = 512;
/// Both means, both mean squares and the mean product.
pub(super) const MOMENTS: usize = 5;

/// Width of the frame that SSIM leaves out, and radius of its window, in pixels.
pub fn ssim_frame(sigma: f64) -> usize {
    (3.5 * sigma + 0.5) as usize
}

/// SSIM of every image; 0 where no valid pixel lies inside the frame, as in images of up to twice [`ssim_frame`] pixels.
///
/// # Shapes
/// `pred`, `target`, `mask` (1 = invalid): `[n, c, h, w]`; `n` values.
///
/// # Errors
/// Shapes that differ; a sigma or data range that is empty; out of memory.
pub fn masked_ssim(pred: &Tensor, target: &Tensor, mask: &Tensor, sigma: f64, data_range: [f64; 2]) -> Result<Vec<f64>> {
    let images = pred.nchw("masked_ssim")?[0];
    let Some(compared) = Compared::new("masked_ssim", [pred, target, mask], sigma, data_range)? else { return Ok(vec![0.0; images]) };
    let sums = compared.sums()?;
    let mean = |image: &[f32]| {
        let pairs = image.chunks_exact(2).map(|pair| (f64::from(pair[0]), f64::from(pair[1])));
        let (sum, valid) = pairs.fold((0.0, 0.0), |total, pair| (total.0 + pair.0, total.1 + pair.1));
        if valid > 0.0 { sum / valid } else { 0.0 }
    };
    Ok(sums.to_vec()?.chunks_exact(sums.len() / images).map(mean).collect())
}

/// Pixels of a plane whose windows lie inside it; these reach `frame` pixels further on all sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub row: usize,
    pub col: usize,
    pub height: usize,
    pub width: usize,
}

impl Tile {
    /// Workgroups that sum it.
    fn parts(&self) -> usize {
        (self.height * self.width).div_ceil(PIXELS_A_PART)
    }
}

/// What is left of a plane without its frame in tiles of about equal sides.
pub(super) fn tiles([rows, cols]: [usize; 2], frame: usize) -> Vec<Tile> {
    let spans = |side: usize| {
        let inner = side - 2 * frame;
        let count = inner.div_ceil(TILE);
        (0..count).map(move |i| (frame + i * inner / count, (i + 1) * inner / count - i * inner / count))
    };
    spans(rows).flat_map(|(row, height)| spans(cols).map(move |(col, width)| Tile { row, col, height, width })).collect()
}

/// Two batches of maps and how they are compared.
pub(super) struct Compared<'a> {
    /// Prediction, target and mask.
    pub images: [&'a Tensor; 3],
    /// Images, planes of each, rows and columns.
    pub extents: [usize; 4],
    pub window: Window,
    pub frame: usize,
    pub data_range: [f64; 2],
}

impl<'a> Compared<'a> {
    /// Of prediction, target and mask; none where no pixel lies inside the frame.
    pub fn new(op: &'static str, images: [&'a Tensor; 3], sigma: f64, data_range: [f64; 2]) -> Result<Option<Self>> {
        let [pred, target, mask] = images;
        let extents = pred.nchw(op)?;
        if target.shape() != pred.shape() || mask.shape() != pred.shape() {
            let message = format!("pred {}, target {} and mask {} must have one shape", pred.shape(), target.shape(), mask.shape());
            return Err(Error::shape(op, message));
        }
        let [low, high] = data_range;
        if !(sigma > 0.0 && sigma.is_finite() && high > low) {
            return Err(Error::shape(op, format!("sigma {sigma} must be positive and the data range {low} to {high} not empty")));
        }
        let frame = ssim_frame(sigma);
        if extents[2].min(extents[3]) <= frame.saturating_mul(2) {
            return Ok(None);
        }
        let window = Window::new(pred.gpu(), 2 * frame + 1, sigma)?;
        Ok(Some(Compared { images, extents, window, frame, data_range }))
    }

    /// Middle of the data range, and SSIM's constants.
    pub fn constants(&self) -> [f32; 3] {
        let [low, high] = self.data_range;
        [(low + high) / 2.0, (0.01 * (high - low)).powi(2), (0.03 * (high - low)).powi(2)].map(|constant| constant as f32)
    }

    /// Sums of similarities of valid pixels and their number, `[images, parts, 2]`.
    pub fn sums(&self) -> Result<Tensor> {
        let [images, planes, rows, cols] = self.extents;
        let tiles = tiles([rows, cols], self.frame);
        let parts_each: usize = tiles.iter().map(Tile::parts).sum();
        let sums = Tensor::empty(self.images[0].gpu(), [images, planes * parts_each, 2])?;
        let mut first_part = 0;
        for plane in 0..images * planes {
            for tile in &tiles {
                self.add(&sums, plane * rows * cols, tile, first_part)?;
                first_part += tile.parts();
            }
        }
        Ok(sums)
    }

    /// Sums a tile of the plane that begins at element `plane` into the parts from `first_part` on.
    fn add(&self, sums: &Tensor, plane: usize, tile: &Tile, first_part: usize) -> Result<()> {
        let blurred = self.blurred(plane, tile)?;
        let cols = self.extents[3];
        let [centre, c1, c2] = self.constants();
        let params = MaskedSsimParams {
            origin: (plane + tile.row * cols + tile.col) as u32,
            cols: cols as u32,
            height: tile.height as u32,
            width: tile.width as u32,
            pitch: (blurred.len() / (MOMENTS * tile.height)) as u32,
            first_part: first_part as u32,
            parts: tile.parts() as u32,
            centre,
            c1,
            c2,
        };
        let pixels = tile.height * tile.width;
        blurred.gpu().launch(&Launch {
            plan: Plan::new("masked_ssim", tile.parts()),
            params: &params,
            buffers: &[blurred.buffer(), self.images[2].buffer(), sums.buffer()],
            cost: Cost::new(25.0 * pixels as f64, (MOMENTS + 1) * pixels),
        })
    }

    /// The blurred moments of a tile: `[5, height, pitch]`.
    pub fn blurred(&self, plane: usize, tile: &Tile) -> Result<Tensor> {
        let moments = self.prepare(plane, tile)?;
        let turned = blur_inside(&moments, tile.width + 2 * self.frame, &self.window)?;
        // The moments' buffer is free for what the second pass writes.
        drop(moments);
        blur_inside(&turned, tile.height, &self.window)
    }

    /// Both centred images, their squares and their product: `[5, height, width]` with the margin, rows padded to whole packs.
    fn prepare(&self, plane: usize, tile: &Tile) -> Result<Tensor> {
        let [pred, target, mask] = self.images;
        let cols = self.extents[3];
        let (height, width) = (tile.height + 2 * self.frame, tile.width + 2 * self.frame);
        let packs = width.div_ceil(4);
        let moments = Tensor::empty(pred.gpu(), [MOMENTS, height, packs * 4])?;
        let [low, high] = self.data_range;
        let params = MaskedSsimPrepareParams {
            origin: (plane + (tile.row - self.frame) * cols + tile.col - self.frame) as u32,
            cols: cols as u32,
            height: height as u32,
            width: width as u32,
            packs: packs as u32,
            low: low as f32,
            high: high as f32,
            centre: self.constants()[0],
        };
        pred.gpu().launch(&Launch {
            plan: Plan::each("masked_ssim_prepare", height * packs),
            params: &params,
            buffers: &[pred.buffer(), target.buffer(), mask.buffer(), moments.buffer()],
            cost: Cost::new(7.0 * (height * width) as f64, (3 + MOMENTS) * height * width),
        })?;
        Ok(moments)
    }
}

#[cfg(test)]
mod tests {
    use super::{TILE, tiles};

    #[test]
    fn tiles_cover_the_inside_once() {
        for (size, frame) in [([71, 90], 35), ([1200, 600], 5), ([2863, 1633], 35), ([3, 600], 1)] {
            let mut seen = vec![0u8; size[0] * size[1]];
            for tile in tiles(size, frame) {
                assert!(tile.height.max(tile.width) <= TILE && tile.height.min(tile.width) > 0);
                (tile.row..tile.row + tile.height)
                    .for_each(|row| (tile.col..tile.col + tile.width).for_each(|col| seen[row * size[1] + col] += 1));
            }
            let inside = |row: usize, col: usize| row.min(size[0] - 1 - row) >= frame && col.min(size[1] - 1 - col) >= frame;
            assert!((0..size[0]).all(|row| (0..size[1]).all(|col| seen[row * size[1] + col] == u8::from(inside(row, col)))), "{size:?}");
        }
    }
}
