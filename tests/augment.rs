//! Crops changed at random: what changes and what does not, how often, and that nothing but seed, epoch and day decides it.

mod runs;

use std::path::Path;
use std::sync::Arc;

use meltcore::config::Config;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::framed::{Frame, Framed};
use meltcore::data::loader::{Batch, Loader, LoaderOptions};
use meltcore::data::tiles::{Crop, CropSampler};
use meltcore::data::writer::write_geotiff;
use meltcore::gpu::Gpu;
use meltcore::models;
use meltcore::preprocess::Preprocessor;
use meltcore::random::Purpose;
use meltcore::synth::georeference::albers;
use meltcore::train::augment::Augmentation;
use runs::{FILES, Run};

const ROWS: usize = 40;
const COLS: usize = 48;
const DAYS: usize = 6;
const EPOCHS: usize = 30;
const ALL: &str = "augment_flip: true\naugment_turn: true\naugment_scale: [0.8, 1.25]\naugment_noise: 0.05\naugment_channel_dropout: 0.3\n\
                   augment_noise_probability: 0.9\naugment_crop: 0.8\naugment_contrast: [0.8, 1.2]\naugment_occlusion: 0.5\n\
                   augment_shift: 0.025\n";

/// Inputs that say where they are from, one in logarithms, one that is blurred; targets that say it, too, with gaps; ocean in stripes.
fn make(root: &Path) {
    let save = |name: &str, value: &dyn Fn(usize, usize) -> f32| {
        let pixels: Vec<f32> = (0..ROWS * COLS).map(|i| value(i / COLS, i % COLS)).collect();
        write_geotiff(root.join(name), ROWS, COLS, &pixels, &albers(500.0)).unwrap();
    };
    let mut list = String::new();
    for day in 0..DAYS {
        let file = format!("2019_{:02}_05.tif", day + 4);
        list += &format!("{file}\n");
        save(&format!("rows/{file}"), &|row, _| row as f32);
        save(&format!("cols/{file}"), &|_, col| col as f32);
        save(&format!("wet/{file}"), &|row, col| (1 + (row * 7 + col * 5 + day * 3) % 11) as f32);
        save(&format!("soft/{file}"), &|row, col| ((row * 13 + col * 29 + day) % 17) as f32 / 16.0);
        save(&format!("melt/{file}"), &|row, col| if (row + col) % 7 == 0 { f32::NAN } else { (row * COLS + col) as f32 });
    }
    save("landmask.tif", &|row, _| if row % 5 == 0 { -1.0 } else { 1.0 });
    std::fs::write(root.join("days.csv"), list).unwrap();
}

struct Scene {
    dataset: Arc<Dataset>,
    config: Config,
    crop: [usize; 2],
}

impl Scene {
    fn new(root: &Path, crop: [usize; 2], more: &str) -> Scene {
        let [rows, cols] = crop;
        let text = format!(
            "model_key: unet\ndata_root: {0}\npath_train_split_csv: {0}/days.csv\nimg_size: [{rows}, {cols}]\npath_melt: melt\n\
             path_landmask: landmask.tif\nin_keys: [rows, cols, wet, soft]\nin_keys_static: [landmask]\nin_keys_aux: [time_month_idx]\n\
             path_rows: rows\nmean_rows: 20\nstd_rows: 11\npath_cols: cols\nmean_cols: 24\nstd_cols: 14\n\
             path_wet: wet\nlog_wet: true\nmax_wet: 0.5\nmean_wet: 2.5\nstd_wet: 0.5\n\
             path_soft: soft\nmean_soft: 0.5\nstd_soft: 0.3\nsoft_GaussianBlur_kernel_size: 5\nsoft_GaussianBlur_sigma: 1.2\n{more}",
            root.display()
        );
        let config = Config::from_yaml(&text, "run.yaml", &[]).unwrap();
        Scene { dataset: Arc::new(Dataset::open(&config, Split::Train).unwrap()), config, crop }
    }

    fn augmentation(&self) -> Augmentation {
        Augmentation::of(&self.config, self.dataset.inputs()).unwrap().unwrap()
    }

    fn framed(&self) -> Framed {
        Framed::new(self.dataset.clone(), vec![0.0; self.dataset.inputs().len()], Frame::none)
    }

    fn crops(&self, epoch: usize) -> Vec<Crop> {
        CropSampler::new(7, epoch as u64, Purpose::Train, DAYS, [ROWS, COLS], self.crop).unwrap().crops()
    }

