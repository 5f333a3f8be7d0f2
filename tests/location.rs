//! Networks that see where a scene lies: which numbers they get, that they learn from them, and that a location is found without labels.

mod on_device;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, OnceLock};

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::Dataset;
use meltcore::data::day::Split;
use meltcore::data::framed::{Frame, Framed};
use meltcore::data::geotags::{GeoTag, GeoTags};
use meltcore::data::loader::Batch;
use meltcore::data::location::{Centre, Locations};
use meltcore::data::raster::Raster;
use meltcore::data::tiles::Crop;
use meltcore::data::writer::write_geotiff;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::models::glavitu::{GlaViTU, LOCATION, Settings};
use meltcore::models::{self, Input, Inputs, Model, Outputs};
use meltcore::nn::{Builder, Mode, ParameterSet, Value};
use meltcore::ops;
use meltcore::predict::{LocationSearch, Options, Predictor, Trained};
use meltcore::tensor::Tensor;
use meltcore::train::augment::UnknownRegion;
use on_device::{gpu, noise};
use serde_json::Value as Json;

/// A georeference on UTM 24 north of which 522426.1956, 7353439.1514 is 38.5° W, 66.3° N, that being `rows`, `cols` pixels of 30 m from the
/// first corner.
fn utm([rows, cols]: [f64; 2]) -> GeoTags {
    let (x, y) = (522_426.1956 - 30.0 * cols, 7_353_439.1514 + 30.0 * rows);
    let tie = GeoTag::of_doubles(33922, &[0.0, 0.0, 0.0, x, y, 0.0]);
    let keys = GeoTag::of_shorts(34735, &[1, 1, 0, 3, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 32624]);
    GeoTags { tags: vec![GeoTag::of_doubles(33550, &[30.0, 30.0, 0.0]), tie, keys] }
}

/// A georeference in degrees, north up.
fn degrees(longitude: f64, latitude: f64, step: f64) -> GeoTags {
    let tie = GeoTag::of_doubles(33922, &[0.0, 0.0, 0.0, longitude, latitude, 0.0]);
    let keys = GeoTag::of_shorts(34735, &[1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326]);
    GeoTags { tags: vec![GeoTag::of_doubles(33550, &[step, step, 0.0]), tie, keys] }
}

/// Scenes of noise with `class` everywhere, by name, and the lists of splits.
fn write_scenes(folder: &Path, scenes: &[(&str, [usize; 2], f32, GeoTags)], lists: &[(&str, &str)]) {
    for name in ["optical", "classes"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    for (index, (name, [rows, cols], class, geo)) in scenes.iter().enumerate() {
        let file = |of: &str| folder.join(of).join(format!("{name}.tif"));
        write_geotiff(file("optical"), *rows, *cols, &noise(index as u64, rows * cols), geo).unwrap();
        write_geotiff(file("classes"), *rows, *cols, &vec![*class; rows * cols], geo).unwrap();
    }
    for (split, list) in lists {
        fs::write(folder.join(format!("{split}.csv")), list).unwrap();
    }
    let text = "task: segmentation\nclasses: [rock, glacier]\nmodel_key: glavitu\nwidth: 4\nhidden: 8\nheads: 2\nblocks: 1\npatch: 8\n\
                resunet_steps: 1\nimg_size: [16, 16]\nbatch_size: 8\ncrops_per_epoch: 64\nepochs: 4\nlearning_rate: 0.003\n\
                loss_function: cross_entropy\nin_keys: [optical]\npath_optical: optical\npath_classes: classes\nmean_optical: 0\n\
                std_optical: 1\npath_train_split_csv: train.csv\npath_val_split_csv: val.csv\npath_test_split_csv: test.csv\n\
                prediction_batch_size: 4\ntensorboard: false\npath_checkpoints: run\n";
    fs::write(folder.join("config.yaml"), text).unwrap();
}

/// Scenes of which nothing but the region says what is there: all glacier in `A`, none in `B`.
fn write_regions(folder: &Path) {
    let scene = |name: &'static str, class: f32| (name, [20, 24], class, GeoTags::default());
    let scenes = [
        scene("A1-1", 1.0),
        scene("A2-2", 1.0),
        scene("B-1", 0.0),
        scene("B-2", 0.0),
        scene("A-3", 1.0),
        scene("B-3", 0.0),
        scene("A-4", 1.0),
        scene("B-4", 0.0),
        scene("X-5", 1.0),
    ];
    let lists = [("train", "A1-1\nA2-2.tif\nB-1\nB-2\n"), ("val", "A-3\nB-3\n"), ("test", "A-4\nB-4\nX-5\n")];
    write_scenes(folder, &scenes, &lists);
}

/// The program, run in a folder.
fn call(folder: &Path, command: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).current_dir(folder).arg(command).args(arguments).output().unwrap()
}

