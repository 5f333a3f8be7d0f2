//! Checkpoints that were damaged: no flipped bit is resumed or mapped with, and a run goes on from the newest checkpoint that is intact.

mod runs;

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use runs::{FILES, Run, text};

/// A run of four epochs that tests copy and only read.
fn straight() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let run = Run::new(&[]);
        run.trained(&[]);
        run
    })
}

/// A copy of the run, and what it takes to compare with it.
fn copied(damage: impl FnOnce(&Path)) -> Run {
    let run = straight().copied();
    damage(&run.checkpoints());
    run
}

fn assert_equal(run: &Run, what: &str) {
    assert_eq!(run.logged(), [1, 2, 3, 4], "{what}");
    for file in FILES {
        assert!(straight().bytes(file) == run.bytes(file), "{what}: {file}");
    }
}

fn flip(file: &Path, bit: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(file, bytes).unwrap();
}

/// Bits of a file: its first 24 bytes, its last 8, and some over all regions between.
fn bits(file: &Path) -> Vec<usize> {
    let all = 8 * fs::metadata(file).unwrap().len() as usize;
    let spread = (0..24).map(|i| (i * all / 24 + 37 * i) % all);
    let mut bits: Vec<usize> =
        (0..24).map(|byte| 8 * byte + byte % 8).chain(spread).chain((1..=8).map(|byte| all - 8 * byte + byte % 8)).collect();
    bits.sort_unstable();
    bits.dedup();
    bits
}

/// Status and words of a command on weights.
fn with_weights(run: &Run, command: &str, weights: &Path) -> (Option<i32>, String) {
    let of_training = run.command(&["--set", "prediction_stride=20"]);
    let mut process = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    match command {
        "predict" => {
            process.arg("predict").args(of_training.get_args().skip(1)).args(["--split", "test", "--weights"]).arg(weights);
            process.arg("--out").arg(run.folder.path().join("maps"));
        }
        _ => drop(process.args(["weights", command]).arg(weights)),
    }
    let output = process.output().unwrap();
    (output.status.code(), format!("{}{}", String::from_utf8_lossy(&output.stdout), text(&output)))
}

#[test]
fn no_flipped_bit_of_a_checkpoint_is_resumed() {
    let run = copied(|_| ());
    let last = run.checkpoints().join("last");
    let (mut tried, mut refused) = (0, 0);
    for name in ["model.safetensors", "optimizer.safetensors", "inputs.json", "state.json"] {
        let file = last.join(name);
        for bit in bits(&file) {
            flip(&file, bit);
            let output = run.train(&["--resume", last.to_str().unwrap()]);
            let said = text(&output);
            let is_refused =
                output.status.code() == Some(2) && said.contains("damaged") && said.contains("previous is intact, after epoch 3");
            assert!(is_refused, "{name}, bit {bit}: {said}");
            tried += 1;
            refused += usize::from(is_refused);
            flip(&file, bit);
        }
    }
    println!("{refused} of {tried} flipped bits were refused");
    assert!(tried > 150, "{tried}");
    assert!(run.trained(&["--resume", last.to_str().unwrap()]).contains("all 4 epochs are done"));
}

