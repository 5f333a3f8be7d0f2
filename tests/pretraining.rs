//! Pretraining: the same bits again and after a kill, what a training takes of it, and what cannot be pretrained.

mod runs;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use meltcore::nn::state_dict::{self, HostDict};
use meltcore::synth::calving::{self, CalvingOptions};
use runs::{FILES, Run, text};

/// A run whose pretraining lies in its folder of checkpoints, where `Run` looks; its training lies beside it.
struct Pretraining {
    run: Run,
    fixed: Vec<String>,
}

impl Pretraining {
    fn new(overrides: &[&str]) -> Pretraining {
        let run = Run::new(overrides);
        let fixed = vec![
            "--objective=masked".to_owned(),
            "--set=hidden_patch=8".to_owned(),
            format!("--set=path_pretraining={}", run.checkpoints().display()),
            format!("--set=path_checkpoints={}", run.folder.path().join("training").display()),
        ];
        Pretraining { run, fixed }
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let arguments: Vec<&str> = self.fixed.iter().map(String::as_str).chain(arguments.iter().copied()).collect();
        self.run.command_of("pretrain", &arguments)
    }

    fn done(&self, arguments: &[&str]) -> String {
        succeeded(&self.command(arguments).output().unwrap())
    }

    fn best(&self) -> PathBuf {
        self.run.checkpoints().join("best.safetensors")
    }
}

fn succeeded(output: &Output) -> String {
    let said = text(output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    said
}

fn losses(folder: &Path, name: &str) -> Vec<f64> {
    let log = fs::read_to_string(folder.join("log.jsonl")).unwrap();
    log.lines().skip(1).map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()[name].as_f64().unwrap()).collect()
}

fn weights(file: &Path) -> HostDict {
    state_dict::read(file).unwrap()
}

#[test]
fn the_same_bits_again_and_after_a_kill() {
    let settings = ["epochs=8", "hidden_share=0.4", "pretraining_split=deploy"];
    let straight = Pretraining::new(&settings);
    let said = straight.done(&[]);
    for words in ["0.4 of patches of 8 x 8 pixels are hidden", "says 3 inputs", "epoch 8/8", "meltcore train --config", "--weights"] {
        assert!(said.contains(words), "`{words}` is missing: {said}");
    }
    let broken = Pretraining::new(&settings);
    let mut child = broken.command(&[]).spawn().unwrap();
    broken.run.wait_for_epochs(&mut child, 3);
    child.kill().unwrap();
    child.wait().unwrap();
    let halves = Pretraining::new(&settings);
    halves.done(&["--set", "epochs=5"]);
    for resumed in [&broken, &halves] {
        resumed.done(&["--resume", "auto"]);
        assert_eq!(resumed.run.logged(), (1..=8).collect::<Vec<_>>());
        for file in FILES {
            assert!(straight.run.bytes(file) == resumed.run.bytes(file), "{file}");
        }
    }
    // What is hidden is part of the run.
    let other = halves.command(&["--resume", "auto", "--set", "hidden_share=0.6", "--set", "epochs=9"]).output().unwrap();
    assert!(other.status.code() == Some(2) && text(&other).contains("`hidden_share` (0.4 there, 0.6 now)"), "{}", text(&other));
}

#[test]
fn it_learns_without_targets_and_a_training_takes_all_but_the_last_layer() {
    // No target is there at all.
    let nowhere = ["epochs=30", "path_melt=nowhere", "learning_rate=0.005", "T_0=30"];
    let pretraining = Pretraining::new(&nowhere);
    pretraining.done(&[]);
    let learned = losses(&pretraining.run.checkpoints(), "val_loss");
    assert!(learned[29] < 0.8 * learned[0], "{learned:?}");

    let best = pretraining.best();
    let run = Run::new(&["epochs=1"]);
    let said = run.trained(&["--weights", best.to_str().unwrap()]);
    assert!(said.contains("initialised from the seed: outc.conv.0.weight"), "{said}");
    // Frozen as a whole for the epoch, all but the last layer is what the pretraining left.
    let frozen = Run::new(&["epochs=1", "freeze=1"]);
    frozen.trained(&["--weights", best.to_str().unwrap()]);
    let (before, after) = (weights(&best), weights(&frozen.checkpoints().join("best.safetensors")));
    let is_weight = |name: &str| name.ends_with("weight") && !name.starts_with("outc");
    let kept = before.iter().filter(|(name, _)| is_weight(name)).inspect(|(name, tensor)| assert!(after[*name] == **tensor, "{name}"));
    assert!(kept.count() > 10);
    assert!(before["outc.conv.0.weight"] != after["outc.conv.0.weight"]);
}

