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
    /// Where what lies before is mirrored once more, rows and columns; the frame's end where it is mirrored at the scene alone.
    pub fold: [usize; 2],
}

impl Frame {
    /// No frame.
    pub fn none(scene: [usize; 2]) -> Frame {
        Frame { scene, before: [0, 0], size: scene, fold: scene }
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
        let size = [scene[0] + rows.1, scene[1] + cols.1];
        Frame { scene, before: [rows.0, cols.0], size, fold: size }
    }

    /// The frame for tiles of which all but `margin` pixels a side is kept: so many around the scene, and below and right as many more as
    /// the last tile takes, one to `stride` (arXiv 2507.01747); mirrored, those are the first frame mirrored once more. Middles side by
    /// side that end where the scene does need none: a further one would lie beyond it.
    pub fn of_middles(scene: [usize; 2], tile: [usize; 2], margin: [usize; 2], stride: usize) -> Frame {
        let fold = [0, 1].map(|axis| scene[axis] + 2 * margin[axis]);
        let side = |axis: usize| {
            let beyond = (fold[axis] as isize - tile[axis] as isize).rem_euclid(stride.max(1) as isize) as usize;
            let is_filled = beyond == 0 && fold[axis] >= tile[axis] && stride + 2 * margin[axis] == tile[axis];
            if is_filled { fold[axis] } else { (fold[axis] + stride - beyond).max(tile[axis]) }
        };
        Frame { scene, before: margin, size: [side(0), side(1)], fold }
    }

    fn of_size(scene: [usize; 2], size: [usize; 2]) -> Frame {
        Frame { scene, before: [(size[0] - scene[0]) / 2, (size[1] - scene[1]) / 2], size, fold: size }
    }

    /// Of each row or column of a window the scene's own, by `axis`; none beyond the scene, or the scene mirrored at its edges as often as
    /// it takes.
    pub(crate) fn places(&self, axis: usize, start: usize, len: usize, mirrors: bool) -> Vec<Option<usize>> {
        let (before, side) = (self.before[axis], self.scene[axis]);
        let mirrored = |at: isize, side: usize| {
            let (side, twice) = (side.max(1) as isize, 2 * side.max(1) as isize);
            let at = at.rem_euclid(twice);
            if at < side { at } else { twice - 1 - at }
        };
        let of = |at: usize| match mirrors {
            false => at.checked_sub(before).filter(|at| *at < side),
            true => Some(mirrored(mirrored(at as isize, self.fold[axis]) - before as isize, side) as usize),
        };
        (start..start + len).map(of).collect()
    }

    /// A scene's pixels with the frame around them, of the value `outside`, or mirrored where that is none.
    ///
    /// # Shapes
    /// `values`: the scene; the frame's size is returned.
    pub fn laid(&self, values: &[f32], outside: Option<f32>) -> Vec<f32> {
        let [rows, cols] = [0, 1].map(|axis| self.places(axis, 0, self.size[axis], outside.is_none()));
        let of = |place: (Option<usize>, Option<usize>)| match place {
            (Some(row), Some(col)) => values[row * self.scene[1] + col],
            _ => outside.unwrap_or_default(),
        };
        rows.iter().flat_map(|row| cols.iter().map(move |col| (*row, *col))).map(of).collect()
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
    /// Quarters of a turn with the clock by which scenes are turned, from 0 to 3.
    quarters: usize,
}

impl Framed {
    /// With `frame` of each scene, which must be none where all days share one grid; `zeros`: of each input the raw value that a network
    /// sees as 0.
    pub fn new(dataset: Arc<Dataset>, zeros: Vec<f32>, frame: impl Fn([usize; 2]) -> Frame) -> Framed {
        Framed::turned(dataset, zeros, 0, frame)
    }

    /// As [`Framed::new`], with scenes turned by so many quarters with the clock.
    pub fn turned(dataset: Arc<Dataset>, zeros: Vec<f32>, quarters: usize, frame: impl Fn([usize; 2]) -> Frame) -> Framed {
        let quarters = quarters % 4;
        let scene = |day: usize| {
            let [rows, cols] = dataset.scene(day);
            if quarters % 2 == 1 { [cols, rows] } else { [rows, cols] }
        };
        let of = |day: usize| match dataset.domain().unit {
            Unit::Day => Frame::none(scene(day)),
            Unit::Scene => frame(scene(day)),
        };
        let frames = (0..dataset.days().len()).map(of).collect();
        Framed { dataset, frames, zeros, mirrors: false, quarters }
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
        if frame == Frame::none(frame.scene) && self.quarters == 0 {
            return read(&self.dataset, crop.day, window, sample);
        }
        if window.row + window.height > frame.size[0] || window.col + window.width > frame.size[1] {
            return Err(Error::shape("framed", format!("the window {window:?} leaves {:?} rows and columns", frame.size)));
        }
        let lies = self.lies(frame, window);
        let mut seen = HostSample::default();
        read(&self.dataset, crop.day, lies.inner, &mut seen)?;
        sample.channels.resize_with(seen.channels.len(), Vec::new);
        let inputs = self.dataset.inputs().iter().zip(&self.zeros);
        for ((from, to), (input, zero)) in seen.channels.iter().zip(&mut sample.channels).zip(inputs) {
            match input.is_scalar() {
                true => to.clone_from(from),
                false => lies.gather(from, *zero, to),
            }
        }
        lies.gather(&seen.target, f32::NAN, &mut sample.target);
        lies.gather(&seen.ocean, 1.0, &mut sample.ocean);
        Ok(())
    }