    /// Every epoch's batch as it is, and as it is changed.
    fn batches(&self) -> Vec<(Batch, Batch)> {
        let augmentation = self.augmentation();
        let of = |epoch| {
            let crops = self.crops(epoch);
            (Batch::read(&self.dataset, &crops).unwrap(), augmentation.read(&self.framed(), epoch, &crops).unwrap())
        };
        (1..=EPOCHS).map(of).collect()
    }

    fn place(&self, name: &str) -> usize {
        self.dataset.inputs().iter().position(|input| input.name == name).unwrap()
    }

    /// What the network sees: of each input, in the dataset's order, a plane a sample.
    fn seen(&self, batch: &Batch) -> Vec<Vec<f32>> {
        let gpu = Gpu::open(Some("host")).unwrap();
        let inputs = models::inputs(&self.config).unwrap();
        let preprocessor = Preprocessor::new(&gpu, &self.config, self.dataset.inputs(), &inputs).unwrap();
        let values = preprocessor.inputs(batch).unwrap().only().unwrap().to_vec().unwrap();
        let (pixels, channels) = (batch.height * batch.width, self.dataset.in_channels());
        let plane = |channel: usize, n: usize| values[(n * channels + channel) * pixels..][..pixels].to_vec();
        (0..channels).map(|channel| (0..batch.n).flat_map(|n| plane(channel, n)).collect()).collect()
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The planes of a sample: rasters, target, ocean.
fn planes(batch: &Batch, n: usize) -> Vec<&[f32]> {
    let pixels = batch.height * batch.width;
    let all = batch.channels.iter().chain([&batch.target, &batch.ocean]);
    all.filter(|values| values.len() == batch.n * pixels).map(|values| &values[n * pixels..][..pixels]).collect()
}

/// A plane under one of the eight symmetries: reflections of rows (1) and columns (2), then a transposition (4).
fn under(symmetry: usize, plane: &[f32], [rows, cols]: [usize; 2]) -> Vec<f32> {
    let at = |i: usize| {
        let (row, col) = if symmetry & 4 != 0 { (i % rows, i / rows) } else { (i / cols, i % cols) };
        let row = if symmetry & 1 != 0 { rows - 1 - row } else { row };
        let col = if symmetry & 2 != 0 { cols - 1 - col } else { col };
        plane[row * cols + col]
    };
    (0..plane.len()).map(at).collect()
}

#[test]
fn flips_and_turns_move_all_planes_alike_and_change_no_value() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    // Turns are those with an even number of reflections, a transposition counted as one.
    for (keys, crop, wanted) in [
        ("augment_flip: true\n", [16, 16], &[0, 1, 2, 3][..]),
        ("augment_turn: true\n", [16, 16], &[0, 3, 5, 6]),
        ("augment_flip: true\naugment_turn: true\n", [16, 16], &[0, 1, 2, 3, 4, 5, 6, 7]),
        ("augment_turn: true\n", [16, 24], &[0, 3]),
        ("augment_flip: true\naugment_turn: true\n", [24, 16], &[0, 1, 2, 3]),
    ] {
        let scene = Scene::new(folder.path(), crop, keys);
        let mut counts = [0; 8];
        for (plain, changed) in scene.batches() {
            assert_eq!((plain.n, plain.height, plain.width), (changed.n, changed.height, changed.width));
            let month = scene.place("time_month_idx");
            assert_eq!(plain.channels[month], changed.channels[month]);
            for n in 0..plain.n {
                let (from, to) = (planes(&plain, n), planes(&changed, n));
                let is = |symmetry: &usize| from.iter().zip(&to).all(|(from, to)| bits(&under(*symmetry, from, crop)) == bits(to));
                let found = (0..8).find(is).unwrap_or_else(|| panic!("{keys}: no symmetry"));
                counts[found] += 1;
            }
        }
        let mean = (EPOCHS * DAYS / wanted.len()) as f64;
        for (symmetry, count) in counts.into_iter().enumerate() {
            // Within four standard deviations of a uniform draw; the others never.
            let room = 4.0 * (mean * (1.0 - 1.0 / wanted.len() as f64)).sqrt();
            match wanted.contains(&symmetry) {
                true => assert!((f64::from(count) - mean).abs() < room, "{keys} {crop:?}: {counts:?}"),
                false => assert_eq!(count, 0, "{keys} {crop:?}: {counts:?}"),
            }
        }
    }
    let words = |crop| Scene::new(folder.path(), crop, "augment_turn: true\n").augmentation().describe(crop);
    assert!(words([16, 24]).contains("by halves only (they have 16 x 24 pixels") && words([16, 16]) == "turned by quarters");
}

#[test]
fn enlarged_crops_show_inputs_and_targets_of_one_place() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let scene = Scene::new(folder.path(), [16, 20], "augment_scale: [0.8, 1.25]\n");
    let (rows, cols, mask) = (scene.place("rows"), scene.place("cols"), scene.place("landmask"));
    let mut factors = Vec::new();
    for (_, changed) in scene.batches() {
        for n in 0..changed.n {
            let of = |values: &[f32]| values[n * 320..(n + 1) * 320].to_vec();
            let (row, col) = (of(&changed.channels[rows]), of(&changed.channels[cols]));
            // Source pixels between neighbours, away from the edges.
            let (down, across) = (row[9 * 20] - row[8 * 20], col[10] - col[9]);
            assert!((down - across).abs() < 0.06, "{down} {across}");
            factors.push(f64::from(1.0 / down));
            for (i, target) in of(&changed.target).into_iter().enumerate() {
                let near = |at: f32, of: usize| (at - of as f32).abs() < 0.501;
                match target.is_nan() {
                    false => {
                        let source = target as usize;
                        let (at_row, at_col) = (source / COLS, source % COLS);
                        assert!(target.fract() == 0.0 && near(row[i], at_row) && near(col[i], at_col), "{target}: {} {}", row[i], col[i]);
                    }
                    true => {
                        let (first, last) = ((row[i] - 0.501).ceil() as usize, (row[i] + 0.501).floor() as usize);
                        let around = |at: f32| (at - 0.501).ceil() as usize..=(at + 0.501).floor() as usize;
                        assert!((first..=last).any(|row| around(col[i]).any(|col| (row + col) % 7 == 0)), "{} {}", row[i], col[i]);
                    }
                }
            }
            assert_eq!(of(&changed.channels[mask]), of(&changed.ocean));
            assert!(of(&changed.ocean).iter().all(|ocean| [0.0, 1.0].contains(ocean)));
        }
    }
    // Whole source pixels: 16 of 13 to 20 rows.
    assert!(factors.iter().all(|factor| (0.799..1.25).contains(factor)), "{factors:?}");
    let mut different = factors.iter().map(|factor| (factor * 1000.0) as i64).collect::<Vec<_>>();
    different.sort_unstable();
    different.dedup();
    let mean = factors.iter().sum::<f64>() / factors.len() as f64;
    // Uniform from 0.8 to 1.25: a standard deviation of 0.13.
    assert!(different.len() == 8 && (mean - 1.025).abs() < 0.04, "{} {mean}", different.len());
}

