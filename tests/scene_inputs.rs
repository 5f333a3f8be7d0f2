//! Inputs of scenes: files that some scenes lack, and logarithms as GlaViTU's program takes them.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use meltcore::config::Config;
use meltcore::data::Window;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::Split;
use meltcore::data::loader::Batch;
use meltcore::data::tiles::Crop;
use meltcore::data::writer::write_geotiff;
use meltcore::gpu::Gpu;
use meltcore::models;
use meltcore::preprocess::Preprocessor;
use meltcore::synth::georeference::albers;

const SIDE: usize = 32;
const PIXELS: usize = SIDE * SIDE;
const SCENES: [&str; 4] = ["a", "b", "c", "d"];
/// The scenes with a file of `sar`.
const WITH_SAR: [&str; 2] = ["b", "d"];

fn save(root: &Path, name: &str, pixels: &[f32]) {
    // Each scene has its own grid.
    let pixel = if name.ends_with("b.tif") { 20.0 } else { 10.0 };
    write_geotiff(root.join(name), SIDE, SIDE, pixels, &albers(pixel)).unwrap();
}

fn sar(number: usize) -> Vec<f32> {
    (0..PIXELS).map(|i| ((i * 31 + number * 17) % 23) as f32 / 100.0).collect()
}

fn make(root: &Path, more: &str) {
    for (number, name) in SCENES.into_iter().enumerate() {
        let left = |i: usize| i % SIDE < 12;
        save(
            root,
            &format!("optical/{name}.tif"),
            &(0..PIXELS).map(|i| 0.3 * f32::from(left(i)) + ((i + number) % 7) as f32 / 20.0).collect::<Vec<_>>(),
        );
        save(root, &format!("classes/{name}.tif"), &(0..PIXELS).map(|i| f32::from(left(i))).collect::<Vec<_>>());
        if WITH_SAR.contains(&name) {
            save(root, &format!("sar/{name}.tif"), &sar(number));
        }
    }
    std::fs::write(root.join("train.csv"), "a.tif\nb.tif\n").unwrap();
    std::fs::write(root.join("val.csv"), "c.tif\nd.tif\n").unwrap();
    let text = format!(
        "task: segmentation\nclasses: [land, ice]\nmodel_key: glavitu\nwidth: 8\nblocks: 1\nheads: 2\npatch: 8\nresunet_steps: 1\n\
         data_root: {0}\npath_train_split_csv: {0}/train.csv\npath_val_split_csv: {0}/val.csv\nin_keys: [optical, sar]\n\
         path_optical: optical\npath_sar: sar\npath_classes: classes\nmean_optical: 0\nstd_optical: 1\nmean_sar: 0.11\nstd_sar: 0.2\n\
         img_size: [16, 16]\nbatch_size: 2\ncrops_per_epoch: 4\nepochs: 2\ntensorboard: false\npath_checkpoints: {0}/run\n\
         path_predictions: {0}/maps\n{more}",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
}

const OPTIONAL: &str = "optional_sar: true\ngap_mask: true\n";

fn config(root: &Path) -> Config {
    Config::load(&root.join("run.yaml"), &[]).unwrap()
}

fn meltcore(root: &Path, arguments: &[&str]) -> Output {
    let words = arguments.iter().map(|word| word.replace("ROOT", &root.display().to_string()));
    Command::new(env!("CARGO_BIN_EXE_meltcore")).args(words).args(["--device", "host"]).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

fn done(root: &Path, arguments: &[&str]) -> String {
    let output = meltcore(root, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", text(&output));
    text(&output)
}

fn whole(dataset: &Dataset, scene: usize) -> HostSample {
    let mut sample = HostSample::default();
    dataset.read(scene, Window::whole(SIDE, SIDE), &mut sample).unwrap();
    sample
}

#[test]
fn a_scene_without_the_file_has_no_value_there() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root, OPTIONAL);
    for (more, filled) in [("", 0.11), ("fill_sar: 0.5\n", 0.5)] {
        make(root, &format!("{OPTIONAL}{more}"));
        let dataset = Dataset::open(&config(root), Split::Train).unwrap();
        let names: Vec<&str> = dataset.inputs().iter().map(|input| input.name).collect();
        assert_eq!(names, ["optical", "sar", "sar_gap"]);
        let (without, with) = (whole(&dataset, 0), whole(&dataset, 1));
        assert!(without.channels[1].iter().all(|value| *value == filled) && without.channels[2] == vec![1.0; PIXELS]);
        assert!(with.channels[1] == sar(1) && with.channels[2] == vec![0.0; PIXELS]);
        assert_eq!(dataset.lacking(), [("sar", vec!["a.tif".to_owned()])]);
        // What it is read from is what there is.
        let files: Vec<String> = dataset.files().into_keys().collect();
        assert!(files.contains(&"sar/b.tif".to_owned()) && !files.contains(&"sar/a.tif".to_owned()), "{files:?}");
    }
    // Otherwise it is the error that it was; and where all have it nobody notices.
    make(root, "");
    let error = Dataset::open(&config(root), Split::Train).unwrap_err().to_string();
    assert!(error.contains("1 file(s) of the input `sar`") && error.contains("a.tif"), "{error}");
}

#[test]
fn nonsense_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let said = |more: &str| {
        make(folder.path(), more);
        Config::load(&folder.path().join("run.yaml"), &[]).unwrap_err().to_string()
    };
    assert!(said("optional_sar: true\nfill_sar: nearest\n").contains("`optional_sar`: is true, and fill_<input> nearest finds no value"));
    assert!(
        said("in_keys_static: [dem]\npath_dem: dem.tif\noptional_dem: true\n").contains("`optional_dem`: is true, but one file serves")
    );
    assert!(said("optional_sar: 1\n").contains("`optional_sar`"));
    assert!(said("log_sar: true\nlog10_sar: 1.0e-6\n").contains("`log10_sar`: stands beside `log_sar: true`"));
    assert!(said("log10_sar: 0\n").contains("`log10_sar`"));
}

