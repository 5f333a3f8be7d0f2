//! What an op needs besides code that compiles: the steps of `src/ops/ADDING.md` that nobody would miss, each with the file to touch.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Ops that do without a step, and what stands for it.
const INSTEAD: &[(&str, Step, &str)] = &[
    ("conv2d_batch_norm", Step::Meaning, "the definitions of conv2d and batch_norm, one after the other"),
    ("conv2d_by_sample", Step::Meaning, "the definition of conv2d, sample by sample"),
    ("conv2d_of_cat", Step::Meaning, "the definitions of cat and conv2d, one after the other"),
    ("conv2d_of_norm", Step::Meaning, "the definitions of batch_norm and conv2d, one after the other"),
    ("depthwise_conv2d", Step::Fixture, "the cases of conv2d with as many groups as channels, whose op it is in PyTorch"),
    ("reshape", Step::Meaning, "the same values in the same order"),
    ("activation", Step::Fixture, "each kind by its name, as PyTorch has them"),
    ("conv2d_batch_norm", Step::Fixture, "the networks' fixtures in evaluation"),
    ("conv2d_by_sample", Step::Fixture, "PyTorch has no such op"),
    ("conv2d_of_cat", Step::Fixture, "the networks' fixtures on GPUs, whose skips it reads"),
    ("conv2d_of_norm", Step::Fixture, "the networks' fixtures on GPUs, whose norms it reads through"),
    ("dropout", Step::Fixture, "draws of our own, of which PyTorch knows nothing"),
    ("pad", Step::Fixture, "the networks' fixtures, which pad for their skips"),
    ("reshape", Step::Fixture, "the networks' fixtures, whose heads and tokens it makes"),
    ("conv2d_batch_norm", Step::Graph, "it has no gradient"),
    ("conv2d_batch_norm", Step::Bench, "the rows of conv2d, whose kernel it is"),
    ("conv2d_by_sample", Step::Bench, "the rows of conv2d, whose kernels they are"),
    ("conv2d_of_cat", Step::Bench, "the rows of conv2d, whose kernels they are"),
    ("narrow", Step::Bench, "words are copied, as `ceiling_copy` does at full speed"),
    ("reshape", Step::Bench, "no word is moved"),
    ("space_to_depth", Step::Bench, "the rows of transpose, whose kernel it is"),
];

#[derive(Clone, Copy, PartialEq)]
enum Step {
    Meaning,
    Fixture,
    Case,
    Graph,
    Bench,
}

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The files of `src/ops`, as `src/lib.rs` lists them.
fn ops() -> Vec<String> {
    let lib = read("src/lib.rs");
    let (_, room) = lib.split_once("pub mod ops {").expect("src/lib.rs lists the ops");
    let room: Vec<&str> = room.lines().take_while(|line| *line != "}").map(str::trim).collect();
    let files = room.iter().filter_map(|line| line.strip_prefix("mod ")).map(|name| name.trim_end_matches(';'));
    // A second op of a file has a definition of its own name.
    let words = room.iter().filter(|line| line.starts_with("pub use ")).flat_map(|line| line.split(['{', '}', ',', ' ']));
    let defined = |name: &&str| Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/reference/{name}.rs")).is_file();
    files.chain(words.filter(defined)).map(str::to_owned).collect::<BTreeSet<_>>().into_iter().collect()
}

/// True where `text` names `ops::NAME`.
fn calls(text: &str, name: &str) -> bool {
    let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    text.match_indices(&format!("ops::{name}")).any(|(at, call)| ends(&text[at + call.len()..]))
}

/// Fails with `fault` for every op that is not `done`, and for every exception that has become none.
fn every_op(step: Step, done: impl Fn(&str) -> bool, fault: impl Fn(&str) -> String) {
    let mut faults = Vec::new();
    for name in ops() {
        let instead = INSTEAD.iter().find(|(op, of, _)| *op == name && *of == step);
        match (done(&name), instead) {
            (false, None) => faults.push(format!("the op `{name}` {}", fault(&name))),
            (true, Some((_, _, reason))) => faults.push(format!("the op `{name}` has what tests/adding.rs says it lacks ({reason})")),
            _ => {}
        }
    }
    assert!(faults.is_empty(), "{}\nsrc/ops/ADDING.md has the steps.", faults.join("\n"));
}

/// The texts of the table of cases, with the file's name.
fn families() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernels");
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.map(|name| (name.clone(), read(&format!("tests/kernels/{name}")))).collect()
}

#[test]
fn every_op_has_a_meaning() {
    let has = |name: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("src/reference/{name}.rs"));
        file.is_file() && (name == "activation" || std::fs::read_to_string(file).unwrap().contains(&format!("pub fn {name}(")))
    };
    every_op(Step::Meaning, has, |name| {
        format!("has no definition: write `pub fn {name}` in src/reference/{name}.rs, list it in src/lib.rs")
    });
}

#[test]
fn every_op_is_replayed() {
    let replayed = meltcore::verify::ops();
    let fault = |name: &str| {
        format!(
            "is not proved by PyTorch: export tests/fixtures/{name}__*.safetensors from a file of tools/fixtures, replay it in `RUNNERS` of a \
             file of src/verify and by an arm of tests/reference_fixtures.rs"
        )
    };
    every_op(Step::Fixture, |name| replayed.contains(name), fault);
}