/// What it says where it has to succeed.
fn answer(folder: &Path, command: &str, arguments: &[&str]) -> String {
    let done = call(folder, command, arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success(), "{command} {arguments:?}: {said}");
    said
}

/// The error that it ends with, status 2.
fn refusal(folder: &Path, command: &str, arguments: &[&str]) -> String {
    let done = call(folder, command, arguments);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(2), "{command} {arguments:?}: {said}");
    said.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{said}")).to_owned()
}

const REGION: [&str; 6] = ["--config", "config.yaml", "--set", "location=region", "--set", "augment_unknown_region=0.2"];

/// A folder with those scenes and a network that was trained on them, which tests only read.
fn trained() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write_regions(folder.path());
        let said = answer(folder.path(), "train", &[&REGION[..], &["--set", "epochs=80", "--set", "augment_noise=1.0"]].concat());
        assert!(said.contains("regions: A, B") && said.contains("unknown region with probability 0.2"), "{said}");
        folder
    });
    folder.path()
}

/// Predicts the test scenes into a folder, and gives what was said.
fn predict(folder: &Path, out: &str, more: &[&str]) -> String {
    let weights = trained().join("run/best.safetensors");
    let fixed = ["--weights", weights.to_str().unwrap(), "--split", "test", "--no-png", "--out", out];
    answer(folder, "predict", &[&REGION[..], &fixed, more].concat())
}

/// Share of glacier in a map, and its mean confidence.
fn looked_at(maps: &Path, name: &str) -> [f64; 2] {
    let mean = |values: Vec<f32>| values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    let file = format!("{name}.tif");
    let map = mean(Raster::open(maps.join(&file)).unwrap().read_all().unwrap());
    [map, mean(Raster::open_band(maps.join("probability").join(&file), 2).unwrap().read_all().unwrap())]
}

#[test]
fn a_network_that_can_only_tell_by_region_learns_it() {
    let folder = trained();
    let said = predict(folder, "maps", &[]);
    assert!(said.contains("1 of 3 scenes are of no region that these weights know (A, B)") && said.contains("X-5"), "{said}");
    let maps = folder.join("maps");
    let [glacier, rock, unknown] = ["A-4", "B-4", "X-5"].map(|name| looked_at(&maps, name));
    assert!(glacier[0] == 1.0 && rock[0] == 0.0, "{glacier:?} {rock:?}");
    // Of an unknown region it has seen as much glacier as rock.
    assert!(unknown[1] < glacier[1].min(rock[1]), "{glacier:?} {rock:?} {unknown:?}");
    // The same scene, said to be of the other region.
    predict(folder, "as_b", &["--region", "B"]);
    assert_eq!(["A-4", "B-4", "X-5"].map(|name| looked_at(&folder.join("as_b"), name)[0]), [0.0; 3]);
    predict(folder, "as_unknown", &["--region", "unknown"]);
    assert_eq!(looked_at(&folder.join("as_unknown"), "X-5"), unknown);
    // Arrays in memory, too.
    let mut network = Trained::open(&gpu(), &folder.join("run/best.safetensors")).unwrap();
    let image = noise(3, 20 * 24);
    let [mut of_a, mut of_b] = [Vec::new(), Vec::new()];
    for (code, to) in [("A", &mut of_a), ("B", &mut of_b)] {
        network.set_region(code).unwrap();
        *to = network.map(&[("optical", &image)], [20, 24]).unwrap()[..480].to_vec();
    }
    assert!(of_a == [1.0; 480] && of_b == [0.0; 480]);
    assert!(network.set_region("C").unwrap_err().to_string().contains("A, B, unknown"));
    assert!(network.set_coordinates(7.0, 46.0).unwrap_err().to_string().contains("location: region"));
}

