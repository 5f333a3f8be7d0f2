//! `encoder_weights`: which file is asked for, how names are read, and what becomes of other numbers of channels. The encoder is a stand-in
//! of three layers, so that names and shapes can be followed by eye.

mod on_device;

use meltcore::config::Config;
use meltcore::gpu::Gpu;
use meltcore::nn::state_dict::{self, HostDict, HostTensor};
use meltcore::nn::{Builder, ParameterSet};
use meltcore::weights::encoder::{encoder_file, load_encoder};
use meltcore::weights::file::WeightFile;
use meltcore::weights::info::Info;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// A model whose encoder has the first convolution for `channels` channels, a batch norm and a block, and a head of its own.
fn model(gpu: &Gpu, seed: u64, channels: usize) -> ParameterSet {
    let mut b = Builder::new(gpu, seed);
    b.conv2d("encoder.model.stem_0.conv", channels, 2, 3, Default::default(), false).unwrap();
    b.batch_norm2d("encoder.model.stem_0.bn", 2, 1e-3).unwrap();
    b.conv2d("encoder.model.blocks_4.stack.conv1.conv_pw", 2, 2, 1, Default::default(), false).unwrap();
    b.conv2d("segmentation_head.0", 2, 1, 1, Default::default(), true).unwrap();
    b.finish()
}

fn write(folder: &Path, dict: &HostDict) -> PathBuf {
    let path = folder.join("encoder.safetensors");
    state_dict::write(&path, dict, HashMap::new()).unwrap();
    path
}

/// The encoder's part of a state dict, renamed.
fn encoder_of(set: &ParameterSet, rename: impl Fn(&str) -> String) -> HostDict {
    let all = state_dict::to_host(set).unwrap();
    all.into_iter().filter_map(|(name, value)| Some((rename(name.strip_prefix("encoder.model.")?), value))).collect()
}

fn values(dict: &HostDict, name: &str) -> Vec<f32> {
    match &dict[name] {
        HostTensor::F32(_, values) => values.clone(),
        HostTensor::I64(count) => vec![*count as f32],
        HostTensor::Indices(_, values) => values.iter().map(|value| *value as f32).collect(),
    }
}

#[test]
fn every_spelling_of_the_names_is_read_and_the_rest_of_the_model_is_left_alone() {
    let gpu = on_device::gpu();
    let folder = tempfile::tempdir().unwrap();
    let source = model(&gpu, 1, 4);
    let plain = |name: &str| name.replace("stem_", "stem.").replace("blocks_", "blocks.");
    let mut timm = encoder_of(&source, plain);
    timm.insert("head.fc.weight".into(), HostTensor::F32(vec![1], vec![0.0]));
    timm.insert("blocks.4.shortcut.conv.weight".into(), HostTensor::F32(vec![1], vec![0.0]));
    timm.retain(|name, _| !name.ends_with("num_batches_tracked"));
    let whole_model = state_dict::to_host(&source).unwrap();
    for (dict, notes) in [(encoder_of(&source, str::to_owned), 0), (timm, 1), (whole_model, 1)] {
        let target = model(&gpu, 2, 4);
        let before = state_dict::to_host(&target).unwrap();
        let said = load_encoder(&target, &write(folder.path(), &dict)).unwrap().notes;
        assert_eq!(said.len(), notes, "{said:?}");
        let after = state_dict::to_host(&target).unwrap();
        for name in after.keys() {
            let wanted =
                if name.starts_with("encoder.") { state_dict::to_host(&source).unwrap()[name].clone() } else { before[name].clone() };
            assert_eq!(after[name], wanted, "{name}");
        }
    }
}

#[test]
fn three_channels_are_repeated_and_rescaled() {
    let gpu = on_device::gpu();
    let folder = tempfile::tempdir().unwrap();
    let source = encoder_of(&model(&gpu, 1, 3), str::to_owned);
    let file = write(folder.path(), &source);
    let target = model(&gpu, 2, 5);
    let notes = load_encoder(&target, &file).unwrap().notes;
    assert!(notes.len() == 1 && notes[0].contains("from 3 to 5"), "{notes:?}");
    let (old, adapted) = (values(&source, "stem_0.conv.weight"), state_dict::to_host(&target).unwrap());
    let adapted = values(&adapted, "encoder.model.stem_0.conv.weight");
    for (i, value) in adapted.iter().enumerate() {
        let (filter, channel, tap) = (i / 45, i / 9 % 5, i % 9);
        assert_eq!(*value, old[filter * 27 + channel % 3 * 9 + tap] * 0.6, "{i}");
    }
}

