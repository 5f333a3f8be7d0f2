//! Maps of tiles' middles, and means over turns and networks, against a naive mosaic: scenes padded by loops, windows cut out one by one.

use std::process::Command;
use std::sync::Arc;

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::data::dataset::{Dataset, HostSample};
use meltcore::data::day::Split;
use meltcore::data::{Window, raster::Raster};
use meltcore::error::Result;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::{Inputs, Model, Outputs};
use meltcore::nn::{Builder, Conv2d, Mode, ParameterSet};
use meltcore::ops::Activation;
use meltcore::predict::{Blend, Options, Predictor};
use meltcore::tensor::Tensor;

use super::{SCENES, done, folder, meltcore};

/// A network that sees no further than three pixels, and what is beyond its tile as 0: middles depend on their surroundings.
struct Near {
    conv: Conv2d,
    parameters: ParameterSet,
}

impl Near {
    fn new(gpu: &Gpu, seed: u64) -> Near {
        let mut layers = Builder::new(gpu, seed);
        let conv = layers.conv2d("conv", 1, 4, 7, Conv2dAttrs { padding: 3, ..Default::default() }, true).unwrap();
        Near { conv, parameters: layers.finish() }
    }
}

impl Model for Near {
    fn forward(&self, tape: &Tape, inputs: &Inputs, _: Mode) -> Result<Outputs> {
        Ok(self.conv.forward(tape, inputs.only()?, Activation::None)?.into())
    }

    fn parameters(&self) -> &ParameterSet {
        &self.parameters
    }
}

/// Rows of values.
type Plane = Vec<Vec<f32>>;

/// As numpy.pad with mode="symmetric", of rows.
fn padded_rows(plane: &Plane, before: usize, after: usize) -> Plane {
    let rows = plane.len() as isize;
    let of = |row: isize| {
        let at = row.rem_euclid(2 * rows);
        plane[(if at < rows { at } else { 2 * rows - 1 - at }) as usize].clone()
    };
    (-(before as isize)..rows + after as isize).map(of).collect()
}

fn transposed(plane: &Plane) -> Plane {
    (0..plane[0].len()).map(|col| plane.iter().map(|row| row[col]).collect()).collect()
}

fn padded(plane: &Plane, before: [usize; 2], after: [usize; 2]) -> Plane {
    transposed(&padded_rows(&transposed(&padded_rows(plane, before[0], after[0])), before[1], after[1]))
}

/// A quarter turn with the clock.
fn turned(plane: &Plane) -> Plane {
    transposed(plane).into_iter().map(|row| row.into_iter().rev().collect()).collect()
}

/// Tiles of 16, of which the middle 8 are kept, one every 4: padded by 4, then by 1 to 4 below and right.
fn naive(gpu: &Gpu, model: &Near, scene: &Plane) -> Vec<Plane> {
    let first = padded(scene, [4, 4], [4, 4]);
    let more = [first.len(), first[0].len()].map(|side| 4 - (side as isize - 16).rem_euclid(4) as usize);
    let framed = padded(&first, [0, 0], more);
    let (rows, cols) = (framed.len(), framed[0].len());
    let mut sums = vec![vec![vec![(0.0f64, 0.0f64); cols]; rows]; 4];
    for (top, left) in (0..=rows - 16).step_by(4).flat_map(|top| (0..=cols - 16).step_by(4).map(move |left| (top, left))) {
        let window: Vec<f32> = (0..256).map(|at| framed[top + at / 16][left + at % 16] / 255.0).collect();
        let input = Tensor::from_slice(gpu, [1, 1, 16, 16], &window).unwrap();
        let logits = model.forward(&Tape::off(), &(&input).into(), Mode::Eval).unwrap().map.to_vec().unwrap();
        for (y, x) in (0..8).flat_map(|y| (0..8).map(move |x| (y, x))) {
            let at = |class: usize| f64::from(logits[(class * 16 + y + 4) * 16 + x + 4]).exp();
            let all: f64 = (0..4).map(at).sum();
            let weight = (-((y as f64 - 4.0).powi(2) + (x as f64 - 4.0).powi(2)) / 2.0).exp();
            for (class, sums) in sums.iter_mut().enumerate() {
                let (sum, total) = &mut sums[top + 4 + y][left + 4 + x];
                *sum += weight * at(class) / all;
                *total += weight;
            }
        }
    }
    let cut = |plane: &Vec<Vec<(f64, f64)>>| {
        let row = |row: &Vec<(f64, f64)>| row[4..4 + scene[0].len()].iter().map(|(sum, total)| (sum / total) as f32).collect();
        plane[4..4 + scene.len()].iter().map(row).collect()
    };
    sums.iter().map(cut).collect()
}

/// A scene, and maps of it: class, probabilities, confidence, and what follows.
struct Mapped {
    gpu: Gpu,
    config: Config,
    dataset: Arc<Dataset>,
    scene: usize,
    plane: Plane,
}

