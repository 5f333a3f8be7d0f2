//! A part of a crop brought back to the crop's size, as GlaViTU's program does it (Maslov et al. 2025, doi 10.1038/s41467-024-54956-x).
//!
//! The part has n = ⌊(least + (1 − least)·u)·size⌋ pixels along a side, and pixel i of the crop is its pixel
//! min(⌊i · (1 / (size / n))⌋, n − 1) in float64: the nearest one behind, in rare places one before what ⌊i·n/size⌋ would give.

use crate::random::Draw;

/// The part of one axis: its first pixel and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    first: usize,
    len: usize,
}

impl Part {
    /// Of an axis of `size` pixels, the part's share of it given; the last possible place is never drawn.
    fn drawn(draw: &mut Draw, share: f64, size: usize) -> Part {
        let len = ((share * size as f64).floor() as usize).clamp(1, size.max(1));
        Part { first: draw.below(size.saturating_sub(len)), len }
    }

    /// Where the pixels of an axis of `size` come from.
    fn sources(self, size: usize) -> Vec<usize> {
        let step = 1.0 / (size as f64 / self.len as f64);
        (0..size).map(|i| self.first + ((i as f64 * step).floor() as usize).min(self.len - 1)).collect()
    }
}

/// The part of a crop that is seen at the crop's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cut {
    rows: Vec<usize>,
    cols: Vec<usize>,
}

impl Cut {
    /// Draws it, of at least the share `least` of each side; none in half of all draws. It takes as many draws whatever they are.
    pub(super) fn drawn(draw: &mut Draw, least: f64, [rows, cols]: [usize; 2]) -> Option<Cut> {
        let is_cut = draw.unit() <= super::HALF;
        let share = least + (1.0 - least) * draw.unit();
        let [of_rows, of_cols] = [rows, cols].map(|size| Part::drawn(draw, share, size));
        (is_cut && least < 1.0).then(|| Cut { rows: of_rows.sources(rows), cols: of_cols.sources(cols) })
    }

    /// A plane of the crop as the part that is seen.
    pub(super) fn see(&self, plane: &mut Vec<f32>) {
        let from = std::mem::take(plane);
        plane.reserve_exact(from.len());
        for line in self.rows.iter().filter_map(|row| from.chunks_exact(self.cols.len()).nth(*row)) {
            plane.extend(self.cols.iter().map(|col| line[*col]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    #[test]
    fn pixels_come_from_where_the_published_program_takes_them() {
        // Whole halves and thirds, and one of the places where ⌊i·n/size⌋ is another: 97 and 51 there.
        assert_eq!(Part { first: 2, len: 2 }.sources(4), [2, 2, 3, 3]);
        assert_eq!(Part { first: 0, len: 4 }.sources(6), [0, 0, 1, 2, 2, 3]);
        assert_eq!(Part { first: 0, len: 194 }.sources(384)[192], 96);
        assert_eq!(Part { first: 0, len: 272 }.sources(384)[72], 50);
        assert_eq!(*Part { first: 7, len: 310 }.sources(384).last().unwrap(), 316);
        let mut plane: Vec<f32> = (0..12).map(|i| i as f32).collect();
        Cut { rows: vec![1, 1, 2], cols: vec![0, 0, 1, 2] }.see(&mut plane);
        assert_eq!(plane, [4.0, 4.0, 5.0, 6.0, 4.0, 4.0, 5.0, 6.0, 8.0, 8.0, 9.0, 10.0]);
    }

    #[test]
    fn half_of_all_crops_are_cut_and_every_length_is_drawn_alike() {
        let (mut lengths, mut count) = ([0; 20], 0);
        for number in 0..4000 {
            let mut draw = Draw::new(5, Purpose::Disturb, number);
            let Some(cut) = Cut::drawn(&mut draw, 0.8, [20, 40]) else { continue };
            count += 1;
            let span = |sources: &[usize]| sources[sources.len() - 1] - sources[0] + 1;
            let (rows, cols) = (span(&cut.rows), span(&cut.cols));
            assert!((16..20).contains(&rows) && cols / 2 == rows && cut.rows.len() == 20 && cut.cols.len() == 40, "{cut:?}");
            // As the program draws it: never the last place.
            assert!(cut.rows[19] < 19 && cut.cols[39] < 39, "{cut:?}");
            lengths[rows] += 1;
        }
        // Four standard deviations of 4000 halves, and of 2000 quarters.
        assert!((2000_i32 - count).abs() < 127, "{count}");
        assert!(lengths[16..].iter().all(|found: &i32| (found - 500).abs() < 78), "{lengths:?}");
        assert_eq!(Cut::drawn(&mut Draw::new(5, Purpose::Disturb, 0), 1.0, [20, 20]), None);
    }
}
