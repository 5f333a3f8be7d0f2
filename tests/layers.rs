//! The layout of the source, read as text: who may import whom, who may name wgpu, how long files and comments are, what they are called.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of `src/` with those that each may import; a room may always import itself, and a new room gets its line here. The engine is
/// from `gpu` to `optim`: it knows no configuration, no variable and no task.
const MAY_IMPORT: &[(&str, &str)] = &[
    ("error", ""),
    ("event", ""),
    ("files", "error"),
    ("reference", ""),
    ("host", "error"),
    ("gpu", "error host"),
    ("random", ""),
    ("ranks", "error"),
    ("image", "error"),
    ("tensor", "error gpu"),
    ("kernels", "error gpu host tensor"),
    ("autograd", "error kernels tensor"),
    ("ops", "error gpu tensor kernels autograd"),
    ("nn", "error files random gpu tensor kernels autograd ops"),
    ("optim", "error gpu tensor kernels autograd"),
    ("calibrate", "error files"),
    ("domains", "image"),
    ("config", "error files domains kernels optim"),
    ("data", "error event files random image config domains"),
    ("fronts", "error files data domains"),
    ("models", "error config domains gpu tensor kernels autograd ops nn"),
    ("weights", "error event files config gpu nn models"),
    ("preprocess", "error config domains data gpu tensor kernels models"),
    ("tasks", "error event calibrate config domains data fronts image gpu tensor kernels autograd ops models preprocess"),
    ("evaluate", "error event files calibrate config domains data fronts image gpu tensor tasks"),
    (
        "predict",
        "error event files random calibrate config domains data image gpu tensor autograd ops nn optim models weights preprocess tasks",
    ),
    (
        "train",
        "error event files random ranks config domains data fronts image gpu tensor kernels autograd ops nn optim models weights preprocess \
         tasks evaluate predict",
    ),
    ("draft", "error event files config domains data gpu train"),
    ("ablate", "error event config domains data gpu nn models weights preprocess tasks evaluate predict train"),
    ("baselines", "error event files random config domains data gpu tensor kernels tasks predict"),
    ("experiment", "error event files random config domains data gpu tasks evaluate predict train baselines"),
    ("report", "error event calibrate config domains data fronts image tasks evaluate train"),
    ("verify", "error config gpu tensor kernels autograd ops nn optim models train"),
    ("bench", "error event files ranks reference config host gpu tensor kernels autograd ops nn models tasks train"),
    ("synth", "error files random data domains fronts"),
    (
        "cli",
        "error event files ranks calibrate config domains data fronts image host gpu nn models weights tasks evaluate predict train draft ablate \
         baselines experiment report verify bench synth",
    ),
    ("lib", ""),
    ("main", "error gpu cli"),
];

/// The engine, and what it never imports however it gets there.
const ENGINE: [&str; 8] = ["host", "gpu", "tensor", "kernels", "autograd", "ops", "nn", "optim"];
const BEYOND_THE_ENGINE: [&str; 5] = ["config", "domains", "data", "tasks", "models"];

/// Rooms that know a task and a domain, not which: they name no file of those.
const ANY_TASK: [&str; 5] = ["data", "train", "predict", "evaluate", "report"];

/// Words that say nothing about a file's contents.
const EMPTY_WORDS: &[&str] = &["util", "utils", "helper", "helpers", "common", "new", "v2"];

const MOST_LINES: &[(&str, usize)] = &[("rs", 450), ("wgsl", 220)];

/// Characters of a comment's line at most; rustfmt sees to the code, and leaves texts as they are.
const WIDEST: usize = 140;

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

/// Module paths that code names through `crate::` or `super::`, seen from the crate's root; groups in braces are taken apart one level
/// deep.
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
    let Some(group) = text.strip_prefix('{') else {
        let first = identifier(text);
        let nested = text[first.len()..].strip_prefix("::").filter(|rest| rest.starts_with('{'));
        return nested.map_or_else(|| vec![path(text)], |rest| targets([base.clone(), vec![first]].concat(), rest));
    };
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

/// The rooms that `room` may import beside itself; `None` for one without a line.
fn allowed(room: &str) -> Option<Vec<&'static str>> {
    MAY_IMPORT.iter().find(|(name, _)| *name == room).map(|(_, rooms)| rooms.split_whitespace().collect())
}