#[test]
fn what_cannot_be_pretrained_is_refused() {
    let refused = |overrides: &[&str], arguments: &[&str], words: &[&str]| {
        let output = Pretraining::new(overrides).command(arguments).output().unwrap();
        let said = text(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        words.iter().for_each(|word| assert!(said.contains(word), "`{word}` is missing: {said}"));
    };
    refused(&["hidden_share=1"], &[], &["hidden_share", "between 0 and 1"]);
    refused(&[], &["--set", "hidden_patch=33"], &["hidden_patch", "32 x 32"]);
    refused(&["in_keys=[]", "in_keys_static=[]", "in_keys_aux=[time_sin, time_cos]"], &[], &["in_keys", "no raster"]);
    let output = Run::new(&["objective=masked"]).train(&[]);
    assert!(output.status.code() == Some(2) && text(&output).contains("meltcore pretrain --objective"), "{}", text(&output));
    // A pretraining is no past of a training in the same folder.
    let done = Pretraining::new(&["epochs=1"]);
    done.done(&[]);
    done.run.refused(&[], 2, &["earlier run"]);
}

/// Scenes of fjords in a folder of their own, and commands on them.
struct Fronts {
    folder: tempfile::TempDir,
}

impl Fronts {
    fn new() -> Fronts {
        let folder = tempfile::tempdir().unwrap();
        let options = CalvingOptions { rows: 128, cols: 128, scenes: 8, unlabelled: 8, ..CalvingOptions::default() };
        calving::write_dataset(&folder.path().join("fronts"), &options, || {}).unwrap();
        Fronts { folder }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, name: &str, config: &str, set: &[&str], arguments: &[&str]) -> Output {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_meltcore"));
        command.arg(name).arg("--config").arg(self.at("fronts").join(config)).args(["--set", "img_size=[64, 64]"]);
        command.args(set.iter().flat_map(|key| ["--set", key]));
        command.args(arguments).output().unwrap()
    }

    fn pretrain(&self, objective: &str, set: &[&str], arguments: &[&str], into: &str) -> Output {
        let into = format!("path_pretraining={}", self.at(into).display());
        let set = [&[into.as_str(), "crops_per_epoch=32"], set].concat();
        self.command("pretrain", "pretrain.yaml", &set, &[&["--objective", objective], arguments].concat())
    }

    /// Pretrains at once and in two halves, to the same bits; gives the losses of validation.
    fn same_in_halves(&self, objective: &str, set: &[&str], epochs: usize) -> Vec<f64> {
        let [all, half] = [epochs, epochs / 2].map(|epochs| format!("epochs={epochs}"));
        let with = |epochs: &str, arguments: &[&str], into: &str| {
            succeeded(&self.pretrain(objective, &[set, &[epochs]].concat(), arguments, into))
        };
        let said = with(&all, &[], "straight");
        assert!(said.contains("the 14 bands of 4 optical scenes"), "{said}");
        with(&half, &[], "halves");
        with(&all, &["--resume", "auto"], "halves");
        for file in FILES {
            let [straight, halves] = ["straight", "halves"].map(|name| fs::read(self.at(name).join(file)).unwrap());
            assert!(straight == halves, "{file}");
        }
        losses(&self.at("straight"), "val_loss")
    }
}

#[test]
fn radar_scenes_become_optical_ones() {
    let fronts = Fronts::new();
    let narrow = ["base_channels=2"];
    let fast = [&narrow[..], &["learning_rate=0.005"]].concat();
    let learned = fronts.same_in_halves("opttranslator", &fast, 6);
    assert!(learned[5] < 0.9 * learned[0], "{learned:?}");
    let best = fronts.at("straight/best.safetensors");
    let from = ["--weights", best.to_str().unwrap()];
    let said = succeeded(&fronts.command("train", "unet.yaml", &[&narrow[..], &["epochs=1", "crops_per_epoch=8"]].concat(), &from));
    assert!(said.contains("initialised from the seed: outc.conv.0.weight"), "{said}");

    // A UNet has no tokens; scenes and optical scenes belong together by the glacier.
    let refused = |objective: &str, words: &str| {
        let output = fronts.pretrain(objective, &narrow, &[], "refused");
        assert!(output.status.code() == Some(2) && text(&output).contains(words), "{}", text(&output));
    };
    refused("optsimmim", "hides tokens, which tyrion has");
    let first = fs::read_dir(fronts.at("fronts/pretraining/optical")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(first).unwrap();
    refused("opttranslator", "has no optical scene of");
}

/// A small tyrion.
const TYRION: [&str; 6] =
    ["model_key=tyrion", "embed_dim=8", "depths=[1, 1, 2, 1]", "num_heads=[1, 1, 2, 2]", "batch_size=2", "learning_rate=0.005"];

#[test]
fn tyrion_says_what_is_under_hidden_tokens() {
    let fronts = Fronts::new();
    let learned = fronts.same_in_halves("optsimmim", &TYRION, 4);
    assert!(learned[3] < learned[0], "{learned:?}");
    let best = fronts.at("straight/best.safetensors");
    let dict = weights(&best);
    let shape = |name: &str| match &dict[name] {
        state_dict::HostTensor::F32(shape, _) => shape.clone(),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(shape("last_model_decoder_layer.weight"), [3, 8, 1, 1]);
    assert_eq!(shape("decoder.weight"), [224, 8]);
    assert_eq!(shape("patch_embed_after_decoder.proj.weight"), [8, 3, 4, 4]);
    // The token of hidden ones is zero and stays so; the head of classes comes along.
    assert!(matches!(&dict["mask_token"], state_dict::HostTensor::F32(_, values) if values.iter().all(|value| *value == 0.0)));
    assert_eq!(shape("swin_unet.pred_target.6.weight"), [4, 8, 1, 1]);
    let set = [&TYRION[..], &["epochs=1", "crops_per_epoch=4"]].concat();
    let said = succeeded(&fronts.command("train", "unet.yaml", &set, &["--weights", best.to_str().unwrap()]));
    assert!(said.contains("not used of the file: decoder.bias") && !said.contains("initialised from the seed"), "{said}");
}
