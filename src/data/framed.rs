//! Scenes with a frame around them, so that windows may reach beyond: a frame of nothing, where a network sees 0 and nothing counts, or the
//! scene mirrored at its edges, pixels with their classes.

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

    /// The frame of (⌊n/p⌋ + 2)·p pixels a side, p the sides of `part`: a half to one and a half of a part around all of a scene (Gourmelon
    /// et al. 2025, arXiv 2507.01747). `as_published`: halves of the frame's width are rounded each by itself, to the even number, so that
    /// the frame may be one pixel wider.
    pub fn wide(scene: [usize; 2], part: [usize; 2], as_published: bool) -> Frame {
        let rounded = |twice: usize| (twice as f64 / 2.0).round_ties_even() as usize;
        let side = |axis: usize| {
            let part = part[axis].max(1);
            let width = (scene[axis] / part + 2) * part - scene[axis];
            match as_published {
                true => (rounded(width), rounded(width) + rounded(width + 1)),
                false => (width / 2, width),
            }
        };
        let (rows, cols) = (side(0), side(1));
        Frame { scene, before: [rows.0, cols.0], size: [scene[0] + rows.1, scene[1] + cols.1] }
    }

    /// Of each row or column of a window the scene's own, the scene mirrored at its edges as often as it takes.
    fn mirrored(&self, axis: usize, start: usize, len: usize) -> Vec<usize> {
        let side = self.scene[axis].max(1) as isize;
        let of = |at: usize| {
            let at = (at as isize - self.before[axis] as isize).rem_euclid(2 * side);
            (if at < side { at } else { 2 * side - 1 - at }) as usize
        };
        (start..start + len).map(of).collect()
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
    /// Whether frames hold the scene mirrored.
    mirrors: bool,
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
        Framed { dataset, frames, zeros, mirrors: false }
    }

    /// The same with scenes mirrored into their frames, or not.
    pub fn mirroring(self, mirrors: bool) -> Framed {
        Framed { mirrors, ..self }
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

    /// Reads a window of a day's frame, as [`Dataset::read`] does of its scene; beyond a scene that is not mirrored there is no target, and
    /// the mask is 1.
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
        if self.mirrors {
            return self.mirror(crop, frame, sample, read);
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

    /// A window of a scene that is mirrored into its frame.
    fn mirror(
        &self,
        crop: &Crop,
        frame: Frame,
        sample: &mut HostSample,
        read: impl Fn(&Dataset, usize, Window, &mut HostSample) -> Result<()>,
    ) -> Result<()> {
        let window = crop.window;
        let rows = frame.mirrored(0, window.row, window.height);
        let cols = frame.mirrored(1, window.col, window.width);
        let span = |places: &[usize]| {
            let first = places.iter().copied().min().unwrap_or_default();
            (first, places.iter().copied().max().unwrap_or_default() + 1 - first)
        };
        let ((row, height), (col, width)) = (span(&rows), span(&cols));
        let inner = Window { row, col, height, width };
        let mut seen = HostSample::default();
        read(&self.dataset, crop.day, inner, &mut seen)?;
        let gather = |from: &[f32], to: &mut Vec<f32>| {
            to.clear();
            to.extend(rows.iter().flat_map(|at| cols.iter().map(move |other| from[(at - row) * width + other - col])));
        };
        sample.channels.resize_with(seen.channels.len(), Vec::new);
        for ((from, to), input) in seen.channels.iter().zip(&mut sample.channels).zip(self.dataset.inputs()) {
            match input.is_scalar() {
                true => to.clone_from(from),
                false => gather(from, to),
            }
        }
        gather(&seen.target, &mut sample.target);
        gather(&seen.ocean, &mut sample.ocean);
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
    fn wide_frames_reach_half_a_part_beyond_and_further() {
        for (side, part, size, before) in [(300, 512, 1024, 362), (512, 512, 1536, 512), (700, 512, 1536, 418), (513, 256, 1024, 255)] {
            let frame = Frame::wide([side, 3 * side], [part, part], false);
            assert_eq!((frame.size[0], frame.before[0]), (size, before), "{side}");
        }
        // numpy: d = 9, 10, 11 and 15: round(d/2), round((d+1)/2).
        for (side, before, after) in [(7, 4, 5), (6, 5, 6), (5, 6, 6), (1, 8, 8)] {
            let frame = Frame::wide([side, side], [8, 8], true);
            assert_eq!((frame.before[0], frame.size[0] - side - frame.before[0]), (before, after), "{side}");
        }
    }

    #[test]
    fn scenes_are_mirrored_as_often_as_it_takes() {
        let frame = Frame { scene: [3, 1], before: [5, 2], size: [14, 4] };
        // numpy.pad(numpy.arange(3), (5, 6), mode="symmetric")
        assert_eq!(frame.mirrored(0, 0, 14), [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2]);
        assert_eq!(frame.mirrored(0, 6, 2), [1, 2]);
        assert_eq!(frame.mirrored(1, 0, 4), [0; 4]);
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