/// What is wrong with a file's imports.
fn faults(module: &[String], code: &str) -> Vec<String> {
    let room = module[0].as_str();
    let Some(allowed) = allowed(room) else { return vec![format!("the room `{room}` has no line in MAY_IMPORT")] };
    let mut faults = Vec::new();
    for target in references(module, code) {
        // Names that are no rooms are macros or items of lib.rs.
        let Some(to) = target.first().map(String::as_str).filter(|to| MAY_IMPORT.iter().any(|(name, _)| name == to)) else { continue };
        if to != room && !allowed.contains(&to) {
            faults.push(format!("{room} imports {to}"));
        }
        let is_file =
            |name: &&String| [format!("{name}.rs"), name.to_string()].iter().any(|name| root().join("src").join(to).join(name).exists());
        if ANY_TASK.contains(&room) && ["tasks", "domains"].contains(&to) {
            let name = target.get(1).filter(is_file);
            faults.extend(name.map(|name| format!("{room} is to work with any of {to}, but names {name}")));
        }
    }
    faults
}

#[test]
fn every_room_imports_only_what_its_line_allows() {
    let mut found = Vec::new();
    for (path, module, code) in sources() {
        found.extend(faults(&module, &code).into_iter().map(|fault| format!("{}: {fault}", path.display())));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// All rooms that `room` reaches through the lists.
fn reached(room: &str) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut next = allowed(room).unwrap();
    while let Some(room) = next.pop() {
        if reached.insert(room) {
            next.extend(allowed(room).unwrap_or_else(|| panic!("{room} has no line in MAY_IMPORT")));
        }
    }
    reached
}

#[test]
fn the_lists_have_no_circle_and_the_engine_stands_alone() {
    for (room, _) in MAY_IMPORT {
        assert!(!reached(room).contains(room), "{room} imports itself on a way around");
        assert_eq!(MAY_IMPORT.iter().filter(|(name, _)| name == room).count(), 1, "{room} has two lines");
    }
    for room in ENGINE {
        let beyond: Vec<_> = reached(room).into_iter().filter(|to| BEYOND_THE_ENGINE.contains(to)).collect();
        assert!(beyond.is_empty(), "{room} reaches {beyond:?}");
    }
}

#[test]
fn the_map_of_the_house_has_every_room_below_what_it_imports() {
    let text = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let cells = text.lines().filter_map(|line| line.strip_prefix("//! | [")?.split('|').next());
    let map: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(|name| name.trim_start_matches("mod@")).collect();
    let rooms = MAY_IMPORT.iter().map(|(room, _)| *room).filter(|room| !["lib", "main"].contains(room));
    assert_eq!(map.iter().copied().collect::<BTreeSet<_>>(), rooms.collect());
    for (place, room) in map.iter().enumerate() {
        let above: Vec<&str> = allowed(room).unwrap().into_iter().filter(|to| !map[..place].contains(to)).collect();
        assert!(above.is_empty(), "{room} imports {above:?}, which stand below it");
    }
}

#[test]
fn no_comment_is_wider_than_a_screen() {
    let mut wide = Vec::new();
    for path in ["src", "shaders", "tests", "benches"].into_iter().flat_map(files) {
        if MOST_LINES.iter().any(|(extension, _)| has_extension(&path, extension)) {
            let text = fs::read_to_string(root().join(&path)).unwrap();
            let lines = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//") && line.chars().count() > WIDEST);
            wide.extend(lines.map(|(number, _)| format!("{}:{}", path.display(), number + 1)));
        }
    }
    assert!(wide.is_empty(), "{} comments of more than {WIDEST} characters:\n{}", wide.len(), wide.join("\n"));
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
}

#[test]
fn faults_are_found() {
    let faults_of = |room: &str, code: &str| faults(&[room.to_owned(), "file".to_owned()], code);
    assert_eq!(faults_of("gpu", "use crate::data::day::Day;"), ["gpu imports data"]);
    assert_eq!(faults_of("optim", "use crate::{\n    config::Config,\n    tensor::Tensor,\n};"), ["optim imports config"]);
    assert_eq!(faults_of("attic", ""), ["the room `attic` has no line in MAY_IMPORT"]);
    for names in ["use crate::domains::{Variable, helheim::PMW};", "use crate::domains::helheim;", "let x = crate::domains::helheim::PMW;"]
    {
        assert_eq!(faults_of("train", names), ["train is to work with any of domains, but names helheim"], "{names}");
        assert_eq!(faults_of("baselines", names), [""; 0], "{names}");
    }
    let fine = "use crate::tasks::{self, Task};\nuse crate::domains::Variable;\nuse crate::gpu::Gpu;\nuse super::scene;";
    assert_eq!(faults_of("train", fine), [""; 0]);
}
