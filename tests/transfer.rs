//! What a network takes of another's weights, and what of it stays while it is trained.

mod on_device;
mod runs;

use meltcore::autograd::Tape;
use meltcore::config::{Config, Freeze};
use meltcore::gpu::Gpu;
use meltcore::models::{self, Model};
use meltcore::nn::Mode;
use meltcore::nn::state_dict::{self, HostDict, HostTensor};
use meltcore::tensor::Tensor;
use meltcore::train::checkpoint::encode_weights;
use meltcore::weights::transfer;
use runs::Run;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const FIRST: &str = "inc.double_conv.0.weight";

fn config(keys: &str) -> Config {
    // A path alone declares no variable.
    let paths: String = ["slope", "tb"].iter().filter(|name| keys.contains(*name)).map(|name| format!("path_{name}: {name}\n")).collect();
    Config::from_yaml(&format!("model_key: unet\nbase_channels: 2\n{paths}{keys}"), "run.yaml", &[]).unwrap()
}

fn network(gpu: &Gpu, config: &Config) -> Box<dyn Model> {
    models::untrained(gpu, config).unwrap()
}

/// Writes the initial weights of a configuration, with what they carry or without.
fn write(gpu: &Gpu, config: &Config, to: &Path, carry: bool) -> (PathBuf, HostDict) {
    let dict = state_dict::to_host(network(gpu, config).parameters()).unwrap();
    match carry {
        true => std::fs::write(to, encode_weights(to, &dict, config).unwrap()).unwrap(),
        false => state_dict::write(to, &dict, [("format".to_owned(), "pt".to_owned())].into()).unwrap(),
    }
    (to.to_owned(), dict)
}

fn values<'a>(dict: &'a HostDict, name: &str) -> (&'a [usize], &'a [f32]) {
    match &dict[name] {
        HostTensor::F32(shape, values) => (shape, values),
        HostTensor::I64(_) | HostTensor::Indices(..) => panic!("{name} is a counter"),
    }
}

/// The weight of filter, channel and tap of a first convolution of `channels`.
fn weight(dict: &HostDict, channels: usize, filter: usize, channel: usize, tap: usize) -> f32 {
    let (shape, values) = values(dict, FIRST);
    assert_eq!(shape, [2, channels, 3, 3]);
    values[(filter * channels + channel) * 9 + tap]
}

#[test]
fn channels_with_names_go_by_them_and_the_map_stays_what_it_was() {
    let gpu = on_device::gpu();
    let folder = tempfile::tempdir().unwrap();
    // In the order of channels: pmw, dem, tb there; pmw, mar_wa1, slope, tb here.
    let old = config("in_keys: [pmw, tb]\nin_keys_static: [dem]\nseed: 1\n");
    let new = config("in_keys: [pmw, tb, mar_wa1]\nin_keys_static: [slope]\nseed: 2\n");
    let (file, before) = write(&gpu, &old, &folder.path().join("w"), true);
    let model = network(&gpu, &new);
    let taken = transfer::load(model.parameters(), &new, &file).unwrap();
    let after = state_dict::to_host(model.parameters()).unwrap();
    for filter in 0..2 {
        for tap in 0..9 {
            let wanted = [weight(&before, 3, filter, 0, tap), 0.0, 0.0, weight(&before, 3, filter, 2, tap)];
            for (channel, wanted) in wanted.into_iter().enumerate() {
                assert_eq!(weight(&after, 4, filter, channel, tap), wanted, "{filter} {channel} {tap}");
            }
        }
    }
    // Everything else is the file's.
    let others = |dict: &HostDict| dict.iter().filter(|(name, _)| *name != FIRST).map(|(n, t)| (n.clone(), t.clone())).collect::<Vec<_>>();
    assert_eq!(others(&after), others(&before));
    assert_eq!((taken.names.len(), taken.names.contains(FIRST)), (before.len() - 1, false));
    let said = taken.notes.join("\n");
    for words in ["taken are pmw, tb", "from zero begin mar_wa1, slope", "left out are dem", "down1 12"] {
        assert!(said.contains(words), "`{words}` is missing: {said}");
    }

    // Where inputs are added alone, the network makes of the old ones what it made before.
    let more = config("in_keys: [pmw, tb, mar_wa1]\nin_keys_static: [dem]\nseed: 3\n");
    let larger = network(&gpu, &more);
    transfer::load(larger.parameters(), &more, &file).unwrap();
    let smaller = network(&gpu, &old);
    state_dict::load(smaller.parameters(), &file).unwrap();
    let plane = |seed: usize| (0..256).map(move |i| ((i * (3 + 2 * seed) + i / 16 * 7) % 31) as f32 / 31.0 - 0.4);
    let image = |seeds: &[usize]| {
        let pixels: Vec<f32> = seeds.iter().flat_map(|seed| plane(*seed)).collect();
        Tensor::from_slice(&gpu, [1, seeds.len(), 16, 16], &pixels).unwrap()
    };
    let map = |model: &dyn Model, image: &Tensor| model.map(&Tape::off(), image, Mode::Eval).unwrap().to_vec().unwrap();
    let (wanted, got) = (map(smaller.as_ref(), &image(&[1, 2, 3])), map(larger.as_ref(), &image(&[1, 9, 2, 3])));
    wanted.iter().zip(&got).for_each(|(wanted, got)| assert!((wanted - got).abs() < 1e-6, "{wanted} {got}"));

    // The same number under other names is no fit; the same names are one, to the bit.
    let renamed = config("in_keys: [pmw, tb]\nin_keys_static: [slope]\n");
    let model = network(&gpu, &renamed);
    assert!(transfer::load(model.parameters(), &renamed, &file).unwrap().notes.join(" ").contains("left out are dem"));
    let same = config("in_keys: [tb, pmw]\nin_keys_static: [dem]\nseed: 9\n");
    let model = network(&gpu, &same);
    let taken = transfer::load(model.parameters(), &same, &file).unwrap();
    assert_eq!((taken.notes.len(), taken.names.len()), (0, before.len()));
    assert_eq!(state_dict::to_host(model.parameters()).unwrap(), before);
    // Statistics that differ are told.
    let scaled = config("in_keys: [pmw, tb]\nin_keys_static: [dem]\nactivation: gelu\n");
    let taken = transfer::load(network(&gpu, &scaled).parameters(), &scaled, &file).unwrap();
    assert!(taken.notes[0].contains("`activation` (\"relu\" there, \"gelu\" now)"), "{:?}", taken.notes);
}

