//! Mosaics against sums by hand, with models that are known exactly; `meltcore predict` as a process.

use super::{apart, f64s, message, noise};
use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::raster::Raster;
use meltcore::data::tiles::Mosaic;
use meltcore::data::writer::write_geotiff;
use meltcore::error::{Error, Result};
use meltcore::event::Event;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::{self, Inputs, Model, Outputs};
use meltcore::nn::{Mode, ParameterSet, state_dict};
use meltcore::ops;
use meltcore::predict::{Blend, Options, Predictor, Trained};
use meltcore::reference::gaussian_blur::gaussian_blur;
use meltcore::synth::georeference::albers;
use meltcore::tensor::Tensor;
use meltcore::weights::weight_file;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

const ROWS: usize = 21;
const COLS: usize = 17;
const DAYS: [&str; 3] = ["2019_07_04", "2017_06_01", "2019_04_30"];

/// Its only input channel, or the pixel above, or NaN; refuses batches above a size.
struct Echo {
    parameters: ParameterSet,
    most: usize,
    broken: bool,
    above: bool,
}

impl Model for Echo {
    fn forward(&self, _: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let input = inputs.only()?;
        assert_eq!(mode, Mode::Eval);
        match input.shape().dims()[0] {
            n if n > self.most => Err(Error::OutOfMemory(format!("{n} images"))),
            _ if self.above => {
                let mut kernel = [0.0; 9];
                kernel[1] = 1.0;
                let weight = Tensor::from_slice(input.gpu(), [1, 1, 3, 3], &kernel)?;
                let attrs = Conv2dAttrs { padding: 1, ..Default::default() };
                Ok(ops::conv2d(&Tape::off(), input, &weight, None, &attrs, ops::Activation::None)?.into())
            }
            _ if self.broken => Ok(Tensor::full(input.gpu(), input.shape(), f32::NAN)?.into()),
            _ => Ok(input.clone().into()),
        }
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

fn echo(most: usize) -> Echo {
    Echo { parameters: ParameterSet::default(), most, broken: false, above: false }
}

fn make(root: &Path) {
    let save = |name: String, pixels: &[f32]| write_geotiff(root.join(name), ROWS, COLS, pixels, &albers(100.0)).unwrap();
    for (seed, day) in DAYS.iter().enumerate() {
        let mut noise = noise(seed as u64);
        save(format!("pmw/{day}.tif"), &(0..ROWS * COLS).map(|_| 3.0 * noise() - 1.0).collect::<Vec<_>>());
        save(format!("melt/{day}.tif"), &[0.5; ROWS * COLS]);
    }
    save("land.tif".into(), &(0..ROWS * COLS).map(|i| if i % 5 == 0 { -1.0 } else { 1.0 }).collect::<Vec<_>>());
    std::fs::write(root.join("days.csv"), DAYS.map(|day| format!("{day}.tif\n")).concat()).unwrap();
}

fn config(root: &Path, set: &[&str]) -> Config {
    let text = format!(
        "model_key: unet\nbase_channels: 2\ndata_root: {0}\npath_melt: melt\npath_pmw: pmw\npath_landmask: land.tif\nin_keys: [pmw]\n\
         path_test_split_csv: {0}/days.csv\npath_deploy_split_csv: {0}/days.csv\npath_predictions: {0}/maps\npath_deploy: {0}/deployed\n\
         mean_pmw: 0.1\nstd_pmw: 0.9\npmw_GaussianBlur_kernel_size: 7\npmw_GaussianBlur_sigma: 2.0\n\
         img_size: [8, 10]\nprediction_stride: 5\nerode_size: 1\nmin_melt: 0.2\nmax_melt: 0.8\nprediction_batch_size: 4\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), &text).unwrap();
    let set: Vec<String> = set.iter().map(|set| set.to_string()).collect();
    Config::from_yaml(&text, "run.yaml", &set).unwrap()
}

/// The maps of all days and the notes, with a model that echoes.
fn maps(config: &Config, split: Split, model: &Echo) -> Result<(Vec<Vec<f32>>, Vec<String>)> {
    maps_with(config, split, model, Options::default())
}

fn maps_with(config: &Config, split: Split, model: &Echo, options: Options) -> Result<(Vec<Vec<f32>>, Vec<String>)> {
    let gpu = Gpu::open(None)?;
    let dataset = Arc::new(Dataset::open(config, split)?);
    let mut notes = Vec::new();
    let (mut done, mut all) = (0, 0);
    let mut maps = Vec::new();
    let mut observe = |event| match event {
        Event::Note(note) => notes.push(note),
        Event::Done(tiles) => done += tiles,
        Event::Start { total, .. } => all += total,
        Event::Message(_) | Event::Detail(_) => (),
    };
    let mut predictor = Predictor::new(&gpu, config, model, dataset, options, &mut observe)?;
    predictor.maps(&[2, 0, 1], &mut observe, &mut |day, map| {
        assert_eq!(day, [2, 0, 1][maps.len()], "maps come in the order asked for");
        maps.push(map);
        Ok(())
    })?;
    assert!(done > 0 && done == all, "{done} of {all} tiles");
    Ok((maps, notes))
}

/// What the maps should be: tile by tile in f64.
fn wanted(root: &Path, day: &str, ocean: bool) -> Vec<f64> {
    wanted_with(root, day, ocean, [8, 10], |_, _| 1.0, |crop| crop)
}

/// What the maps should be with a weight for each pixel of a tile, and with something done to a tile's input.
fn wanted_with(
    root: &Path,
    day: &str,
    ocean: bool,
    [height, width]: [usize; 2],
    weight: impl Fn(usize, usize) -> f64,
    network: impl Fn(Vec<f64>) -> Vec<f64>,
) -> Vec<f64> {
    let scene = Raster::open(root.join(format!("pmw/{day}.tif"))).unwrap();
    let mosaic = Mosaic::new([ROWS, COLS], [height, width], 5, 1).unwrap();
    let (mut sums, mut counts) = (vec![0.0; ROWS * COLS], vec![0.0; ROWS * COLS]);
    for tile in &mosaic.tiles {
        let mut crop = vec![0.0; height * width];
        scene.read_window(tile.window, &mut crop).unwrap();
        let crop: Vec<f64> = f64s(&crop).iter().map(|x| (x - 0.1) / 0.9).collect();
        let crop = network(gaussian_blur(&crop, [1, 1, height, width], 7, 2.0));
        for row in tile.keep.row..tile.keep.row + tile.keep.height {
            for col in tile.keep.col..tile.keep.col + tile.keep.width {
                let (i, j) = (row - tile.window.row, col - tile.window.col);
                sums[row * COLS + col] += weight(i, j) * crop[i * width + j].clamp(0.2, 0.8);
                counts[row * COLS + col] += weight(i, j);
            }
        }
    }
    let pixel = |i: usize| if ocean && i.is_multiple_of(5) { 0.0 } else { sums[i] / counts[i] };
    (0..ROWS * COLS).map(pixel).collect()
}

#[test]
fn maps_are_means_of_clipped_tiles_whatever_the_batch() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    for (set, most, notes) in
        [(vec![], 99, 0), (vec!["prediction_batch_size=1"], 99, 0), (vec!["prediction_batch_size=200"], 20, 1), (vec![], 1, 2)]
    {
        let (maps, said) = maps(&config(root, &set), Split::Test, &echo(most)).unwrap();
        assert_eq!(said.len(), notes, "{said:?}");
        for (map, day) in maps.iter().zip([2, 0, 1]) {
            let error = apart(map, &wanted(root, DAYS[day], false));
            assert!(error < 5e-7, "{set:?}, at most {most}: {error}");
        }
    }
}

#[test]
fn gaussian_blending_weighs_tiles_by_the_distance_to_their_centres() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let gaussian = |i: usize, side: f64| (-0.5 * ((i as f64 - (side - 1.0) / 2.0) / (side / 8.0)).powi(2)).exp();
    let wanted = wanted_with(root, DAYS[2], false, [8, 10], |i, j| gaussian(i, 8.0) * gaussian(j, 10.0), |crop| crop);
    let options = Options { blend: Blend::Gaussian, ..Options::default() };
    let (blended, _) = maps_with(&config(root, &[]), Split::Test, &echo(99), options).unwrap();
    assert!(apart(&blended[0], &wanted) < 6e-7);
    let (equal, _) = maps(&config(root, &[]), Split::Test, &echo(99)).unwrap();
    assert!(apart(&equal[0], &wanted) > 1e-2, "the switch must matter");
}

#[test]
fn d4_averages_a_tile_over_its_symmetries() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let above = Echo { above: true, ..echo(99) };
    // Over all symmetries, the pixel above becomes the mean of the four neighbours, 0 beyond the tile.
    let neighbours = |crop: Vec<f64>| {
        let at = |i: isize, j: isize| if (0..9).contains(&i) && (0..9).contains(&j) { crop[(i * 9 + j) as usize] } else { 0.0 };
        let of = |k: isize| {
            let (i, j) = (k / 9, k % 9);
            (at(i - 1, j) + at(i + 1, j) + at(i, j - 1) + at(i, j + 1)) / 4.0
        };
        (0..81).map(of).collect::<Vec<f64>>()
    };
    let wanted = wanted_with(root, DAYS[0], false, [9, 9], |_, _| 1.0, neighbours);
    let square = config(root, &["img_size=[9, 9]"]);
    let options = Options { d4: true, ..Options::default() };
    let (averaged, _) = maps_with(&square, Split::Test, &above, options).unwrap();
    assert!(apart(&averaged[1], &wanted) < 3e-7);
    let (plain, _) = maps(&square, Split::Test, &above).unwrap();
    assert!(apart(&plain[1], &wanted) > 1e-2, "the switch must matter");
    assert!(message(maps_with(&config(root, &[]), Split::Test, &above, options)).contains("square"));
}

