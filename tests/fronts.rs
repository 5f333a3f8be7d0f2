//! Calving fronts against their meaning in slow loops, and on real zones beside the repository.

mod trials;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use meltcore::fronts::distances::Compared;
use meltcore::fronts::drawing::{Drawing, Front, Labels};
use meltcore::fronts::scores::FrontScores;
use meltcore::fronts::stored::read_front;
use meltcore::fronts::zones::read_zones;
use meltcore::reference::front as naive;

use trials::{needing_data, trial};

/// A map of large and small patches of all classes, whatever they mean.
fn patches(size: [usize; 2], seed: usize) -> Vec<u8> {
    let hash = |number: usize| (number.wrapping_mul(2_654_435_761) >> 7) % 97;
    let class = |at: usize| {
        let (row, col) = (at / size[1], at % size[1]);
        let patch = hash(seed * 131 + row / 5 * 17 + col / 4);
        match (patch % 7, hash(seed + at) < 12) {
            (0..=2, false) => 3,
            (3..=5, false) => 2,
            (6, false) => (patch % 2) as u8,
            (_, true) => (hash(at * 3 + seed) % 4) as u8,
            _ => 0,
        }
    };
    (0..size[0] * size[1]).map(class).collect()
}

fn fronts_are_those_of_the_slow_loops() {
    let mut pixels = [0; 3];
    for seed in 0..40 {
        let size = [17 + seed % 5, 23 - seed % 7];
        for (which, shortest) in [0.0, 3.0, 4.5].into_iter().enumerate() {
            let drawing = Drawing { labels: Labels::default(), shortest_piece: shortest, bounding_box: None };
            let classes = patches(size, seed);
            let front = drawing.draw(&classes, size).unwrap();
            assert_eq!(front.pixels, naive::front(&classes, size, shortest), "{seed} {shortest}");
            pixels[which] += front.count();
            if which == 0 {
                let other = drawing.draw(&patches(size, seed + 1000), size).unwrap();
                let compared = Compared::of(&front.pixels, &other.pixels, size, (1.0, 1.0)).unwrap();
                assert_eq!([compared.to_observed, compared.to_predicted], naive::distances(&front.pixels, &other.pixels, size[1]));
            }
        }
    }
    assert!(pixels[0] > pixels[1] && pixels[1] > pixels[2] && pixels[2] > 500, "{pixels:?}");
}

/// Every pixel of a front is on its lines, which hold no other, and neighbours on a line are neighbours in the map.
fn check_lines(front: &Front) {
    let mut walked = vec![false; front.pixels.len()];
    for line in front.lines((1.0, 1.0)) {
        line.pixels.iter().for_each(|[row, col]| walked[row * front.size[1] + col] = true);
        let near = |pair: &[[usize; 2]]| pair[0][0].abs_diff(pair[1][0]) <= 1 && pair[0][1].abs_diff(pair[1][1]) <= 1;
        assert!(line.pixels.windows(2).all(near) && line.length > 0.0);
    }
    assert_eq!(walked, front.pixels);
}

fn lines_hold_each_pixel_of_a_front() {
    for seed in 0..40 {
        let size = [31, 29];
        for shortest_piece in [0.0, 6.0] {
            let drawing = Drawing { labels: Labels::default(), shortest_piece, bounding_box: None };
            check_lines(&drawing.draw(&patches(size, seed), size).unwrap());
        }
    }
}

/// Fronts of zones that a network predicted of one scene, and the distances between them, as another program found them.
fn fronts_of_predicted_zones_are_those_expected(folder: &Path) {
    let expected: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    let drawn = |frame: &str| {
        let zones = read_zones(&folder.join(format!("frame{frame:0>2}_zones.png")), &[]).unwrap();
        let front = Drawing::at(20.0).draw(&zones.classes, [zones.rows, zones.cols]).unwrap();
        let wanted = read_front(&folder.join(format!("frame{frame:0>2}_front_expected_20m.png"))).unwrap();
        assert_eq!((front.size, &front.pixels), (wanted.size, &wanted.pixels), "{frame}");
        check_lines(&front);
        front
    };
    for (frame, pixels) in expected["front_pixels"].as_object().unwrap() {
        assert_eq!(drawn(frame).count() as u64, pixels.as_u64().unwrap(), "{frame}");
    }
    let pairs = expected["mde_at_20m"].as_object().unwrap();
    assert_eq!(pairs.len(), 4);
    for (pair, wanted) in pairs {
        let [one, other] = pair.split_once("->").map(|(one, other)| [drawn(one), drawn(other)]).unwrap();
        let compared = Compared::of(&one.pixels, &other.pixels, one.size, (20.0, 20.0)).unwrap();
        let scores = FrontScores::of([compared].iter());
        assert_eq!(scores.pixels as u64, wanted["pixels"].as_u64().unwrap(), "{pair}");
        let (mde, wanted) = (scores.mde.unwrap(), wanted["mde"].as_f64().unwrap());
        assert!((mde - wanted).abs() <= 1e-12 * wanted, "{pair}: {mde} {wanted}");
    }
}

/// Fronts of true zones beside the true fronts, each as another program found it; pixels have no size there.
fn fronts_of_true_zones_are_as_far_from_true_fronts_as_expected(folder: &Path) {
    let table = fs::read_to_string(folder.join("front_from_zones.tsv")).unwrap();
    let mut scenes = Vec::new();
    for row in table.lines().skip(1) {
        let [name, _, drawn, label, mean] = row.split('\t').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let zones = read_zones(&folder.join(format!("zones/{name}_zones.png")), &[]).unwrap();
        let truth = read_front(&folder.join(format!("fronts/{name}_front.png"))).unwrap();
        let front = Drawing::at(100.0).draw(&zones.classes, truth.size).unwrap();
        let compared = Compared::of(&front.pixels, &truth.pixels, truth.size, (1.0, 1.0)).unwrap();
        assert_eq!((compared.predicted, compared.observed), (drawn.parse().unwrap(), label.parse().unwrap()), "{name}");
        let (found, wanted) = (compared.mean().unwrap(), mean.parse::<f64>().unwrap());
        assert!((found - wanted).abs() <= 1e-12 * wanted, "{name}: {found} {wanted}");
        check_lines(&front);
        scenes.push(compared);
    }
    let scores = FrontScores::of(scenes.iter());
    assert_eq!((scores.images, scores.missing), (166, 0));
    assert!((scores.mde.unwrap() - 3.8).abs() < 0.05, "{scores:?}");
}

fn main() -> ExitCode {
    trials::run(vec![
        trial("fronts_are_those_of_the_slow_loops", fronts_are_those_of_the_slow_loops),
        trial("lines_hold_each_pixel_of_a_front", lines_hold_each_pixel_of_a_front),
        needing_data("fronts_of_predicted_zones_are_those_expected", "data/columbia_nnunet", fronts_of_predicted_zones_are_those_expected),
        needing_data(
            "fronts_of_true_zones_are_as_far_from_true_fronts_as_expected",
            "data/caffe256",
            fronts_of_true_zones_are_as_far_from_true_fronts_as_expected,
        ),
    ])
}
