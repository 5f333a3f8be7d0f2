//! Windows of another size than the crop's, each at a place of its own, as SSL4SAR's program draws them (Gourmelon et al. 2025, arXiv
//! 2507.01747).
//!
//! A window's sides are ⌊z·side⌋ pixels with one z, uniform within bounds for a share of all crops, else 1. Its place is uniform among
//! those where it lies in the scene; what does not fit into the scene is cut off, and the rest stretched to the crop's size.

use super::zoom::window_of;
use crate::data::Window;
use crate::random::Draw;

/// How windows are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Zoom {
    /// Bounds of z.
    pub(super) bounds: [f64; 2],
    /// Share of crops for which z is not 1.
    pub(super) probability: f64,
    /// Whether a window stays about the middle of its crop, whose place says something.
    pub(super) keeps_place: bool,
}

impl Zoom {
    /// Draws a window in place of a crop in a scene (rows, columns); it takes as many draws whatever they are.
    pub(super) fn window(&self, draw: &mut Draw, crop: Window, scene: [usize; 2]) -> Window {
        let is_zoomed = draw.unit() < self.probability;
        let [low, high] = self.bounds;
        let z = low + (high - low) * draw.unit();
        let z = if is_zoomed { z } else { 1.0 };
        let mut along = |side: usize, scene: usize| {
            let wanted = ((side as f64 * z) as usize).max(1);
            let first = draw.below(scene.saturating_sub(wanted).max(1));
            (first, wanted.min(scene - first))
        };
        let ((row, height), (col, width)) = (along(crop.height, scene[0]), along(crop.width, scene[1]));
        if self.keeps_place { window_of(crop, 1.0 / z, scene) } else { Window { row, col, height, width } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Purpose;

    const ZOOM: Zoom = Zoom { bounds: [0.33, 2.83], probability: 0.5, keeps_place: false };

    #[test]
    fn windows_have_all_sizes_and_places_and_stay_in_the_scene() {
        let (mut plain, mut largest, mut cut) = (0, 0, 0);
        for number in 0..2000 {
            let crop = Window { row: 1, col: 2, height: 64, width: 64 };
            let window = ZOOM.window(&mut Draw::new(3, Purpose::Zoom, number), crop, [160, 400]);
            assert!(window.row + window.height <= 160 && window.col + window.width <= 400, "{window:?}");
            assert!((21..=181).contains(&window.width) && (window.height == window.width || window.height == 160), "{window:?}");
            plain += i32::from(window.width == 64);
            largest = largest.max(window.width);
            cut += i32::from(window.height != window.width);
            if window.height == 160 {
                assert_eq!(window.row, 0, "{window:?}");
            }
        }
        // Four standard deviations of 2000 halves; of those that are zoomed (2.83 − 2.5)/2.5 are longer than the scene's rows.
        assert!((1000 - plain).abs() < 95 && (100..170).contains(&cut) && largest > 178, "{plain} {cut} {largest}");
        let kept = Zoom { keeps_place: true, bounds: [2.0, 2.0], probability: 1.0 };
        let crop = Window { row: 40, col: 50, height: 10, width: 20 };
        let window = kept.window(&mut Draw::new(3, Purpose::Zoom, 0), crop, [160, 400]);
        assert_eq!(window, Window { row: 35, col: 40, height: 20, width: 40 });
    }
}
