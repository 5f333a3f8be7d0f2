//! What a run is trained on, written down in `inputs.json` of every checkpoint: the lists of days, and stamps of all files.
//!
//! Samples are drawn by a day's place in its list, so that the order of the train and val lists counts; of the others it does not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::day::{Split, read_split_csv};
use crate::data::inputs::stamps;
use crate::error::{Error, Result};
use crate::files::Stamp;

/// Name of the file in a checkpoint.
pub const INPUTS_FILE: &str = "inputs.json";

/// Lists of which the order counts, and whose absence is a difference.
const TRAINED_ON: [&str; 2] = ["train", "val"];
/// Further lists that are to keep apart from those: test days that move into the train list are no test any more.
const KEPT_APART: [Split; 2] = [Split::Eval, Split::Test];
/// So many days or files are named in a message, the others are counted.
const NAMED: usize = 4;

/// The data of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// File names of the days, by split.
    pub lists: BTreeMap<String, Vec<String>>,
    /// Stamps by `variable/file name`.
    pub files: BTreeMap<String, Stamp>,
}

impl TrainedOn {
    /// The data of these datasets as they are now, and further lists that the configuration names.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read.
    pub fn of(config: &Config, datasets: &[&Dataset]) -> Result<TrainedOn> {
        let mut lists = BTreeMap::new();
        for split in KEPT_APART {
            let Some(path) = config.split_csv.get(split.name()) else { continue };
            match read_split_csv(path, config.domain().unit) {
                Ok(days) => {
                    lists.insert(split.name().to_owned(), days.iter().map(|day| day.file_name()).collect());
                }
                // Left out for a disk's error it would guard nothing from then on.
                Err(error) if error.io_kind().is_some_and(|kind| kind != ErrorKind::NotFound) => return Err(error),
                // A list that training does not need may not be there yet, or be empty.
                Err(_) => {}
            }
        }
        let mut files = BTreeMap::new();
        for dataset in datasets {
            let split = dataset.split().name();
            lists.insert(split.to_owned(), dataset.days().iter().map(|day| day.file_name()).collect());
            for input in dataset.inputs().iter().filter(|input| input.optional) {
                lists.insert(format!("{split} without {}", input.files_of()), Vec::new());
            }
            lists.extend(dataset.lacking().into_iter().map(|(input, days)| (format!("{split} without {input}"), days)));
            files.append(&mut dataset.files());
        }
        files.extend(config.path_regions.iter().map(|path| ("path_regions".to_owned(), path.clone())));
        Ok(TrainedOn { lists, files: stamps(&files)? })
    }

    /// Those of a checkpoint; `None` where it has none, as in versions before.
    ///
    /// # Errors
    /// [`Error::Input`] where they cannot be read.
    pub fn read(checkpoint: &Path) -> Result<Option<TrainedOn>> {
        let path = checkpoint.join(INPUTS_FILE);
        if !path.exists() {
            return Ok(None);
        }
        let bad = |e: std::io::Error| Error::input(&path, format!("cannot be read ({e}); resume from another checkpoint")).because(e);
        let bytes = fs::read(&path).map_err(bad)?;
        serde_json::from_slice(&bytes).map(Some).map_err(|e| bad(e.into()))
    }

    /// The bytes of the file; `folder` is for messages.
    ///
    /// # Errors
    /// [`Error::Output`] where it has no such form.
    pub fn encode(&self, folder: &Path) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Error::output(folder.join(INPUTS_FILE), format!("cannot be encoded ({e})")).because(e))
    }

    /// In words, how the data have changed since; `None` where they have not. Rasters are compared that both know, since which ones there
    /// are follows from the lists; so is what stands beside those, which may have come or gone.
    pub fn difference(&self, now: &TrainedOn) -> Option<String> {
        let mut found = Vec::new();
        let names: BTreeSet<&String> = self.lists.keys().chain(now.lists.keys()).collect();
        for name in names {
            let trained_on = TRAINED_ON.contains(&name.as_str());
            match (self.lists.get(name), now.lists.get(name)) {
                (Some(then), Some(now)) => found.extend(list_difference(name, then, now, trained_on)),
                (Some(then), None) if trained_on => found.push(format!("the {name} list ({} days) is no longer there", then.len())),
                (None, Some(now)) if trained_on => found.push(format!("there was no {name} list (now {} days)", now.len())),
                _ => {}
            }
        }
        let names: BTreeSet<&String> = self.files.keys().chain(now.files.keys()).collect();
        let both = names.iter().filter(|name| self.files.contains_key(**name) && now.files.contains_key(**name));
        let stems: BTreeSet<&str> = both.filter_map(|name| Some(name.rsplit_once('.')?.0)).collect();
        let is_beside = |name: &str| name.match_indices('.').any(|(end, _)| stems.contains(&name[..end]));
        let change = |name: &String| match (self.files.get(name), now.files.get(name)) {
            (Some(then), Some(now)) => stamp_difference(then, now),
            (None, _) => is_beside(name).then(|| "was not there then".into()),
            (_, None) => is_beside(name).then(|| "is no longer there".into()),
        };
        let changed: Vec<String> = names.iter().filter_map(|name| Some(format!("{name} ({})", change(name)?))).collect();
        if !changed.is_empty() {
            let files = if changed.len() == 1 { "file was" } else { "files were" };
            found.push(format!("{} {files} changed or replaced: {}", changed.len(), some(&changed)));
        }
        (!found.is_empty()).then(|| found.join("; "))
    }
}