#[test]
fn a_file_says_regions_that_names_do_not() {
    let folder = trained();
    fs::write(folder.join("regions.csv"), "name,region,subregion\nX-5,B,B1\nB-4.tif,A\n").unwrap();
    predict(folder, "by_file", &["--set", "path_regions=regions.csv"]);
    assert_eq!(["A-4", "B-4", "X-5"].map(|name| looked_at(&folder.join("by_file"), name)[0]), [1.0, 1.0, 0.0]);
    // Another list, other maps.
    fs::write(folder.join("regions.csv"), "X-5,A\n").unwrap();
    predict(folder, "by_file", &["--set", "path_regions=regions.csv"]);
    assert_eq!(["A-4", "B-4", "X-5"].map(|name| looked_at(&folder.join("by_file"), name)[0]), [1.0, 0.0, 1.0]);
}

#[test]
fn a_location_is_looked_for_once_and_written_beside_the_map() {
    let folder = trained();
    let search = ["--optimise-location", "--location-rate", "0.02"];
    let said = predict(folder, "found", &search);
    assert!(said.contains("location of X-5: most of "), "{said}");
    predict(folder, "not_found", &["--region", "unknown"]);
    let file = folder.join("found/X-5.location.json");
    let found: Json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let shares: BTreeMap<String, f64> = serde_json::from_value(found["regions"].clone()).unwrap();
    assert_eq!(shares.keys().map(String::as_str).collect::<Vec<_>>(), ["A", "B", "unknown"]);
    assert!((shares.values().sum::<f64>() - 1.0).abs() < 1e-5, "{shares:?}");
    let [first, last] = [0, 1].map(|index| found["entropy"][index].as_f64().unwrap());
    let [sure, unsure] = ["found", "not_found"].map(|maps| looked_at(&folder.join(maps), "X-5")[1]);
    assert!(last < first && sure > unsure, "{found} {sure} {unsure}");
    // Known regions are all that there is to be sure of.
    assert!(shares["unknown"] < 1.0 / 3.0, "{shares:?}");
    // The same again: nothing is done; other settings: all is.
    let before = fs::metadata(&file).unwrap().modified().unwrap();
    assert!(predict(folder, "found", &search).contains("3 of 3 maps are finished"));
    assert_eq!(fs::metadata(&file).unwrap().modified().unwrap(), before);
    predict(folder, "found_again", &search);
    assert_eq!(fs::read(folder.join("found_again/X-5.location.json")).unwrap(), fs::read(&file).unwrap());
    let said = predict(folder, "found_again", &["--region", "A"]);
    assert!(said.contains("other settings (options)") && !folder.join("found_again/X-5.location.json").exists(), "{said}");
}

