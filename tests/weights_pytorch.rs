//! Weights there and back with PyTorch: ours load with `strict=True` and give the same maps, theirs load here and give the same maps.
//!
//! PyTorch is looked for behind `MELTCORE_PYTHON`, else `python3`; without it the trials are ignored, or fail where `MELTCORE_REQUIRE`
//! names `pytorch` (with timm and segmentation_models_pytorch: `smp`).

mod on_device;
mod trials;

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::gpu::Gpu;
use meltcore::models;
use meltcore::nn::state_dict::{self, HostDict, HostTensor};
use meltcore::nn::{Mode, ParameterSet};
use meltcore::tensor::Tensor;
use meltcore::weights::encoder::load_encoder;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

/// Largest difference of a map over the spread of its values, which for untrained weights is small beside them.
const TOLERANCE: f32 = 5e-6;
const CHANNELS: [&str; 6] = ["pmw", "modis_b1", "modis_b2", "mar_wa1", "time_interpolate_sar", "dem"];

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn python(script: &str, arguments: &[&str]) -> Option<Output> {
    let name = std::env::var("MELTCORE_PYTHON").unwrap_or_else(|_| "python3".into());
    Command::new(name).arg(root(script)).args(arguments).output().ok()
}

/// Runs a script that must succeed.
fn run_python(script: &str, arguments: &[&str]) {
    let output = python(script, arguments).unwrap();
    assert!(output.status.success(), "{script} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Why this machine's Python lacks `feature`, if it does.
fn lacks(feature: &str) -> Option<String> {
    let Some(output) = python("tests/weights_pytorch.py", &["probe"]) else { return Some("no Python is here".into()) };
    let found = String::from_utf8_lossy(&output.stdout).lines().any(|word| word == feature);
    // The probe says on stderr what it could not import.
    (!found).then(|| format!("Python lacks `{feature}`: {}", String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")))
}

fn no_pytorch() -> Option<String> {
    lacks("torch")
}

fn no_smp() -> Option<String> {
    lacks("smp")
}

fn meltcore(folder: &Path, arguments: &str) -> Option<i32> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    command.args(arguments.split_whitespace()).current_dir(folder).output().unwrap().status.code()
}

/// The configuration of attributes with so many input channels.
fn config(attrs: &Value, channels: usize) -> (String, Config) {
    let mut keys = attrs.as_object().unwrap().clone();
    let is_static = |name: &str| name == "dem";
    let (fixed, daily): (Vec<&str>, Vec<&str>) = CHANNELS.into_iter().rev().take(channels).partition(|name| is_static(name));
    keys.extend([("in_keys".to_owned(), json!(daily)), ("in_keys_static".to_owned(), json!(fixed))]);
    let text = serde_json::to_string(&keys).unwrap();
    (text.clone(), Config::from_yaml(&text, "run.yaml", &[]).unwrap())
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn assert_same_map(gpu: &Gpu, config: &Config, weights: &Path, case: &HostDict, wanted: &str) {
    let (HostTensor::F32(shape, x), HostTensor::F32(_, wanted)) = (&case["x"], &case[wanted]) else { panic!("no maps in the case") };
    let model = models::untrained_for(gpu, config, shape[1]).unwrap();
    state_dict::load(model.parameters(), weights).unwrap();
    let x = Tensor::from_slice(gpu, shape.as_slice(), x).unwrap();
    let map = model.map(&Tape::off(), &x, Mode::Eval).unwrap().to_vec().unwrap();
    assert_eq!(map.len(), wanted.len());
    let worst = largest_difference(&map, wanted);
    let spread = wanted.iter().copied().fold(f32::MIN, f32::max) - wanted.iter().copied().fold(f32::MAX, f32::min);
    assert!(worst <= TOLERANCE * spread, "{worst} {spread}");
}

/// Fresh weights of a configuration to PyTorch and changed ones back, as safetensors and as .pth.
fn exchange(attrs: Value, shape: [usize; 4]) {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (yaml, config) = config(&attrs, shape[1]);
    std::fs::write(at("run.yaml"), yaml).unwrap();
    std::fs::write(at("job.json"), json!({"attrs": attrs, "shape": shape}).to_string()).unwrap();
    assert_eq!(meltcore(folder.path(), "weights init --config run.yaml --seed 3 --out ours.safetensors"), Some(0));
    run_python("tests/weights_pytorch.py", &["exchange", folder.path().to_str().unwrap()]);
    let gpu = on_device::gpu();
    let case = state_dict::read(&at("case.safetensors")).unwrap();
    if let [HostTensor::F32(_, ours), HostTensor::F32(_, theirs)] = [&case["ours"], &case["theirs"]] {
        assert!(largest_difference(ours, theirs) > 1e-3, "the maps do not tell the weights apart");
    }
    assert_same_map(&gpu, &config, &at("ours.safetensors"), &case, "ours");
    assert_same_map(&gpu, &config, &at("theirs.safetensors"), &case, "theirs");
    assert_eq!(meltcore(folder.path(), "weights check theirs.safetensors --config run.yaml"), Some(0));
    assert_eq!(meltcore(folder.path(), "weights diff ours.safetensors theirs.safetensors"), Some(1));
    // A checkpoint of a wrapped model, and back again.
    let path = |name: &str| at(name).to_str().unwrap().to_owned();
    run_python("tools/export_weights.py", &["from-pth", &path("theirs.pth"), &path("from.safetensors")]);
    assert_eq!(meltcore(folder.path(), "weights diff theirs.safetensors from.safetensors"), Some(0));
    run_python("tools/export_weights.py", &["to-pth", &path("ours.safetensors"), &path("ours.pth")]);
    run_python("tools/export_weights.py", &["from-pth", &path("ours.pth"), &path("again.safetensors")]);
    assert_eq!(meltcore(folder.path(), "weights diff ours.safetensors again.safetensors"), Some(0));
}

fn unet_travels_both_ways() {
    let unet = |bilinear: bool, extra: usize, activation: &str| {
        json!({"model_key": "unet", "base_channels": 8, "bilinear": bilinear, "num_extra_convs": extra, "activation": activation,
            "out_activation": "linear", "out_channels": 1})
    };
    exchange(unet(true, 2, "relu"), [2, 4, 33, 40]);
    exchange(unet(false, 0, "gelu"), [1, 3, 32, 48]);
}

fn models_with_the_xception_encoder_travel_both_ways() {
    exchange(json!({"model_key": "unet_smp", "decoder_use_batchnorm": false, "out_activation": "linear"}), [1, 4, 50, 64]);
    exchange(json!({"model_key": "deeplabv3", "encoder_output_stride": 16, "out_activation": "linear"}), [1, 4, 64, 64]);
}

fn tyrion_travels_both_ways() {
    let keys = json!({"model_key": "tyrion", "img_size": [64, 64], "embed_dim": 8, "depths": [2, 1], "num_heads": [2, 4], "window_size": 4,
        "out_activation": "linear", "out_channels": 1});
    exchange(keys, [1, 3, 64, 64]);
}

/// The encoder's first convolution.
fn first_convolution(set: &ParameterSet) -> Vec<f32> {
    let found = set.trainable().into_iter().find(|(name, _)| name == "encoder.model.stem_0.conv.weight");
    found.unwrap().1.to_vec().unwrap()
}

fn an_encoder_is_adapted_as_timm_adapts_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |channels: usize| folder.path().join(format!("{channels}.safetensors"));
    for channels in [3, 5] {
        let (count, out) = (channels.to_string(), path(channels));
        let arguments = ["imagenet", "--random", "--channels", &count, "--out", out.to_str().unwrap()];
        run_python("tools/export_weights.py", &arguments);
    }
    let gpu = on_device::gpu();
    let (_, config) = config(&json!({"model_key": "unet_smp"}), 5);
    let model = models::untrained_for(&gpu, &config, 5).unwrap();
    let initial = first_convolution(model.parameters());
    load_encoder(model.parameters(), &path(5)).unwrap();
    let theirs = state_dict::to_host(model.parameters()).unwrap();
    assert_ne!(first_convolution(model.parameters()), initial);
    state_dict::apply_part(
        model.parameters(),
        HostDict::from([("encoder.model.stem_0.conv.weight".into(), HostTensor::F32(vec![32, 5, 3, 3], initial))]),
        Path::new("the test"),
    )
    .unwrap();
    load_encoder(model.parameters(), &path(3)).unwrap();
    assert!(state_dict::to_host(model.parameters()).unwrap() == theirs, "the adapted encoder differs from timm's");
}

fn main() -> ExitCode {
    trials::run(vec![
        trials::needing("unet_travels_both_ways", "pytorch", no_pytorch, unet_travels_both_ways),
        trials::needing("tyrion_travels_both_ways", "pytorch", no_pytorch, tyrion_travels_both_ways),
        trials::needing(
            "models_with_the_xception_encoder_travel_both_ways",
            "smp",
            no_smp,
            models_with_the_xception_encoder_travel_both_ways,
        ),
        trials::needing("an_encoder_is_adapted_as_timm_adapts_it", "smp", no_smp, an_encoder_is_adapted_as_timm_adapts_it),
    ])
}