#[test]
fn files_that_do_not_fit_are_refused_and_change_nothing() {
    let gpu = on_device::gpu();
    let folder = tempfile::tempdir().unwrap();
    let whole = encoder_of(&model(&gpu, 1, 4), str::to_owned);
    let tensor = |shape: &[usize]| HostTensor::F32(shape.to_vec(), vec![0.5; shape.iter().product()]);
    let target = model(&gpu, 2, 5);
    let before = state_dict::to_host(&target).unwrap();
    for (name, replacement, wanted) in [
        ("stem_0.conv.weight", Some(tensor(&[2, 4, 3, 3])), "a file for 3 channels is adapted"),
        ("stem_0.conv.weight", Some(tensor(&[2, 3, 5, 5])), "[2, 3, 5, 5]"),
        ("stem_0.bn.weight", Some(tensor(&[3])), "`stem_0.bn.weight` has shape [3]"),
        ("stem_0.bn.running_var", None, "`stem_0.bn.running_var` is missing"),
        ("blocks_99.conv", Some(tensor(&[3])), "`blocks_99.conv` and 0 others belong to no Xception71"),
        ("stem_0.bn.bias", Some(HostTensor::I64(3)), "is an integer"),
    ] {
        let mut dict = whole.clone();
        dict.insert("stem_0.conv.weight".into(), tensor(&[2, 5, 3, 3]));
        match replacement {
            Some(replacement) => drop(dict.insert(name.into(), replacement)),
            None => drop(dict.remove(name)),
        }
        let error = load_encoder(&target, &write(folder.path(), &dict)).unwrap_err();
        assert_eq!(error.exit_status(), 2);
        assert!(error.to_string().contains(wanted), "{wanted}: {error}");
        assert_eq!(state_dict::to_host(&target).unwrap(), before, "{name}");
    }
}

#[test]
fn imagenet_says_how_to_get_the_file_and_only_models_with_an_encoder_ask() {
    let config = |model: &str, weights: &str| {
        let text = format!("model_key: {model}\nin_keys: [pmw, mar_wa1]\nin_keys_static: [dem]\nencoder_weights: {weights}\n");
        Config::from_yaml(&text, "run.yaml", &[]).unwrap()
    };
    for model in ["unet_smp", "deeplabv3"] {
        let error = encoder_file(&config(model, "imagenet")).unwrap_err();
        let said = error.to_string();
        assert_eq!(error.exit_status(), 2);
        for words in ["encoder_weights", "tools/export_weights.py imagenet --channels 3", "--set encoder_weights=", "--weights"] {
            assert!(said.contains(words), "{words}: {said}");
        }
        assert!(encoder_file(&config(model, "no/where.safetensors")).unwrap_err().to_string().contains("no file no/where.safetensors"));
        assert_eq!(encoder_file(&config(model, "null")).unwrap(), None);
        assert_eq!(encoder_file(&config(model, "Cargo.toml")).unwrap(), Some(PathBuf::from("Cargo.toml")));
    }
    assert_eq!(encoder_file(&config("unet", "imagenet")).unwrap(), None);
}

#[test]
fn models_are_told_from_names_and_shapes() {
    let folder = tempfile::tempdir().unwrap();
    let recognised = |tensors: &[(&str, &[usize])]| {
        let tensor = |shape: &[usize]| HostTensor::F32(shape.to_vec(), vec![0.0; shape.iter().product()]);
        let dict = tensors.iter().map(|(name, shape)| ((*name).to_owned(), tensor(shape))).collect();
        let found = Info::of(&WeightFile::open(&write(folder.path(), &dict)).unwrap()).unwrap().recognised;
        found.map(|found| (found.model, found.in_channels, serde_json::to_string(&found.config).unwrap()))
    };
    let stem: (&str, &[usize]) = ("encoder.model.stem_0.conv.weight", &[2, 4, 3, 3]);
    let head: (&str, &[usize]) = ("segmentation_head.0.weight", &[1, 2, 3, 3]);
    let smp = [stem, head, ("decoder.blocks.0.conv1.0.weight", &[6, 1, 1, 1]), ("decoder.blocks.1.conv1.0.weight", &[5, 1, 1, 1])];
    let config = r#"{"decoder_channels":[6,5],"decoder_use_batchnorm":false,"out_channels":1}"#;
    assert_eq!(recognised(&smp), Some(("unet_smp", 4, config.into())));
    let deeplab = [stem, head, ("decoder.aspp.0.convs.0.0.weight", &[256, 1, 1, 1]), ("decoder.aspp.0.convs.0.1.weight", &[256])];
    let config = r#"{"batch_norm":true,"decoder_channels":256,"encoder_output_stride":8,"out_channels":1}"#;
    assert_eq!(recognised(&deeplab), Some(("deeplabv3", 4, config.into())));
    let linear: Vec<(&str, &[usize])> = vec![("linear_layers.0.weight", &[1, 3, 1, 1]), ("linear_layers.11.bias", &[1])];
    assert_eq!(recognised(&linear), Some(("linear_dem", 4, r#"{"n_models":12,"out_channels":1}"#.into())));
    assert_eq!(recognised(&[("stem.0.conv.weight", &[2, 3, 3, 3])]), Some(("xception71", 3, "{}".into())));
    assert_eq!(recognised(&[("decoder.blocks.0.conv1.0.weight", &[6, 1, 1, 1])]), None);
    assert_eq!(recognised(&[("inc.double_conv.0.weight", &[])]), None);
}