#[test]
fn what_cannot_be_is_refused() {
    let folder = trained();
    let weights = ["--weights", "run/best.safetensors", "--split", "test", "--out", "refused"];
    let said = refusal(folder, "predict", &[&REGION[..], &weights, &["--region", "ALP"]].concat());
    assert!(said.contains("ALP") && said.contains("A, B, unknown"), "{said}");
    let said = refusal(folder, "predict", &[&REGION[..], &weights, &["--optimise-location", "--location-rate=-1"]].concat());
    assert!(said.contains("--location-rate"), "{said}");
    for (location, option) in [("none", "--optimise-location"), ("coordinates", "--optimise-location"), ("none", "--region=A")] {
        let location = format!("location={location}");
        let said = refusal(folder, "predict", &[&["--config", "config.yaml", "--set", &location, option][..], &weights].concat());
        assert!(said.contains("sees no region"), "{said}");
    }
    // Other regions than those of the training mean something else.
    let said = refusal(folder, "predict", &[&REGION[..], &["--set", "regions=[A, C]"], &weights].concat());
    assert!(said.contains("`regions` ([\"A\",\"B\"] there, [\"A\",\"C\"] now)"), "{said}");
    for (set, word) in [
        (&["location=region", "model_key=unet"][..], "only glavitu does"),
        (&["location=here"], "none, region, coordinates"),
        (&["regions=[A]"], "`location` is none"),
        (&["location=coordinates", "augment_unknown_region=0.1"], "augment_unknown_region"),
        (&["location=region", "regions=[A, unknown]"], "unknown"),
        (&["location=region", "regions=[A, A]"], "twice"),
        (&["location=region", "path_regions=config.yaml"], "says no region"),
        (&["location=coordinates"], "has no place"),
    ] {
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        let said = refusal(folder, "train", &[&["--config", "config.yaml", "--set", "path_checkpoints=other"], &set[..]].concat());
        assert!(said.contains(word), "{set:?}: {said}");
    }
}

#[test]
fn runs_go_on_to_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let scene = |name: &'static str, class: f32, longitude: f64| (name, [20, 24], class, degrees(longitude, 46.0, 0.01));
    let scenes = [scene("A-1", 1.0, 7.0), scene("B-1", 0.0, 87.0), scene("A-2", 1.0, 7.5)];
    write_scenes(path, &scenes, &[("train", "A-1\nB-1\n"), ("val", "A-2\n"), ("test", "A-2\n")]);
    for location in ["region", "coordinates"] {
        let set = format!("location={location}");
        let shared = ["--config", "config.yaml", "--set", &set, "--set", "augment_noise=0.1"];
        let unknown = if location == "region" { &["--set", "augment_unknown_region=0.3"][..] } else { &[] };
        let train = |to: &str, more: &[&str]| answer(path, "train", &[&shared[..], unknown, &["--set", to], more].concat());
        train("path_checkpoints=whole", &[]);
        train("path_checkpoints=halves", &["--set", "epochs=2"]);
        train("path_checkpoints=halves", &["--resume", "auto"]);
        for file in ["last/model.safetensors", "last/optimizer.safetensors", "best.safetensors"] {
            let bytes = |run: &str| fs::read(path.join(run).join(file)).unwrap();
            assert!(bytes("whole") == bytes("halves"), "{location}: {file}");
        }
        let weights = ["--weights", "whole/best.safetensors", "--split", "test", "--no-png", "--out", "maps", "--overwrite"];
        answer(path, "predict", &[&shared[..], unknown, &weights].concat());
        ["whole", "halves"].into_iter().for_each(|run| fs::remove_dir_all(path.join(run)).unwrap());
    }
}

/// The locations of the crops of a configured split.
fn locations(config: &Config, centre: Centre, crops: &[Crop]) -> Vec<f32> {
    let dataset = Arc::new(Dataset::open(config, Split::Train).unwrap());
    let framed = Framed::new(dataset, vec![0.0], |scene| Frame::at_least(scene, [40, 16]));
    let mut batch = Batch { crops: crops.to_vec(), ..Batch::default() };
    Locations::of(config, &framed, centre).unwrap().write(&mut batch).unwrap();
    batch.location
}

