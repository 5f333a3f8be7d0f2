//! GlaViTU: as many values as published, first values by Keras' rules, the same bits recomputed, refusals, and its weight files told.

mod on_device;

use std::collections::BTreeMap;

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::gpu::Gpu;
use meltcore::kernels::conv2d::Conv2dAttrs;
use meltcore::models::glavitu::{GlaViTU, LOCATION, Settings};
use meltcore::models::{self, Input, Inputs, Model, Outputs, Shapes};
use meltcore::nn::state_dict;
use meltcore::nn::{Mode, Value};
use meltcore::ops::{self, Activation};
use meltcore::tensor::Tensor;
use on_device::{gpu, noise, noisy};
use serde_json::json;

/// The published network: optical images and elevation, 384² pixels.
fn published() -> Settings {
    Settings {
        features: vec![("optical".into(), 6), ("dem".into(), 2)],
        location: 0,
        size: [384; 2],
        width: 64,
        hidden: 256,
        blocks: 12,
        heads: 4,
        patch: 16,
        resunet_steps: 3,
        classes: 2,
        auxiliary: Some(0.5),
        dropout: 0.0,
    }
}

/// A small one with everything that the network can have.
fn small() -> Settings {
    Settings {
        features: vec![("optical".into(), 3), ("dem".into(), 1)],
        location: 4,
        size: [16, 32],
        width: 8,
        hidden: 12,
        blocks: 2,
        heads: 2,
        patch: 8,
        resunet_steps: 2,
        ..published()
    }
}

/// Values by the first part of their names, as Keras counts them: running statistics among them, counters of batches not.
fn counts(settings: &Settings) -> (BTreeMap<String, usize>, usize) {
    let network = GlaViTU::new(&gpu().planner(), settings, 1).unwrap();
    let (mut counts, mut running) = (BTreeMap::new(), 0);
    for (name, value) in network.parameters().entries() {
        let (Value::Parameter(tensor) | Value::Buffer(tensor)) = value else { continue };
        *counts.entry(name.split('.').next().unwrap().to_owned()).or_insert(0) += tensor.len();
        running += if matches!(value, Value::Buffer(_)) { tensor.len() } else { 0 };
    }
    (counts, running)
}

#[test]
fn it_has_as_many_values_as_published() {
    let (parts, running) = counts(&published());
    let want = [("aux_head", 130), ("fusion", 96_256), ("head", 130), ("pup", 152_896), ("resunet", 8_097_344), ("vit", 1_685_312)];
    assert_eq!(parts, want.map(|(name, count)| (name.to_owned(), count)).into());
    let all: usize = parts.values().sum();
    assert_eq!((all, all - running), (10_032_068, 10_024_516));
    let (parts, running) = counts(&Settings { location: 12, auxiliary: None, ..published() });
    assert_eq!(parts["location"], 5_504);
    assert_eq!((parts.values().sum::<usize>(), running), (10_037_442, 7_808));
}

#[test]
fn first_values_follow_keras() {
    let network = GlaViTU::new(&gpu(), &published(), 5).unwrap();
    let values: BTreeMap<String, Vec<f32>> = network.parameters().trainable().into_iter().map(|(k, t)| (k, t.to_vec().unwrap())).collect();
    // fan_in, fan_out
    for (name, fans) in [
        ("fusion.dem.conv1.weight", [9 * 2, 9 * 64]),
        ("fusion.optical.fc2.weight", [64, 64]),
        ("vit.patch_embed.weight", [16_384, 64]),
        ("vit.blocks.3.attn.qkv.weight", [256, 1024]),
        ("vit.blocks.11.attn.proj.weight", [64, 256]),
        ("vit.blocks.0.mlp.fc1.weight", [64, 256]),
        ("vit.blocks.0.mlp.fc2.weight", [256, 64]),
        ("pup.conv3.weight", [9 * 64, 9 * 64]),
        ("resunet.encoder.3.conv1.weight", [9 * 256, 9 * 512]),
        ("resunet.encoder.2.proj.weight", [128, 256]),
        ("resunet.up.0.conv.weight", [4 * 512, 4 * 256]),
        ("resunet.head.weight", [64, 64]),
    ] {
        let bound = (6.0 / (fans[0] + fans[1]) as f32).sqrt();
        let largest = values[name].iter().fold(0.0f32, |most, value| most.max(value.abs()));
        assert!(largest <= bound && largest > 0.98 * bound, "{name}: {largest} of {bound}");
    }
    let positions = &values["vit.pos_embed"];
    let moment = |power: i32| positions.iter().map(|v| f64::from(*v).powi(power)).sum::<f64>() / positions.len() as f64;
    assert!(moment(1).abs() < 2e-3 && (moment(2).sqrt() - 0.05).abs() < 2e-3, "{} {}", moment(1), moment(2).sqrt());
    for (name, values) in &values {
        let constant = match name.rsplit_once('.').unwrap() {
            (_, "bias") => 0.0,
            (module, "weight") if module.contains("norm") || module.contains("bn") => 1.0,
            _ => continue,
        };
        assert!(values.iter().all(|value| *value == constant), "{name} is not {constant} throughout");
    }
}

