//! Whether a checkpoint is still the one that was written: digests of its files in `state.json`, and one of `state.json` itself.
//!
//! `files` in `state.json` has the length and the digest of every other file of the folder, `best.file` those of `best.safetensors` beside
//! the checkpoints. Its last line is the digest of all bytes before it, so that none of them can change unseen. Checkpoints of the format
//! before have no digests: nothing guards them.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files::{Digest, digest_of_file};
use crate::nn::state_dict;

/// The state of a checkpoint; its presence says that the folder is complete.
pub const STATE_FILE: &str = "state.json";
/// Weights of a checkpoint in the model's state dict.
pub const MODEL_FILE: &str = "model.safetensors";
/// State of a checkpoint's optimizer.
pub const OPTIMIZER_FILE: &str = "optimizer.safetensors";
/// Weights of the best epoch, beside the checkpoints.
pub const BEST_FILE: &str = "best.safetensors";
/// Format of checkpoints with digests.
pub const GUARDED: &str = "meltcore-checkpoint/2";
/// Format of checkpoints of versions before, which have none.
pub const UNGUARDED: &str = "meltcore-checkpoint/1";

/// What stands before the digest of `state.json`, and what behind.
const SEAL: [&str; 2] = [",\n  \"digest\": \"", "\"\n}"];

/// What tells the file that was written from a damaged one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Its length in bytes.
    pub bytes: u64,
    /// Its digest.
    pub xxh3: Digest,
}

impl FileMark {
    /// The mark of a file that is to have these bytes.
    pub fn of(bytes: &[u8]) -> FileMark {
        FileMark { bytes: bytes.len() as u64, xxh3: Digest::of(bytes) }
    }

    /// The mark of a file as it is.
    ///
    /// # Errors
    /// Whatever reading it gives.
    pub fn of_file(path: &Path) -> io::Result<FileMark> {
        let (xxh3, bytes) = digest_of_file(path)?;
        Ok(FileMark { bytes, xxh3 })
    }

    /// What is wrong with a file that should have this mark.
    fn fault(&self, path: &Path) -> Option<String> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        match FileMark::of_file(path) {
            Ok(found) if found == *self => None,
            Ok(found) if found.bytes == self.bytes => Some(format!("{name} has other bytes than were written")),
            Ok(found) => Some(format!("{name} has {} bytes, {} were written", found.bytes, self.bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Some(format!("{name} is missing")),
            Err(e) => Some(format!("{name} cannot be read ({e})")),
        }
    }
}

/// Whether a file or checkpoint can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Every byte is the one that was written.
    Intact,
    /// Nothing says what was written: a checkpoint of a version before digests, or a file that is no part of any.
    Unguarded,
    /// It is not what was written; in words.
    Damaged(String),
}

impl Condition {
    /// `intact`, `unguarded` or `damaged`.
    pub fn name(&self) -> &'static str {
        match self {
            Condition::Intact => "intact",
            Condition::Unguarded => "unguarded",
            Condition::Damaged(_) => "damaged",
        }
    }

    /// `intact`, `unguarded`, or `damaged` with what is wrong.
    pub fn describe(&self) -> String {
        match self {
            Condition::Damaged(fault) => format!("damaged: {fault}"),
            Condition::Intact | Condition::Unguarded => self.name().into(),
        }
    }
}

/// Adds its own digest to the text of a state.
pub fn seal(state: &str) -> String {
    let body = state.trim_end().strip_suffix('}').unwrap_or(state).trim_end();
    format!("{body}{}{}{}", SEAL[0], Digest::of(body.as_bytes()), SEAL[1])
}

/// The text of a sealed state without its digest; `None` where it has none, or another one than its bytes.
fn unsealed(text: &str) -> Option<String> {
    let (body, rest) = text.rsplit_once(SEAL[0])?;
    // As text: its digits in capitals would be another file, too.
    (rest.strip_suffix(SEAL[1])? == Digest::of(body.as_bytes()).to_string()).then(|| format!("{body}\n}}"))
}

/// The part of a state that guards files.
#[derive(Debug, Deserialize)]
struct Guards {
    format: String,
    #[serde(default)]
    files: BTreeMap<String, FileMark>,
    #[serde(default)]
    best: Option<BestGuard>,
}

