//! Crops of scenes whose values are disturbed feature by feature, and cut, as GlaViTU's program does it: by how much and how often.

use std::path::Path;
use std::sync::Arc;

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::framed::{Frame, Framed};
use meltcore::data::loader::Batch;
use meltcore::data::tiles::Crop;
use meltcore::data::writer::write_geotiff;
use meltcore::gpu::Gpu;
use meltcore::models;
use meltcore::preprocess::Preprocessor;
use meltcore::synth::georeference::albers;
use meltcore::train::augment::Augmentation;

const SCENE: [usize; 2] = [40, 48];
const CROP: [usize; 2] = [16, 20];
const CROPS: usize = 400;
const PIXELS: usize = CROP[0] * CROP[1];

/// `optical` holds rows and columns in raw units, its first band below its minimum in some places; `dem` both together.
fn make(root: &Path) {
    let [rows, cols] = SCENE;
    let plane = |value: &dyn Fn(usize, usize) -> f32| (0..rows * cols).map(|i| value(i / cols, i % cols)).collect::<Vec<f32>>();
    let save = |name: &str, pixels: &[f32]| write_geotiff(root.join(name), rows, cols, pixels, &albers(10.0)).unwrap();
    let optical = [plane(&|row, _| (row as f32 - 2.0) / 40.0), plane(&|_, col| (col as f32 + 1.0) / 50.0)].concat();
    save("optical/a.tif", &optical);
    save("dem/a.tif", &plane(&|row, col| (60 * row + col) as f32));
    save("classes/a.tif", &plane(&|row, col| ((7 * row + 3 * col) % 5) as f32));
    std::fs::write(root.join("train.csv"), "a.tif\n").unwrap();
}

struct Scene {
    config: Config,
    dataset: Arc<Dataset>,
}

impl Scene {
    fn new(root: &Path, more: &str) -> Scene {
        let text = format!(
            "task: segmentation\nclasses: [a, b, c, d, e]\nmodel_key: glavitu\ndata_root: {0}\npath_train_split_csv: {0}/train.csv\n\
             img_size: {CROP:?}\nin_keys: [optical, dem]\nbands_optical: [1, 2]\npath_optical: optical\npath_dem: dem\npath_classes: classes\n\
             mean_optical_b1: 0\nstd_optical_b1: 1.2\nmean_optical_b2: 0\nstd_optical_b2: 1.25\nmean_dem: -100\nstd_dem: 5000\n{more}",
            root.display()
        );
        let config = Config::from_yaml(&text, "run.yaml", &[]).unwrap();
        Scene { dataset: Arc::new(Dataset::open(&config, Split::Train).unwrap()), config }
    }

    /// What the network sees of crops, planes of both optical bands, the elevation and the classes: as they are, and as they are changed.
    fn seen(&self) -> Vec<[Vec<Vec<f32>>; 2]> {
        let augmentation = Augmentation::of(&self.config, self.dataset.inputs()).unwrap().unwrap();
        let framed = Framed::new(self.dataset.clone(), vec![0.0; self.dataset.inputs().len()], Frame::none);
        let place = |number: usize| {
            let (row, col) = (number * 7 % (SCENE[0] - CROP[0] + 1), number * 5 % (SCENE[1] - CROP[1] + 1));
            Crop { day: 0, window: Window { row, col, height: CROP[0], width: CROP[1] }, number }
        };
        let crops: Vec<Crop> = (0..CROPS).map(place).collect();
        let plain = self.planes(&Batch::of(3, &crops, |crop, sample| framed.read(crop, sample)).unwrap());
        let changed = self.planes(&augmentation.read(&framed, 1, &crops).unwrap());
        plain.into_iter().zip(changed).map(|(plain, changed)| [plain, changed]).collect()
    }

    fn planes(&self, batch: &Batch) -> Vec<Vec<Vec<f32>>> {
        let gpu = Gpu::open(Some("host")).unwrap();
        let inputs = models::inputs(&self.config).unwrap();
        let tensors = Preprocessor::new(&gpu, &self.config, self.dataset.inputs(), &inputs).unwrap().inputs(batch).unwrap();
        let [optical, dem] = ["optical", "dem"].map(|name| tensors.get(name).unwrap().to_vec().unwrap());
        let of = |values: &[f32], n: usize| values[n * PIXELS..(n + 1) * PIXELS].to_vec();
        (0..batch.n).map(|n| vec![of(&optical, 2 * n), of(&optical, 2 * n + 1), of(&dem, n), of(&batch.target, n)]).collect()
    }
}