/// Noise for every input of a network, the same for the same settings.
fn inputs(gpu: &Gpu, settings: &Settings, n: usize) -> Inputs {
    let [h, w] = settings.size;
    let planes = settings.features.iter().map(|(name, channels)| (name.as_str(), vec![n, *channels, h, w]));
    let location = (settings.location > 0).then(|| (LOCATION, vec![n, settings.location]));
    let named = planes.chain(location).enumerate().map(|(seed, (name, shape))| {
        let tensor = Tensor::from_slice(gpu, shape.as_slice(), &noise(seed as u64, shape.iter().product())).unwrap();
        Input { name: name.to_owned(), tensor, constants: Vec::new() }
    });
    Inputs(named.collect())
}

/// Outputs, gradients and state behind a pass, and the bytes in use at once.
type Pass = (Vec<Vec<f32>>, BTreeMap<String, Vec<f32>>, state_dict::HostDict, u64);

/// A pass of training.
fn trained(gpu: &Gpu, tape: Tape) -> Pass {
    let network = GlaViTU::new(gpu, &small(), 3).unwrap();
    let inputs = inputs(gpu, &small(), 3);
    network.parameters().watch(&tape);
    gpu.reset_peak();
    let before = gpu.memory().live;
    let Outputs { map, mut auxiliary } = network.forward(&tape, &inputs, Mode::Train { draw: 0 }).unwrap();
    let (weight, auxiliary) = auxiliary.pop().unwrap();
    assert_eq!((weight, map.shape().dims(), auxiliary.shape().dims()), (0.5, &[3, 2, 16, 32][..], &[3, 2, 16, 32][..]));
    let outputs = vec![map.to_vec().unwrap(), auxiliary.to_vec().unwrap()];
    let upstream = |seed| Tensor::from_slice(gpu, map.shape(), &noise(seed, map.len())).unwrap();
    let gradients = tape.backward(&[(&map, upstream(91)), (&auxiliary, upstream(92))]).unwrap();
    let peak = gpu.memory().peak - before;
    let gradients = network.parameters().trainable().into_iter().map(|(name, tensor)| {
        let values = gradients.get(&tensor).unwrap_or_else(|| panic!("{name} has no gradient")).to_vec().unwrap();
        assert!(values.iter().all(|value| value.is_finite()), "{name}");
        (name, values)
    });
    (outputs, gradients.collect(), state_dict::to_host(network.parameters()).unwrap(), peak)
}

#[test]
fn recomputing_gives_the_same_bits_in_less_memory() {
    let gpu = gpu();
    let (outputs, gradients, state, peak) = trained(&gpu, Tape::recording());
    let (other_outputs, other_gradients, other_state, other_peak) = trained(&gpu, Tape::recomputing());
    assert!(outputs == other_outputs, "outputs");
    assert!(state == other_state, "running statistics and counters");
    for (name, values) in &gradients {
        assert!(other_gradients[name] == *values, "{name}");
    }
    println!("{peak} bytes kept, {other_peak} recomputed");
    assert!(other_peak * 10 < peak * 7, "{other_peak} of {peak}");
}

/// A configuration of it with keys as JSON.
fn config(keys: serde_json::Value) -> Config {
    let mut attrs = json!({"model_key": "glavitu", "task": "segmentation", "classes": ["land", "glacier"], "img_size": [64, 96]});
    attrs.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    Config::from_json(attrs.as_object().unwrap()).unwrap()
}