#[derive(Debug, Deserialize)]
struct BestGuard {
    #[serde(default)]
    file: Option<FileMark>,
}

/// Reads the text of a checkpoint's state, without its digest, which it checks.
///
/// # Errors
/// In words, where there is none or it is damaged.
pub fn read_state(checkpoint: &Path) -> Result<String, String> {
    let bytes = fs::read(checkpoint.join(STATE_FILE)).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => format!("{STATE_FILE} is missing"),
        _ => format!("{STATE_FILE} cannot be read ({e})"),
    })?;
    let damaged = || format!("{STATE_FILE} has other bytes than were written");
    let text = String::from_utf8(bytes).map_err(|_| damaged())?;
    if let Some(state) = unsealed(&text) {
        return Ok(state);
    }
    // Without a seal it is of the format before, or damaged: no flipped bit makes the one format of the other.
    match serde_json::from_str::<Guards>(&text) {
        Ok(Guards { format, files, .. }) if format == UNGUARDED && files.is_empty() && !text.contains(SEAL[0].trim()) => Ok(text),
        Ok(Guards { format, .. }) if format == UNGUARDED || format == GUARDED => Err(damaged()),
        Ok(Guards { format, .. }) => Err(format!("{STATE_FILE} has the format `{format}`, this version reads {GUARDED} and {UNGUARDED}")),
        Err(e) => Err(format!("{STATE_FILE} is no state of a checkpoint ({e})")),
    }
}

fn guards(checkpoint: &Path) -> Result<Guards, String> {
    let text = read_state(checkpoint)?;
    serde_json::from_str(&text).map_err(|e| format!("{STATE_FILE} is no state of a checkpoint that this version reads ({e})"))
}

/// The condition of a whole checkpoint.
pub fn condition_of_checkpoint(checkpoint: &Path) -> Condition {
    let guards = match guards(checkpoint) {
        Ok(guards) => guards,
        Err(fault) => return Condition::Damaged(fault),
    };
    if guards.format == UNGUARDED {
        // What can be seen without digests: that there are tensors.
        let unreadable = |name: &str| state_dict::read(&checkpoint.join(name)).err().map(|e| e.to_string());
        let fault = [MODEL_FILE, OPTIMIZER_FILE].into_iter().find_map(unreadable);
        return fault.map_or(Condition::Unguarded, Condition::Damaged);
    }
    if !guards.files.contains_key(MODEL_FILE) || !guards.files.contains_key(OPTIMIZER_FILE) {
        return Condition::Damaged(format!("{STATE_FILE} does not name the files of a checkpoint"));
    }
    let fault = guards.files.iter().find_map(|(name, mark)| mark.fault(&checkpoint.join(name)));
    fault.map_or(Condition::Intact, Condition::Damaged)
}

/// The condition of a weight file: one of a checkpoint, `best.safetensors` beside checkpoints, or any other, which nothing guards.
pub fn condition_of_file(file: &Path) -> Condition {
    let folder = match file.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return Condition::Unguarded,
    };
    let Some(name) = file.file_name().and_then(|name| name.to_str()) else { return Condition::Unguarded };
    if folder.join(STATE_FILE).exists() {
        return match guards(folder) {
            Err(fault) if [MODEL_FILE, OPTIMIZER_FILE].contains(&name) => Condition::Damaged(fault),
            Err(_) => Condition::Unguarded,
            Ok(guards) => match guards.files.get(name) {
                None => Condition::Unguarded,
                Some(mark) => mark.fault(file).map_or(Condition::Intact, Condition::Damaged),
            },
        };
    }
    if name == BEST_FILE { condition_of_best(file, folder) } else { Condition::Unguarded }
}

/// `best.safetensors` is intact where any checkpoint beside it names it: the file is replaced a moment after the checkpoint.
fn condition_of_best(file: &Path, folder: &Path) -> Condition {
    let found: Vec<Result<Guards, String>> = checkpoints(folder).iter().map(|path| guards(path)).collect();
    let named: Vec<FileMark> = found.iter().flatten().filter_map(|guards| guards.best.as_ref()?.file).collect();
    if named.is_empty() && found.iter().all(Result::is_ok) {
        return Condition::Unguarded;
    }
    match FileMark::of_file(file) {
        Ok(mark) if named.contains(&mark) => Condition::Intact,
        Ok(_) => Condition::Damaged(format!("{BEST_FILE} is not the file that any intact checkpoint beside it names")),
        Err(e) => Condition::Damaged(format!("{BEST_FILE} cannot be read ({e})")),
    }
}

