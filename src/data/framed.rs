//! Scenes with a frame of nothing around them, so that windows may reach beyond: what a network sees there is 0, and nothing counts.

use std::sync::Arc;

use super::Window;
use super::dataset::{Dataset, HostSample};
use super::tiles::Crop;
use crate::domains::Unit;
use crate::error::{Error, Result};

/// A scene and the frame around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    /// Rows and columns of the scene.
    pub scene: [usize; 2],
    /// Rows above it and columns left of it.
    pub before: [usize; 2],
    /// Rows and columns with the frame.
    pub size: [usize; 2],
}

impl Frame {
    /// No frame.
    pub fn none(scene: [usize; 2]) -> Frame {
        Frame { scene, before: [0, 0], size: scene }
    }

    /// The frame that makes a scene at least as large as a crop, the scene in its middle.
    pub fn at_least(scene: [usize; 2], crop: [usize; 2]) -> Frame {
        Frame::of_size(scene, [scene[0].max(crop[0]), scene[1].max(crop[1])])
    }

    /// The frame to the next multiple of a tile's sides, of a multiple to the one after it, as GlaViTU's program lays it (Maslov et al.
    /// 2025, doi 10.1038/s41467-024-54956-x): where tiles lie depends on it.
    pub fn around(scene: [usize; 2], tile: [usize; 2]) -> Frame {
        let side = |axis: usize| tile[axis] * (scene[axis] / tile[axis].max(1) + 1);
        Frame::of_size(scene, [side(0), side(1)])
    }

    fn of_size(scene: [usize; 2], size: [usize; 2]) -> Frame {
        Frame { scene, before: [(size[0] - scene[0]) / 2, (size[1] - scene[1]) / 2], size }
    }

    /// The part of a window that lies on the scene, in the scene's own rows and columns; of no rows or columns where none does.
    fn on_scene(&self, window: Window) -> Window {
        let part = |axis: usize, start: usize, len: usize| {
            let before = self.before[axis];
            let from = start.max(before).min(before + self.scene[axis]);
            let to = (start + len).min(before + self.scene[axis]).max(from);
            (from - before, to - from)
        };
        let ((row, height), (col, width)) = (part(0, window.row, window.height), part(1, window.col, window.width));
        Window { row, col, height, width }
    }

    /// A scene's pixels with the frame around them, of the value `outside`.
    ///
    /// # Shapes
    /// `values`: the scene; the frame's size is returned.
    pub fn laid(&self, values: &[f32], outside: f32) -> Vec<f32> {
        let mut laid = vec![outside; self.size[0] * self.size[1]];
        for (row, values) in values.chunks_exact(self.scene[1].max(1)).enumerate() {
            laid[(self.before[0] + row) * self.size[1] + self.before[1]..][..self.scene[1]].copy_from_slice(values);
        }
        laid
    }

    /// The scene's pixels of values that fill the frame.
    ///
    /// # Shapes
    /// `values`: bands × the frame's size; so many bands × scene are returned.
    pub fn cut(&self, values: Vec<f32>) -> Vec<f32> {
        if *self == Frame::none(self.scene) {
            return values;
        }
        let [rows, cols] = self.size;
        let of_band = |band: &[f32]| -> Vec<f32> {
            let inside = band.chunks_exact(cols).skip(self.before[0]).take(self.scene[0]);
            inside.flat_map(|row| row[self.before[1]..self.before[1] + self.scene[1]].iter().copied()).collect()
        };
        values.chunks_exact(rows * cols).flat_map(of_band).collect()
    }
}

/// The days of a dataset with their frames.
#[derive(Debug)]
pub struct Framed {
    dataset: Arc<Dataset>,
    frames: Vec<Frame>,
    /// Of each input the raw value that a network sees as 0.
    zeros: Vec<f32>,
}

impl Framed {
    /// With `frame` of each scene, which must be none where all days share one grid; `zeros`: of each input the raw value that a network
    /// sees as 0.
    pub fn new(dataset: Arc<Dataset>, zeros: Vec<f32>, frame: impl Fn([usize; 2]) -> Frame) -> Framed {
        let of = |day: usize| match dataset.domain().unit {
            Unit::Day => Frame::none(dataset.scene(day)),
            Unit::Scene => frame(dataset.scene(day)),
        };
        let frames = (0..dataset.days().len()).map(of).collect();
        Framed { dataset, frames, zeros }
    }

