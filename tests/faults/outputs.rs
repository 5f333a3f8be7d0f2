//! What a command left in its folder: compared with what an unbroken run leaves.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Keys of a line of `log.jsonl` that tell of the process and not of the run.
const OF_THE_PROCESS: [&str; 4] = ["seconds", "crops_per_s", "wait_share", "device_bytes"];

/// The files below a folder by their relative names, with what is equal in every run.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Reads a folder; empty where it does not exist. Locks are no outputs, event files have times in them.
pub fn files(folder: &Path) -> Files {
    let mut found = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(below) = folders.pop() {
        let Ok(entries) = fs::read_dir(&below) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with("lock") && !name.contains("tfevents") {
                found.insert(name, lasting(&path));
            }
        }
    }
    found
}

/// A file's bytes; of `log.jsonl` and of pages without what differs between two equal runs.
fn lasting(path: &Path) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    if path.extension().is_some_and(|extension| extension == "html") {
        // The time of day, before its zone.
        let zones: Vec<usize> = bytes.windows(4).enumerate().filter(|(_, four)| four == b" UTC").map(|(at, _)| at).collect();
        zones.into_iter().for_each(|at| bytes[at.saturating_sub(16)..at].fill(b'?'));
    }
    if path.file_name().is_none_or(|name| name != "log.jsonl") {
        return bytes;
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let line = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(mut entry)) => {
            OF_THE_PROCESS.iter().for_each(|key| drop(entry.remove(*key)));
            format!("{}\n", Value::Object(entry))
        }
        _ => format!("torn: {line}\n"),
    };
    text.lines().map(line).collect::<String>().into_bytes()
}

/// Whether a name is of a file on its way, which a killed process may leave.
pub fn is_part(name: &str) -> bool {
    name.ends_with(".part")
}

/// Whether it is that, or in a checkpoint on its way, which may be complete and is what the next run goes on from.
pub fn is_unfinished(name: &str) -> bool {
    is_part(name) || name.split('/').any(|part| part.ends_with(".tmp") || part.ends_with(".old"))
}

/// Where two folders differ, in words.
pub fn difference(got: &Files, want: &Files) -> Option<String> {
    let missing = want.keys().find(|name| !got.contains_key(*name)).map(|name| format!("{name} is missing"));
    let extra = || got.keys().find(|name| !want.contains_key(*name)).map(|name| format!("{name} is left over"));
    let changed = || got.iter().find(|(name, bytes)| want[*name] != **bytes).map(|(name, _)| format!("{name} differs"));
    missing.or_else(extra).or_else(changed)
}

/// A file that is neither whole nor on its way, in words. What is in `growing` changes while the command runs and must be readable only.
pub fn torn(got: &Files, want: &Files, growing: &[&str]) -> Option<String> {
    let whole = |name: &str, bytes: &[u8]| {
        let grows = growing.iter().any(|word| name.contains(word));
        match name.rsplit_once('.').map(|(_, extension)| extension) {
            _ if is_unfinished(name) => true,
            Some("json") if grows => serde_json::from_slice::<Value>(bytes).is_ok(),
            Some("safetensors") if grows => safetensors::SafeTensors::deserialize(bytes).is_ok(),
            // Its last line may be torn by a kill; the next run drops that.
            Some("jsonl") => true,
            _ => want.get(name).is_some_and(|want| want == bytes),
        }
    };
    got.iter().find(|(name, bytes)| !whole(name, bytes)).map(|(name, bytes)| format!("{name} is torn ({} bytes)", bytes.len()))
}