#[test]
fn inputs_left_out_are_their_mean_and_never_all() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let names = ["rows", "cols", "wet", "soft"];
    // Of all four left out, one stays: 0.4⁴ / 4 less than asked for.
    for (share, wanted) in [("0.4", 0.4 - 0.0064), ("1", 0.75)] {
        let scene = Scene::new(folder.path(), [16, 16], &format!("augment_channel_dropout: {share}\n"));
        let mut left_out = [0; 4];
        for (plain, changed) in scene.batches() {
            assert_eq!(bits(&plain.target), bits(&changed.target));
            for kept in ["landmask", "time_month_idx"] {
                assert_eq!(plain.channels[scene.place(kept)], changed.channels[scene.place(kept)]);
            }
            let seen = scene.seen(&changed);
            for n in 0..plain.n {
                let of = |values: &[f32]| values[n * 256..(n + 1) * 256].to_vec();
                let is_kept = names.map(|name| {
                    let place = scene.place(name);
                    let is_kept = of(&plain.channels[place]) == of(&changed.channels[place]);
                    // Zero but for the rounding of the logarithm and of the blur's weights.
                    assert!(is_kept || of(&seen[place]).iter().all(|value| value.abs() < 2e-6), "{name}: {:?}", of(&seen[place]));
                    is_kept
                });
                assert!(is_kept.contains(&true) && (share != "1" || is_kept.iter().filter(|kept| **kept).count() == 1));
                left_out.iter_mut().zip(is_kept).for_each(|(count, kept)| *count += usize::from(!kept));
            }
        }
        for count in left_out {
            let share = count as f64 / (EPOCHS * DAYS) as f64;
            // Four standard deviations of 180 draws.
            assert!((share - wanted).abs() < 4.0 * (wanted * (1.0 - wanted) / 180.0_f64).sqrt(), "{left_out:?}");
        }
    }
}