#[test]
fn coordinates_are_those_of_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let scenes = [("A-1", [20, 24], 1.0, utm([13.0, 10.0])), ("B-1", [50, 20], 0.0, degrees(-70.0, -50.0, 0.5))];
    write_scenes(folder.path(), &scenes, &[("train", "A-1\nB-1\n")]);
    let config = Config::load(&folder.path().join("config.yaml"), &["location=coordinates".into()]).unwrap();
    // The first scene has ten more rows above it and below.
    let window = |row, col, height, width| Window { row, col, height, width };
    let crops = [(0, window(3, 2, 40, 16)), (1, window(4, 2, 40, 16))].map(|(day, window)| Crop { day, window, number: 0 });
    let near = |found: &[f32], wanted: [(f64, f64); 2]| {
        let numbers = wanted.map(|(longitude, latitude)| {
            let [lat, lon] = [latitude, longitude].map(f64::to_radians);
            [lat.sin(), lat.cos(), lon.sin(), lon.cos()]
        });
        assert_eq!(found.len(), 8);
        for (found, wanted) in found.iter().zip(numbers.as_flattened()) {
            assert!((f64::from(*found) - wanted).abs() < 3e-7, "{found} is not {wanted}");
        }
    };
    near(&locations(&config, Centre::Crop, &crops), [(-38.5, 66.3), (-65.0, -62.0)]);
    let middle = scenes[0].3.transform().unwrap().at(10.0, 12.0);
    let of_scene = locations(&config, Centre::Scene, &crops);
    near(&[&locations(&config, Centre::Crop, &crops)[..4], &of_scene[4..]].concat(), [(-38.5, 66.3), (-65.0, -62.5)]);
    assert!(of_scene[..4] != locations(&config, Centre::Crop, &crops)[..4] && middle.0 > 522_426.0, "{middle:?}");
}

#[test]
fn regions_are_told_by_names() {
    let config = |set: &[&str]| {
        let keys = "{task: segmentation, classes: [a, b], model_key: glavitu, location: region}";
        Config::from_yaml(keys, "x", &set.iter().map(|set| (*set).to_owned()).collect::<Vec<_>>()).unwrap()
    };
    let published = config(&["regions=[ALP, SC, SVAL]"]);
    let named = |config: &Config, name: &str| config.region_of(name).map(|place| config.regions[place].clone());
    for (name, region) in [
        ("ALP-28-23", Some("ALP")),
        ("SC2-59-84", Some("SC")),
        ("SC-SC2-59-84.tif", Some("SC")),
        ("SVAL-1", Some("SVAL")),
        ("alp-1", None),
        ("HMA-1-1", None),
        ("ALP", Some("ALP")),
        ("2019_05_01", None),
        ("-1", None),
    ] {
        assert_eq!(named(&published, name).as_deref(), region, "{name}");
    }
    // A code with a number of its own stays what it is.
    let numbered = config(&["regions=[area1, area2, area]"]);
    assert_eq!(["area1-7", "area2-7", "area3-7"].map(|name| named(&numbered, name).unwrap()), ["area1", "area2", "area"]);
    assert_eq!(numbered.location_numbers().unwrap(), 4);
    // Nobody says which there are.
    let said = config(&["path_train_split_csv=nowhere.csv"]).location_numbers().unwrap_err().to_string();
    assert!(said.contains("`regions`") && said.contains("path_regions"), "{said}");
    // What is written down loads again.
    let again = Config::from_yaml(&published.to_yaml(), "x", &[]).unwrap();
    assert_eq!((again.digest(), again.regions), (published.digest(), published.regions));
}

