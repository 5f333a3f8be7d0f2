//! Training on scenes: crops about classes alike, steps that are aware of sharpness, dropout, and maps that are averaged over it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::data::class_places::ClassPlaces;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::Split;
use meltcore::data::framed::{Frame, Framed};
use meltcore::data::scene_crops::train_crops;
use meltcore::data::tiles::Crop;
use meltcore::data::writer::write_geotiff;
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::{Inputs, Model, Outputs};
use meltcore::nn::{Builder, Conv2d, Dropout, Mode, ParameterSet};
use meltcore::ops::Activation;
use meltcore::predict::{Options, Predictor};
use meltcore::synth::georeference::albers;
use meltcore::tensor::Tensor;

const ROWS: usize = 40;
const COLS: usize = 48;
const SCENES: [&str; 3] = ["a", "b", "c"];
/// A rare class: 3 × 4 pixels of one scene of three, far from its edges.
const RARE: (std::ops::Range<usize>, std::ops::Range<usize>) = (19..22, 24..28);

fn make(root: &Path) {
    let save = |name: String, bands: usize, value: &dyn Fn(usize, usize, usize) -> f32| {
        let pixels: Vec<f32> = (0..bands * ROWS * COLS).map(|i| value(i / (ROWS * COLS), i / COLS % ROWS, i % COLS)).collect();
        write_geotiff(root.join(name), ROWS, COLS, &pixels, &albers(10.0)).unwrap();
    };
    for (number, name) in SCENES.into_iter().enumerate() {
        let is_rare = move |row: usize, col: usize| number == 1 && RARE.0.contains(&row) && RARE.1.contains(&col);
        // The last rows have no class, in two ways.
        let class = move |row: usize, col: usize| match row {
            38 => 255.0,
            39 => f32::NAN,
            _ if is_rare(row, col) => 2.0,
            _ => f32::from(col < 12),
        };
        save(format!("classes/{name}.tif"), 1, &|_, row, col| class(row, col));
        let noise = move |row: usize, col: usize| ((row * 13 + col * 29 + number * 7) % 17) as f32 / 40.0;
        save(format!("optical/{name}.tif"), 2, &|band, row, col| noise(row, col + 3 * band) + 0.2 * f32::from(col < 12));
    }
    std::fs::write(root.join("train.csv"), "a.tif\nb.tif\n").unwrap();
    std::fs::write(root.join("val.csv"), "c.tif\n").unwrap();
    let text = format!(
        "task: segmentation\nclasses: [land, ice, lake]\nmodel_key: glavitu\nwidth: 8\nblocks: 2\nheads: 2\npatch: 8\nresunet_steps: 1\n\
         data_root: {0}\npath_train_split_csv: {0}/train.csv\npath_val_split_csv: {0}/val.csv\nin_keys: [optical]\nbands_optical: [1, 2]\n\
         path_optical: optical\npath_classes: classes\nmean_optical_b1: 0\nstd_optical_b1: 1\nmean_optical_b2: 0\nstd_optical_b2: 1\n\
         img_size: [16, 16]\nbatch_size: 2\ncrops_per_epoch: 8\nepochs: 3\nlearning_rate: 0.005\ntensorboard: false\n",
        root.display()
    );
    std::fs::write(root.join("run.yaml"), text).unwrap();
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    folder
}