fn list_difference(name: &str, then: &[String], now: &[String], order_counts: bool) -> Option<String> {
    let only = |these: &[String], those: &[String]| -> Vec<String> {
        let those: BTreeSet<&String> = those.iter().collect();
        these.iter().filter(|day| !those.contains(day)).cloned().collect()
    };
    let parts: Vec<String> = [("lost", only(then, now)), ("gained", only(now, then))]
        .into_iter()
        .filter(|(_, days)| !days.is_empty())
        .map(|(what, days)| format!("{what} {} ({})", days.len(), some(&days)))
        .collect();
    match parts.is_empty() {
        false => Some(format!("the {name} list has {}", parts.join(" and "))),
        true if order_counts && then != now => Some(format!("the days of the {name} list are in another order")),
        true => None,
    }
}

fn stamp_difference(then: &Stamp, now: &Stamp) -> Option<String> {
    if then.bytes != now.bytes {
        return Some(format!("{} bytes then, {} now", then.bytes, now.bytes));
    }
    if then.head != now.head {
        return Some("other first bytes".into());
    }
    (then.modified != now.modified).then(|| "another time of modification".into())
}

/// The first few of `names`, and how many more there are.
fn some(names: &[String]) -> String {
    let named = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Digest;

    fn inputs(lists: &[(&str, &[&str])], files: &[(&str, u64, &str, &str)]) -> TrainedOn {
        let list = |(name, days): &(&str, &[&str])| (name.to_string(), days.iter().map(|day| day.to_string()).collect());
        let stamp = |bytes: u64, modified: &str, head: &str| Stamp { bytes, modified: modified.into(), head: Digest::of(head.as_bytes()) };
        TrainedOn {
            lists: lists.iter().map(list).collect(),
            files: files.iter().map(|(name, bytes, modified, head)| (name.to_string(), stamp(*bytes, modified, head))).collect(),
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_is_not_one_that_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("test.csv");
        let config = Config::from_yaml(&format!("path_test_split_csv: {}\n", list.display()), "test", &[]).unwrap();
        assert!(TrainedOn::of(&config, &[]).unwrap().lists.is_empty());
        fs::write(&list, "").unwrap();
        assert!(TrainedOn::of(&config, &[]).unwrap().lists.is_empty());
        fs::write(&list, "2017_07_01.tif\n").unwrap();
        assert_eq!(TrainedOn::of(&config, &[]).unwrap().lists["test"], ["2017_07_01.tif"]);
        fs::remove_file(&list).unwrap();
        fs::create_dir(&list).unwrap();
        assert!(TrainedOn::of(&config, &[]).unwrap_err().to_string().contains("test.csv"));
    }

    #[test]
    fn differences_are_named() {
        let then = inputs(&[("train", &["a", "b", "c"]), ("test", &["d", "e"])], &[("pmw/a", 5, "7", "x"), ("pmw/b", 5, "7", "x")]);
        assert_eq!(then.difference(&then.clone()), None);
        let moved = inputs(&[("train", &["a", "c", "d"]), ("test", &["e"])], &[("pmw/a", 5, "7", "x"), ("pmw/d", 5, "7", "x")]);
        let words = "the test list has lost 1 (d); the train list has lost 1 (b) and gained 1 (d)";
        assert_eq!(then.difference(&moved).as_deref(), Some(words));
        // The order of a list counts where samples are drawn by it.
        let turned = inputs(&[("train", &["b", "a", "c"]), ("test", &["e", "d"])], &[]);
        assert_eq!(then.difference(&turned).as_deref(), Some("the days of the train list are in another order"));
        let with_val = inputs(&[("train", &["a", "b", "c"]), ("val", &["f"])], &[]);
        assert_eq!(then.difference(&with_val).as_deref(), Some("there was no val list (now 1 days)"));
        assert_eq!(with_val.difference(&then).as_deref(), Some("the val list (1 days) is no longer there"));
        // What stands beside a raster may come and go; that of days which are on one list only does not count.
        let mask = inputs(&[], &[("pmw/a.tif", 5, "7", "x"), ("pmw/a.tif.msk", 5, "7", "x"), ("pmw/a.tfw", 5, "7", "x")]);
        let bare = inputs(&[], &[("pmw/a.tif", 5, "7", "x"), ("pmw/b.tif", 5, "7", "x"), ("pmw/b.tif.msk", 5, "7", "x")]);
        let words = ["was not there then", "is no longer there"]
            .map(|why| format!("2 files were changed or replaced: pmw/a.tfw ({why}), pmw/a.tif.msk ({why})"));
        assert_eq!([bare.difference(&mask), mask.difference(&bare)].map(Option::unwrap), words);
        for (files, words) in [
            (&[("pmw/a", 6, "7", "x"), ("pmw/b", 5, "6", "x")][..], "2 files were changed or replaced: pmw/a (5 bytes then, 6 now), pmw/b"),
            (&[("pmw/b", 5, "7", "y")], "1 file was changed or replaced: pmw/b (other first bytes)"),
            // Also an older one.
            (&[("pmw/b", 5, "6", "x")], "1 file was changed or replaced: pmw/b (another time of modification)"),
        ] {
            let now = TrainedOn { lists: then.lists.clone(), ..inputs(&[], files) };
            assert!(then.difference(&now).unwrap().starts_with(words), "{:?}", then.difference(&now));
        }
    }
}