#[test]
fn some_crops_are_of_an_unknown_region() {
    let keys = "{task: segmentation, classes: [a, b], model_key: glavitu, location: region, regions: [A, B], augment_unknown_region: 0.25}";
    let config = Config::from_yaml(keys, "x", &[]).unwrap();
    let (forgetting, window) = (UnknownRegion::of(&config).unwrap(), Window::whole(16, 16));
    let crops: Vec<Crop> = (0..2000).map(|number| Crop { day: 0, window, number }).collect();
    let forgotten = |epoch: usize, crops: &[Crop]| {
        let mut batch = Batch { crops: crops.to_vec(), location: [0.0, 1.0, 0.0].repeat(crops.len()), ..Batch::default() };
        forgetting.forget(epoch, &mut batch);
        batch.location
    };
    let all = forgotten(1, &crops);
    assert!(all.chunks(3).all(|one| one == [0.0, 1.0, 0.0] || one == [0.0, 0.0, 1.0]));
    let share = all.chunks(3).filter(|one| one[2] == 1.0).count() as f64 / 2000.0;
    // Five standard errors.
    assert!((share - 0.25).abs() < 0.049, "{share}");
    // Whatever batch they are in.
    assert_eq!([forgotten(1, &crops[..7]), forgotten(1, &crops[7..])].concat(), all);
    assert_ne!(forgotten(2, &crops), all);
    let never = Config::from_yaml(keys, "x", &["augment_unknown_region=0".into()]).unwrap();
    let mut batch = Batch { crops, location: vec![1.0; 6000], ..Batch::default() };
    UnknownRegion::of(&never).unwrap().forget(1, &mut batch);
    assert_eq!(batch.location, [1.0; 6000]);
}

/// A network whose map is `strength` of each place of the location, once up and once down: the stronger, the surer.
struct Strengths {
    strength: Tensor,
    parameters: ParameterSet,
}

