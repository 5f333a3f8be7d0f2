//! TYRION: as many values as published, the same bits recomputed, what no gradient reaches, whole branches dropped, refusals of tiles, its
//! weight files told, and encoders that it begins with.

mod on_device;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use meltcore::autograd::Tape;
use meltcore::config::Config;
use meltcore::gpu::Gpu;
use meltcore::models::{self, Inputs, Model, Shapes};
use meltcore::nn::state_dict::{self, HostDict, HostTensor};
use meltcore::nn::{Mode, Value};
use meltcore::optim::{Optimizer, OptimizerKind, OptimizerSettings};
use meltcore::tensor::Tensor;
use meltcore::weights::encoder::load_encoder;
use on_device::{gpu, noisy};
use serde_json::json;

/// A configuration of the network.
fn config(keys: serde_json::Value) -> Config {
    let mut all = json!({"model_key": "tyrion", "out_channels": 4, "out_activation": "linear"});
    all.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    Config::from_json(all.as_object().unwrap()).unwrap()
}

/// A small one that has rolled windows, and a last stage of one window.
fn small(more: serde_json::Value) -> Config {
    let mut keys = json!({"img_size": [32, 32], "embed_dim": 8, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4});
    keys.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config(keys)
}

fn build(gpu: &Gpu, config: &Config) -> Box<dyn Model> {
    models::untrained_for(gpu, config, 1).unwrap()
}

#[test]
fn it_has_as_many_values_as_published() {
    let network = build(&gpu().planner(), &config(json!({})));
    let entries = network.parameters().entries();
    assert_eq!((entries.len(), network.parameters().count()), (327, 50_871_214));
    assert_eq!(entries.iter().filter(|(_, value)| matches!(value, Value::Parameter(_))).count(), 298);
    let mut parts = BTreeMap::<String, usize>::new();
    for (name, value) in entries {
        let Value::Parameter(tensor) = value else { continue };
        let words: Vec<&str> = name.split('.').skip(1).collect();
        let part = match words[0] {
            "layers" => words[..3].iter().take(if words[2] == "blocks" { 2 } else { 3 }).copied().collect::<Vec<_>>().join("."),
            "pred_target" => words[..2].join("."),
            first => first.to_owned(),
        };
        *parts.entry(part).or_default() += tensor.len();
    }
    let want = [
        ("layers.0", 229_638),
        ("layers.0.downsample", 74_112),
        ("layers.1", 898_572),
        ("layers.1.downsample", 295_680),
        ("layers.2", 10_690_632),
        ("layers.2.downsample", 1_181_184),
        ("layers.3", 14_201_904),
        ("outputt", 384),
        ("patch_embed", 4_896),
        ("pred_target.0", 11_015_424),
        ("pred_target.1", 8_754_816),
        ("pred_target.2", 2_239_296),
        ("pred_target.3", 585_120),
        ("pred_target.4", 400_416),
        ("pred_target.5", 298_752),
        ("pred_target.6", 388),
    ];
    assert_eq!(parts, want.map(|(name, count)| (name.to_owned(), count)).into());
    // Buffers of rolled blocks: as many windows as the stage has.
    let windows = entries.iter().filter_map(|(name, value)| match value {
        Value::Derived(value) if name.ends_with("attn_mask") => Some(value()),
        _ => None,
    });
    let windows: Vec<usize> = windows.map(|mask| if let HostTensor::F32(shape, _) = mask { shape[0] } else { 0 }).collect();
    assert_eq!(windows, [64, 16, 4, 4, 4]);
}

/// Output, gradients by name, and the bytes in use at once.
fn trained(gpu: &Gpu, config: &Config, tape: Tape, draw: u64) -> (Vec<f32>, BTreeMap<String, Vec<f32>>, u64) {
    let network = build(gpu, config);
    let x = noisy(gpu, 1, [2, 1, 32, 32]).0;
    network.parameters().watch(&tape);
    gpu.reset_peak();
    let before = gpu.memory().live;
    let y = network.forward(&tape, &Inputs::from(&x), Mode::Train { draw }).unwrap().map;
    let gradients = tape.backward(&[(&y, noisy(gpu, 2, [2, 4, 32, 32]).0)]).unwrap();
    let peak = gpu.memory().peak - before;
    let named = network.parameters().trainable().into_iter();
    let found = named.filter_map(|(name, tensor)| Some((name, gradients.get(&tensor)?.to_vec().unwrap()))).collect();
    (y.to_vec().unwrap(), found, peak)
}

#[test]
fn recomputing_blocks_gives_the_same_bits() {
    let gpu = gpu();
    let config = small(json!({"dropout": 0.3, "drop_path": 0.4}));
    let (kept, again) = (trained(&gpu, &config, Tape::recording(), 3), trained(&gpu, &config, Tape::recomputing(), 3));
    assert_eq!((kept.0, kept.1), (again.0, again.1));
    assert!(again.2 < kept.2, "{} of {} bytes", again.2, kept.2);
}

