//! Fixtures that ask for absurd sizes: refused by op, attribute and what is allowed, before anything of that size is made.

use std::path::Path;

use meltcore::autograd::Tape;
use meltcore::error::Error;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::ops;
use meltcore::tensor::Tensor;
use meltcore::verify::replay;
use safetensors::{SafeTensors, serialize};
use serde_json::{Value, json};

/// Bytes that no refusal takes of the device: the fixtures themselves hold less than one MiB.
const PLENTY: u64 = 16 << 20;

/// Fixture, attributes in place of its own (null: none), and what the message says.
#[rustfmt::skip]
fn absurd() -> Vec<(&'static str, Value, &'static [&'static str])> {
    let huge = 1_000_000_000u64;
    vec![
        ("gaussian_blur__k9", json!({"kernel_size": 1_000_001}), &["gaussian_blur", "a window of 1000001", "smaller than the image's 9 rows"]),
        ("gaussian_blur__k9", json!({"kernel_size": huge + 1, "sigma": 1e9}), &["gaussian_blur", "smaller than"]),
        ("gaussian_blur__k9", json!({"kernel_size": i64::MAX}), &["gaussian_blur", "smaller than"]),
        ("gaussian_blur__k9", json!({"sigma": 0}), &["gaussian_blur", "sigma must be a positive number"]),
        ("conv2d__c16to8_w43", json!({"stride": huge}), &["conv2d", "stride 1000000000", "from 1 to 4096"]),
        ("conv2d__c16to8_w43", json!({"stride": 4096}), &["conv2d", "\"stride\":4096", "of shape [1, 8, 1, 1]"]),
        ("conv2d__c16to8_w43", json!({"padding": 4096}), &["conv2d", "\"padding\":4096", "but it is"]),
        ("conv2d__c16to8_w43", json!({"padding": u64::MAX}), &["conv2d", "padding 18446744073709551615", "at most 4096"]),
        ("conv2d__c16to8_w43", json!({"dilation": 1u64 << 32}), &["conv2d", "dilation 4294967296", "from 1 to 4096"]),
        ("conv2d__c16to8_w43", json!({"groups": 1u64 << 63}), &["conv2d", "9223372036854775808 groups"]),
        ("conv2d__dw_d2", json!({"padding": 4096}), &["conv2d", "\"padding\":4096"]),
        ("conv2d__g4s2d2", json!({"stride": 0}), &["conv2d", "stride 0", "from 1 to 4096"]),
        ("conv_transpose2d__k5s3p2", json!({"stride": 4096}), &["conv_transpose2d", "\"stride\":4096"]),
        ("conv_transpose2d__k5s3p2", json!({"stride": huge}), &["conv_transpose2d", "stride 1000000000", "from 1 to 4096"]),
        ("max_pool2d__k3s2p1_ties", json!({"kernel": huge}), &["max_pool2d", "kernel 1000000000", "from 1 to 4096"]),
        ("max_pool2d__k3s2p1_ties", json!({"padding": huge}), &["max_pool2d", "padding 1000000000 exceeds half the kernel"]),
        ("max_pool2d__k3s2p1_ties", json!({"kernel": 4096, "padding": 2048, "stride": 1}), &["max_pool2d", "but it is"]),
        ("interpolate__bilinear_size_ac", json!({"size": [huge, huge]}), &["interpolate", "from 1 to 16777216"]),
        ("interpolate__bilinear_size_ac", json!({"size": [65_536, 65_536]}), &["interpolate", "of shape [2, 3, 65536, 65536]"]),
        ("interpolate__bilinear_x3", json!({"scale_factor": 1e9}), &["interpolate", "scale factor of 1000000000", "16777216 are possible"]),
        ("interpolate__bilinear_x3", json!({"scale_factor": 1e4}), &["interpolate", "\"scale_factor\":10000.0"]),
        ("adaptive_avg_pool2d__w41", json!({"output_size": huge}), &["`output_size` is 1000000000", "only 1"]),
        ("optimizer__adam", json!({"steps": huge}), &["1000000000 gradients"]),
        ("train_steps__adam_l1_b1", json!({"steps": huge}), &["fewer than"]),
        ("train_steps__adam_l1_b1", json!({"base_channels": 4096}), &["inc.double_conv.0.weight", "base_channels"]),
        ("model__unet_b1_bilinear_relu_x1_train", json!({"base_channels": 65_536}), &["inc.double_conv.0.weight", "base_channels"]),
        ("model__unet_b1_bilinear_relu_x1_train", json!({"num_extra_convs": huge}), &["num_extra_convs", "from 0 to 1000"]),
        ("model__unet_b1_bilinear_relu_x1_train", json!({"out_channels": 65_536}), &["outc.conv.0.weight"]),
        ("model__linear_dem", json!({"n_models": huge}), &["n_models", "from 1 to 12"]),
    ]
}

/// The fixture with other attributes, in `folder`.
fn changed(folder: &Path, fixture: &str, attrs: &Value) -> std::path::PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture).with_extension("safetensors");
    let bytes = std::fs::read(source).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let mut metadata = header.metadata().clone().unwrap();
    let mut case: Value = serde_json::from_str(&metadata["case"]).unwrap();
    for (name, value) in attrs.as_object().unwrap() {
        assert!(case["attrs"].get(name).is_some() || fixture.contains("__unet") || fixture.contains("_b1"), "{fixture} has no `{name}`");
        case["attrs"][name] = value.clone();
    }
    metadata.insert("case".into(), case.to_string());
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let path = folder.join(fixture).with_extension("safetensors");
    std::fs::write(&path, serialize(tensors.tensors(), Some(metadata)).unwrap()).unwrap();
    path
}