#[test]
fn no_flipped_bit_of_weights_makes_maps() {
    let run = copied(|_| ());
    let (best, last) = (run.checkpoints().join("best.safetensors"), run.checkpoints().join("last"));
    for (weights, file) in [(&best, best.clone()), (&last, last.join("model.safetensors"))] {
        assert_eq!(with_weights(&run, "predict", weights).0, Some(0));
        let (status, said) = with_weights(&run, "info", weights);
        assert!(status == Some(0) && said.contains("condition") && said.contains("intact"), "{said}");
        let bits = bits(&file);
        let refused = bits.iter().filter(|bit| {
            flip(&file, **bit);
            let (status, said) = with_weights(&run, "predict", weights);
            flip(&file, **bit);
            status == Some(2) && said.contains("damaged") && said.contains("is intact")
        });
        assert_eq!(refused.count(), bits.len(), "{}", file.display());
        // In the values, so that the file is still one of tensors.
        let inside = 8 * (fs::metadata(&file).unwrap().len() as usize - 400);
        flip(&file, inside);
        let (status, said) = with_weights(&run, "info", weights);
        assert!(status == Some(1) && said.contains("damaged"), "{said}");
        flip(&file, inside);
    }
    // Of a checkpoint every file counts.
    let inputs = last.join("inputs.json");
    flip(&inputs, 800);
    let (status, said) = with_weights(&run, "info", &last);
    assert!(status == Some(1) && said.contains("inputs.json"), "{said}");
    flip(&inputs, 800);
    // Away from its run nothing guards a file.
    let alone = run.folder.path().join("best.safetensors");
    fs::copy(&best, &alone).unwrap();
    let (status, said) = with_weights(&run, "info", &alone);
    assert!(status == Some(0) && said.contains("unguarded"), "{said}");
}

#[test]
fn a_damaged_last_falls_back_to_the_newest_intact_one() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 7] = [
        ("a bit of the weights", |folder| flip(&folder.join("last/model.safetensors"), 400_000)),
        ("an empty optimizer", |folder| fs::write(folder.join("last/optimizer.safetensors"), b"\x08\0\0\0\0\0\0\0{}      ").unwrap()),
        ("another epoch in the state", |folder| {
            let state = fs::read_to_string(folder.join("last/state.json")).unwrap();
            fs::write(folder.join("last/state.json"), state.replacen("\"epoch\": 4", "\"epoch\": 3", 1)).unwrap();
        }),
        ("another rate", |folder| {
            let state = fs::read_to_string(folder.join("last/state.json")).unwrap();
            assert!(state.contains("\"learning_rate\": 0.003,\n      \"eta_min\""), "{state}");
            let state = state.replacen("\"learning_rate\": 0.003,\n      \"eta_min\"", "\"learning_rate\": 0.03,\n      \"eta_min\"", 1);
            fs::write(folder.join("last/state.json"), state).unwrap();
        }),
        ("files of two epochs", |folder| {
            fs::copy(folder.join("previous/optimizer.safetensors"), folder.join("last/optimizer.safetensors")).unwrap();
        }),
        ("no state", |folder| fs::remove_file(folder.join("last/state.json")).unwrap()),
        ("nothing", |folder| fs::remove_dir_all(folder.join("last")).unwrap()),
    ];
    for (what, damage) in damages {
        let run = copied(damage);
        let said = run.trained(&["--resume", "auto"]);
        let named =
            what == "nothing" || said.contains("last is damaged (") && said.contains("previous, the newest that is intact, after epoch 3");
        assert!(named && said.contains("after epoch 3"), "{what}: {said}");
        assert_equal(&run, what);
    }
    // The one before it, too: then a kept one.
    let run = copied(|folder| {
        flip(&folder.join("last/inputs.json"), 99);
        flip(&folder.join("previous/model.safetensors"), 99_999);
        fs::remove_dir_all(folder.join("epoch_0004")).unwrap();
    });
    let said = run.trained(&["--resume", "auto"]);
    assert!(said.contains("previous is damaged (") && said.contains("epoch_0003, the newest that is intact"), "{said}");
    assert_equal(&run, "two damaged ones");
    // All of them.
    let run = copied(|folder| {
        for name in ["last", "previous", "epoch_0001", "epoch_0003", "epoch_0004"] {
            flip(&folder.join(name).join("state.json"), 1000);
        }
    });
    run.refused(&["--resume", "auto"], 2, &["none of the checkpoints", "epoch_0001 is damaged"]);
    run.refused(&["--resume", run.checkpoints().join("last").to_str().unwrap()], 2, &["no checkpoint beside it is intact"]);
    run.refused(&[], 2, &["earlier run"]);
}

