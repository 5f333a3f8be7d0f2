//! `log.jsonl` of a run: a first line with the configuration, then one line an epoch.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::files::write_atomically;

/// Name of the log beside the checkpoints.
pub const LOG_FILE: &str = "log.jsonl";

/// The first line of a log: what runs, on what, with which configuration.
#[derive(Debug, Clone, Serialize)]
pub struct Header {
    /// Version of the program.
    pub meltcore: &'static str,
    /// Name of the device.
    pub device: String,
    /// Trainable values.
    pub parameters: usize,
    /// Days of the train split.
    pub train_days: usize,
    /// Days of the val split, 0 without one.
    pub val_days: usize,
    /// Every key in force.
    pub config: Map<String, Value>,
}

/// An epoch's line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Number of the epoch.
    pub epoch: usize,
    /// Optimizer steps since the start of the run.
    pub step: u64,
    /// Mean loss over the epoch's batches, each before its update; null where none has a valid pixel.
    pub train_loss: Option<f64>,
    /// Mean loss over the batches of the val split; null without one, or where none of them has a valid pixel.
    pub val_loss: Option<f64>,
    /// Learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Duration of the epoch with its validation.
    pub seconds: f64,
    /// Crops a second, training alone.
    pub crops_per_s: f64,
    /// Share of the training's time spent waiting for data.
    #[serde(default)]
    pub wait_share: f64,
    /// Most bytes in use on the device since the start of the process.
    #[serde(default)]
    pub device_bytes: u64,
    /// What losses are multiplied by after the epoch, in mixed precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<f32>,
    /// Steps of the epoch that were skipped, as a gradient was not finite, in mixed precision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_steps: Option<u64>,
    /// The task's watched scores on one fixed scene of the val split, `val_<name>`; null without one. Behind them those of whole maps of
    /// the val split, where maps are made.
    #[serde(flatten)]
    pub scene: Watched,
}

impl Entry {
    /// What it says of whole maps of the val split, for a line.
    pub(super) fn of_maps(&self) -> String {
        let of = |name: &str| self.scene.0.iter().find(|(known, _)| known == name).and_then(|(_, value)| *value);
        let iou = of("maps_iou").map(|iou| format!("  maps IoU {iou:.4}"));
        let fronts = of("missing").map(|missing| match of("mde") {
            Some(mde) => format!("  fronts {mde:.0} m off, {missing:.0} missing"),
            None => format!("  fronts all missing ({missing:.0})"),
        });
        iou.into_iter().chain(fronts).collect()
    }
}

/// Scores by name, in the task's order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watched(pub Vec<(String, Option<f64>)>);

impl Serialize for Watched {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, score)| (format!("val_{name}"), score)))
    }
}

impl<'de> Deserialize<'de> for Watched {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let others: Map<String, Value> = Map::deserialize(deserializer)?;
        let score = |(key, value): (String, Value)| Some((key.strip_prefix("val_")?.to_owned(), value.as_f64()));
        Ok(Watched(others.into_iter().filter_map(score).collect()))
    }
}

/// The open log.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Starts the log over, with the lines of an earlier one up to `resumed_epoch`, so that it tells of one run only. Says which lines of
    /// these were damaged and are left out.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn start(path: &Path, header: &Header, resumed_epoch: Option<usize>) -> Result<(Log, Option<String>)> {
        let mut note = None;
        let mut kept: Vec<Vec<u8>> = Vec::new();
        if let Some(last) = resumed_epoch {
            match fs::read(path) {
                Ok(bytes) => {
                    let (lines, damaged) = epochs_until(&bytes, last);
                    kept = lines.into_iter().map(<[u8]>::to_vec).collect();
                    note = (!damaged.is_empty()).then(|| damage(path, &damaged));
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
                Err(e) => note = Some(format!("{}: the log of the earlier epochs cannot be read ({e}): it begins anew", path.display())),
            }
        }
        write_atomically(path, |out| {
            writeln!(out, "{}", serde_json::to_string(header)?)?;
            kept.iter().try_for_each(|line| out.write_all(line).and_then(|()| writeln!(out)))
        })?;
        let file = File::options().append(true).open(path).map_err(|e| unwritable(path, &e))?;
        Ok((Log { path: path.to_owned(), file }, note))
    }

    /// Adds an epoch.
    ///
    /// # Errors
    /// [`Error::Output`].
    pub fn append(&mut self, entry: &Entry) -> Result<()> {
        // Into a file without a name everything could be written, and nothing be read.
        if !self.path.is_file() {
            let message = "the log was removed while the run was going on; leave the folder of a run alone, and resume it (--resume auto)";
            return Err(Error::output(&self.path, message));
        }
        // One write a line, so that only the last line can be a part, and `start` drops such a one.
        let line = serde_json::to_string(entry).map_err(std::io::Error::from).map_err(|e| unwritable(&self.path, &e))?;
        self.file.write_all(format!("{line}\n").as_bytes()).map_err(|e| unwritable(&self.path, &e))
    }
}