#[test]
fn deploy_maps_may_be_zero_on_ocean() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let config = config(root, &["apply_landmask_to_predictions=true"]);
    let (deployed, notes) = maps(&config, Split::Deploy, &echo(9)).unwrap();
    assert!(notes.is_empty() && apart(&deployed[1], &wanted(root, DAYS[0], true)) < 5e-7);
    let (tested, notes) = maps(&config, Split::Test, &echo(9)).unwrap();
    assert!(notes.len() == 1 && notes[0].contains("deploy only"), "{notes:?}");
    assert!(apart(&tested[1], &wanted(root, DAYS[0], false)) < 5e-7);
}

#[test]
fn tiles_larger_than_the_scene_are_reduced() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let scene = f64s(&Raster::open(root.join("pmw/2019_07_04.tif")).unwrap().read_all().unwrap());
    let set = ["img_size=[64, 64]", "prediction_stride=64", "pmw_GaussianBlur_kernel_size=1"];
    let (whole, notes) = maps(&config(root, &set), Split::Test, &echo(9)).unwrap();
    assert!(notes[0].contains("reduced"), "{notes:?}");
    let wanted: Vec<f64> = scene.iter().map(|x| ((x - 0.1) / 0.9).clamp(0.2, 0.8)).collect();
    assert!(apart(&whole[1], &wanted) < 2e-7);
}

