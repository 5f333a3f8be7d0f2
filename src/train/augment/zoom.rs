//! A window of another size, and its values at the size of the crop.

use crate::data::Window;

/// What lies between the centres of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// The weighted mean of the four around that have a value; none where none has.
    Bilinear,
    /// The value of the nearest.
    Nearest,
}

/// The window about a crop's middle that `factor` enlarges to the crop, moved and made smaller as far as the scene (rows, columns) is.
pub(super) fn window_of(crop: Window, factor: f64, scene: [usize; 2]) -> Window {
    let size = [crop.height, crop.width];
    // Both sides by the same factor, also where one of them meets the scene.
    let least = size.iter().zip(scene).map(|(size, scene)| *size as f64 / scene as f64).fold(0.0, f64::max);
    let along = |first: usize, size: usize, scene: usize| {
        let wanted = ((size as f64 / factor.max(least)).round() as usize).clamp(1, scene);
        let first = (2 * first + size).saturating_sub(wanted) / 2;
        (first.min(scene - wanted), wanted)
    };
    let ((row, height), (col, width)) = (along(crop.row, size[0], scene[0]), along(crop.col, size[1], scene[1]));
    Window { row, col, height, width }
}

/// Where a pixel's centre falls on an axis of another length: the pixels before and behind, and the latter's weight.
fn places(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let place = |i: usize| {
        let at = ((i as f64 + 0.5) * from as f64 / to as f64 - 0.5).clamp(0.0, (from - 1) as f64);
        let before = at.floor() as usize;
        (before, (before + 1).min(from - 1), (at - before as f64) as f32)
    };
    (0..to).map(place).collect()
}

/// A plane of `from` = [rows, columns] at the size `to`, centres on centres and edges on edges.
pub(super) fn resample(plane: &[f32], from: [usize; 2], to: [usize; 2], between: Between) -> Vec<f32> {
    let (rows, cols) = (places(from[0], to[0]), places(from[1], to[1]));
    let mut out = Vec::with_capacity(to[0] * to[1]);
    for (above, below, down) in rows {
        let [above, below] = [above, below].map(|row| &plane[row * from[1]..(row + 1) * from[1]]);
        let at = |&(left, right, across): &(usize, usize, f32)| match between {
            Between::Nearest => (if down < 0.5 { above } else { below })[if across < 0.5 { left } else { right }],
            Between::Bilinear => mean([above[left], above[right], below[left], below[right]], down, across),
        };
        out.extend(cols.iter().map(at));
    }
    out
}

/// The mean of four neighbours, of which some may have no value; of equal ones exactly theirs.
fn mean([a, b, c, d]: [f32; 4], down: f32, across: f32) -> f32 {
    let mix = |from: f32, to: f32, share: f32| from + share * (to - from);
    let all = mix(mix(a, b, across), mix(c, d, across), down);
    if !all.is_nan() {
        return all;
    }
    let weights = [(1.0 - down) * (1.0 - across), (1.0 - down) * across, down * (1.0 - across), down * across];
    let valued = [a, b, c, d].into_iter().zip(weights).filter(|(value, weight)| !value.is_nan() && *weight > 0.0);
    let (sum, weight) = valued.fold((0.0, 0.0), |(sum, all), (value, weight)| (sum + weight * value, all + weight));
    sum / weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_keep_their_middle_and_stay_in_the_scene() {
        let crop = |row, col, height, width| Window { row, col, height, width };
        for (given, factor, wanted) in [
            (crop(10, 20, 8, 16), 1.0, crop(10, 20, 8, 16)),
            (crop(10, 20, 8, 16), 2.0, crop(12, 24, 4, 8)),
            (crop(10, 20, 8, 16), 0.5, crop(6, 12, 16, 32)),
            // At the scene's edges.
            (crop(0, 44, 8, 16), 0.5, crop(0, 28, 16, 32)),
            // No further than the scene, and with the crop's sides.
            (crop(10, 20, 20, 16), 0.1, crop(0, 12, 40, 32)),
            (crop(0, 0, 40, 60), 0.8, crop(0, 0, 40, 60)),
            (crop(3, 3, 2, 2), 10.0, crop(3, 3, 1, 1)),
        ] {
            assert_eq!(window_of(given, factor, [40, 60]), wanted, "{given:?} {factor}");
        }
    }

    #[test]
    fn slopes_stay_slopes_and_labels_stay_labels() {
        // A plane that rises evenly: twice as large every pixel rises by half as much, and edges hold the outermost values.
        let plane: Vec<f32> = (0..12).map(|i| (10 * (i / 4) + i % 4) as f32).collect();
        let twice = resample(&plane, [3, 4], [6, 8], Between::Bilinear);
        assert_eq!(twice[..8], [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]);
        assert_eq!([twice[8], twice[16], twice[40]], [2.5, 7.5, 20.0]);
        let nearest = resample(&plane, [3, 4], [6, 8], Between::Nearest);
        assert_eq!(nearest[8..16], [0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0]);
        assert_eq!(resample(&plane, [3, 4], [3, 4], Between::Bilinear), plane);
        assert_eq!(resample(&[7.1; 15], [3, 5], [4, 4], Between::Bilinear), [7.1; 16]);
        // Halved: between two pixels the mean of both, and the later one of them.
        assert_eq!(resample(&[1.0, 3.0, 5.0, 9.0], [1, 4], [1, 2], Between::Bilinear), [2.0, 7.0]);
        assert_eq!(resample(&[1.0, 3.0, 5.0, 9.0], [1, 4], [1, 2], Between::Nearest), [3.0, 9.0]);
    }

    #[test]
    fn a_pixel_without_a_value_takes_none_from_its_neighbours() {
        let plane = [f32::NAN, 2.0, 4.0, 6.0];
        assert_eq!(resample(&plane, [2, 2], [1, 1], Between::Bilinear), [4.0]);
        let wide = resample(&[f32::NAN, 2.0], [1, 2], [1, 4], Between::Bilinear);
        assert!(wide[0].is_nan() && wide[1..] == [2.0; 3], "{wide:?}");
    }
}