    /// The days without frames.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// The frame of a day; none at all for a day that does not exist.
    pub fn frame(&self, day: usize) -> Frame {
        self.frames.get(day).copied().unwrap_or(Frame::none([0, 0]))
    }

    /// Every frame, day by day.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Reads a window of a day's frame, as [`Dataset::read`] does of its scene; beyond the scene there is no target, and the mask is 1.
    ///
    /// # Errors
    /// Those of [`Dataset::read`]; [`Error::Shape`] for a window outside the frame.
    pub fn read(&self, crop: &Crop, sample: &mut HostSample) -> Result<()> {
        self.fill(crop, sample, Dataset::read)
    }

    /// As [`Framed::read`], of the target and the mask alone.
    ///
    /// # Errors
    /// Those of [`Framed::read`].
    pub fn read_target(&self, crop: &Crop, sample: &mut HostSample) -> Result<()> {
        self.fill(crop, sample, Dataset::read_target)
    }

    fn fill(
        &self,
        crop: &Crop,
        sample: &mut HostSample,
        read: impl Fn(&Dataset, usize, Window, &mut HostSample) -> Result<()>,
    ) -> Result<()> {
        let (frame, window) = (self.frame(crop.day), crop.window);
        if frame == Frame::none(frame.scene) {
            return read(&self.dataset, crop.day, window, sample);
        }
        if window.row + window.height > frame.size[0] || window.col + window.width > frame.size[1] {
            return Err(Error::shape("framed", format!("the window {window:?} leaves {:?} rows and columns", frame.size)));
        }
        let inner = frame.on_scene(window);
        let mut seen = HostSample::default();
        if inner.pixels() > 0 {
            read(&self.dataset, crop.day, inner, &mut seen)?;
        } else {
            // Numbers of a scene are known although no pixel of it is seen.
            let corner = Window { row: 0, col: 0, height: 1, width: 1 };
            read(&self.dataset, crop.day, corner, &mut seen)?;
        }
        let [top, left] = [frame.before[0] + inner.row, frame.before[1] + inner.col];
        let spread = |from: &[f32], outside: f32, to: &mut Vec<f32>| {
            to.clear();
            to.resize(window.pixels(), outside);
            for (row, values) in from.chunks_exact(inner.width.max(1)).take(inner.height * usize::from(inner.width > 0)).enumerate() {
                let start = (top - window.row + row) * window.width + left - window.col;
                to[start..start + inner.width].copy_from_slice(values);
            }
        };
        sample.channels.resize_with(seen.channels.len(), Vec::new);
        let inputs = self.dataset.inputs().iter().zip(&self.zeros);
        for ((from, to), (input, zero)) in seen.channels.iter().zip(&mut sample.channels).zip(inputs) {
            match input.is_scalar() {
                true => to.clone_from(from),
                false => spread(from, *zero, to),
            }
        }
        spread(&seen.target, f32::NAN, &mut sample.target);
        spread(&seen.ocean, 1.0, &mut sample.ocean);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_multiples_get_another_tile_and_the_larger_half_lies_behind() {
        // Of the published demonstration: 1808 × 2001 → 1920 × 2304, 56 rows above, 151 columns left.
        let frame = Frame::around([1808, 2001], [384, 384]);
        assert_eq!((frame.size, frame.before), ([1920, 2304], [56, 151]));
        assert_eq!(Frame::around([384, 383], [384, 384]).size, [768, 384]);
        assert_eq!(Frame::around([384, 383], [384, 384]).before, [192, 0]);
        assert_eq!(Frame::at_least([10, 40], [32, 32]), Frame { scene: [10, 40], before: [11, 0], size: [32, 40] });
    }

    #[test]
    fn what_lies_on_the_scene_and_what_is_cut_out() {
        let frame = Frame { scene: [2, 3], before: [1, 2], size: [4, 6] };
        let window = |row, col, height, width| Window { row, col, height, width };
        assert_eq!(frame.on_scene(window(0, 0, 4, 6)), window(0, 0, 2, 3));
        assert_eq!(frame.on_scene(window(2, 3, 2, 1)), window(1, 1, 1, 1));
        assert_eq!(frame.on_scene(window(0, 0, 1, 6)).pixels(), 0);
        assert_eq!(frame.cut((0..24).map(|i| i as f32).collect()), [8.0, 9.0, 10.0, 14.0, 15.0, 16.0]);
    }
}