fn config(root: &Path, set: &[&str]) -> Config {
    Config::load(&root.join("run.yaml"), &set.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
}

fn meltcore(root: &Path, command: &str, arguments: &[&str]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    process.arg(command).arg("--config").arg(root.join("run.yaml")).args(["--device", "host"]).args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// Runs a command that must succeed, with `--set` before each override; returns what it said.
fn done(root: &Path, command: &str, arguments: &[&str], set: &[&str]) -> String {
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    let output = meltcore(root, command, &[arguments, &set].concat());
    assert!(output.status.success(), "{command} {arguments:?}: {}", text(&output));
    text(&output)
}

/// The class of a pixel, for the test's own look at crops.
fn classes(target: &[f32], ocean: &[f32]) -> Vec<Option<usize>> {
    target.iter().zip(ocean).map(|(class, ocean)| (*class < 3.0 && *ocean == 0.0).then_some(*class as usize)).collect()
}

/// In how many crops each class is, and how often a rare pixel lies in each quarter of a crop.
fn seen(framed: &Framed, crops: &[Crop]) -> ([usize; 3], [usize; 4]) {
    let (mut counts, mut quarters, mut sample) = ([0; 3], [0; 4], HostSample::default());
    for crop in crops {
        framed.read_target(crop, &mut sample).unwrap();
        let of_crop = classes(&sample.target, &sample.ocean);
        for (class, count) in counts.iter_mut().enumerate() {
            *count += usize::from(of_crop.contains(&Some(class)));
        }
        let rare = (0..256).filter(|i| of_crop[*i] == Some(2));
        rare.for_each(|i| quarters[2 * (i / 16 / 8) + i % 16 / 8] += 1);
    }
    (counts, quarters)
}

#[test]
fn crops_of_classes_alike_show_the_rare_one_in_a_third_of_all() {
    let folder = folder();
    let dataset = Arc::new(Dataset::open(&config(folder.path(), &[]), Split::Train).unwrap());
    let framed = Framed::new(dataset, vec![0.0; 2], |scene| Frame::at_least(scene, [16, 16]));
    let places = ClassPlaces::of(&framed, 4, &classes).unwrap();
    // Two scenes of 38 rows with a class, a quarter of their pixels ice; the fourth class has none.
    let all = (2 * 38 * 48) as f64;
    let wanted = [(0, 2.0 * 38.0 * 36.0 - 12.0), (1, 2.0 * 38.0 * 12.0), (2, 12.0)].map(|(class, pixels)| (class, pixels / all));
    assert_eq!(places.shares(), wanted);
    let crops = places.crops((7, 1), &framed, [16, 16], 900, &classes).unwrap();
    let (counts, quarters) = seen(&framed, &crops);
    let (plain, _) = seen(&framed, &train_crops(7, 1, framed.frames(), [16, 16], 900, false));
    // A third of the crops and those of other classes that see it by chance; drawn anywhere, 18 · 19 of 25 · 33 places in half of the
    // scenes see it. Of 900 draws four standard deviations are 57.
    assert!((285..=400).contains(&counts[2]) && plain[2].abs_diff(187) < 57, "{counts:?} {plain:?}");
    assert!(counts[1] > 300 && counts[0] > 300, "{counts:?}");
    // Its pixels lie in all quarters of a crop alike.
    let each = quarters.iter().sum::<usize>() / 4;
    assert!(quarters.iter().all(|count| count.abs_diff(each) < each / 4), "{quarters:?}");
    // Inside, numbered, and drawn from seed and epoch alone.
    let is_inside = |crop: &Crop| crop.window.row + 16 <= ROWS && crop.window.col + 16 <= COLS;
    assert!(crops.iter().enumerate().all(|(number, crop)| crop.number == number && is_inside(crop)));
    assert_eq!(places.crops((7, 1), &framed, [16, 16], 900, &classes).unwrap(), crops);
    let differ = |seed, epoch| places.crops((seed, epoch), &framed, [16, 16], 900, &classes).unwrap() != crops;
    assert!(differ(8, 1) && differ(7, 2));
    // The first crops do not depend on how many follow.
    assert_eq!(places.crops((7, 1), &framed, [16, 16], 9, &classes).unwrap()[..], crops[..9]);
}

const ALL: [&str; 5] = ["crops_of_classes=even", "sharpness_aware=0.05", "accumulate_steps=2", "dropout=0.2", "augment_crop=0.8"];

fn weights(root: &Path, run: &str) -> Vec<u8> {
    std::fs::read(root.join(run).join("last/model.safetensors")).unwrap()
}

#[test]
fn a_run_resumes_to_the_same_bits_with_all_of_it() {
    let folder = folder();
    let root = folder.path();
    let path = |run: &str| format!("path_checkpoints={}", root.join(run).display());
    let train = |run: &str, arguments: &[&str], more: &[&str]| {
        let path = path(run);
        done(root, "train", arguments, &[&[path.as_str()], &ALL[..], more].concat())
    };
    let said = train("straight", &["--threads", "1"], &[]);
    let words =
        "train crops are drawn about pixels of each class alike; classes and their pixels: land (74.67 %), ice (25.00 %), lake (0.33 %)";
    assert!(said.contains(words), "{said}");
    train("halves", &["--threads", "2"], &["epochs=2"]);
    train("halves", &["--threads", "3", "--resume", "auto"], &[]);
    assert!(weights(root, "straight") == weights(root, "halves"));
    train("recomputed", &["--threads", "2"], &["recompute=true"]);
    // (The configuration that the file carries has no such key.)
    assert!(weights(root, "straight") == weights(root, "recomputed"));
    for (number, left_out) in ALL.iter().enumerate() {
        let others: Vec<&str> = ALL.iter().filter(|key| *key != left_out).copied().collect();
        let (run, path) = (format!("without{number}"), path(&format!("without{number}")));
        done(root, "train", &[], &[&[path.as_str()], &others[..]].concat());
        assert!(weights(root, &run) != weights(root, "straight"), "{left_out}");
    }
}

#[test]
fn the_plan_of_memory_counts_the_copy_of_the_weights() {
    let folder = folder();
    let root = folder.path();
    let train = |run: &str, set: &[&str]| {
        let path = format!("path_checkpoints={}", root.join(run).display());
        let all = [path.as_str(), "width=64", "batch_size=1", "crops_per_epoch=2", "epochs=1"];
        done(root, "train", &[], &[&all, set].concat())
    };
    let (plain, climbing) = (train("plain", &[]), train("climbing", &["sharpness_aware=0.05"]));
    let number = |said: &str, before: &str, line: &str| -> f64 {
        let line = said.lines().find(|text| text.starts_with(line)).unwrap();
        line.split_once(before).unwrap().1.split_whitespace().next().unwrap().parse().unwrap()
    };
    let weights = 4.0 * number(&plain, "model: ", "model:") / f64::from(1 << 20);
    let in_use = |said: &str| number(said, "predicted, ", "memory:");
    let more = in_use(&climbing) - in_use(&plain);
    assert!(weights > 1.0 && (0.8 * weights..1.3 * weights).contains(&more), "{weights} MiB of weights: {plain} {climbing}");
    // And it is what happens.
    assert!((number(&climbing, "at most ", "1 epochs") - in_use(&climbing)).abs() < 0.11, "{climbing}");
}

/// Two convolutions with dropout between them.
struct Dropping {
    first: Conv2d,
    dropout: Dropout,
    /// Whether single values are dropped behind whole maps.
    drops_values: bool,
    second: Conv2d,
    parameters: ParameterSet,
}

impl Dropping {
    fn new(gpu: &Gpu, share: f64) -> Dropping {
        let mut b = Builder::new(gpu, 5);
        let first = b.conv2d("first", 2, 8, 1, Conv2dAttrs::default(), true).unwrap();
        let dropout = b.dropout(share);
        let second = b.conv2d("second", 8, 3, 1, Conv2dAttrs::default(), true).unwrap();
        Dropping { first, dropout, drops_values: true, second, parameters: b.finish() }
    }
}

impl Model for Dropping {
    fn forward(&self, tape: &Tape, inputs: &Inputs, mode: Mode) -> Result<Outputs> {
        let x = self.first.forward(tape, inputs.only()?, Activation::Relu)?;
        let x = self.dropout.of_maps(tape, &x, mode)?;
        let x = if self.drops_values { self.dropout.forward(tape, &x, mode)? } else { x };
        Ok(self.second.forward(tape, &x, Activation::None)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

/// Softmax over three classes, of every pixel.
fn softmax(values: &[f32], pixels: usize) -> Vec<f64> {
    let exp: Vec<f64> = values.iter().map(|value| f64::from(*value).exp()).collect();
    (0..3 * pixels).map(|i| exp[i] / (0..3).map(|class| exp[class * pixels + i % pixels]).sum::<f64>()).collect()
}

/// One tile holds the whole scene, so that no weights of overlapping tiles come in.
#[test]
fn maps_with_dropout_are_means_of_whole_predictions() {
    let folder = folder();
    let root = folder.path();
    let config = config(root, &["model_key=unet", "img_size=[64, 64]", "prediction_stride=64", "deep_supervision=false"]);
    let gpu = Gpu::open(Some("host")).unwrap();
    let dataset = Arc::new(Dataset::open(&config, Split::Val).unwrap());
    let map_of = |model: &Dropping, options: Options| {
        let mut predictor = Predictor::new(&gpu, &config, model, dataset.clone(), options, &mut |_| {})?;
        let mut found = Vec::new();
        predictor.maps(&[0], &mut |_| {}, &mut |_, map| {
            found = map;
            Ok(())
        })?;
        Ok::<_, meltcore::error::Error>(found)
    };
    let options = Options::of(&config);
    let mut model = Dropping::new(&gpu, 0.3);
    let passes = 5;
    let got = map_of(&model, Options { mc_dropout: Some(passes), ..options }).unwrap();
    // By hand: 40 × 48 in the middle of 64 × 64, zeros around, each pass a draw of its own.
    let mut sample = HostSample::default();
    let frame = Frame::around([ROWS, COLS], [64, 64]);
    assert_eq!(frame.size, [64, 64]);
    let framed = Framed::new(dataset.clone(), vec![0.0; 2], |scene| Frame::around(scene, [64, 64]));
    let window = meltcore::data::Window::whole(64, 64);
    framed.read(&Crop { day: 0, window, number: 0 }, &mut sample).unwrap();
    let input = Tensor::from_slice(&gpu, [1, 2, 64, 64], &sample.channels.concat()).unwrap();
    let by_hand = |model: &Dropping, draws: usize| {
        let mut mean = vec![0.0; 3 * 4096];
        for draw in 0..draws {
            let output = model.forward(&Tape::off(), &(&input).into(), Mode::Sample { draw: draw as u64 }).unwrap().map.to_vec().unwrap();
            mean.iter_mut().zip(softmax(&output, 4096)).for_each(|(mean, value)| *mean += value / draws as f64);
        }
        frame.cut(mean.iter().map(|value| *value as f32).collect())
    };
    let pixels = ROWS * COLS;
    assert_eq!(got.len(), 5 * pixels);
    let worst = |got: &[f32], want: &[f32]| {
        let apart = got[pixels..4 * pixels].iter().zip(want).map(|(got, want)| (got - want).abs());
        apart.fold(0.0, f32::max)
    };
    let apart = worst(&got, &by_hand(&model, passes));
    assert!(apart < 1e-6, "{apart}");
    // Without it nothing drops, and a network that drops nothing has no such maps.
    let plain = map_of(&model, options).unwrap();
    let eval = model.forward(&Tape::off(), &(&input).into(), Mode::Eval).unwrap().map.to_vec().unwrap();
    let eval = frame.cut(softmax(&eval, 4096).iter().map(|value| *value as f32).collect());
    assert!(plain[pixels..4 * pixels].iter().zip(&eval).all(|(got, want)| (got - want).abs() < 1e-6));
    assert!(got[pixels..] != plain[pixels..]);
    let error = map_of(&Dropping::new(&gpu, 0.0), Options { mc_dropout: Some(2), ..options }).unwrap_err().to_string();
    assert!(error.contains("--mc-dropout") && error.contains("has no dropout"), "{error}");
    // Where whole maps are dropped a network of pixels by themselves gives turned maps of turned inputs: 8 views of 4 draws each are 32.
    model.drops_values = false;
    let with_views = map_of(&model, Options { mc_dropout: Some(4), d4: true, ..options }).unwrap();
    let apart = worst(&with_views, &by_hand(&model, 32));
    assert!(apart < 1e-6 && worst(&with_views, &by_hand(&model, 4)) > 1e-3, "{apart}");
}

fn maps(root: &Path, folder: &str) -> Vec<Vec<u8>> {
    let file = |name: PathBuf| std::fs::read(root.join(folder).join(name)).unwrap();
    vec![file("c.tif".into()), file(Path::new("probability").join("c.tif"))]
}

#[test]
fn predict_averages_maps_with_dropout_the_same_however_tiles_are_batched() {
    let folder = folder();
    let root = folder.path();
    let run = format!("path_checkpoints={}", root.join("run").display());
    done(root, "train", &[], &[&run, "dropout=0.2", "epochs=1"]);
    let weights = root.join("run/last").display().to_string();
    let predict = |out: &str, arguments: &[&str], set: &[&str]| {
        let out = root.join(out).display().to_string();
        let fixed = ["--weights", weights.as_str(), "--split", "val", "--out", out.as_str()];
        done(root, "predict", &[&fixed, arguments].concat(), &[&["dropout=0.2"], set].concat())
    };
    predict("plain", &[], &[]);
    predict("one", &["--mc-dropout", "3"], &[]);
    predict("four", &["--mc-dropout", "3"], &["prediction_batch_size=4"]);
    predict("turned", &["--mc-dropout", "3", "--tta", "d4"], &[]);
    assert!(maps(root, "one") == maps(root, "four"));
    assert!(maps(root, "one")[1] != maps(root, "plain")[1] && maps(root, "one")[1] != maps(root, "turned")[1]);
    done(
        root,
        "calibrate",
        &["--weights", &weights, "--mc-dropout", "2", "--out", &root.join("curve.json").display().to_string()],
        &["dropout=0.2"],
    );
    let listed = |folder: &str| std::fs::read_to_string(root.join(folder).join("maps.json")).unwrap();
    assert!(listed("one").contains("\"mc_dropout\": 3") && !listed("plain").contains("mc_dropout"), "{}", listed("one"));
    // Other options make the maps anew; the same ones leave them.
    assert!(predict("one", &["--mc-dropout", "3"], &[]).contains("maps of the split val"));
    let out = root.join("none").display().to_string();
    let arguments = ["--weights", &weights, "--split", "val", "--out", &out, "--mc-dropout", "3", "--set", "dropout=0"];
    let output = meltcore(root, "predict", &arguments);
    assert!(output.status.code() == Some(2) && text(&output).contains("has no dropout"), "{}", text(&output));
}