/// The folders of a run that hold states: `last` first, then the others from the last name down (`previous`, `epoch_0009`, …).
fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.join(STATE_FILE).is_file()).collect();
    found.sort_by_key(|path| std::cmp::Reverse((path.ends_with("last"), path.clone())));
    found
}

/// Refuses a damaged weight file.
///
/// # Errors
/// [`Error::Weights`] saying what is wrong, and naming an intact checkpoint where there is one.
pub fn require_intact(file: &Path) -> Result<()> {
    let Condition::Damaged(fault) = condition_of_file(file) else { return Ok(()) };
    let folder = file.parent().unwrap_or(Path::new("."));
    let run = if folder.join(STATE_FILE).exists() { folder.parent().unwrap_or(Path::new("..")) } else { folder };
    let is_intact = |path: &PathBuf| condition_of_checkpoint(path) == Condition::Intact;
    let cure = match checkpoints(run).into_iter().find(is_intact) {
        Some(intact) => format!("{} is intact: name it instead, or go on with the run (train --resume auto)", intact.display()),
        None => "no checkpoint beside it is intact: take the file from a backup, or train again".into(),
    };
    Err(Error::Weights { path: file.to_owned(), message: format!("damaged: {fault}; {cure}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_bit_of_a_sealed_state_can_change_unseen() {
        let folder = tempfile::tempdir().unwrap();
        let state = format!("{{\n  \"format\": \"{GUARDED}\",\n  \"epoch\": 3,\n  \"rate\": 0.1\n}}");
        let sealed = seal(&state);
        let read = |bytes: &[u8]| {
            fs::write(folder.path().join(STATE_FILE), bytes).unwrap();
            read_state(folder.path())
        };
        assert_eq!(read(sealed.as_bytes()).unwrap(), state);
        assert!(serde_json::from_str::<serde_json::Value>(&sealed).unwrap()["digest"].is_string());
        for bit in 0..8 * sealed.len() {
            let mut damaged = sealed.clone().into_bytes();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&damaged).is_err(), "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert!(read(&sealed.as_bytes()[..end]).is_err(), "the first {end} bytes");
        }
        // Nor can the seal be taken off.
        assert!(read(state.as_bytes()).is_err());
        assert!(read(sealed.replace(GUARDED, UNGUARDED).as_bytes()).is_err());
        let before = state.replace(GUARDED, UNGUARDED);
        assert_eq!(read(before.as_bytes()).unwrap(), before);
        assert!(read(state.replace(GUARDED, "meltcore-checkpoint/9").as_bytes()).unwrap_err().contains("/9"));
    }

    #[test]
    fn best_weights_are_those_that_a_checkpoint_names() {
        let folder = tempfile::tempdir().unwrap();
        let best = folder.path().join(BEST_FILE);
        let state = |name: &str, named: &[u8]| {
            let checkpoint = folder.path().join(name);
            fs::create_dir_all(&checkpoint).unwrap();
            let mark = serde_json::to_string(&FileMark::of(named)).unwrap();
            let text = format!("{{\n  \"format\": \"{GUARDED}\",\n  \"best\": {{\"file\": {mark}}}\n}}");
            fs::write(checkpoint.join(STATE_FILE), seal(&text)).unwrap();
        };
        fs::write(&best, "weights").unwrap();
        assert_eq!(condition_of_file(&best), Condition::Unguarded);
        state("last", b"newer");
        assert!(matches!(condition_of_file(&best), Condition::Damaged(_)));
        assert!(require_intact(&best).unwrap_err().to_string().contains("no checkpoint beside it is intact"));
        state("previous", b"weights");
        assert_eq!(condition_of_file(&best), Condition::Intact);
        fs::write(&best, "weightz").unwrap();
        assert!(matches!(condition_of_file(&best), Condition::Damaged(_)));
    }
}