impl Mapped {
    fn new(root: &std::path::Path, scene: usize, set: &[&str]) -> Mapped {
        let set: Vec<String> = set.iter().map(|set| (*set).to_owned()).collect();
        let config = Config::load(&root.join("run.yaml"), &set).unwrap();
        let dataset = Arc::new(Dataset::open(&config, Split::Val).unwrap());
        let [rows, cols] = dataset.scene(scene);
        let mut sample = HostSample::default();
        dataset.read(scene, Window::whole(rows, cols), &mut sample).unwrap();
        let plane = sample.channels[0].chunks(cols).map(<[f32]>::to_vec).collect();
        Mapped { gpu: Gpu::open(Some("host")).unwrap(), config, dataset, scene, plane }
    }

    fn map(&self, models: &[&Near], options: Options) -> Vec<f32> {
        let mut predictor = Predictor::new(&self.gpu, &self.config, models[0], self.dataset.clone(), options, &mut |_| {}).unwrap();
        predictor.join(models[1..].iter().map(|model| *model as &dyn Model)).unwrap();
        let mut found = Vec::new();
        let mut take = |_, map| {
            found = map;
            Ok(())
        };
        predictor.maps(&[self.scene], &mut |_| {}, &mut take).unwrap();
        found
    }

    /// Largest difference of the bands from this one on.
    fn apart(&self, map: &[f32], first: usize, wanted: &[Plane]) -> f32 {
        let pixels = self.plane.len() * self.plane[0].len();
        let wanted = wanted.iter().flatten().flatten();
        map[first * pixels..].iter().zip(wanted).map(|(got, wanted)| (got - wanted).abs()).fold(0.0, f32::max)
    }
}

#[test]
fn middles_are_blended_as_by_definition() {
    let folder = folder();
    // One scene of two is smaller than a tile.
    for scene in 0..2 {
        let of = Mapped::new(folder.path(), scene, &[]);
        let model = Near::new(&of.gpu, 3);
        let options = Options::of(&of.config);
        assert_eq!(options.blend, Blend::CentreGaussian);
        let map = of.map(&[&model], options);
        let wanted = naive(&of.gpu, &model, &of.plane);
        let pixels = of.plane.len() * of.plane[0].len();
        assert_eq!(map.len(), 6 * pixels);
        let apart = of.apart(&map, 1, &wanted);
        assert!(apart < 1e-6, "{apart}");
        for (pixel, class) in map[..pixels].iter().enumerate() {
            let p = |class: usize| map[(1 + class) * pixels + pixel];
            assert!((0..4).all(|other| p(other) < p(*class as usize) || p(other) == p(*class as usize) && other >= *class as usize));
        }
        // Other blends, and what lies beyond the scene, are others.
        let equal = of.map(&[&model], Options { blend: Blend::Wide, ..options });
        assert!(of.apart(&equal, 1, &wanted) > 1e-3);
        let zeros = Mapped::new(folder.path(), scene, &["border=zeros"]);
        assert!(zeros.apart(&zeros.map(&[&model], options), 1, &wanted) > 1e-3);
    }
}

#[test]
fn middles_side_by_side_are_single_predictions() {
    let folder = folder();
    let of = Mapped::new(folder.path(), 0, &["prediction_stride=8"]);
    let model = Near::new(&of.gpu, 3);
    let map = of.map(&[&model], Options::of(&of.config));
    let (rows, cols) = (of.plane.len(), of.plane[0].len());
    // Sides to (⌊n/8⌋ + 2)·8, the smaller half before.
    let beyond = [rows, cols].map(|side| (side / 8 + 2) * 8 - side);
    let before = beyond.map(|beyond| beyond / 2);
    let framed = padded(&of.plane, before, [beyond[0] - before[0], beyond[1] - before[1]]);
    for (row, col) in (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col))) {
        let (y, x) = (row + before[0], col + before[1]);
        let (top, left) = ((y - 4) / 8 * 8, (x - 4) / 8 * 8);
        let window: Vec<f32> = (0..256).map(|at| framed[top + at / 16][left + at % 16] / 255.0).collect();
        let input = Tensor::from_slice(&of.gpu, [1, 1, 16, 16], &window).unwrap();
        let logits = model.forward(&Tape::off(), &(&input).into(), Mode::Eval).unwrap().map.to_vec().unwrap();
        let best =
            (0..4).rev().max_by(|a, b| logits[a * 256 + (y - top) * 16 + x - left].total_cmp(&logits[b * 256 + (y - top) * 16 + x - left]));
        assert_eq!(map[row * cols + col] as usize, best.unwrap(), "{row} {col}");
    }
}

