//! `meltcore synth` as a process: what it writes, what it refuses, and the commands that it prints, run as printed.

mod trials;

use std::path::Path;
use std::process::{Command, ExitCode, Output};

fn synth(out: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).args(["synth", "--out"]).arg(out).args(arguments).output().unwrap()
}

fn notes(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The smallest of everything.
const SMALL: [&str; 4] = ["--size", "80x64", "--days", "6"];

fn a_folder_of_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sample");
    let made = synth(&out, &[&SMALL[..], &["-q"]].concat());
    assert_eq!((made.status.code(), notes(&made).as_str()), (Some(0), ""));
    let config = std::fs::read(out.join("config.yaml")).unwrap();

    // An unfinished dataset of the same options is completed to the same bits.
    std::fs::remove_file(out.join("config.yaml")).unwrap();
    std::fs::remove_dir_all(out.join("melt")).unwrap();
    assert_eq!(synth(&out, &SMALL).status.code(), Some(0));
    assert_eq!(std::fs::read(out.join("config.yaml")).unwrap(), config);

    std::fs::create_dir(folder.path().join("other")).unwrap();
    std::fs::write(folder.path().join("other/thesis.tex"), "").unwrap();
    let file = out.join("dem.tif");
    for (out, arguments, status, wanted) in [
        (&out, &["--seed", "7"][..], 2, "--size 80x64 --days 6 --seed 42"),
        (&folder.path().join("other"), &SMALL, 2, "thesis.tex"),
        (&file, &SMALL, 4, "dem.tif"),
        (&folder.path().join("tiny"), &["--size", "20x20"], 2, "64"),
        (&folder.path().join("long"), &["--days", "2000"], 2, "--days 2000"),
        (&folder.path().join("real"), &["--geography", "no/such/folder"], 2, "landMask_100m.tif"),
    ] {
        let refused = synth(out, arguments);
        let said = notes(&refused);
        assert!(refused.status.code() == Some(status) && said.contains(wanted), "{arguments:?}: {said}");
        assert!(said.starts_with("error: ") && said.lines().count() == 1, "{said}");
    }
    assert!(!folder.path().join("tiny").exists() && !folder.path().join("real").exists());
}

/// The smallest dataset of glaciers.
const GLACIERS: [&str; 6] = ["--task", "glacier", "--size", "64x64", "--scenes", "4"];

fn options_of_the_other_task_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("set");
    for (arguments, wanted) in [
        (&["--scenes", "5"][..], "--scenes belongs to --task glacier or calving"),
        (&["--task", "calving", "--days", "9"], "--days belongs to --task melt"),
        (&["--task", "glacier", "--format", "tif"], "--format belongs to --task calving"),
        (&["--unlabelled", "9"], "--unlabelled belongs to --task calving"),
        (&["--task", "calving", "--size", "64x256"], "128 to 1024 pixels"),
        (&["--mask-clouds"], "--mask-clouds belongs to --task glacier"),
        (&["--task", "glacier", "--days", "9"], "--days belongs to --task melt"),
        (&["--task", "glacier", "--geography", "."], "--geography belongs to --task melt"),
        (&["--task", "glacier", "--scenes", "2"], "--scenes 2: choose 4 to 1000"),
        (&["--task", "glacier", "--size", "64x4096"], "64 to 2048 pixels"),
    ] {
        let refused = synth(&out, arguments);
        let said = notes(&refused);
        assert!(refused.status.code() == Some(2) && said.contains(wanted) && said.lines().count() == 1, "{arguments:?}: {said}");
    }
    assert!(!out.exists());

    // A dataset of either task is not written over by the other, nor by one of other scenes.
    assert_eq!(synth(&out, &[&GLACIERS[..], &["-q"]].concat()).status.code(), Some(0));
    let other = synth(&out, &[&GLACIERS[..], &["--mask-clouds"]].concat());
    assert!(notes(&other).contains("made with --task glacier --size 64x64 --scenes 4 --seed 42;"), "{}", notes(&other));
    assert!(other.status.code() == Some(2) && synth(&out, &SMALL).status.code() == Some(2));
}

fn the_printed_commands_map_glaciers() {
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| in_shell(folder.path(), command);
    let (said, _) = run(&format!("synth --out \"it's ice\" {}", GLACIERS.join(" ")));
    let commands = next_commands(&said);
    assert_eq!(commands.len(), 5, "{said}");
    for command in &commands {
        let short = if command.starts_with("train") { " --set epochs=1 --set crops_per_epoch=4" } else { "" };
        let (_, table) = run(&format!("{command}{short}"));
        assert_eq!(table.contains("glavitu"), command.starts_with("eval"), "{table}");
    }
    assert!(folder.path().join("it's ice/report.html").is_file());
}