    /// Where the pixels of a window lie in the scene as it is stored.
    fn lies(&self, frame: Frame, window: Window) -> Lies {
        let places = |axis: usize, start: usize, len: usize, backwards: bool| {
            let last = frame.scene[axis].saturating_sub(1);
            let places = frame.places(axis, start, len, self.mirrors).into_iter();
            places.map(|place| place.map(|at| if backwards { last - at } else { at })).collect::<Vec<_>>()
        };
        let by_row = places(0, window.row, window.height, [2, 3].contains(&self.quarters));
        let by_col = places(1, window.col, window.width, [1, 2].contains(&self.quarters));
        let transposed = self.quarters % 2 == 1;
        let (rows, cols) = if transposed { (&by_col, &by_row) } else { (&by_row, &by_col) };
        // Numbers of a scene are known although no pixel of it is seen.
        let span = |places: &[Option<usize>]| {
            let first = places.iter().flatten().copied().min().unwrap_or_default();
            (first, places.iter().flatten().copied().max().unwrap_or_default() + 1 - first)
        };
        let ((row, height), (col, width)) = (span(rows), span(cols));
        Lies { by_row, by_col, transposed, inner: Window { row, col, height, width } }
    }
}

/// Where the pixels of a window lie in the scene.
struct Lies {
    /// Of each row of the window the scene's row, or column where that is transposed; none beyond the scene.
    by_row: Vec<Option<usize>>,
    by_col: Vec<Option<usize>>,
    transposed: bool,
    /// What of the scene is read.
    inner: Window,
}

impl Lies {
    /// The window's pixels of those that were read, of the value `outside` beyond the scene.
    fn gather(&self, from: &[f32], outside: f32, to: &mut Vec<f32>) {
        let Window { row: first_row, col: first_col, width, .. } = self.inner;
        let of = |row: usize, col: usize| from[(row - first_row) * width + col - first_col];
        to.clear();
        for at in &self.by_row {
            to.extend(self.by_col.iter().map(|other| match (*at, *other) {
                (Some(col), Some(row)) if self.transposed => of(row, col),
                (Some(row), Some(col)) => of(row, col),
                _ => outside,
            }));
        }
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
        assert_eq!(Frame::at_least([10, 40], [32, 32]), Frame { scene: [10, 40], before: [11, 0], size: [32, 40], fold: [32, 40] });
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
        let frame = Frame { scene: [3, 1], before: [5, 2], size: [14, 4], fold: [14, 4] };
        let all = |axis: usize| frame.places(axis, 0, frame.size[axis], true).into_iter().flatten().collect::<Vec<usize>>();
        // numpy.pad(numpy.arange(3), (5, 6), mode="symmetric")
        assert_eq!(all(0), [1, 2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0, 1, 2]);
        assert_eq!(frame.places(0, 6, 2, true), [Some(1), Some(2)]);
        assert_eq!(all(1), [0; 4]);
        assert_eq!(frame.places(0, 3, 7, false), [None, None, Some(0), Some(1), Some(2), None, None]);
    }

    #[test]
    fn frames_of_middles_are_those_of_the_published_program() {
        for (side, size) in [(129, 512), (256, 640), (300, 640), (512, 896), (700, 1024)] {
            let frame = Frame::of_middles([side, 256], [512, 512], [128, 128], 128);
            assert_eq!((frame.size, frame.before), ([size, 640], [128, 128]), "{side}");
        }
        // A scene that is smaller than the frame around it, for which the program has no map.
        assert_eq!(Frame::of_middles([90, 300], [512, 512], [128, 128], 128).size, [512, 640]);
        // Whole tiles side by side, and middles: as many as there are parts of the scene.
        assert_eq!(Frame::of_middles([256, 300], [256, 256], [0, 0], 256).size, [256, 512]);
        assert_eq!(Frame::of_middles([6, 7], [4, 4], [1, 1], 2).size, [8, 10]);
        // numpy.pad(numpy.pad(numpy.arange(5), 2, mode="symmetric"), (0, 4), mode="symmetric")
        let frame = Frame::of_middles([5, 5], [9, 9], [2, 2], 4);
        let seen: Vec<usize> = frame.places(0, 0, 13, true).into_iter().flatten().collect();
        assert_eq!((frame.size[0], seen), (13, vec![1, 0, 0, 1, 2, 3, 4, 4, 3, 3, 4, 4, 3]));
    }

    #[test]
    fn what_lies_on_the_scene_and_what_is_cut_out() {
        let frame = Frame { scene: [2, 3], before: [1, 2], size: [4, 6], fold: [4, 6] };
        let laid = frame.laid(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], Some(0.0));
        assert_eq!(laid[..14], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 0.0, 0.0, 0.0]);
        assert_eq!(frame.laid(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], None)[..6], [2.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
        assert_eq!(frame.cut(laid), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(frame.cut((0..24).map(|i| i as f32).collect()), [8.0, 9.0, 10.0, 14.0, 15.0, 16.0]);
    }
}
