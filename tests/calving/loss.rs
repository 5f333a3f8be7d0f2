//! The loss against numbers from PyTorch, and the settings that it has where a configuration says nothing.

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::gpu::Gpu;
use meltcore::models::Outputs;
use meltcore::tasks::{self, Targets};
use meltcore::tensor::Tensor;

fn config(keys: &str) -> Config {
    Config::from_yaml(&format!("task: calving_front\nmodel_key: unet\n{keys}"), "run.yaml", &[]).unwrap()
}

/// The loss of logits, and its gradient.
fn loss(config: &Config, shape: [usize; 4], logits: &[f32], classes: &[f32]) -> (f64, Vec<f32>) {
    let gpu = Gpu::open(Some("host")).unwrap();
    let [n, _, h, w] = shape;
    let logits = Tensor::from_slice(&gpu, shape, logits).unwrap();
    let targets = Targets::new(&gpu, [n, 1, h, w], classes, &vec![0.0; n * h * w]).unwrap();
    let tape = Tape::recording();
    tape.watch(&logits);
    let loss = tasks::of(config).loss(&tape, &Outputs::from(logits.clone()), &targets).unwrap();
    let gradients = tape.backward(&[(&loss, Tensor::full(&gpu, [], 1.0).unwrap())]).unwrap();
    (f64::from(loss.to_vec().unwrap()[0]), gradients.get(&logits).unwrap().to_vec().unwrap())
}

#[test]
fn single_pixels_have_the_published_numbers() {
    let of = |terms: &str, logits: [f32; 4], class: f32| {
        let config = config(&format!("centre_weight: 0\nloss_function: {terms}"));
        loss(&config, [1, 4, 1, 1], &logits, &[class]).0
    };
    for (terms, logits, class, wanted) in [
        ("cross_entropy", [0.0; 4], 1.0, 4f64.ln()),
        ("cross_entropy", [0.0, 0.0, 3.0, 0.0], 2.0, 0.439_206_3),
        ("cross_entropy", [0.0, 0.0, 3.0, 0.0], 0.0, 3.039_206_0),
        ("dice", [0.0, 0.0, 3.0, 0.0], 2.0, 0.748_427_0),
        ("dice", [0.0, 0.0, 3.0, 0.0], 3.0, 0.975_725_8),
        ("cross_entropy+dice", [0.0, 0.0, 3.0, 0.0], 2.0, 0.439_206_3 + 0.748_427_0),
    ] {
        let got = of(terms, logits, class);
        assert!((got - wanted).abs() < 1e-6, "{terms} {logits:?} {class}: {got} instead of {wanted}");
    }
}

/// Numbers of PyTorch: ½·CE + ½·Dice of all and as much of rows 1 to 3, columns 2 to 5, in float64.
#[test]
fn the_centre_counts_twice() {
    let shape @ [n, classes, h, w] = [2, 4, 6, 8];
    let at = |i: usize| [i / (classes * h * w), i / (h * w) % classes, i / w % h, i % w];
    let logit = |[b, c, y, x]: [usize; 4]| ((b * 31 + c * 17 + y * 7 + x * 5) % 23) as f32 / 5.0 - 2.0;
    let logits: Vec<f32> = (0..n * classes * h * w).map(|i| logit(at(i))).collect();
    let class = |b: usize, y: usize, x: usize| if x == 0 { 1.0 } else { ((b * 3 + y * 5 + x * 2) % 4) as f32 };
    let targets: Vec<f32> = (0..n * h * w).map(|i| class(i / (h * w), i / w % h, i % w)).collect();
    let of = |keys: &str| loss(&config(keys), shape, &logits, &targets);
    let (got, gradient) = of("");
    assert!((got - 2.760_754_480).abs() < 2e-6, "{got}");
    let place = |[b, c, y, x]: [usize; 4]| ((b * classes + c) * h + y) * w + x;
    for (at, wanted) in [([0, 0, 0, 0], 1.382_235e-5), ([1, 2, 3, 4], -0.024_355_005), ([0, 3, 2, 5], 0.023_130_926)] {
        assert!((gradient[place(at)] - wanted).abs() < 2e-7, "{at:?}: {} instead of {wanted}", gradient[place(at)]);
    }
    let sum: f64 = gradient.iter().map(|value| f64::from(value.abs())).sum();
    assert!((sum - 1.621_868_495).abs() < 1e-5, "{sum}");
    for (keys, wanted) in [("centre_weight: 0", 2.124_491_862 + 0.686_089_459), ("centre_weight: 1", 2.048_037_196 + 0.662_890_444)] {
        let (got, gradient) = of(keys);
        assert!((got - wanted).abs() < 2e-6, "{keys}: {got} instead of {wanted}");
        assert_eq!(gradient[place([0, 0, 0, 0])] == 0.0, keys.ends_with('1'), "{keys}");
    }
    // It is smoothed at all.
    assert!((of("label_smoothing_others: 0").0 - got).abs() > 1e-5);
    // 0.1·4/3 spread over all classes leaves 0.1/3 on each of the others.
    assert!((of("label_smoothing: 0.13333333333333333").0 - got).abs() < 2e-6);
}