fn the_printed_commands_draw_fronts() {
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| in_shell(folder.path(), command);
    let (said, _) = run("synth --out \"it's ice\" --task calving --size 128x128 --scenes 8 --unlabelled 0 --format tif");
    let commands = next_commands(&said);
    assert_eq!(commands.len(), 5, "{said}");
    for command in &commands {
        let short = if command.starts_with("train") { " --set epochs=1 --set crops_per_epoch=4" } else { "" };
        run(&format!("{command}{short}"));
    }
    for made in ["report.html", "runs/unet/fronts/front_series.csv", "runs/unet/scores/scores.json"] {
        assert!(folder.path().join("it's ice").join(made).is_file(), "{made}");
    }
    assert!(!folder.path().join("it's ice/pretraining").exists());
}

fn real_geography_sets_the_size(geography: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let made = synth(&folder.path().join("real"), &["--days", "6", "--geography", geography.to_str().unwrap()]);
    assert!(made.status.success() && notes(&made).contains("2863 x 1633 pixels"), "{}", notes(&made));
    let small = synth(&folder.path().join("small"), &["--days", "6", "--size", "128x64", "--geography", geography.to_str().unwrap()]);
    assert!(small.status.success() && notes(&small).contains("128 x 64 pixels"), "{}", notes(&small));
}

/// Runs a command of meltcore as a shell reads it: what it noted and what it printed.
fn in_shell(folder: &Path, command: &str) -> (String, String) {
    let words = format!("{} {command}", env!("CARGO_BIN_EXE_meltcore"));
    let done = Command::new("sh").args(["-c", &words]).current_dir(folder).output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{command}: {}", notes(&done));
    (notes(&done), String::from_utf8(done.stdout).unwrap())
}

/// The commands that notes name as the next ones.
fn next_commands(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.trim_start().strip_prefix("meltcore ")).collect()
}

fn the_printed_commands_lead_to_scores() {
    let folder = tempfile::tempdir().unwrap();
    let run = |command: &str| in_shell(folder.path(), command);
    let (said, _) = run("synth --out \"it's a sample\" --size 80x64 --days 10");
    let commands = next_commands(&said);
    assert_eq!(commands.len(), 7, "{said}");
    let out = folder.path().join("it's a sample");
    for command in &commands {
        let short = if command.starts_with("train") { " --set epochs=1" } else { "" };
        let (_, table) = run(&format!("{command}{short}"));
        assert_eq!(table.contains("running-mean") && table.contains("pmw"), command.starts_with("eval"));
    }
    for made in ["runs/unet/scores/scores.json", "runs/unet/scores/scores.csv", "runs/unet/checkpoints/best.safetensors", "report.html"] {
        assert!(out.join(made).is_file(), "{made}");
    }
    // The days to be mapped, too, have all inputs.
    run(&commands[2].replace("--split test", "--split deploy --no-png"));
    let wanted = std::fs::read_to_string(out.join("splits/deploy.csv")).unwrap().lines().count();
    let maps = std::fs::read_dir(out.join("runs/unet/deploy")).unwrap();
    assert_eq!(maps.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "tif")).count(), wanted);

    // The other models' configurations say how they are used, too.
    let text = std::fs::read_to_string(out.join("linear_dem.yaml")).unwrap();
    for command in text.lines().filter_map(|line| line.strip_prefix("#   meltcore ")) {
        run(&format!("{command}{}", if command.starts_with("train") { " --set epochs=1" } else { "" }));
    }
}

fn main() -> ExitCode {
    let mut trials = trials::trials![a_folder_of_something_else_is_refused, options_of_the_other_task_are_refused];
    let no_shell = || cfg!(not(unix)).then(|| "the printed commands run in a POSIX shell".to_owned());
    trials.push(trials::needing("the_printed_commands_lead_to_scores", "shell", no_shell, the_printed_commands_lead_to_scores));
    trials.push(trials::needing("the_printed_commands_map_glaciers", "shell", no_shell, the_printed_commands_map_glaciers));
    trials.push(trials::needing("the_printed_commands_draw_fronts", "shell", no_shell, the_printed_commands_draw_fronts));
    trials.extend([trials::needing_data("real_geography_sets_the_size", "data/helheim", real_geography_sets_the_size)]);
    trials::run(trials)
}