#[test]
fn branches_are_dropped_for_whole_samples() {
    let gpu = gpu();
    let plain = trained(&gpu, &small(json!({"dropout": 0.0})), Tape::recording(), 0).0;
    // Half of the samples of the last block, fewer in front of it: some draw drops nothing of a sample, and some draw something.
    let config = small(json!({"dropout": 0.0, "drop_path": 0.9}));
    let draws: Vec<Vec<f32>> = (0..6).map(|draw| trained(&gpu, &config, Tape::recording(), draw).0).collect();
    assert!(draws.iter().all(|map| map != &plain), "nothing was dropped, nor scaled");
    assert_eq!(draws[0], trained(&gpu, &config, Tape::recording(), 0).0, "a draw is its seed's");
    assert_ne!(draws[0], draws[1]);
}

/// What no gradient reaches stays as it is, weight decay or not.
#[test]
fn weights_that_never_act_are_left_alone_by_every_optimizer() {
    let gpu = gpu();
    let kinds = [OptimizerKind::Adam, OptimizerKind::AdamW, OptimizerKind::Sgd, OptimizerKind::RmsProp];
    for kind in kinds {
        let network = build(&gpu, &small(json!({})));
        let before = state_dict::to_host(network.parameters()).unwrap();
        let mut settings = OptimizerSettings::new(kind, 0.01);
        settings.coefficients.weight_decay = 0.1;
        let mut optimizer = Optimizer::new(settings);
        let tape = Tape::recording();
        network.parameters().watch(&tape);
        let y = network.map(&tape, &noisy(&gpu, 1, [1, 1, 32, 32]).0, Mode::Train { draw: 0 }).unwrap();
        let gradients = tape.backward(&[(&y, noisy(&gpu, 2, [1, 4, 32, 32]).0)]).unwrap();
        optimizer.step(&network.parameters().trainable(), &gradients).unwrap();
        let after = state_dict::to_host(network.parameters()).unwrap();
        let still: Vec<&String> = before.keys().filter(|name| before[*name] == after[*name]).collect();
        for name in before.keys() {
            let never_acts = name.contains("temb_proj") || name.contains("outputt");
            let follows = ["attn_mask", "relative_"].iter().any(|part| name.contains(part));
            assert_eq!(still.contains(&name), never_acts || follows, "{kind:?}: {name}");
        }
    }
}

#[test]
fn tiles_that_do_not_fill_their_windows_are_refused() {
    let said = |size: [usize; 2]| {
        let refused = models::check_tile(&config(json!({})), size).unwrap_err().to_string();
        assert!(refused.contains("img_size"), "{refused}");
        refused
    };
    assert!(said([384, 384]).contains("[256, 256] or [512, 512]"), "{}", said([384, 384]));
    assert!(said([768, 768]).contains("[512, 512] or [1024, 1024]"));
    assert!(said([512, 1024]).contains("squares"));
    assert!(said([256, 256]).contains("both must be equal"));
    for side in [64, 128, 256, 512, 1024] {
        let fits = config(json!({"img_size": [side, side]}));
        assert!(models::check_tile(&fits, [side, side]).is_ok(), "{side}");
    }
    let planner = gpu().planner();
    let refused =
        |keys: serde_json::Value| models::untrained_for(&planner, &config(keys), 1).err().map(|e| e.to_string()).unwrap_or_default();
    assert!(refused(json!({"img_size": [96, 96]})).contains("[64, 64] or [128, 128]"));
    assert!(refused(json!({"num_heads": [5, 6, 12, 24]})).contains("num_heads"));
    assert!(refused(json!({"embed_dim": 24, "num_heads": [1, 2, 4, 8]})).contains("48 channels"));
    assert!(refused(json!({"depths": [2, 2, 6]})).contains("num_heads"));
    assert!(models::untrained_for(&planner, &config(json!({})), 2).is_err());
}