#[test]
fn noise_has_its_deviation_behind_normalisation_logarithm_and_blur() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let scene = Scene::new(folder.path(), [16, 16], "augment_noise: 0.05\nconstant_inputs: {cols: 3}\n");
    let mut differences = vec![Vec::new(); scene.dataset.in_channels()];
    for (plain, changed) in scene.batches() {
        assert_eq!((bits(&plain.target), &plain.ocean), (bits(&changed.target), &changed.ocean));
        for (found, (plain, changed)) in differences.iter_mut().zip(scene.seen(&plain).iter().zip(scene.seen(&changed))) {
            let pairs = plain.iter().zip(changed).enumerate();
            // Where a blur sees no reflected border, which would count noise twice.
            let inner = pairs.filter(|(i, _)| [i / 16 % 16, i % 16].iter().all(|at| (2..14).contains(at)));
            found.extend(inner.map(|(_, (plain, changed))| f64::from(changed - plain)));
        }
    }
    for (name, wanted) in [("rows", 0.05), ("wet", 0.05), ("soft", 0.05), ("cols", 0.0), ("landmask", 0.0), ("time_month_idx", 0.0)] {
        let values = &differences[scene.place(name)];
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
        // 26 000 values; about a twentieth of that where the blur makes neighbours alike.
        assert!(mean.abs() <= 0.06 * wanted && (deviation - wanted).abs() <= 0.04 * wanted, "{name}: {mean} {deviation}");
    }
}

/// Every sample of an epoch by its day, as bits.
fn samples(batches: impl IntoIterator<Item = Batch>) -> Vec<(usize, Vec<u32>)> {
    let mut found = Vec::new();
    for batch in batches {
        for n in 0..batch.n {
            found.push((batch.crops[n].day, planes(&batch, n).into_iter().flat_map(bits).collect()));
        }
    }
    found.sort();
    found
}

#[test]
fn draws_depend_on_seed_epoch_and_day_alone() {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let scene = Scene::new(folder.path(), [16, 16], ALL);
    let augmentation = Arc::new(scene.augmentation());
    let loaded = |epoch: usize, batch_size: usize, workers: usize, turned_round: bool| {
        let (augmentation, framed) = (augmentation.clone(), scene.framed());
        let mut crops = scene.crops(1);
        if turned_round {
            crops.reverse();
        }
        let options = LoaderOptions { batch_size, workers, ..LoaderOptions::default() };
        let loader = Loader::reading(move |crops| augmentation.read(&framed, epoch, crops), crops, options).unwrap();
        samples(loader.map(Result::unwrap))
    };
    let wanted = loaded(1, 6, 1, false);
    assert_eq!(wanted.len(), DAYS);
    for (batch_size, workers, turned_round) in [(1, 1, false), (1, 4, false), (4, 2, true), (5, 3, false)] {
        assert_eq!(loaded(1, batch_size, workers, turned_round), wanted, "{batch_size} {workers}");
    }
    let differ = |other: &[(usize, Vec<u32>)]| other.iter().zip(&wanted).all(|(other, wanted)| other != wanted);
    assert!(differ(&loaded(2, 6, 1, false)), "another epoch draws anew");
    let of = |more: &str| {
        let other = Scene::new(folder.path(), [16, 16], more);
        other.augmentation().read(&scene.framed(), 1, &scene.crops(1)).unwrap()
    };
    assert!(differ(&samples([of(&format!("seed: 43\n{ALL}"))])), "another seed draws anew");
    // What moves a crop is drawn alike whatever else is asked for.
    let still = of("augment_flip: true\naugment_turn: true\naugment_scale: [0.8, 1.25]\naugment_crop: 0.8\n");
    let all = of(ALL);
    assert_eq!((bits(&still.target), still.ocean), (bits(&all.target), all.ocean));
}

