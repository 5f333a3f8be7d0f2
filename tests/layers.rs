//! The layout of the source, read as text: who may import whom, who may name wgpu, how long files are and what they are called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src/`, each importing only from those before it. A new room gets its place here.
const ORDER: &[&str] = &[
    "error",
    "event",
    "files",
    "image",
    "domains",
    "config",
    "reference",
    "host",
    "gpu",
    "data",
    "tensor",
    "kernels",
    "autograd",
    "ops",
    "nn",
    "optim",
    "models",
    "weights",
    "preprocess",
    "tasks",
    "evaluate",
    "predict",
    "train",
    "ablate",
    "baselines",
    "report",
    "verify",
    "bench",
    "synth",
    "cli",
    "lib",
    "main",
];

/// Rooms beside each other: neither imports the other, whatever the order says. The definitions of the ops owe nothing to any room.
const APART: &[(&str, &str)] =
    &[("gpu", "data"), ("gpu", "image"), ("reference", "error"), ("reference", "event"), ("reference", "config"), ("gpu", "reference")];

/// Words that say nothing about a file's contents.
const EMPTY_WORDS: &[&str] = &["util", "utils", "helper", "helpers", "common", "new", "v2"];

const MOST_LINES: &[(&str, usize)] = &[("rs", 450), ("wgsl", 220)];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under a folder of the repository, as paths from its root; none where it does not exist.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() { folders.push(path) } else { found.push(path.strip_prefix(root()).unwrap().to_owned()) }
        }
    }
    found.sort();
    found
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}

/// The Rust files of `src/` with their module paths and their code without comments.
fn sources() -> Vec<(PathBuf, Vec<String>, String)> {
    let rust = files("src").into_iter().filter(|path| has_extension(path, "rs"));
    rust.map(|path| {
        let mut module: Vec<String> = path.with_extension("").iter().skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
        if module.last().is_some_and(|last| last == "mod") {
            module.pop();
        }
        let text = fs::read_to_string(root().join(&path)).unwrap();
        let code = text.lines().map(|line| line.split("//").next().unwrap_or(line)).collect::<Vec<_>>().join("\n");
        (path, module, code)
    })
    .collect()
}

/// Module paths that code names through `crate::` or `super::`, seen from the crate's root; groups in braces are taken apart one level deep.
fn references(module: &[String], code: &str) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    // Indents of the inline modules that the line is in; rustfmt guarantees that a module's last brace stands at its own indent.
    let mut inline: Vec<usize> = Vec::new();
    let mut rest = code;
    while !rest.is_empty() {
        let (line, _) = rest.split_once('\n').unwrap_or((rest, ""));
        let indent = line.len() - line.trim_start().len();
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.len() >= 3 && words[words.len() - 3] == "mod" && words.ends_with(&["{"]) {
            inline.push(indent);
        } else if words == ["}"] && inline.last() == Some(&indent) {
            inline.pop();
        }
        for (at, _) in line.match_indices("crate::") {
            found.extend(targets(Vec::new(), &rest[at + "crate::".len()..]));
        }
        for (at, _) in line.match_indices("super::") {
            // Only the first of a chain starts a path; the others are counted with it.
            if line[..at].ends_with("super::") {
                continue;
            }
            let chain = &rest[at..];
            let count = (0..).take_while(|i| chain[i * 7..].starts_with("super::")).count();
            if let Some(up) = count.checked_sub(inline.len()).filter(|up| *up > 0) {
                let base = module[..module.len().saturating_sub(up)].to_vec();
                found.extend(targets(base, &chain[count * 7..]));
            }
        }
        rest = rest.get(line.len() + 1..).unwrap_or("");
    }
    found
}