#[test]
fn turns_and_networks_are_averaged_and_say_how_far_they_are_apart() {
    let folder = folder();
    let of = Mapped::new(folder.path(), 0, &[]);
    let models = [3, 4].map(|seed| Near::new(&of.gpu, seed));
    let mut maps: Vec<Vec<Plane>> = Vec::new();
    for model in &models {
        let mut scene = of.plane.clone();
        for quarters in 0..4 {
            let map = naive(&of.gpu, model, &scene);
            // The other three quarters lead back.
            let back = |plane: &Plane| (0..(4 - quarters) % 4).fold(plane.clone(), |plane, _| turned(&plane));
            maps.push(map.iter().map(back).collect());
            scene = turned(&scene);
        }
    }
    let over = |maps: &[Vec<Plane>], of: &dyn Fn(&[f64]) -> f64| -> Vec<Plane> {
        let at = |class: usize, row: usize, col: usize| maps.iter().map(|map| f64::from(map[class][row][col])).collect::<Vec<f64>>();
        let (rows, cols) = (maps[0][0].len(), maps[0][0][0].len());
        (0..4).map(|class| (0..rows).map(|row| (0..cols).map(|col| of(&at(class, row, col)) as f32).collect()).collect()).collect()
    };
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    let deviation = |values: &[f64]| (values.iter().map(|value| (value - mean(values)).powi(2)).sum::<f64>() / values.len() as f64).sqrt();
    let options = Options { turns: Some(4), ..Options::of(&of.config) };
    for (networks, these) in [(&[&models[0]][..], &maps[..4]), (&[&models[0], &models[1]], &maps[..])] {
        let map = of.map(networks, options);
        assert_eq!(map.len(), 10 * of.plane.len() * of.plane[0].len(), "the class, probabilities, confidence, deviations");
        let (apart, spread) = (of.apart(&map, 1, &over(these, &mean)), of.apart(&map, 6, &over(these, &deviation)));
        assert!(apart < 1e-6 && spread < 1e-5, "{apart} {spread}");
    }
    // Rounded to half precision, as the published program does.
    let published = Mapped::new(folder.path(), 0, &["reference_windows=true"]);
    let map = published.map(&[&models[0]], options);
    let apart = published.apart(&map, 1, &over(&maps[..4], &mean));
    assert!(apart > 1e-6 && apart < 6e-4, "{apart}");
}

#[test]
fn the_command_averages_and_writes_the_deviations() {
    let folder = folder();
    let root = folder.path();
    let path = |name: &str| root.join(name).display().to_string();
    for seed in ["1", "2"] {
        let set = [format!("path_checkpoints={}", path(seed)), format!("seed={seed}"), "epochs=1".into(), "best_by=iou".into()];
        done(root, "train", &[], &set.each_ref().map(String::as_str));
    }
    let weights = ["1", "2"].map(|seed| path(&format!("{seed}/best.safetensors")));
    let predict = |out: &str, arguments: &[&str]| {
        done(root, "predict", &[&["--split", "test", "--out", &path(out)], arguments].concat(), &["seed=1"])
    };
    predict("plain", &["--weights", &weights[0]]);
    predict("both", &["--weights", &weights[0], "--weights", &weights[1], "--turns", "4", "--accept-changed-config"]);
    let bands = |out: &str| {
        let file = root.join(out).join("probability").join(format!("{}.tif", SCENES[2].0));
        (0..).map_while(|band| Raster::open_band(&file, band).ok()?.read_all().ok()).collect::<Vec<_>>()
    };
    let (plain, both) = (bands("plain"), bands("both"));
    assert_eq!((plain.len(), both.len()), (5, 9));
    assert!(both[5..].iter().flatten().all(|value| (0.0..=0.5).contains(value)) && both[5].iter().any(|value| *value > 0.0));
    let listed = std::fs::read_to_string(root.join("both/maps.json")).unwrap();
    assert!(listed.contains("\"turns\": 4") && listed.contains('+'), "{listed}");
    // Without a configuration a scene keeps its name, one picture as well as a folder of them.
    let name = SCENES[2].0;
    let zones = |out: &str| std::fs::read(root.join(out).join(format!("{name}_zones.png"))).unwrap();
    for (scene, out) in [(format!("sar_images/test/{name}.png"), "one"), ("sar_images/test".to_owned(), "all")] {
        let scene = format!("sar={}", path(&scene));
        let mut program = Command::new(env!("CARGO_BIN_EXE_meltcore"));
        program.args(["predict", "--quiet", "--weights", &weights[0], &scene, "--out", &path(out)]);
        let output = program.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert!(zones(out) == zones("plain"), "{out}");
    }
    assert!(root.join("all").join(format!("{}.tif", SCENES[3].0)).is_file());
    // Weights of another shape are refused before a folder is made for their maps.
    let refused = ["--split", "test", "--weights", &weights[0], "--out", &path("none"), "--accept-changed-config"];
    let output = meltcore(root, "predict", &refused, &["base_channels=4"]);
    assert!(output.status.code() == Some(2) && !root.join("none").exists(), "{}", String::from_utf8_lossy(&output.stderr));
}