#[test]
fn what_cannot_be_mapped_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let broken = Echo { broken: true, ..echo(9) };
    let error = maps(&config(root, &[]), Split::Test, &broken).unwrap_err();
    assert_eq!(error.exit_status(), 5);
    assert!(error.to_string().contains("2019_04_30.tif"), "{error}");
    assert!(message(maps(&config(root, &["prediction_stride=9"]), Split::Test, &echo(9))).contains("largest stride"));
    assert!(message(maps(&config(root, &[]), Split::Test, &echo(0))).contains("1 images"));
    assert!(message(weight_file(root)).contains("best.safetensors"));
}

fn meltcore(root: &Path, command: &str, arguments: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    process.args([command, "--config"]).arg(root.join("run.yaml")).args(arguments).output().unwrap()
}

/// Days are skipped while nothing that their maps depend on changes, and made again otherwise.
fn maps_are_finished_once(root: &Path, weights: &str) {
    let run = |more: &[&str]| {
        let done = meltcore(root, "predict", &[&["--weights", weights, "--split", "test", "--set", "img_size=[16, 16]"], more].concat());
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    let map = |day: &str| root.join(format!("maps/{day}.tif"));
    let before = std::fs::read(map(DAYS[1])).unwrap();
    assert!(run(&[]).contains("3 of 3 maps are finished"));
    std::fs::remove_file(map(DAYS[1])).unwrap();
    assert!(run(&[]).contains("2 of 3 maps are finished"));
    assert_eq!(std::fs::read(map(DAYS[1])).unwrap(), before, "the day made again is the same to the last bit");
    // A touched input makes its day stale.
    let input = std::fs::File::options().append(true).open(root.join(format!("pmw/{}.tif", DAYS[0]))).unwrap();
    input.set_modified(std::time::SystemTime::now() + std::time::Duration::from_secs(60)).unwrap();
    assert!(run(&[]).contains("2 of 3 maps are finished"));
    input.set_modified(std::time::SystemTime::now() - std::time::Duration::from_secs(3600)).unwrap();
    // An older one in its place as well.
    assert!(run(&[]).contains("2 of 3 maps are finished"));
    assert!(run(&[]).contains("3 of 3 maps are finished"));
    // So does a map that is not the one that was written.
    for damage in [&before[..100], &[&before[..before.len() - 1], &[before[before.len() - 1] ^ 1]].concat()] {
        std::fs::write(map(DAYS[1]), damage).unwrap();
        assert!(run(&[]).contains("2 of 3 maps are finished"));
        assert_eq!(std::fs::read(map(DAYS[1])).unwrap(), before);
    }
    // As versions before digests wrote the list: names alone, which are known, and finished where no input is newer.
    let list = root.join("maps/maps.json");
    let mut content: serde_json::Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
    let names: Vec<String> = content["days"].as_object().unwrap().keys().cloned().collect();
    content["days"] = names.into();
    content.as_object_mut().unwrap().remove("known");
    std::fs::write(&list, content.to_string()).unwrap();
    assert!(run(&[]).contains("3 of 3 maps are finished"));
    // Another version of the program is no reason to make maps again.
    let mut content: serde_json::Value = serde_json::from_slice(&std::fs::read(&list).unwrap()).unwrap();
    assert_eq!((&content["task"], &content["bands"]), (&"melt_fraction".into(), &serde_json::json!(["melt"])));
    content["meltcore"] = "0.0.1".into();
    std::fs::write(&list, content.to_string()).unwrap();
    assert!(run(&[]).contains("3 of 3 maps are finished"));
    assert!(!run(&["--overwrite"]).contains("finished"));
    assert!(run(&["--set", "max_melt=0.7"]).contains("other settings (max_melt)"));
    assert!(run(&[]).contains("other settings (max_melt)"));
    assert!(run(&["--blend", "gaussian"]).contains("other settings (options)"));
    assert!(!run(&[]).contains("other map(s)"));
    // Maps of other days stay as they were, and are named.
    let one = root.join("one.csv");
    std::fs::write(&one, format!("{}.tif\n", DAYS[0])).unwrap();
    let fewer = format!("path_test_split_csv={}", one.display());
    assert!(run(&["--set", &fewer, "--set", "max_melt=0.7"]).contains("2 other map(s) of those settings stay"));
    run(&[]);
    let lock = std::fs::File::options().append(true).open(root.join("maps/.maps.lock")).unwrap();
    lock.lock().unwrap();
    let held = meltcore(root, "predict", &["--weights", weights, "--split", "test", "--set", "img_size=[16, 16]"]);
    assert_eq!(held.status.code(), Some(4), "{held:?}");
    assert!(String::from_utf8_lossy(&held.stderr).contains("another process"), "{held:?}");
}

/// A folder of members is mapped as they are when named one by one, and finished maps are raised to the configured power.
fn a_folder_is_an_ensemble(root: &Path, gpu: &Gpu, config: &Config) {
    let members = root.join("members");
    for (seed, name) in [(5, "b"), (6, "a")] {
        let config = Config { seed, ..config.clone() };
        let model = models::untrained_for(gpu, &config, 1).unwrap();
        state_dict::save(model.parameters(), &members.join(format!("{name}.safetensors"))).unwrap();
    }
    std::fs::write(members.join("README.md"), "no weights").unwrap();
    let path = |name: &str| members.join(name).display().to_string();
    let map = |out: &str, more: &[&str]| {
        let out_folder = root.join(out).display().to_string();
        let common = ["--split", "test", "--set", "img_size=[16, 16]", "--no-png", "--out", &out_folder];
        let done = meltcore(root, "predict", &[&common, more].concat());
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        Raster::open(root.join(format!("{out}/{}.tif", DAYS[0]))).unwrap().read_all().unwrap()
    };
    let (folder, first, second) = (members.display().to_string(), path("a.safetensors"), path("b.safetensors"));
    let together = map("of_folder", &["--weights", &folder]);
    assert_eq!(together, map("of_files", &["--weights", &first, "--weights", &second]));
    let (one, two) = (map("of_a", &["--weights", &first]), map("of_b", &["--weights", &second]));
    let mean: Vec<f64> = one.iter().zip(&two).map(|(one, two)| (f64::from(*one) + f64::from(*two)) / 2.0).collect();
    assert!(one != two && apart(&together, &mean) < 1e-7, "{one:?} {two:?} {together:?}");
    let raised: Vec<f64> = mean.iter().map(|value| value.powf(2.5)).collect();
    let got = map("raised", &["--weights", &folder, "--set", "map_power=2.5"]);
    assert!(apart(&got, &raised) < 1e-6, "{got:?}");
    let empty = root.join("empty");
    std::fs::create_dir(&empty).unwrap();
    let refused = meltcore(root, "predict", &["--weights", &empty.display().to_string(), "--split", "test"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(2) && said.contains("name a safetensors file"), "{said}");
}

/// The same bits as those in `maps`, by tiles; arrays that the network cannot take are refused.
fn arrays_are_mapped_as_files_are(root: &Path, gpu: &Gpu, config: &Config, weights: &Path) {
    let trained = Trained::with_config(gpu, weights, config).unwrap();
    let read = |folder: &str, day: &str| Raster::open(root.join(format!("{folder}/{day}.tif"))).unwrap().read_all().unwrap();
    for day in DAYS {
        let map = trained.map(&[("pmw", &read("pmw", day))], [ROWS, COLS]).unwrap();
        assert_eq!(map, read("maps", day), "{day}");
    }
    let (array, mut gap) = (read("pmw", DAYS[0]), read("pmw", DAYS[0]));
    gap[3] = f32::NAN;
    for (inputs, size, words) in [
        (&[][..], [ROWS, COLS], "takes pmw, and `pmw` is to be given once"),
        (&[("pmw", &array[..]), ("pmw", &array)], [ROWS, COLS], "given once"),
        (&[("pmw", &array), ("dem", &array)], [ROWS, COLS], "`dem` is no input of the network; it takes pmw"),
        (&[("pmw", &array)], [ROWS, COLS + 1], "357 values where 378 are expected"),
        (&[("pmw", &gap)], [ROWS, COLS], "fill its gaps"),
    ] {
        let said = trained.map(inputs, size).unwrap_err().to_string();
        assert!(said.contains(words), "{said}");
    }
    let said = message(Trained::open(gpu, &root.join("nothing")));
    assert!(said.contains("nothing"), "{said}");
    let said = message(Trained::open(gpu, weights));
    assert!(said.contains("says nothing of the configuration"), "{said}");
    // A file with its configuration needs no other, and takes none that differs.
    let file = root.join("carried.safetensors");
    meltcore::weights::save(trained.model().parameters(), &file, config).unwrap();
    let again = Trained::open(gpu, &file).unwrap();
    assert_eq!(again.map(&[("pmw", &array)], [ROWS, COLS]).unwrap(), read("maps", DAYS[0]));
    let other = Config { normalize_inputs: !config.normalize_inputs, ..config.clone() };
    let said = message(Trained::with_config(gpu, &file, &other));
    assert!(said.contains("normalize_inputs"), "{said}");
}

#[test]
fn the_process_maps_and_scores() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root);
    let config = config(root, &["img_size=[16, 16]"]);
    let gpu = Gpu::open(None).unwrap();
    let model = models::untrained_for(&gpu, &config, 1).unwrap();
    let checkpoint = root.join("checkpoint");
    state_dict::save(model.parameters(), &checkpoint.join("model.safetensors")).unwrap();
    let weights = checkpoint.display().to_string();
    let size = "img_size=[16, 16]";
    let done = meltcore(root, "predict", &["--weights", &weights, "--split", "test", "--set", size]);
    let notes = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{notes}");
    assert!(notes.contains("model.safetensors"), "{notes}");
    for day in DAYS {
        let map = Raster::open(root.join(format!("maps/{day}.tif"))).unwrap();
        assert_eq!(map.geo(), &albers(100.0));
        assert!(map.read_all().unwrap().iter().all(|value| (0.2..=0.8).contains(value)));
    }
    arrays_are_mapped_as_files_are(root, &gpu, &config, &checkpoint);
    a_folder_is_an_ensemble(root, &gpu, &config);
    maps_are_finished_once(root, &weights);
    let deployed = ["--weights", &weights, "--split", "deploy", "-q", "--set", size, "--set", "apply_landmask_to_predictions=true"];
    let done = meltcore(root, "predict", &deployed);
    assert!(done.status.success() && !String::from_utf8_lossy(&done.stderr).contains("maps"));
    assert_eq!(Raster::open(root.join("deployed/2017_06_01.tif")).unwrap().read_all().unwrap()[5], 0.0);

    let pred = format!("unet={}", root.join("maps").display());
    let done = meltcore(root, "eval", &["--split", "test", "--pred", &pred, "--json"]);
    let scores: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(scores["models"]["unet"]["weighted_mean"]["accuracy"], 1.0);

    for (arguments, status, wanted) in [
        (vec!["--weights", "nothing", "--split", "test"], 2, "nothing"),
        (vec!["--weights", &weights, "--split", "val"], 2, "path_val_split_csv"),
        (vec!["--weights", &weights, "--split", "test", "--set", "base_channels=3"], 2, "base_channels"),
        (vec!["--weights", &weights, "--split", "test", "--set", "prediction_stride=9"], 2, "largest stride"),
    ] {
        let done = meltcore(root, "predict", &arguments);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(status) && said.contains(wanted), "{arguments:?}: {said}");
    }
}