/// `base` with the first one or two names of each path in `text`, which begins behind `::`.
fn targets(base: Vec<String>, text: &str) -> Vec<Vec<String>> {
    let identifier = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let path = |text: &str| {
        let first = identifier(text);
        let second = text[first.len()..].strip_prefix("::").map(identifier).filter(|name| !name.is_empty());
        let names = [Some(first), second].into_iter().flatten().filter(|name| !name.is_empty());
        base.iter().cloned().chain(names).collect::<Vec<_>>()
    };
    let Some(group) = text.strip_prefix('{') else { return vec![path(text)] };
    let mut depth = 0;
    let mut paths = vec![path(group.trim_start())];
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => paths.push(path(group[at + 1..].trim_start())),
            _ => {}
        }
    }
    paths.retain(|path| path.len() > base.len());
    paths
}

fn rank(room: &str) -> Option<usize> {
    ORDER.iter().position(|known| *known == room)
}

/// Whether the layers forbid that `from` imports `to`.
fn forbidden(from: &str, to: &str) -> bool {
    rank(to) > rank(from) || APART.contains(&(from, to)) || APART.contains(&(to, from))
}

#[test]
fn every_room_has_its_place_and_imports_only_from_those_before_it() {
    let mut faults = Vec::new();
    for (path, module, code) in sources() {
        let room = module[0].as_str();
        if rank(room).is_none() {
            faults.push(format!("{}: the room `{room}` is not in ORDER", path.display()));
        }
        for target in references(&module, &code) {
            // Names that are no rooms are macros or items of lib.rs.
            let Some(to) = target.first().filter(|to| rank(to).is_some()) else { continue };
            if forbidden(room, to) {
                faults.push(format!("{}: {room} imports {to}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn op_files_import_no_other_op_file() {
    let mut faults = Vec::new();
    for (path, module, code) in sources() {
        if module.len() < 2 || module[0] != "ops" {
            continue;
        }
        for target in references(&module, &code) {
            if target[0] == "ops" && target.get(1) != Some(&module[1]) {
                faults.push(format!("{}: imports {}; what two ops share is a launcher in kernels", path.display(), target.join("::")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn only_the_gpu_room_names_wgpu() {
    for (path, module, code) in sources() {
        let named = ["wgpu::", "use wgpu", "extern crate wgpu"].into_iter().find(|text| code.contains(text));
        assert!(module[0] == "gpu" || named.is_none(), "{} names wgpu", path.display());
    }
}

#[test]
fn files_are_short_and_named_for_what_they_hold() {
    for path in ["src", "shaders", "tests", "benches", "tools", "weights"].into_iter().flat_map(files) {
        for part in path.iter().map(|part| part.to_string_lossy()) {
            let word = part.split(['_', '-', '.']).find(|word| EMPTY_WORDS.contains(word));
            assert_eq!(word, None, "{}: the name says nothing", path.display());
        }
        if let Some((_, most)) = MOST_LINES.iter().find(|(extension, _)| has_extension(&path, extension)) {
            let lines = fs::read_to_string(root().join(&path)).unwrap().lines().count();
            assert!(lines <= *most, "{} has {lines} lines, {most} are allowed: split it", path.display());
        }
    }
}

#[test]
fn imports_are_found_in_all_their_forms() {
    let code = "use crate::error::Result;\nuse crate::{\n    data::{self, Day},\n    gpu::Gpu,\n};\nlet x = $crate::kernels::add();\n\
        use super::conv2d;\nuse super::super::nn;\nmod tests {\n    use super::*;\n    use super::super::cat;\n}\nuse super::pad;\n";
    let module = ["ops".to_owned(), "add".to_owned()];
    let found: Vec<String> = references(&module, code).into_iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["data", "error::Result", "gpu::Gpu", "kernels::add", "nn", "ops::cat", "ops::conv2d", "ops::pad"]);
    assert!(forbidden("gpu", "data") && forbidden("data", "gpu") && forbidden("tensor", "ops") && forbidden("image", "gpu"));
    assert!(!forbidden("ops", "tensor") && !forbidden("synth", "data") && !forbidden("gpu", "gpu"));
}