#[test]
fn training_and_prediction_take_scenes_with_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root, OPTIONAL);
    let said = done(root, &["train", "--config", "ROOT/run.yaml"]);
    let words = "1 of the 2 scenes of the train split have no file of the optional input `sar`";
    assert!(said.matches(words).count() == 1, "{said}");
    let weights = ["--weights", "ROOT/run/last"];
    let predict = |arguments: &[&str]| done(root, &[&["predict"], &weights[..], arguments].concat());
    let said = predict(&["--config", "ROOT/run.yaml", "--split", "val"]);
    assert!(said.matches("1 of the 2 scenes of the val split").count() == 1, "{said}");
    let map = |name: &str| std::fs::read(root.join(name).join("c.tif")).unwrap();
    let probability = |name: &str| std::fs::read(root.join(name).join("probability/c.tif")).unwrap();
    let without = (map("maps"), probability("maps"));
    // The scene by itself, without a file and with one that has no value, is the same map to the bit.
    std::fs::create_dir_all(root.join("scene/optical")).unwrap();
    std::fs::copy(root.join("optical/c.tif"), root.join("scene/optical.tif")).unwrap();
    std::fs::remove_dir(root.join("scene/optical")).unwrap();
    let said = predict(&["ROOT/scene", "--out", "ROOT/single"]);
    assert!(said.matches("no file of the optional input `sar`").count() == 1, "{said}");
    let single = |name: &str| std::fs::read(root.join("single").join(name)).unwrap();
    let pixels = |bytes: &[u8], values: usize| bytes[bytes.len() - values..].to_vec();
    let only = pixels(&single("probability/map.tif"), 12 * PIXELS);
    assert!(only == pixels(&without.1, 12 * PIXELS) && pixels(&single("map.tif"), PIXELS) == pixels(&without.0, PIXELS));
    save(root, "sar/c.tif", &vec![f32::NAN; PIXELS]);
    predict(&["--config", "ROOT/run.yaml", "--split", "val", "--out", "ROOT/empty"]);
    assert!(pixels(&probability("empty"), 12 * PIXELS) == only);
    // Values count.
    save(root, "sar/c.tif", &sar(7));
    predict(&["--config", "ROOT/run.yaml", "--split", "val", "--out", "ROOT/full"]);
    assert!(pixels(&probability("full"), 12 * PIXELS) != only);
    let stats = done(root, &["stats", "--config", "ROOT/run.yaml"]);
    let mean = sar(1).iter().map(|value| f64::from(*value)).sum::<f64>() / PIXELS as f64;
    assert!(stats.contains(&format!("mean_sar: {:.4}", mean)[..14]), "{mean}: {stats}");
    // Without its values the gaps have their share of the train split, a half.
    let said =
        done(root, &[&["ablate", "--config", "ROOT/run.yaml", "--split", "val", "--keys", "sar+sar_gap", "--json"], &weights[..]].concat());
    let json: serde_json::Value = serde_json::from_str(&said[said.find('{').unwrap()..=said.rfind('}').unwrap()]).unwrap();
    let values = &json["without"][0]["values"];
    assert!(values["sar_gap"] == 0.5 && values["sar"] == 0.11, "{said}");
    // A run does not go on where a scene has gained its file.
    save(root, "sar/a.tif", &sar(0));
    let output = meltcore(root, &["train", "--config", "ROOT/run.yaml", "--resume", "auto", "--set", "epochs=3"]);
    assert!(!output.status.success() && text(&output).contains("the train without sar list has lost 1 (a.tif)"), "{}", text(&output));
    std::fs::remove_file(root.join("sar/a.tif")).unwrap();
    std::fs::remove_file(root.join("sar/c.tif")).unwrap();
    done(root, &["train", "--config", "ROOT/run.yaml", "--resume", "auto", "--set", "epochs=3"]);
}

#[test]
fn decimal_logarithms_are_those_of_the_formula() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    make(root, "log10_sar: 1.0e-6\n");
    std::fs::write(root.join("train.csv"), "b.tif\n").unwrap();
    let text = std::fs::read_to_string(root.join("run.yaml"))
        .unwrap()
        .replace("mean_sar: 0.11", "mean_sar: -6")
        .replace("std_sar: 0.2", "std_sar: 7.76");
    std::fs::write(root.join("run.yaml"), text).unwrap();
    let config = config(root);
    let dataset = Arc::new(Dataset::open(&config, Split::Train).unwrap());
    let crop = Crop { day: 0, window: Window::whole(SIDE, SIDE), number: 0 };
    let batch = Batch::read(&dataset, &[crop]).unwrap();
    let gpu = Gpu::open(Some("host")).unwrap();
    let inputs = models::inputs(&config).unwrap();
    let seen = Preprocessor::new(&gpu, &config, dataset.inputs(), &inputs).unwrap().inputs(&batch).unwrap();
    let seen = seen.get("sar").unwrap().to_vec().unwrap();
    for (raw, seen) in sar(1).into_iter().zip(seen) {
        let want = ((f64::from(raw) + 1e-6).log10() + 6.0) / 7.76;
        assert!((f64::from(seen) - want).abs() < 1e-6, "{raw}: {seen} where {want} is expected");
    }
}