impl Model for Strengths {
    fn forward(&self, tape: &Tape, inputs: &Inputs, _: Mode) -> Result<Outputs> {
        let [n, _, h, w] = inputs.get("optical")?.nchw("strengths")?;
        let row = ops::linear(tape, inputs.get(LOCATION)?, &self.strength, None, ops::Activation::None)?;
        Ok(ops::add_row(tape, &Tensor::full(row.gpu(), [n, 2, h, w], 0.0)?, &row)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

#[test]
fn the_region_is_found_of_which_the_network_is_surest() {
    let folder = tempfile::tempdir().unwrap();
    write_scenes(folder.path(), &[("X-1", [30, 40], 0.0, GeoTags::default())], &[("train", "X-1\n"), ("test", "X-1\n")]);
    let set = ["location=region".to_owned(), "regions=[A, B, C]".to_owned()];
    let config = Config::load(&folder.path().join("config.yaml"), &set).unwrap();
    let (gpu, dataset) = (gpu(), Arc::new(Dataset::open(&config, Split::Test).unwrap()));
    // z = Σ_k share_k s_k, entropy falls as |z| grows, and no mixture has a larger z than the region of the largest s alone.
    let s = [0.5, 2.0, 1.0, 0.1];
    let strength = Tensor::from_slice(&gpu, [2, 4], &[s, s.map(|s| -s)].concat()).unwrap();
    let model = Strengths { strength, parameters: Builder::new(&gpu, 1).finish() };
    let entropy = |shares: &[f32]| {
        let z: f64 = shares.iter().zip(s).map(|(share, s)| f64::from(*share) * f64::from(s)).sum();
        let p = 1.0 / (1.0 + (-2.0 * z).exp());
        -(p * (p + 1e-6).ln() + (1.0 - p) * (1.0 - p + 1e-6).ln()) / 2f64.ln()
    };
    let find = |rate: f64| {
        let mut predictor = Predictor::new(&gpu, &config, &model, dataset.clone(), Options::of(&config), &mut |_| {}).unwrap();
        predictor.find_location(&config, &LocationSearch { seed: 7, rate }, 0, &mut |_| {}).unwrap()
    };
    let found = find(0.1);
    assert!(found.shares[1] > 0.98, "{found:?}");
    assert!((found.entropy[0] - entropy(&[0.25; 4])).abs() < 1e-5, "{found:?}, {}", entropy(&[0.25; 4]));
    assert!(entropy(&found.shares) <= found.entropy[1] + 1e-6 && found.entropy[1] < 0.15, "{found:?}");
    // At the published rate an update moves a logit by 1e-4: up for the regions that are surer than the mixture, down for the others.
    let published = find(1e-4);
    let [a, b, c, unknown] = [0, 1, 2, 3].map(|index| f64::from(published.shares[index] / published.shares[3]).ln());
    assert!(b > c && c > a.max(unknown) + 0.019 && (0.0199..0.0201).contains(&b), "{a} {b} {c} {unknown}, {published:?}");
    assert_eq!((published.epochs, find(1e-4)), (100, published));
}

/// A small network that sees a location, and inputs for it.
fn small(gpu: &Gpu) -> (GlaViTU, Inputs) {
    let settings = Settings {
        features: vec![("optical".into(), 2)],
        location: 3,
        size: [16, 16],
        width: 8,
        hidden: 12,
        blocks: 1,
        heads: 2,
        patch: 8,
        resunet_steps: 1,
        classes: 2,
        auxiliary: None,
    };
    let image = Tensor::from_slice(gpu, [2, 2, 16, 16], &noise(5, 1024)).unwrap();
    let location = Tensor::from_slice(gpu, [2, 3], &[0.2, 0.5, 0.3, 0.9, 0.05, 0.05]).unwrap();
    let input = |(name, tensor): (&str, Tensor)| Input { name: name.to_owned(), tensor, constants: Vec::new() };
    (GlaViTU::new(gpu, &settings, 11).unwrap(), Inputs([("optical", image), (LOCATION, location)].map(input).into()))
}

#[test]
fn the_gradient_by_the_location_is_that_of_differences() {
    let gpu = gpu();
    let (network, inputs) = small(&gpu);
    let location = inputs.get(LOCATION).unwrap();
    let upstream: Vec<f32> = noise(9, 1024);
    let gradient = |tape: Tape| {
        tape.watch(location);
        let map = network.forward(&tape, &inputs, Mode::Eval).unwrap().map;
        let seed = Tensor::from_slice(&gpu, map.shape(), &upstream).unwrap();
        tape.backward(&[(&map, seed)]).unwrap().get(location).unwrap().to_vec().unwrap()
    };
    let found = gradient(Tape::recording());
    assert_eq!(gradient(Tape::recomputing()), found);
    let at = |values: &[f32]| {
        location.write(values).unwrap();
        let map = network.forward(&Tape::off(), &inputs, Mode::Eval).unwrap().map.to_vec().unwrap();
        map.iter().zip(&upstream).map(|(value, weight)| f64::from(*value) * f64::from(*weight)).sum::<f64>()
    };
    let values = location.to_vec().unwrap();
    let largest = found.iter().fold(0f32, |most, value| most.max(value.abs()));
    for index in 0..values.len() {
        let moved = |by: f32| values.iter().enumerate().map(|(i, v)| if i == index { v + by } else { *v }).collect::<Vec<f32>>();
        let step = 1.0 / 256.0;
        let wanted = (at(&moved(step)) - at(&moved(-step))) / f64::from(2.0 * step);
        // Rounding of the maps, and leaky ReLUs that bend within the step.
        assert!((f64::from(found[index]) - wanted).abs() < 0.02 * f64::from(largest), "{index}: {} and {wanted}", found[index]);
    }
}

#[test]
fn the_published_strategies_have_as_many_values_as_published() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tools/configs/glavitu");
    // Without the auxiliary head, running statistics among them.
    for (name, wanted) in
        [("global", 10_031_938), ("regional", 10_031_938), ("finetuning", 10_031_938), ("region", 10_037_442), ("coordinate", 10_036_930)]
    {
        let config = Config::load(&folder.join(format!("{name}.yaml")), &["deep_supervision=false".into()]).unwrap();
        let network = models::untrained(&gpu().planner(), &config).unwrap();
        let values: usize = network
            .parameters()
            .entries()
            .iter()
            .map(|(_, value)| match value {
                Value::Parameter(tensor) | Value::Buffer(tensor) => tensor.len(),
                Value::Counter(_) => 0,
            })
            .sum();
        assert_eq!(values, wanted, "{name}");
    }
}