/// The lines of epochs up to the `last` one, and the numbers of lines that belonged there and are no longer what was written.
///
/// A torn end is no damage: it is of an epoch that is done again.
fn epochs_until(bytes: &[u8], last: usize) -> (Vec<&[u8]>, Vec<usize>) {
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(&[][..], |end| &bytes[..end]);
    // The first line is about the run, and is written anew.
    let lines = whole.split(|byte| *byte == b'\n').enumerate().skip(1);
    let read = |(index, line)| (index + 1, line, serde_json::from_slice::<Entry>(line).ok().map(|entry| entry.epoch));
    let lines: Vec<(usize, &[u8], Option<usize>)> = lines.map(read).collect();
    let until: Vec<(usize, &[u8], usize)> =
        lines.iter().filter_map(|(number, line, epoch)| Some((*number, *line, epoch.filter(|epoch| *epoch <= last)?))).collect();
    // A changed digit makes another epoch of a line: of those that follow each other in order, the most are kept.
    let mut length = vec![1_usize; until.len()];
    for at in 0..until.len() {
        let before = (0..at).filter(|earlier| until[*earlier].2 < until[at].2).map(|earlier| length[earlier]);
        length[at] += before.max().unwrap_or(0);
    }
    let mut kept = Vec::new();
    let mut wanted = length.iter().copied().max().unwrap_or(0);
    let mut next = usize::MAX;
    for at in (0..until.len()).rev() {
        if wanted > 0 && length[at] == wanted && until[at].2 < next {
            kept.push((until[at].0, until[at].1));
            (wanted, next) = (wanted - 1, until[at].2);
        }
    }
    kept.reverse();
    let end = kept.last().map_or(0, |(number, _)| *number);
    // Later epochs behind all that is kept are done again; before its end they are no later epochs.
    let is_lost = |(number, _, epoch): &&(usize, &[u8], Option<usize>)| {
        kept.iter().all(|(kept, _)| kept != number) && (*number < end || epoch.is_none_or(|epoch| epoch <= last))
    };
    let damaged = lines.iter().filter(is_lost).map(|(number, ..)| *number).collect();
    (kept.into_iter().map(|(_, line)| line).collect(), damaged)
}

fn damage(path: &Path, lines: &[usize]) -> String {
    let numbers: Vec<String> = lines.iter().map(usize::to_string).collect();
    let what = if lines.len() == 1 { "line" } else { "lines" };
    format!("{}: {what} {} of the earlier epochs cannot be read and are left out; all others are kept", path.display(), numbers.join(", "))
}

fn unwritable(path: &Path, e: &std::io::Error) -> Error {
    Error::output(path, format!("the log cannot be written ({e}); check the free space and the permissions of its folder"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_past_the_resumed_epoch_and_torn_lines_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(LOG_FILE);
        let header = Header { meltcore: "0", device: "d".into(), parameters: 1, train_days: 2, val_days: 0, config: Map::new() };
        let entry = |epoch| Entry {
            epoch,
            step: 3,
            train_loss: Some(0.5),
            val_loss: None,
            learning_rate: 0.1,
            seconds: 1.0,
            crops_per_s: 2.0,
            wait_share: 0.0,
            device_bytes: 7,
            loss_scale: None,
            skipped_steps: None,
            scene: Watched(vec![("f1".into(), Some(0.5))]),
        };
        let (mut log, _) = Log::start(&path, &header, None).unwrap();
        for epoch in 1..=3 {
            log.append(&entry(epoch)).unwrap();
        }
        // As versions before these fields wrote it.
        let line = r#"{"epoch":2,"step":3,"train_loss":0.5,"val_loss":null,"learning_rate":0.1,"seconds":1.0,"crops_per_s":2.0}"#;
        assert_eq!(serde_json::from_str::<Entry>(line).unwrap().wait_share, 0.0);
        log.file.write_all(b"{\"epoch\":4,\"st").unwrap();
        drop(log);
        let (mut log, note) = Log::start(&path, &header, Some(2)).unwrap();
        assert_eq!(note, None);
        log.append(&entry(3)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let epochs: Vec<_> = text.lines().skip(1).map(|line| serde_json::from_str::<Entry>(line).unwrap().epoch).collect();
        assert_eq!((epochs, text.lines().count()), (vec![1, 2, 3], 4));
        drop(log);
        Log::start(&path, &header, None).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
    }

    #[test]
    fn damaged_lines_are_named_and_all_others_kept() {
        let line = |epoch: usize| {
            format!(r#"{{"epoch":{epoch},"step":3,"train_loss":null,"val_loss":null,"learning_rate":0.1,"seconds":1.0,"crops_per_s":2.0}}"#)
        };
        let text: String = std::iter::once("{}".to_owned()).chain((1..=6).map(line)).map(|line| line + "\n").collect();
        let epochs = |bytes: &[u8], last| {
            let (lines, damaged) = epochs_until(bytes, last);
            (lines.iter().map(|line| serde_json::from_slice::<Entry>(line).unwrap().epoch).collect::<Vec<_>>(), damaged)
        };
        assert_eq!(epochs(text.as_bytes(), 5), (vec![1, 2, 3, 4, 5], vec![]));
        let third = text.find(&line(3)).unwrap();
        for (at, byte) in [(third, 0xff), (third + 9, b'9'), (third + 9, b'1'), (third + 21, b'"'), (0, 0xff)] {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = byte;
            let (kept, damaged) = epochs(&bytes, 5);
            let of_first_line = at == 0;
            assert_eq!(kept, if of_first_line { vec![1, 2, 3, 4, 5] } else { vec![1, 2, 4, 5] }, "{at}: {byte}");
            assert_eq!(damaged, if of_first_line { vec![] } else { vec![4] }, "{at}: {byte}");
        }
        // The first epoch looks like a later one.
        let raised = text.replacen(":1,", ":5,", 1);
        assert_eq!(epochs(raised.as_bytes(), 5), (vec![2, 3, 4, 5], vec![2]));
        // The end of a line: two lines are lost, and no more.
        let mut bytes = text.clone().into_bytes();
        bytes[third - 1] = b'x';
        assert_eq!(epochs(&bytes, 5), (vec![1, 4, 5], vec![3]));
        assert_eq!(epochs(&text.as_bytes()[..third + 5], 5), (vec![1, 2], vec![]));
        assert_eq!(epochs(b"", 5), (vec![], vec![]));
    }
}