#[test]
fn channels_without_names_are_repeated_and_scaled() {
    let gpu = on_device::gpu();
    let folder = tempfile::tempdir().unwrap();
    let old = config("in_keys: [pmw, tb]\nin_keys_static: [dem]\nseed: 1\n");
    let (file, before) = write(&gpu, &old, &folder.path().join("w"), false);
    for (keys, channels) in [("in_keys: [pmw]", 1), ("in_keys: [pmw, mar_wa1]", 2), ("in_keys: [pmw, tb, mar_wa1, modis_b1, modis_b2]", 5)]
    {
        let new = config(&format!("{keys}\nseed: 2\n"));
        let model = network(&gpu, &new);
        let taken = transfer::load(model.parameters(), &new, &file).unwrap();
        let after = state_dict::to_host(model.parameters()).unwrap();
        for (filter, tap) in (0..2).flat_map(|filter| (0..9).map(move |tap| (filter, tap))) {
            let then = |channel| weight(&before, 3, filter, channel, tap);
            for channel in 0..channels {
                // timm's adapt_input_conv: `repeat(1, ceil(n / 3), 1, 1)[:, :n] * (3 / n)`, `sum(dim=1)` for one.
                let wanted = if channels == 1 { then(0) + then(1) + then(2) } else { then(channel % 3) * (3.0 / channels as f32) };
                assert_eq!(weight(&after, channels, filter, channel, tap), wanted);
            }
        }
        assert!(taken.notes.iter().any(|note| note.starts_with(FIRST)), "{:?}", taken.notes);
    }
}

#[test]
fn other_classes_and_another_decoder_begin_at_the_seed() {
    let gpu = on_device::gpu();
    let folder = tempfile::tempdir().unwrap();
    let old = config("in_keys: [pmw, tb]\nseed: 1\n");
    let (file, before) = write(&gpu, &old, &folder.path().join("w"), true);
    let classes = Config { out_channels: 3, ..config("in_keys: [pmw, tb]\nseed: 2\n") };
    let decoder = config("in_keys: [pmw, tb]\nseed: 2\nbilinear: true\nnum_extra_convs: 1\n");
    for (new, heads) in [(classes, vec!["outc"]), (decoder, vec!["up1", "up2", "up3", "up4", "down4", "extraincs", "extraoutcs"])] {
        let model = network(&gpu, &new);
        let fresh = state_dict::to_host(model.parameters()).unwrap();
        let taken = transfer::load(model.parameters(), &new, &file).unwrap();
        let after = state_dict::to_host(model.parameters()).unwrap();
        for (name, tensor) in &after {
            let is_taken = taken.names.contains(name);
            assert_eq!(tensor, if is_taken { &before[name] } else { &fresh[name] }, "{name}");
            assert!(is_taken || heads.iter().any(|head| name.starts_with(head)), "{name}");
        }
        assert!(taken.notes.iter().any(|note| note.starts_with("initialised from the seed: ")), "{:?}", taken.notes);
    }
    // Of another width nothing fits, which is said as before, and the network stays as it is.
    let wide = Config { base_channels: 3, ..config("in_keys: [pmw, tb]\n") };
    let model = network(&gpu, &wide);
    let fresh = state_dict::to_host(model.parameters()).unwrap();
    let error = transfer::load(model.parameters(), &wide, &file).unwrap_err().to_string();
    assert!(error.contains("shape") && error.contains("base_channels"), "{error}");
    assert_eq!(state_dict::to_host(model.parameters()).unwrap(), fresh);
}

