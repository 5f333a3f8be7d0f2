//! Sizes of crops, batches, networks and runs: what is sensible for a scene and a device.

use std::path::Path;

use crate::error::{Error, Result};

/// The UNet halves its maps four times.
const STEP: usize = 16;
/// Pixels of crops that some minutes of the processor, or of a GPU, go through: a UNet of these widths.
const PIXELS: [f64; 2] = [2.5e8, 4e9];
/// Epochs at least and at most.
const EPOCHS: [usize; 2] = [20, 300];

/// Sizes of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Sizes {
    /// Side of crops and tiles, pixels.
    pub side: usize,
    pub batch_size: usize,
    pub accumulate: usize,
    pub base_channels: usize,
    pub epochs: usize,
    pub learning_rate: f64,
    /// Pixels between tiles.
    pub stride: usize,
    /// Pixels that are dropped at each inner side of a tile.
    pub erode: usize,
}

impl Sizes {
    /// For a scene of rows and columns, and a number of train days.
    ///
    /// # Errors
    /// [`Error::Usage`] for a scene that is smaller than the network's smallest tile.
    pub fn of([rows, cols]: [usize; 2], days: usize, is_gpu: bool, out: &Path) -> Result<Sizes> {
        let short = rows.min(cols);
        if short < STEP {
            let out = out.display();
            return Err(Error::Usage(format!(
                "{out}: a scene of {rows} × {cols} pixels is too small for a UNet, which needs {STEP} × {STEP} at least; use a finer grid or a \
                 larger part"
            )));
        }
        let side = match short {
            1024.. if is_gpu => 512,
            512.. => 256,
            _ => (short / STEP * STEP).min(128),
        };
        let (pixels, base_channels, learning_rate) = if is_gpu { (PIXELS[1], 32, 1e-3) } else { (PIXELS[0], 8, 2e-3) };
        let batch_size = match days {
            64.. => 8,
            16.. => 4,
            4.. => 2,
            _ => 1,
        };
        let crops = pixels / (side * side) as f64;
        let epochs = ((crops / days.max(1) as f64) as usize).clamp(EPOCHS[0], EPOCHS[1]);
        // Whole scenes need no overlap.
        let (stride, erode) = if side == rows && side == cols { (side, 0) } else { (side * 3 / 4, side / STEP) };
        Ok(Sizes { side, batch_size, accumulate: 1, base_channels, epochs, learning_rate, stride, erode })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_scene_days_and_device() {
        let of = |scene, days, is_gpu| Sizes::of(scene, days, is_gpu, Path::new("run.yaml"));
        let small = of([332, 316], 249, false).unwrap();
        assert_eq!((small.side, small.batch_size, small.base_channels, small.epochs), (128, 8, 8, 61));
        let large = of([2863, 1633], 40, true).unwrap();
        assert_eq!((large.side, large.batch_size, large.base_channels), (512, 4, 32));
        assert_eq!(of([16, 900], 1, false).unwrap().side, 16);
        assert!(of([15, 900], 1, false).unwrap_err().to_string().contains("too small"));
        let whole = of([64, 64], 3, false).unwrap();
        assert_eq!((whole.side, whole.stride, whole.erode), (64, 64, 0));
    }
}
