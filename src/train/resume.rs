//! Where a resumed run begins: at a checkpoint that is still the one that was written, with the best weights that belong to it.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use super::checkpoint::{Best, Criterion, MODEL_FILE, STATE_FILE, State};
use super::folder::{BEST_FILE, LAST, PREVIOUS, Rotation, RunFolder, checkpoints};
use crate::error::{Error, Result};
use crate::files::{is_same, write_atomically};
use crate::nn::state_dict;
use crate::weights::guard::{Condition, FileMark, condition_of_checkpoint};

/// A checkpoint to go on from.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) checkpoint: PathBuf,
    pub(super) state: State,
    /// What becomes of the checkpoints in the run's folder.
    pub(super) rotation: Rotation,
    /// Newer ones that are damaged, in words.
    pub(super) damaged: Vec<String>,
}

/// The state of a checkpoint that is not damaged, else what is wrong with it.
fn examine(checkpoint: &Path) -> Result<State, String> {
    match condition_of_checkpoint(checkpoint) {
        Condition::Damaged(fault) => Err(fault),
        Condition::Intact | Condition::Unguarded => State::read(checkpoint).map_err(|error| error.to_string()),
    }
}

fn rotation(folder: &RunFolder, checkpoint: &Path) -> Rotation {
    match (is_same(checkpoint, &folder.join(LAST)), is_same(checkpoint, &folder.join(PREVIOUS))) {
        (true, _) => Rotation::Both,
        (_, true) => Rotation::DropLast,
        _ => Rotation::DropBoth,
    }
}

/// The newest checkpoint of a run that is not damaged; `None` where there is none at all.
///
/// # Errors
/// [`Error::Input`] where all are damaged.
pub(super) fn newest(folder: &RunFolder) -> Result<Option<Found>> {
    let mut damaged = Vec::new();
    for checkpoint in folder.checkpoints() {
        match examine(&checkpoint) {
            Ok(state) => return Ok(Some(Found { rotation: rotation(folder, &checkpoint), checkpoint, state, damaged })),
            Err(fault) => damaged.push(format!("{} is damaged ({fault})", checkpoint.display())),
        }
    }
    if damaged.is_empty() {
        return Ok(None);
    }
    let message = format!(
        "none of the checkpoints here can be resumed: {}; take one from a backup, or train anew with another path_checkpoints",
        damaged.join("; ")
    );
    Err(Error::input(folder.join(""), message))
}

/// The checkpoint that the user named.
///
/// # Errors
/// [`Error::Input`] where it is none, or damaged; then an intact one is named where there is one beside it.
pub(super) fn named(folder: &RunFolder, checkpoint: &Path) -> Result<Found> {
    let fault = match examine(checkpoint) {
        Ok(state) => {
            let (checkpoint, rotation) = (checkpoint.to_owned(), rotation(folder, checkpoint));
            return Ok(Found { checkpoint, state, rotation, damaged: Vec::new() });
        }
        Err(fault) => fault,
    };
    if !checkpoint.join(STATE_FILE).exists() {
        State::read(checkpoint)?;
    }
    let beside = checkpoint.parent().map(checkpoints).unwrap_or_default();
    let intact = beside.into_iter().find_map(|path| Some((examine(&path).ok()?, path)));
    let cure = match intact {
        Some((state, path)) => format!(
            "{} is intact, after epoch {}: --resume {0}, or --resume auto, which takes the newest intact one",
            path.display(),
            state.epoch
        ),
        None => "no checkpoint beside it is intact: take one from a backup, or train anew".into(),
    };
    Err(Error::input(checkpoint, format!("this checkpoint is damaged: {fault}; {cure}")))
}

/// Which epoch's weights are in `best.safetensors`, of what the checkpoints say; damaged ones are restored where a checkpoint has the same.
///
/// # Errors
/// [`Error::Output`] where they cannot be written.
pub(super) fn find_best(folder: &RunFolder, found: &Found, criterion: Criterion, notes: &mut Vec<String>) -> Result<Option<Best>> {
    let others: Vec<(PathBuf, State)> =
        folder.checkpoints().into_iter().filter_map(|path| Some((path.clone(), State::read(&path).ok()?))).collect();
    let best_of = |state: &State| state.best.filter(|best| best.criterion == criterion);
    // Where a run is taken back, the best weights on disk are those that `last` speaks of.
    let of_last = others.iter().filter(|(path, _)| *path == folder.join(LAST)).filter_map(|(_, state)| best_of(state));
    let expected: Vec<Best> = of_last.chain(best_of(&found.state)).collect();
    let Some(first) = expected.first() else { return Ok(None) };
    let file = folder.join(BEST_FILE);
    let mark = FileMark::of_file(&file).ok();
    if first.file.is_none() && mark.is_some() && state_dict::read(&file).is_ok() {
        return Ok(Some(Best { file: mark, ..*first }));
    }
    let fault = if mark.is_some() { "is damaged" } else { "is not beside the checkpoints" };
    let earlier: Vec<Best> = others.iter().filter_map(|(_, state)| best_of(state)).collect();
    for (known, what) in [(&expected, "the weights"), (&earlier, "weights that were the best before")] {
        if let Some(best) = known.iter().find(|best| best.file.is_some() && best.file == mark) {
            if !expected.contains(best) {
                notes.push(format!("{BEST_FILE} holds {what}, of epoch {}: going on with these", best.epoch));
            }
            return Ok(Some(*best));
        }
        for best in known {
            let source = others.iter().map(|(path, state)| (path, state)).chain([(&found.checkpoint, &found.state)]);
            let mut same = source.filter(|(_, state)| best.file.is_some() && state.files.get(MODEL_FILE) == best.file.as_ref());
            let intact = same.find_map(|(path, _)| {
                let bytes = fs::read(path.join(MODEL_FILE)).ok()?;
                (Some(FileMark::of(&bytes)) == best.file).then_some((path, bytes))
            });
            if let Some((path, bytes)) = intact {
                write_atomically(&file, |out| out.write_all(&bytes))?;
                notes.push(format!("{BEST_FILE} {fault}: {what}, of epoch {}, are restored from {}", best.epoch, path.display()));
                return Ok(Some(*best));
            }
        }
    }
    notes
        .push(format!("{BEST_FILE} {fault}, and no checkpoint has its weights (epoch {}): the best epoch is looked for anew", first.epoch));
    Ok(None)
}