fn scene(more: &str) -> Vec<[Vec<Vec<f32>>; 2]> {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    Scene::new(folder.path(), more).seen()
}

/// Whether so many of all crops are as many as a share says, within four standard deviations.
fn is_share(count: usize, share: f64) -> bool {
    let all = CROPS as f64;
    (count as f64 - all * share).abs() <= 4.0 * (all * share * (1.0 - share)).sqrt()
}

/// Of each feature how many crops are changed, of which `change` says whether and looks at how; labels stay. Features are drawn apart.
fn count(crops: &[[Vec<Vec<f32>>; 2]], mut change: impl FnMut(usize, &[f32], &[f32]) -> bool, share: f64) {
    let (mut counts, mut both) = ([0; 2], 0);
    for [plain, changed] in crops {
        assert_eq!(plain[3], changed[3]);
        let is_changed: Vec<bool> = (0..3).map(|channel| change(channel, &plain[channel], &changed[channel])).collect();
        assert_eq!(is_changed[0], is_changed[1], "the bands of one file are changed together");
        counts[0] += usize::from(is_changed[0]);
        counts[1] += usize::from(is_changed[2]);
        both += usize::from(is_changed[0] && is_changed[2]);
    }
    assert!(counts.iter().all(|count| is_share(*count, share)) && is_share(both, share * share), "{counts:?} {both}");
}

#[test]
fn contrast_is_a_power_for_each_band_of_half_the_features() {
    let crops = scene("augment_contrast: [0.8, 1.2]\n");
    let mut powers: [Vec<f64>; 3] = Default::default();
    let change = |channel: usize, plain: &[f32], changed: &[f32]| {
        let largest = plain.iter().zip(changed).max_by(|a, b| a.0.total_cmp(b.0)).unwrap();
        let power = f64::from(*largest.1).ln() / f64::from(*largest.0).ln();
        for (plain, changed) in plain.iter().zip(changed) {
            // Raw values are float32: dem at 2500 m is known to 2e-4 m, 4e-8 of its range.
            let wanted = f64::from(*plain).powf(power);
            let is_as_wanted = if *plain < 0.0 { *changed == 0.0 } else { (wanted - f64::from(*changed)).abs() < 1e-5 };
            assert!(is_as_wanted || plain == changed, "{channel}: {plain} {changed} {power}");
        }
        let is_changed = plain != changed;
        if is_changed {
            powers[channel].push(power);
        }
        is_changed
    };
    count(&crops, change, 0.5);
    for of_channel in &powers {
        let mean = of_channel.iter().sum::<f64>() / of_channel.len() as f64;
        let spread = (of_channel.iter().map(|power| (power - mean).powi(2)).sum::<f64>() / of_channel.len() as f64).sqrt();
        // Uniform over 0.4: a standard deviation of 0.115; some 200 draws.
        assert!(of_channel.iter().all(|power| (0.799..1.201).contains(power)) && (mean - 1.0).abs() < 0.035, "{mean}");
        assert!((spread - 0.1155).abs() < 0.015, "{spread}");
    }
    // A band has a power of its own.
    assert!(powers[0].iter().zip(&powers[1]).all(|(first, second)| (first - second).abs() > 1e-7));
}