#[test]
fn damaged_best_weights_are_restored_or_looked_for_anew() {
    let state: serde_json::Value = serde_json::from_slice(&straight().bytes("last/state.json")).unwrap();
    let best = state["best"]["epoch"].as_u64().unwrap();
    let run = copied(|folder| flip(&folder.join("best.safetensors"), 12_345));
    let said = run.trained(&["--resume", "auto"]);
    assert!(said.contains(&format!("best.safetensors is damaged: the weights, of epoch {best}, are restored from")), "{said}");
    assert_equal(&run, "restored");
    let run = copied(|folder| fs::remove_file(folder.join("best.safetensors")).unwrap());
    assert!(run.trained(&["--resume", "auto"]).contains("not beside the checkpoints"));
    assert_equal(&run, "missing");
    // No checkpoint has them any more.
    assert!(best < 4, "the last epoch is the best one");
    let run = copied(|folder| {
        flip(&folder.join("best.safetensors"), 12_345);
        for name in ["previous".to_owned(), format!("epoch_{best:04}")] {
            fs::remove_dir_all(folder.join(name)).unwrap_or_default();
        }
    });
    let kept = run.copied();
    let said = kept.trained(&["--resume", "auto", "--set", "epochs=5"]);
    assert!(said.contains("weights that were the best before, of epoch 1, are restored from"), "{said}");
    fs::remove_dir_all(run.checkpoints().join("epoch_0001")).unwrap();
    let said = run.trained(&["--resume", "auto", "--set", "epochs=5"]);
    assert!(said.contains(&format!("(epoch {best}): the best epoch is looked for anew")) && said.contains("best epoch: 5"), "{said}");
    let best = run.checkpoints().join("best.safetensors");
    assert_eq!(with_weights(&run, "predict", &best).0, Some(0));
}

#[test]
fn checkpoints_of_the_version_before_are_resumed_and_it_is_said_once() {
    let halves = Run::new(&[]);
    halves.trained(&["--set", "epochs=2"]);
    for name in ["last", "previous", "epoch_0001", "epoch_0002"] {
        let folder = halves.checkpoints().join(name);
        let mut state: serde_json::Value = serde_json::from_slice(&fs::read(folder.join("state.json")).unwrap()).unwrap();
        let fields = state.as_object_mut().unwrap();
        fields.insert("format".into(), "meltcore-checkpoint/1".into());
        fields.retain(|name, _| !["files", "digest"].contains(&name.as_str()));
        if let Some(best) = fields["best"].as_object_mut() {
            best.remove("file").unwrap();
        }
        fs::write(folder.join("state.json"), serde_json::to_string_pretty(&state).unwrap()).unwrap();
        fs::remove_file(folder.join("inputs.json")).unwrap();
    }
    let (_, said) = with_weights(&halves, "info", &halves.checkpoints().join("last"));
    assert!(said.contains("unguarded"), "{said}");
    assert_eq!(with_weights(&halves, "predict", &halves.checkpoints()).0, Some(0));
    let said = halves.trained(&["--resume", "auto", "--set", "epochs=3"]);
    assert_eq!(said.matches("nothing guards it").count(), 1, "{said}");
    let said = halves.trained(&["--resume", "auto"]);
    assert!(!said.contains("nothing guards it"), "{said}");
    assert_equal(&halves, "resumed");

    // What can be seen without digests is seen.
    let folder = halves.checkpoints().join("epoch_0002");
    fs::write(folder.join("optimizer.safetensors"), b"\x08\0\0\0\0\0\0\0{}      ").unwrap();
    halves.refused(&["--resume", folder.to_str().unwrap()], 2, &["optimizer.safetensors", "holds nothing"]);
    fs::write(folder.join("model.safetensors"), "").unwrap();
    halves.refused(&["--resume", folder.to_str().unwrap()], 2, &["model.safetensors", "is intact, after epoch"]);
}