#[test]
fn every_op_has_cases_on_every_device() {
    let families: Vec<_> =
        families().into_iter().filter(|(name, _)| !["graphs.rs", "gradcheck.rs", "not_finite.rs"].contains(&&**name)).collect();
    // Some families call the launchers themselves.
    let has = |name: &str| families.iter().any(|(_, text)| calls(text, name) || text.contains(&format!("kernels::{name}(")));
    every_op(Step::Case, has, |_| "has no case: add rows to a file of tests/kernels (tests/README.md says how)".into());
}

#[test]
fn every_op_is_in_a_graph_whose_gradients_are_checked() {
    // Functions `graph_…` of the families, and all that gradcheck.rs uses.
    let graphs = |(file, text): &(String, String)| match file.as_str() {
        "graphs.rs" | "gradcheck.rs" => text.clone(),
        _ => text.split("\nfn graph_").skip(1).filter_map(|rest| rest.split("\n}\n").next()).collect(),
    };
    let graphs: Vec<String> = families().iter().map(graphs).collect();
    let has = |name: &str| graphs.iter().any(|text| calls(text, name));
    let fault = |name: &str| {
        format!(
            "is in no graph: use it between other ops in `fn graph_{name}` of its file of tests/kernels, as a case of `gradcheck::slopes`"
        )
    };
    every_op(Step::Graph, has, fault);
}

#[test]
fn every_op_has_a_row_in_the_bench() {
    let mut bench = Command::new(env!("CARGO_BIN_EXE_meltcore"));
    // A filter that fits nothing is answered with the first words of all rows.
    let output = bench.args(["bench", "--quick", "-q", "--filter", "no-such-row"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let words: BTreeSet<&str> = said.split([' ', ',', '\n']).collect();
    assert!(words.contains("train_step"), "{said}");
    every_op(
        Step::Bench,
        |name| words.contains(name),
        |name| format!("has no row: add one that begins with `{name}` to a file of src/bench"),
    );
}

#[test]
fn the_page_names_files_that_exist() {
    let page = read("src/ops/ADDING.md");
    let words = page.split('`').skip(1).step_by(2).filter(|word| word.contains('/') && !word.contains(['*', ' ']));
    let missing: Vec<_> = words.filter(|word| !Path::new(env!("CARGO_MANIFEST_DIR")).join(word).exists()).collect();
    assert!(missing.is_empty(), "src/ops/ADDING.md names {missing:?}");
    for (op, ..) in INSTEAD {
        assert!(ops().iter().any(|known| known == op), "tests/adding.rs names `{op}`, which is no op");
    }
}

/// Networks that are proved otherwise than by a file of tests/fixtures.
const LARGE: &[(&str, &str)] = &[
    ("unet_smp", "tests/weights_pytorch.rs, with PyTorch at hand: a file of its weights would be too large"),
    ("deeplabv3", "tests/weights_pytorch.rs, with PyTorch at hand: a file of its weights would be too large"),
];

/// The `model_key` of every committed case of a network.
fn proved_networks() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let cases = files.map(|file| meltcore::verify::Case::open(&file).unwrap()).filter(|case| case.op == "model");
    cases.map(|case| case.attr_str("model_key").unwrap().to_owned()).collect()
}

#[test]
fn every_network_is_proved_tried_and_listed() {
    let (proved, tried, readme) = (proved_networks(), read("tests/models.rs"), read("README.md"));
    let mut faults = Vec::new();
    for network in &meltcore::models::NETWORKS {
        let key = network.key.name();
        match (proved.contains(key), LARGE.iter().find(|(name, _)| *name == key)) {
            (false, None) => faults.push(format!(
                "the network `{key}` is not proved by PyTorch: export tests/fixtures/model__{key}*.safetensors from tools/fixtures/networks.py"
            )),
            (true, Some((_, reason))) => faults.push(format!("the network `{key}` has the fixture that tests/adding.rs says it lacks ({reason})")),
            _ => {}
        }
        // What is replayed with its gradients is tried.
        if !proved.contains(key) && !tried.contains(&format!("\"{key}\"")) {
            faults.push(format!("the network `{key}` is never built: let it train a step and make a map in tests/models.rs"));
        }
        if !readme.contains(&format!("| `{key}` |")) {
            faults.push(format!("the network `{key}` is not in README.md's table of networks"));
        }
    }
    assert!(faults.is_empty(), "{}\nThe head of src/models/mod.rs has the steps.", faults.join("\n"));
}

#[test]
fn every_model_key_is_a_network_or_a_baseline() {
    let refused = meltcore::config::Config::from_yaml("model_key: nothing", "run.yaml", &[]).unwrap_err().to_string();
    let (_, names) = refused.split_once("must be one of ").expect("the refusal lists the keys");
    let (names, _) = names.split_once(", but").expect("the list ends before what was given");
    let help = Command::new(env!("CARGO_BIN_EXE_meltcore")).args(["baseline", "--help"]).output().unwrap().stdout;
    let baselines = String::from_utf8(help).unwrap().replace('-', "_");
    for name in names.split(", ") {
        let is_network = meltcore::models::NETWORKS.iter().any(|network| network.key.name() == name);
        assert!(
            is_network || baselines.contains(name),
            "`model_key: {name}` names nothing: give it a line in NETWORKS of src/models/mod.rs"
        );
    }
}