#[test]
fn occlusion_is_a_rectangle_of_zeros_in_all_bands_of_half_the_features() {
    let crops = scene("augment_occlusion: 0.5\n");
    let mut rectangles: [Vec<[usize; 4]>; 3] = Default::default();
    let change = |channel: usize, plain: &[f32], changed: &[f32]| {
        let hidden: Vec<usize> = (0..PIXELS).filter(|i| changed[*i] == 0.0 && plain[*i] != 0.0).collect();
        assert!(plain.iter().zip(changed).all(|(plain, changed)| plain == changed || *changed == 0.0));
        // (A row of the first band is 0 by itself.)
        let rows = hidden.iter().map(|i| i / CROP[1]);
        let cols = hidden.iter().map(|i| i % CROP[1]);
        let (Some(top), Some(left)) = (rows.clone().min(), cols.clone().min()) else { return false };
        let [height, width] = [rows.max().unwrap() - top + 1, cols.max().unwrap() - left + 1];
        let inside = |i: &usize| (top..top + height).contains(&(i / CROP[1])) && (left..left + width).contains(&(i % CROP[1]));
        assert!((0..PIXELS).filter(inside).all(|i| changed[i] == 0.0), "{channel}: no rectangle");
        rectangles[channel].push([top, left, height, width]);
        true
    };
    // A side of U · 8 or U · 10 pixels, of which none remains of an eighth and a tenth; the first band has zeros of its own, and
    // the second takes its place.
    let second_band_twice: Vec<[Vec<Vec<f32>>; 2]> = crops
        .iter()
        .map(|planes| planes.clone().map(|planes| [&planes[1], &planes[1], &planes[2], &planes[3]].map(Vec::clone).to_vec()))
        .collect();
    count(&second_band_twice, change, 0.5 * 7.0 / 8.0 * 9.0 / 10.0);
    assert_eq!(rectangles[0], rectangles[1]);
    for of_channel in [&rectangles[1], &rectangles[2]] {
        let mean = |part: usize| of_channel.iter().map(|rectangle| rectangle[part]).sum::<usize>() as f64 / of_channel.len() as f64;
        assert!(of_channel.iter().all(|[top, left, height, width]| *height < 8 && *width < 10 && top + height < 16 && left + width < 20));
        // Of 1…7 and 1…9 pixels alike: standard deviations of 2 and 2.6, some 150 draws.
        assert!((mean(2) - 4.0).abs() < 0.7 && (mean(3) - 5.0).abs() < 0.9, "{} {}", mean(2), mean(3));
    }
    for [plain, changed] in &crops {
        // The first band where the second is hidden.
        assert!((0..PIXELS).all(|i| changed[1][i] == plain[1][i] || changed[0][i] == 0.0));
    }
}

#[test]
fn a_shift_is_a_number_for_each_band_of_half_the_features() {
    let crops = scene("augment_shift: 0.025\n");
    let mut shifts: [Vec<f64>; 3] = Default::default();
    let change = |channel: usize, plain: &[f32], changed: &[f32]| {
        let by: Vec<f64> = plain.iter().zip(changed).map(|(plain, changed)| f64::from(changed - plain)).collect();
        assert!(by.iter().all(|other| (other - by[0]).abs() < 1e-6), "{channel}: {by:?}");
        let is_shifted = plain != changed;
        if is_shifted {
            shifts[channel].push(by[0]);
        }
        is_shifted
    };
    count(&crops, change, 0.5);
    for of_channel in &shifts {
        let mean = of_channel.iter().sum::<f64>() / of_channel.len() as f64;
        let spread = (of_channel.iter().map(|shift| (shift - mean).powi(2)).sum::<f64>() / of_channel.len() as f64).sqrt();
        assert!(mean.abs() < 0.007 && (spread - 0.025).abs() < 0.005, "{mean} {spread}");
    }
    assert!(shifts[0].iter().zip(&shifts[1]).all(|(first, second)| first != second));
}

#[test]
fn noise_has_its_probability_and_is_in_every_crop_without_one() {
    let sometimes = scene("augment_noise: 0.005\naugment_noise_probability: 0.5\n");
    count(&sometimes, |_, plain, changed| plain != changed, 0.5);
    let by: Vec<f64> = sometimes
        .iter()
        .flat_map(|[plain, changed]| plain[2].iter().zip(&changed[2]).map(|(plain, changed)| f64::from(changed - plain)))
        .filter(|by| *by != 0.0)
        .collect();
    let spread = (by.iter().map(|by| by * by).sum::<f64>() / by.len() as f64).sqrt();
    assert!((spread - 0.005).abs() < 1e-4, "{spread}");
    count(&scene("augment_noise: 0.005\n"), |_, plain, changed| plain != changed, 1.0);
}