#[test]
fn its_weight_files_are_told_and_need_no_buffers() {
    let gpu = gpu();
    let network = build(&gpu, &small(json!({})));
    let dict = state_dict::to_host(network.parameters()).unwrap();
    let shapes: BTreeMap<&str, Vec<usize>> = dict
        .iter()
        .map(|(name, tensor)| match tensor {
            HostTensor::F32(shape, _) | HostTensor::Indices(shape, _) => (name.as_str(), shape.clone()),
            HostTensor::I64(_) => (name.as_str(), Vec::new()),
        })
        .collect();
    let told = models::recognise(&Shapes(shapes.iter().map(|(name, shape)| (*name, shape.as_slice())).collect())).unwrap();
    assert_eq!((told.model, told.in_channels), ("tyrion", 3));
    assert_eq!(told.config["depths"], json!([2, 2]));
    assert_eq!(told.config["num_heads"], json!([2, 4]));
    assert_eq!(told.config["embed_dim"], json!(8));
    let follows = |name: &str| ["attn_mask", "relative_"].iter().any(|part| name.contains(part));
    assert_eq!(dict.keys().filter(|name| follows(name)).count(), 2 * 4 + 1);
    let other = build(&gpu, &small(json!({"seed": 9})));
    let without: HostDict = dict.clone().into_iter().filter(|(name, _)| !follows(name)).collect();
    state_dict::apply(other.parameters(), without, Path::new("a file")).unwrap();
    assert!(state_dict::to_host(other.parameters()).unwrap() == dict);
    // Those of other tiles may be in a file.
    let mut foreign = dict.clone();
    foreign.insert("swin_unet.layers.0.blocks.1.attn_mask".into(), HostTensor::F32(vec![1], vec![5.0]));
    state_dict::apply(other.parameters(), foreign, Path::new("a file")).unwrap();
    assert!(state_dict::to_host(other.parameters()).unwrap() == dict);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("w.safetensors");
    state_dict::save(network.parameters(), &file).unwrap();
    assert!(state_dict::read(&file).unwrap() == dict);
}

/// Files under the names of SwinV2's authors and of timm, and of a whole network, give the same encoder; the decoder is left alone.
#[test]
fn encoders_of_every_layout_are_read() {
    let gpu = gpu();
    let given = build(&gpu, &small(json!({"seed": 4})));
    let all = state_dict::to_host(given.parameters()).unwrap();
    let whole: HostDict = all.clone();
    let mut authors: HostDict = all
        .iter()
        .filter_map(|(name, tensor)| Some((name.strip_prefix("swin_unet.")?.to_owned(), tensor.clone())))
        .filter(|(name, _)| name.starts_with("layers.") || name.starts_with("patch_embed."))
        .collect();
    authors.insert("head.weight".into(), HostTensor::F32(vec![2], vec![1.0; 2]));
    // Windows of another tile.
    authors.insert("layers.1.blocks.0.attn.relative_coords_table".into(), HostTensor::F32(vec![1, 3, 3, 2], vec![0.0; 18]));
    let timm: HostDict = authors
        .iter()
        .filter(|(name, _)| !name.contains("attn_mask") && !name.contains("relative_"))
        .map(|(name, tensor)| (name.replace("layers.0.downsample", "layers.1.downsample"), tensor.clone()))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("encoder.safetensors");
    for (layout, dict) in [("whole", &whole), ("authors", &authors), ("timm", &timm)] {
        state_dict::write(&file, dict, HashMap::new()).unwrap();
        let network = build(&gpu, &small(json!({"seed": 5})));
        let before = state_dict::to_host(network.parameters()).unwrap();
        let taken = load_encoder(network.parameters(), &file).unwrap();
        let after = state_dict::to_host(network.parameters()).unwrap();
        for (name, tensor) in &after {
            let of_encoder = name.contains("layers.") || name.contains("patch_embed.");
            assert!(tensor == if of_encoder { &all[name] } else { &before[name] }, "{layout}: {name}");
        }
        assert!(taken.names.contains("swin_unet.layers.0.downsample.norm.weight"), "{layout}");
    }
    for (change, said) in [("missing", "is missing"), ("deeper", "none of the configured"), ("wider", "has shape")] {
        let mut dict = authors.clone();
        match change {
            "missing" => drop(dict.remove("layers.1.blocks.1.mlp.fc1.bias")),
            "deeper" => drop(dict.insert("layers.1.blocks.2.norm1.bias".into(), HostTensor::F32(vec![1], vec![0.0]))),
            _ => drop(dict.insert("patch_embed.norm.bias".into(), HostTensor::F32(vec![3], vec![0.0; 3]))),
        }
        state_dict::write(&file, &dict, HashMap::new()).unwrap();
        let network = build(&gpu, &small(json!({})));
        let message = load_encoder(network.parameters(), &file).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(message.contains(said), "{change}: {message}");
    }
}

/// One channel is seen as three equal ones.
#[test]
fn one_channel_is_repeated() {
    let gpu = gpu();
    let network = build(&gpu, &small(json!({})));
    let values = on_device::noise(3, 32 * 32);
    let one = Tensor::from_slice(&gpu, [1, 1, 32, 32], &values).unwrap();
    let three = Tensor::from_slice(&gpu, [1, 3, 32, 32], &values.repeat(3)).unwrap();
    let map = |x: &Tensor| network.map(&Tape::off(), x, Mode::Eval).unwrap().to_vec().unwrap();
    assert_eq!(map(&one), map(&three));
}