#[test]
fn keys_that_say_nothing_usable_are_refused() {
    let message = |text: &str| Config::from_yaml(&format!("model_key: unet\n{text}\n"), "run.yaml", &[]).unwrap_err().to_string();
    for bad in ["[1.25, 0.8]", "[0, 1]", "[0.5, 20]", "1.1", "[1]", "[a, b]"] {
        let said = message(&format!("augment_scale: {bad}"));
        assert!(said.contains("`augment_scale`: must be two factors from 0.1 to 10, the lower one first"), "{said}");
    }
    assert!(message("augment_noise: -1").contains("`augment_noise`") && message("augment_channel_dropout: 2").contains("from 0 to 1"));
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let scene = Scene::new(folder.path(), [16, 16], "augment_channel_dropout: 0.1\nconstant_inputs: {rows: 1, cols: 2, wet: 3}\n");
    let said = Augmentation::of(&scene.config, scene.dataset.inputs()).unwrap_err().to_string();
    assert!(said.contains("`augment_channel_dropout`: is 0.1, but a crop keeps at least one") && said.contains("there is one"), "{said}");
    // They are of the weights, not of maps, and absent where nobody asks for them.
    let keys = |text: &str| {
        let config = Config::from_yaml(&format!("model_key: unet\n{text}"), "run.yaml", &[]).unwrap();
        let augment = |key: &&String| key.starts_with("augment_");
        (config.training_keys().keys().filter(augment).count(), config.map_keys().keys().filter(augment).count())
    };
    assert_eq!((keys(ALL), keys("")), ((10, 0), (0, 0)));
}

const OVERRIDES: [&str; 13] = [
    "augment_flip=true",
    "augment_turn=true",
    "augment_scale=[0.8, 1.25]",
    "augment_crop=0.8",
    "augment_contrast=[0.8, 1.2]",
    "augment_occlusion=0.5",
    "augment_shift=0.025",
    "augment_noise=0.05",
    "augment_noise_probability=0.75",
    "augment_channel_dropout=0.1",
    "augment_coarse_noise={mar_wa1: 0.2}",
    "augment_coarse_noise_spacing=16",
    "crops_of_classes=even",
];

#[test]
fn a_run_resumes_to_the_same_bits() {
    let straight = Run::new(&OVERRIDES);
    let said = straight.trained(&["--threads", "1"]);
    let words = "train crops are changed at random: mirrored, turned by quarters, enlarged by 0.8 to 1.25, half of them cut to 0.8 \
                 of a side at least and stretched, half of the inputs to a power from 0.8 to 1.2, half of the inputs 0 in a rectangle of up \
                 to 0.5 of a side, half of the inputs shifted by 0.025 standard deviations, noise of 0.05 standard deviations on an input \
                 with probability 0.75, errors over 16 pixels on 1 of the inputs, each input left out with probability 0.1";
    assert!(said.contains(words), "{said}");
    assert!(said.contains("drawn about pixels of each class alike; classes and their pixels: at most 0.1 ("), "{said}");
    let halves = Run::new(&OVERRIDES);
    halves.trained(&["--threads", "2", "--set", "epochs=2"]);
    halves.refused(&["--resume", "auto", "--set", "augment_noise=0.1"], 2, &["`augment_noise`"]);
    Run::new(&["augment_coarse_noise={slope: 0.2}"]).refused(&[], 2, &["augment_coarse_noise", "slope", "mar_wa1"]);
    halves.trained(&["--threads", "3", "--resume", "auto"]);
    for file in FILES {
        assert!(straight.bytes(file) == halves.bytes(file), "{file}");
    }
    let plain = Run::new(&[]);
    plain.trained(&[]);
    assert!(plain.bytes(FILES[0]) != straight.bytes(FILES[0]));
}

#[test]
fn validation_sees_plain_crops() {
    // Weights that a step does not change, in a network without running statistics.
    let still = ["model_key=linear_dem", "in_keys=[]", "in_keys_aux=[time_month_idx]", "learning_rate=1e-30", "epochs=2"];
    let losses = |more: &[&str]| {
        let run = Run::new(&[&still, more].concat());
        run.trained(&[]);
        let log = String::from_utf8(run.bytes("log.jsonl")).unwrap();
        let entries = log.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        entries.map(|entry| ["train_loss", "val_loss"].map(|key| entry[key].as_f64().unwrap())).collect::<Vec<_>>()
    };
    let (plain, changed) = (losses(&[]), losses(&["augment_flip=true", "augment_scale=[0.5, 0.9]", "augment_noise=0.5"]));
    assert_eq!(plain.len(), 2);
    for ([train, val], [other_train, other_val]) in plain.into_iter().zip(changed) {
        assert!(val == other_val && train != other_train, "{train} {other_train}, {val} {other_val}");
    }
}