#[test]
fn errors_of_coarse_fields_are_as_large_as_asked_and_the_same_over_their_distance() {
    let crops = scene("augment_coarse_noise: {dem: 0.01}\naugment_coarse_noise_spacing: 8\n");
    let (mut squares, mut near, mut far) = (0.0, 0.0, 0.0);
    for [plain, changed] in &crops {
        assert!((0..2).all(|channel| plain[channel] == changed[channel]) && plain[3] == changed[3], "another input was changed");
        let by: Vec<f64> = plain[2].iter().zip(&changed[2]).map(|(plain, changed)| f64::from(changed - plain)).collect();
        squares += by.iter().map(|by| by * by).sum::<f64>() / PIXELS as f64;
        // Neighbours in a row, and pixels two spacings apart.
        let product = |apart: usize| {
            let pairs = by.chunks_exact(CROP[1]).flat_map(|row| row.iter().zip(&row[apart..]));
            pairs.map(|(a, b)| a * b).sum::<f64>() / (CROP[0] * (CROP[1] - apart)) as f64
        };
        near += product(1);
        far += product(16);
    }
    let [spread, near, far] = [squares, near, far].map(|sum| sum / CROPS as f64);
    // Of a crop there are some six independent errors, so that of all the variance is known to 3 %.
    assert!((spread.sqrt() - 0.01).abs() < 6e-4, "{}", spread.sqrt());
    assert!(near > 0.95 * spread && far.abs() < 0.1 * spread, "{near} and {far} of {spread}");
}

#[test]
fn a_part_of_half_the_crops_takes_their_place_with_its_labels() {
    let mut cuts = 0;
    for [plain, changed] in scene("augment_crop: 0.8\n") {
        let (is_cut, pixels) = (plain != changed, 0..PIXELS);
        cuts += usize::from(is_cut);
        // Which row and column each pixel comes from, by what the bands hold.
        let found: Vec<[usize; 2]> = pixels
            .map(|i| {
                let row = f64::from(changed[0][i]) * 1.2 * 40.0 + 2.0;
                let col = f64::from(changed[1][i]) * 1.25 * 50.0 - 1.0;
                assert!((row - row.round()).abs() < 1e-3 && (col - col.round()).abs() < 1e-3, "{row} {col}: between pixels");
                [row.round() as usize, col.round() as usize]
            })
            .collect();
        for (i, [row, col]) in found.iter().copied().enumerate() {
            assert_eq!(changed[3][i], ((7 * row + 3 * col) % 5) as f32);
            assert!((changed[2][i] - ((60 * row + col) as f32 + 100.0) / 5000.0).abs() < 1e-6);
        }
        let ([first_row, first_col], [last_row, last_col]) = (found[0], found[PIXELS - 1]);
        let (height, width) = (last_row - first_row + 1, last_col - first_col + 1);
        match is_cut {
            true => assert!((12..16).contains(&height) && (16..20).contains(&width), "{height} {width}"),
            false => assert_eq!([height, width], CROP),
        }
    }
    assert!(is_share(cuts, 0.5), "{cuts}");
}

#[test]
fn nonsense_is_refused_and_the_changes_are_said() {
    let message = |text: &str| Config::from_yaml(&format!("model_key: unet\n{text}\n"), "run.yaml", &[]).unwrap_err().to_string();
    assert!(message("augment_contrast: [1.2, 0.8]").contains("`augment_contrast`: must be two factors"));
    assert!(message("augment_crop: 0.05").contains("`augment_crop`: must be a number from 0.1 to 1"));
    for key in ["augment_occlusion", "augment_noise_probability"] {
        assert!(message(&format!("{key}: 1.5")).contains(&format!("`{key}`")), "{key}");
    }
    assert!(message("augment_shift: -1").contains("`augment_shift`"));
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let of = |more: &str| {
        let Scene { config, dataset } = Scene::new(folder.path(), more);
        Augmentation::of(&config, dataset.inputs()).unwrap().map(|augmentation| augmentation.describe(CROP))
    };
    assert_eq!(of("augment_noise_probability: 0.5\n"), None);
    let words = "half of them cut to 0.8 of a side at least and stretched, half of the inputs to a power from 0.8 to 1.2, half of the inputs \
                 0 in a rectangle of up to 0.5 of a side, half of the inputs shifted by 0.025 standard deviations, noise of 0.005 standard \
                 deviations on an input with probability 0.5";
    let all = "augment_crop: 0.8\naugment_contrast: [0.8, 1.2]\naugment_occlusion: 0.5\naugment_shift: 0.025\naugment_noise: 0.005\n\
               augment_noise_probability: 0.5\n";
    assert_eq!(of(all).as_deref(), Some(words));
}