#[test]
fn absurd_sizes_are_refused_before_they_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = Gpu::open(Some("host")).unwrap();
    for (fixture, attrs, words) in absurd() {
        gpu.reset_peak();
        let before = gpu.memory().live;
        let path = changed(folder.path(), fixture, &attrs);
        let error = replay(&gpu, &path, 1.0).expect_err(&format!("{fixture} with {attrs} was not refused"));
        let text = error.to_string();
        assert!(matches!(error, Error::Input { .. }), "{fixture} with {attrs}: {text}");
        assert!(words.iter().all(|word| text.contains(word)), "{fixture} with {attrs}: {words:?} was expected in: {text}");
        let taken = gpu.memory().peak - before;
        assert!(taken < PLENTY, "{fixture} with {attrs}: took {taken} bytes");
    }
}

#[test]
fn a_stride_past_the_only_output_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let gpu = Gpu::open(Some("host")).unwrap();
    let row = replay(&gpu, &changed(folder.path(), "conv2d__one_px", &json!({"stride": 4096})), 1.0).unwrap();
    assert!(row.pass, "{} is off by {}", row.worst, row.ratio);
    assert!(gpu.memory().peak < PLENTY, "{} bytes", gpu.memory().peak);
}

/// Taps of a centred window that lie outside the map wherever it stands meet zeros: the middle one is left.
#[test]
fn a_dilation_past_the_map_leaves_the_middle_tap() {
    let gpu = Gpu::open(Some("host")).unwrap();
    let values = |len: usize| (0..len).map(|i| (i % 7) as f32 - 3.0).collect::<Vec<_>>();
    let (x, weight) = (values(2 * 9 * 6), values(4 * 2 * 9));
    let middle: Vec<f32> = weight.chunks(9).map(|taps| taps[4]).collect();
    let run = |side: usize, weight: &[f32], attrs: Conv2dAttrs| {
        let x = Tensor::from_slice(&gpu, [1, 2, 9, 6], &x).unwrap();
        let weight = Tensor::from_slice(&gpu, [4, 2, side, side], weight).unwrap();
        let tape = Tape::recording();
        [&x, &weight].into_iter().for_each(|leaf| tape.watch(leaf));
        let y = ops::conv2d(&tape, &x, &weight, None, &attrs, ops::Activation::None).unwrap();
        let ones = Tensor::full(&gpu, y.shape(), 1.0).unwrap();
        let gradients = tape.backward(&[(&y, ones)]).unwrap();
        [y.to_vec().unwrap(), gradients.get(&x).unwrap().to_vec().unwrap(), gradients.get(&weight).unwrap().to_vec().unwrap()]
    };
    let [y, grad_x, grad_weight] = run(3, &weight, Conv2dAttrs { padding: 4096, dilation: 4096, ..Default::default() });
    let [want_y, want_grad_x, want_grad_weight] = run(1, &middle, Conv2dAttrs::default());
    assert_eq!((y, grad_x), (want_y, want_grad_x));
    let taps = |weight: &[f32], tap: usize| weight.chunks(9).map(|taps| taps[tap]).collect::<Vec<_>>();
    assert_eq!(taps(&grad_weight, 4), want_grad_weight);
    assert!((0..9).filter(|tap| *tap != 4).all(|tap| taps(&grad_weight, tap) == [0.0; 8]), "{grad_weight:?}");
    assert!(gpu.memory().peak < PLENTY, "{} bytes", gpu.memory().peak);
}
