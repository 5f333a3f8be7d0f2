//! Random crops depend on (seed, epoch, purpose) alone; mosaics cover every pixel or say which stride would.

use std::collections::HashSet;

use meltcore::data::tiles::{Crop, CropSampler, Mosaic, fit_to_scene};
use meltcore::random::Purpose;

fn crops(seed: u64, epoch: u64, purpose: Purpose) -> Vec<Crop> {
    CropSampler::new(seed, epoch, purpose, 40, [30, 50], [16, 24]).unwrap().crops()
}

#[test]
fn an_epoch_is_every_day_once_and_repeats_itself_only() {
    let first = crops(42, 3, Purpose::Train);
    assert_eq!(first, crops(42, 3, Purpose::Train));
    assert_eq!(first.iter().map(|c| c.day).collect::<HashSet<_>>().len(), 40);
    assert!(first.iter().any(|c| c.day != first.iter().position(|o| o == c).unwrap()), "training is shuffled");
    for other in [crops(42, 4, Purpose::Train), crops(43, 3, Purpose::Train), crops(42, 3, Purpose::Validate)] {
        assert_ne!(first, other);
    }
    assert!(crops(42, 3, Purpose::Validate).iter().enumerate().all(|(i, c)| c.day == i), "validation is in order");
    assert!(first.iter().all(|c| c.window.row + 16 <= 30 && c.window.col + 24 <= 50 && (c.window.height, c.window.width) == (16, 24)));
}

#[test]
fn crops_reach_every_place_evenly() {
    let places = (0..2000).flat_map(|epoch| CropSampler::new(1, epoch, Purpose::Train, 1, [4, 3], [2, 2]).unwrap().crops());
    let mut counts = [[0; 2]; 3];
    places.for_each(|c| counts[c.window.row][c.window.col] += 1);
    assert!(counts.iter().flatten().all(|n| (250..420).contains(n)), "{counts:?}");
    let whole = CropSampler::new(1, 0, Purpose::Train, 2, [4, 3], [4, 3]).unwrap().crops();
    assert!(whole.iter().all(|c| (c.window.row, c.window.col) == (0, 0)));
}

#[test]
fn mosaic_runs_down_first_and_ends_flush() {
    let mosaic = Mosaic::new([10, 7], [4, 4], 3, 0).unwrap();
    let starts: Vec<_> = mosaic.tiles.iter().map(|t| (t.window.row, t.window.col)).collect();
    assert_eq!(starts, [(0, 0), (3, 0), (6, 0), (0, 3), (3, 3), (6, 3)]);
    // An extra tile where the stride does not end at the border.
    let mosaic = Mosaic::new([11, 4], [4, 4], 3, 0).unwrap();
    assert_eq!(mosaic.tiles.iter().map(|t| t.window.row).collect::<Vec<_>>(), [0, 3, 6, 7]);
}

#[test]
fn erosion_spares_the_border_of_the_scene() {
    let mosaic = Mosaic::new([100, 40], [40, 40], 30, 5).unwrap();
    let kept: Vec<_> = mosaic.tiles.iter().map(|t| (t.keep.row, t.keep.row + t.keep.height, t.keep.col, t.keep.width)).collect();
    assert_eq!(kept, [(0, 35, 0, 40), (35, 65, 0, 40), (65, 100, 0, 40)]);
}

#[test]
fn counts_are_the_number_of_kept_tiles_at_each_pixel() {
    for (scene, tile, stride, erode) in [([37, 53], [16, 20], 7, 3), ([2863, 1633], [512, 512], 480, 16), ([20, 20], [20, 20], 1, 9)] {
        let mosaic = Mosaic::new(scene, tile, stride, erode).unwrap();
        let mut counts = vec![0u32; scene[0] * scene[1]];
        for keep in mosaic.tiles.iter().map(|t| t.keep) {
            for row in keep.row..keep.row + keep.height {
                counts[row * scene[1] + keep.col..][..keep.width].iter_mut().for_each(|n| *n += 1);
            }
        }
        let product = |i: usize| mosaic.row_counts[i / scene[1]] * mosaic.col_counts[i % scene[1]];
        assert!(counts.iter().enumerate().all(|(i, &n)| n > 0 && n == product(i)), "{scene:?}");
    }
}

#[test]
fn gaps_are_refused_with_the_largest_stride_that_works() {
    let error = Mosaic::new([2863, 1633], [512, 512], 490, 16).unwrap_err();
    assert_eq!(error.exit_status(), 2);
    let text = error.to_string();
    let largest: usize = text.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(largest >= 480, "{text}");
    Mosaic::new([2863, 1633], [512, 512], largest, 16).unwrap();
    assert!((largest + 1..=490).all(|stride| Mosaic::new([2863, 1633], [512, 512], stride, 16).is_err()));
    assert!(Mosaic::new([64, 64], [32, 32], 8, 16).unwrap_err().to_string().contains("erode_size"));
    for (tile, stride, erode) in [([32, 32], 0, 0), ([0, 32], 1, 0), ([65, 32], 1, 0), ([32, 32], usize::MAX, usize::MAX / 2)] {
        assert!(Mosaic::new([64, 64], tile, stride, erode).is_err());
    }
}

#[test]
fn sizes_above_the_scene_are_reduced_with_a_warning() {
    assert_eq!(fit_to_scene([512, 512], [600, 600]), ([512, 512], None));
    let (size, warning) = fit_to_scene([512, 512], [332, 600]);
    assert_eq!(size, [332, 512]);
    assert!(warning.unwrap().contains("[332, 512]"));
    assert!(CropSampler::new(0, 0, Purpose::Train, 1, [332, 600], [512, 512]).is_err());
}