#[test]
fn settings_are_those_of_the_task_and_are_written_down() {
    let of_task = config("in_keys: [sar]\npath_sar: sar");
    assert_eq!((of_task.centre_weight, of_task.label_smoothing_others, of_task.dice_smooth), (0.5, 0.1, 1e-5));
    assert_eq!((of_task.classes.join(" ").as_str(), of_task.out_channels), ("na stone glacier ocean", 4));
    assert_eq!((of_task.mean["sar"], of_task.std["sar"]), (0.0, 255.0));
    let scaled = config("in_keys: [sar]\npath_sar: sar\nscale_sar: [-30, 5]");
    assert_eq!((scaled.mean["sar"], scaled.std["sar"]), (-30.0, 35.0));
    let bands = config("in_keys: [sar]\npath_sar: sar\nbands_sar: [1, 2]\nscale_sar: [-30, 5]\nscale_sar_b2: [0, 1]");
    assert_eq!((bands.mean["sar_b1"], bands.std["sar_b1"], bands.mean["sar_b2"], bands.std["sar_b2"]), (-30.0, 35.0, 0.0, 1.0));
    // What differs from the task's own default is part of the run's digest, and what does not is none, whatever other tasks do.
    let off = config("in_keys: [sar]\npath_sar: sar\ncentre_weight: 0");
    let same = config("in_keys: [sar]\npath_sar: sar\ncentre_weight: 0.5\nscale_sar: [0, 255]");
    assert!(off.digest() != of_task.digest() && same.digest() == of_task.digest());
    assert_eq!((off.to_json().get("centre_weight"), same.to_json().get("centre_weight")), (Some(&0.0.into()), None));
    let again = |config: &Config| Config::from_keys(config.to_json(), "again.yaml", &[], None).unwrap();
    assert_eq!((again(&off).centre_weight, again(&same).digest()), (0.0, of_task.digest()));
    for (keys, words) in [
        ("classes: [rock, ice]", "names no class glacier"),
        ("classes: [glacier, rock]", "names no class ocean"),
        ("label_smoothing_others: 0.1\nlabel_smoothing: 0.1", "is smoothed one way"),
        ("loss_function: dice\nlabel_smoothing_others: 0.1", "acts on cross_entropy"),
        ("label_smoothing_others: 0.7", "0.5 or less"),
        ("best_by: mde", "val split after every epoch"),
        ("best_by: mde\npath_val_split_csv: val.txt", "the drawn ones, `path_fronts`"),
        ("in_keys: [sar]\npath_sar: sar\nmean_sar: 3\nscale_sar: [0, 1]", "stands beside `mean_sar`"),
    ] {
        let text = format!("task: calving_front\nmodel_key: unet\n{keys}");
        let error = Config::from_yaml(&text, "run.yaml", &[]).unwrap_err().to_string();
        assert!(error.contains(words), "{keys}: {error}");
    }
}
