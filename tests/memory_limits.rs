//! Limits that shells and batch systems set: training refuses before it starts where they leave too little for it, instead of an end by the
//! allocator halfway. (Linux alone tells its limits.)
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Output};

/// Runs meltcore on the host in `folder` with `limit` (`-v KIB` or `-d KIB`) of the shell's `ulimit`.
fn limited(folder: &Path, limit: &str, arguments: &str) -> Output {
    let script = format!("ulimit {limit} && exec \"$0\" {arguments} --device host --threads 2");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_meltcore")]).current_dir(folder);
    // An allocator with one arena for all threads: what each of them reserves would count as address space.
    shell.env("MALLOC_ARENA_MAX", "1").output().unwrap()
}

const SYNTH: &str = "synth --out tiny --days 8 --size 64x64 --seed 1";
const TRAIN: &str = "train --config tiny/config.yaml --set epochs=1 --set periodical_evaluation=false --set in_keys=[pmw,mar_wa1]";

#[test]
fn training_refuses_what_the_shell_does_not_allow() {
    let folder = tempfile::tempdir().unwrap();
    let made = limited(folder.path(), "-v unlimited", SYNTH);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    // The network of the published width needs about a GiB with its optimizer's state and a checkpoint on the way.
    for limit in ["-v 900000", "-d 700000"] {
        let output = limited(folder.path(), limit, &format!("{TRAIN} --set base_channels=64"));
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{limit}: {text}");
        assert!(text.contains("training would need") && text.contains("beside for batches"), "{limit}: {text}");
        assert!(!folder.path().join("tiny/runs/unet/checkpoints/last").exists(), "{limit}: it had begun");
    }
    // And a network that fits is trained.
    let output = limited(folder.path(), "-v 900000", &format!("{TRAIN} --set base_channels=2"));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}
