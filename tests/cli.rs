//! The program as a process, and the arguments of every command.

use clap::Parser;
use meltcore::cli::output::Table;
use meltcore::cli::{arguments, baseline, bench, devices, eval, predict, split, stats, synth, train, verify};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn meltcore(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[derive(Debug, Parser)]
struct Of<A: clap::Args> {
    #[command(flatten)]
    args: A,
}

/// The arguments of one command from words.
fn parse<A: clap::Args>(words: &str) -> Result<A, clap::Error> {
    Of::<A>::try_parse_from(std::iter::once("meltcore").chain(words.split_whitespace())).map(|of| of.args)
}

#[test]
fn help_names_the_order_and_gives_examples() {
    let help = meltcore(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    let help = text(&help.stdout);
    assert!(help.contains("synth") && help.contains("Typical order") && help.contains("Exit status"), "{help}");
    let version = meltcore(&["--version"]);
    let said = text(&version.stdout);
    let built_in = if cfg!(feature = "gdal") { "(GDAL " } else { "(without GDAL: reads GeoTIFF, NetCDF)" };
    assert!(said.starts_with(concat!("meltcore ", env!("CARGO_PKG_VERSION"), " ")) && said.contains(built_in), "{said}");
    let completions = text(&meltcore(&["completions", "--help"]).stdout);
    for words in ["Print a completion script", "Examples:", "--device <NAME|INDEX>", "--quiet"] {
        assert!(completions.contains(words), "{words}: {completions}");
    }
}

/// Commands of this version, as the contract names them.
const COMMANDS: [&str; 22] = [
    "ablate",
    "baseline",
    "bench",
    "calibrate",
    "completions",
    "config",
    "devices",
    "doctor",
    "eval",
    "experiment",
    "front",
    "pack",
    "predict",
    "pretrain",
    "report",
    "split",
    "stats",
    "synth",
    "train",
    "tune",
    "verify",
    "weights",
];

#[test]
fn every_command_answers_help_and_refuses_what_it_does_not_know() {
    let overview = text(&meltcore(&["--help"]).stdout);
    let commands = overview.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    // Lines further in continue the description above them.
    let names = commands.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    let listed: Vec<&str> = names.collect();
    assert_eq!(listed, [&COMMANDS[..], &["help"]].concat());
    for command in COMMANDS {
        let help = meltcore(&[command, "--help"]);
        assert_eq!(help.status.code(), Some(0), "{command}");
        let help = text(&help.stdout);
        for words in
            [&format!("Usage: meltcore {command}"), "Examples:", &format!("  meltcore {command}"), "--device", "--quiet", "--verbose"]
        {
            assert!(help.contains(words), "{command} lacks {words}: {help}");
        }
        let unknown = meltcore(&[command, "--no-such-option"]);
        assert_eq!(unknown.status.code(), Some(2), "{command}");
        assert!(text(&unknown.stderr).contains("--no-such-option"), "{command}");
    }
    // What a command cannot do without is named.
    for (command, needed) in [
        ("baseline", "--config"),
        ("eval", "--pred"),
        ("experiment", "<FILE>"),
        ("pack", "--like"),
        ("predict", "--weights"),
        ("split", "--config"),
        ("stats", "--config"),
        ("synth", "--out"),
        ("train", "--config"),
        ("tune", "--config"),
        ("verify", "<FILE>"),
        ("weights", "info"),
    ] {
        let output = meltcore(&[command]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(text(&output.stderr).contains(needed), "{command}: {}", text(&output.stderr));
    }
}

#[test]
fn unusable_arguments_end_with_status_2_and_a_suggestion() {
    for (arguments, wanted) in [
        (&["completion", "bash"][..], "'completions'"),
        (&["completions", "bsh"], "bash"),
        (&["completions", "bash", "--devic", "0"], "--device"),
        (&["completions"], "<SHELL>"),
        (&["completions", "bash", "-v", "-q"], "cannot be used with"),
        (&[], "Usage"),
    ] {
        let output = meltcore(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let message = text(&output.stderr);
        assert!(message.contains(wanted), "{arguments:?}: {message}");
        assert!(!message.contains('\u{1b}'), "no colours where stderr is no terminal");
    }
}

#[test]
fn completions_for_five_shells() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = meltcore(&["completions", shell, "-q"]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(text(&output.stdout).contains("meltcore"), "{shell}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_error() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_meltcore"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[cfg_attr(not(target_os = "linux"), ignore = "only Linux has a device that is always full")]
#[test]
fn a_full_disk_behind_stdout_is_status_4() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_meltcore")).args(["completions", "bash"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let message = text(&output.stderr);
    assert!(message.starts_with("error: standard output: cannot be written") && message.lines().count() == 1, "{message}");
}

#[test]
fn arguments_of_the_commands() {
    assert!(parse::<devices::Args>("--json").unwrap().json);
    assert!(!parse::<bench::Args>("").unwrap().json);

    let train = parse::<train::Args>("--config c.yaml --set a=1 --set b=[2,3] --resume auto").unwrap();
    assert_eq!((train.run.config.config.as_path(), train.run.config.set.len()), (Path::new("c.yaml"), 2));
    assert_eq!(train.run.resume, Some(train::Resume::Auto));
    let from = parse::<train::Args>("--config c.yaml --resume runs/epoch_3").unwrap().run.resume;
    assert_eq!(from, Some(train::Resume::Folder("runs/epoch_3".into())));
    assert!(parse::<train::Args>("--config c.yaml --resume auto --weights w").is_err());
    assert!(parse::<train::Args>("").is_err());

    let predict = parse::<predict::Args>("--config c --weights w --split deploy --out o").unwrap();
    assert_eq!((predict.split.as_deref(), predict.out.as_deref()), (Some("deploy"), Some(Path::new("o"))));
    assert!(parse::<predict::Args>("--config c --weights w --split vall").unwrap_err().to_string().contains("deploy"));
    assert!(parse::<predict::Args>("--config c --split val").is_err());

    for name in ["time-interpolate-sar", "interpolate-mar", "threshold-pmw", "interpolate_mar"] {
        assert!(parse::<baseline::Args>(&format!("{name} --config c --split all")).is_ok(), "{name}");
    }
    assert!(parse::<baseline::Args>("linear-dem --config c --split all").is_err());
    let linear = parse::<baseline::Args>("linear-dem --config c --split all --weights w").unwrap();
    assert_eq!(linear.name, baseline::Name::LinearDem);

    let eval = parse::<eval::Args>("--config c --split test --pred a=x b=y=z --pred c=w --json").unwrap();
    assert_eq!(eval.pred.len(), 3);
    assert_eq!(eval.pred[1], eval::Prediction { model: "b".into(), folder: "y=z".into() });
    for wrong in ["--pred x", "--pred =x", "--pred x=", ""] {
        assert!(parse::<eval::Args>(&format!("--config c --split test {wrong}")).is_err(), "{wrong}");
    }

    let verify = parse::<verify::Args>("a b --rtol-scale 2.5").unwrap();
    assert_eq!((verify.files.len(), verify.rtol_scale), (2, 2.5));
    for wrong in ["", "a --rtol-scale 0", "a --rtol-scale nan", "a --rtol-scale inf"] {
        assert!(parse::<verify::Args>(wrong).is_err(), "{wrong}");
    }

    let synth = parse::<synth::Args>("--out d --days 3 --size 64x48 --seed 18446744073709551615").unwrap();
    assert_eq!((synth.days, synth.size, synth.seed), (Some(3), Some(synth::Size { rows: 64, cols: 48 }), Some(u64::MAX)));
    for wrong in ["64", "0x64", "64x", "99999999999999999999x64", "-64x64"] {
        assert!(parse::<synth::Args>(&format!("--out d --size={wrong}")).is_err(), "{wrong}");
    }
    assert!(parse::<synth::Args>("--out d --days 0").is_err());
}

#[test]
fn every_command_has_a_purpose_and_examples() {
    use clap::CommandFactory;
    fn check<A: clap::Args>() {
        let command = Of::<A>::command();
        command.clone().debug_assert();
        assert!(command.get_about().is_some(), "{:?}", command.get_after_help());
        assert!(command.get_after_help().is_some_and(|help| help.to_string().starts_with("Examples:")));
    }
    check::<devices::Args>();
    check::<train::Args>();
    check::<predict::Args>();
    check::<baseline::Args>();
    check::<split::Args>();
    check::<stats::Args>();
    check::<eval::Args>();
    check::<verify::Args>();
    check::<synth::Args>();
    check::<bench::Args>();
    meltcore::cli::Cli::command().debug_assert();
}

#[test]
fn configuration_arguments_load() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/unet.yaml");
    let args = parse::<arguments::ConfigArgs>(&format!("--config {file} --set epochs=3")).unwrap();
    let quiet = meltcore::cli::Globals { quiet: true, ..Default::default() };
    assert_eq!(args.load(&quiet).unwrap().epochs, 3);
}

#[test]
fn tables_align_numbers_to_the_right() {
    let mut table = Table::new(&["model", "MAE", "valid"]);
    table.row(["unet", "0.047", "12 %"]);
    table.row(["größer", "12.5", "–"]);
    table.row(["x"]);
    assert_eq!(table.to_text(), "model     MAE  valid\nunet    0.047   12 %\ngrößer   12.5      –\nx\n");
}

mod signals {
    use meltcore::cli::signals::Interrupt;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::low_level::raise;
    use std::process::Command;

    /// Runs the ignored test below in a process of its own, since signals concern a whole process.
    fn child(signals: &str) -> Option<i32> {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "signals::victim", "--ignored"])
            .env("MELTCORE_TEST_SIGNALS", signals)
            .stdout(std::process::Stdio::null())
            .status()
            .unwrap();
        status.code()
    }

    #[test]
    #[ignore = "run by the test below, in a process of its own"]
    fn victim() {
        let interrupt = Interrupt::install().unwrap();
        assert_eq!(interrupt.pending(), None);
        for number in std::env::var("MELTCORE_TEST_SIGNALS").unwrap_or_default().split_whitespace() {
            let number: i32 = number.parse().unwrap();
            raise(number).unwrap();
            assert_eq!(interrupt.pending(), Some(number));
        }
    }

    #[test]
    fn the_first_signal_sets_a_flag_and_the_second_kills() {
        assert_eq!(child(&format!("{SIGINT}")), Some(0));
        assert_eq!(child(&format!("{SIGTERM}")), Some(0));
        assert_eq!(child(&format!("{SIGINT} {SIGINT}")), Some(130));
        assert_eq!(child(&format!("{SIGINT} {SIGTERM}")), Some(143));
    }
}

#[test]
fn verbose_shows_the_causes_of_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("none.yaml").display().to_string();
    let run = |more: &[&str]| {
        let words = [&["stats", "--config", config.as_str(), "--split", "train"][..], more].concat();
        let done = Command::new(env!("CARGO_BIN_EXE_meltcore")).args(words).output().unwrap();
        assert_eq!(done.status.code(), Some(2));
        String::from_utf8(done.stderr).unwrap()
    };
    let (plain, verbose) = (run(&[]), run(&["-v"]));
    assert!(plain.starts_with("error: ") && plain.lines().count() == 1, "{plain}");
    let (first, causes) = verbose.split_once('\n').unwrap();
    assert!(plain.trim_end() == first && causes.starts_with("caused by: ") && causes.contains("os error 2"), "{verbose}");
}