#[test]
fn tiles_and_settings_that_do_not_fit_are_refused() {
    let plain = config(json!({}));
    assert!(models::check_tile(&plain, [64, 96]).is_ok());
    let said = models::check_tile(&plain, [96, 64]).unwrap_err().to_string();
    assert!(said.contains("img_size") && said.contains("[96, 64]"), "{said}");
    for (keys, side, near) in [(json!({"img_size": [72, 64]}), [72, 64], "80"), (json!({"patch": 8, "img_size": [24, 20]}), [24, 20], "24")]
    {
        let said = models::check_tile(&config(keys), side).unwrap_err().to_string();
        assert!(said.contains("multiples") && said.contains(near), "{said}");
    }
    let narrow = config(json!({"width": 6, "heads": 4}));
    let said = models::untrained_for(&gpu().planner(), &narrow, 3).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(said.contains("heads") && said.contains("width"), "{said}");
}

#[test]
fn its_weight_files_are_told() {
    let network = GlaViTU::new(&gpu().planner(), &small(), 1).unwrap();
    let shape = |value: &Value| match value {
        Value::Parameter(tensor) | Value::Buffer(tensor) => tensor.shape().dims().to_vec(),
        Value::Counter(_) | Value::Derived(_) => Vec::new(),
    };
    let dict: Vec<_> = network.parameters().entries().iter().map(|(name, value)| (name.as_str(), shape(value))).collect();
    let told = models::recognise(&Shapes(dict.iter().map(|(name, shape)| (*name, shape.as_slice())).collect())).unwrap();
    assert_eq!((told.model, told.in_channels), ("glavitu", 4));
    let want = [("width", 8), ("hidden", 12), ("blocks", 2), ("patch", 8), ("resunet_steps", 2), ("out_channels", 2)];
    for (key, value) in want {
        assert_eq!(told.config[key], json!(value), "{key}");
    }
    assert_eq!(told.config["deep_supervision"], json!(true));
}

/// On the processor the sums of the widest convolution, 4608 products each, are sums of 72: in one long sum rounding would take 1.2e-6 of
/// the result on average, in sums of 576 4.3e-7.
#[test]
fn sums_of_its_widest_convolution_lose_little_on_the_processor() {
    let gpu = Gpu::open(Some("host")).unwrap();
    let (channels, side) = (512, 8);
    let (input, x) = noisy(&gpu, 1, [1, channels, side, side]);
    let (weight, w) = noisy(&gpu, 2, [8, channels, 3, 3]);
    let attrs = Conv2dAttrs { padding: 1, ..Conv2dAttrs::default() };
    let got = ops::conv2d(&Tape::off(), &input, &weight, None, &attrs, Activation::None).unwrap().to_vec().unwrap();
    let (mut errors, mut squares) = (0.0, 0.0);
    for (at, got) in got.iter().enumerate() {
        let (o, row, col) = (at / side / side, at / side % side, at % side);
        if !(1..side - 1).contains(&row) || !(1..side - 1).contains(&col) {
            continue;
        }
        let product = |k: usize| w[o * channels * 9 + k] * x[(k / 9 * side + row + k % 9 / 3 - 1) * side + col + k % 3 - 1];
        let want: f64 = (0..channels * 9).map(product).sum();
        errors += (f64::from(*got) - want).powi(2);
        squares += want * want;
    }
    let lost = (errors / squares).sqrt();
    assert!(lost < 2.4e-7, "{lost:e} of the results are lost in rounding");
}

/// A row's result is the same bits whatever rows stand beside it: maps do not depend on which tiles share a batch.
#[test]
fn rows_do_not_depend_on_each_other_on_the_processor() {
    let gpu = Gpu::open(Some("host")).unwrap();
    for (depth, columns) in [(64, 64), (64, 256), (256, 64), (12, 7), (64, 2), (600, 33)] {
        let most = 9000;
        let (input, weight) = (noise(3, most * depth), Tensor::from_slice(&gpu, [columns, depth], &noise(4, columns * depth)).unwrap());
        let of = |rows: usize| {
            let x = Tensor::from_slice(&gpu, [rows, depth], &input[..rows * depth]).unwrap();
            ops::linear(&Tape::off(), &x, &weight, None, ops::Activation::None).unwrap().to_vec().unwrap()
        };
        let all = of(most);
        for rows in [1, 2, 3, 4, 5, 36, 63, 64, 65, 72, 96, 97, 129, 513, 1536, 4608] {
            let some = of(rows);
            let differ = some.iter().zip(&all).filter(|(one, other)| one.to_bits() != other.to_bits()).count();
            assert_eq!(differ, 0, "{depth} to {columns}: {rows} rows");
        }
    }
}