/// The tensors of a weight file of a run.
fn stored(run: &Run, file: &str) -> HostDict {
    state_dict::read(&run.checkpoints().join(file)).unwrap()
}

/// Names of tensors that differ.
fn moved(before: &HostDict, after: &HostDict) -> BTreeSet<String> {
    assert!(before.keys().eq(after.keys()));
    before.keys().filter(|name| before[*name] != after[*name]).cloned().collect()
}

fn is_of(name: &str, modules: &[&str]) -> bool {
    modules.iter().any(|module| name.starts_with(&format!("{module}.")))
}

#[test]
fn an_encoder_that_is_frozen_stays_with_its_statistics() {
    let source = Run::new(&["epochs=1", "seed=5"]);
    source.trained(&[]);
    let weights = source.checkpoints().join("last/model.safetensors");
    let weights = ["--weights", weights.to_str().unwrap()];
    let before = stored(&source, "last/model.safetensors");
    let encoder = ["inc", "down1", "down2", "down3", "down4"];
    for (freeze, still) in [("freeze=encoder", &encoder[..]), ("freeze=[up1, outc.conv.0.bias]", &["up1", "outc.conv.0.bias"])] {
        let run = Run::new(&["epochs=2", freeze, "weight_decay=0.1", "learning_rate=0.01"]);
        let said = run.trained(&weights);
        assert!(said.contains("parameters stay as they are in the whole run"), "{said}");
        let moved = moved(&before, &stored(&run, "last/model.safetensors"));
        for name in before.keys() {
            assert_eq!(moved.contains(name), !is_of(name, still) && name != still[still.len() - 1], "{freeze}: {name}");
        }
        // Nor has the optimizer a state for them.
        let moments = stored(&run, "last/optimizer.safetensors");
        assert!(moments.keys().all(|name| !is_of(name, still) && !name.starts_with("outc.conv.0.bias") || freeze == "freeze=encoder"));
        assert!(!moments.is_empty());

        // Resumed and recomputed to the same bits.
        let halves = Run::new(&["epochs=1", freeze, "weight_decay=0.1", "learning_rate=0.01", "recompute=true"]);
        halves.trained(&weights);
        halves.trained(&["--resume", "auto", "--set", "epochs=2"]);
        for file in ["last/model.safetensors", "last/optimizer.safetensors"] {
            assert!(run.bytes(file) == halves.bytes(file), "{freeze}: {file}");
        }
        halves.refused(&["--resume", "auto", "--set", "freeze=null"], 2, &["`freeze`"]);
    }
}

#[test]
fn what_was_loaded_stays_for_some_epochs_and_then_all_moves() {
    let source = Run::new(&["epochs=1", "seed=5"]);
    source.trained(&[]);
    let weights = source.checkpoints().join("best.safetensors");
    let weights = ["--weights", weights.to_str().unwrap()];
    let keys = ["in_keys_aux=[time_sin, time_cos]", "freeze=2", "epochs_between_checkpoint_save=1"];
    let run = Run::new(&[&keys[..], &["epochs=4"]].concat());
    let said = run.trained(&weights);
    for words in ["its input channels go by their names", "until epoch 2", "from epoch 3 on all parameters move"] {
        assert!(said.contains(words), "`{words}` is missing: {said}");
    }
    let before = stored(&source, "best.safetensors");
    let at = |epoch: usize| stored(&run, &format!("epoch_{epoch:04}/model.safetensors"));
    // The first convolution was adapted, and learns from the first epoch on.
    assert_eq!(moved(&at(1), &at(2)), BTreeSet::from([FIRST.to_owned()]));
    let loaded = |dict: HostDict| dict.into_iter().filter(|(name, _)| name != FIRST).collect::<HostDict>();
    assert_eq!(loaded(at(2)), loaded(before));
    assert_eq!(moved(&at(2), &at(3)), at(3).into_keys().collect());

    // Stopped while it is frozen, at the change, and behind it.
    for stop in ["epochs=1", "epochs=2", "epochs=3"] {
        let halves = Run::new(&[&keys[..], &[stop]].concat());
        halves.trained(&weights);
        halves.trained(&["--resume", "auto", "--set", "epochs=4"]);
        for file in runs::FILES {
            assert!(run.bytes(file) == halves.bytes(file), "{stop}: {file}");
        }
    }
    // Where all of it was loaded, or nothing, there is nothing to train or to hold.
    Run::new(&["freeze=2"]).refused(&weights, 2, &["`freeze`", "every parameter"]);
    Run::new(&["freeze=2"]).refused(&[], 2, &["`freeze`", "--weights"]);
    Run::new(&["freeze=[decoder]"]).refused(&[], 2, &["`decoder`", "inc, outc, up1"]);
    Run::new(&["freeze=0"]).refused(&[], 2, &["`freeze`", "whole number of epochs from 1"]);
    assert_eq!(config("in_keys: [pmw]\nfreeze: encoder\n").freeze, Some(Freeze::Names(vec!["encoder".into()])));
}
