//! A part of a split's maps, so that several tasks fill one folder: days with position mod count = number in the list of the split.
//!
//! Positions are those in the list and not among the maps that are missing, which are others for tasks that begin at other times.

use crate::error::{Error, Result};

/// Which of how many parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Part `index` of `count`, from 0.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no such part.
    pub fn new(index: usize, count: usize) -> Result<Shard> {
        if index < count {
            return Ok(Shard { index, count });
        }
        Err(Error::Usage(format!("--shard {index}/{count}: parts have the numbers 0 to N − 1, for example 0/4 to 3/4")))
    }

    /// The part that a text names: `I/N`, or `slurm` for that of a task of a job array, which `env` tells.
    ///
    /// # Errors
    /// [`Error::Usage`] for another text, outside an array, and for an array whose numbers are no even range.
    pub fn named(text: &str, env: impl Fn(&str) -> Option<String>) -> Result<Shard> {
        if text != "slurm" {
            let parts = text.split_once('/').and_then(|(index, count)| Some((index.trim().parse().ok()?, count.trim().parse().ok()?)));
            let (index, count) = parts.ok_or_else(|| Error::Usage(format!("--shard {text}: give I/N, for example 0/4, or slurm")))?;
            return Shard::new(index, count);
        }
        let number = |name: &str| {
            let value = env(name).and_then(|text| text.trim().parse::<usize>().ok());
            value.ok_or_else(|| {
                let what = if env(name).is_some() { "no number" } else { "not set" };
                Error::Usage(format!(
                    "--shard slurm: {name} is {what}: this is no task of a job array (sbatch --array=0-9); give I/N instead"
                ))
            })
        };
        let [task, first, count] = [number("SLURM_ARRAY_TASK_ID")?, number("SLURM_ARRAY_TASK_MIN")?, number("SLURM_ARRAY_TASK_COUNT")?];
        let step = env("SLURM_ARRAY_TASK_STEP").and_then(|text| text.trim().parse().ok()).unwrap_or(1).max(1);
        let index = task.checked_sub(first).filter(|behind| behind.is_multiple_of(step)).map(|behind| behind / step);
        index.and_then(|index| Shard::new(index, count).ok()).ok_or_else(|| {
            Error::Usage(format!(
                "--shard slurm: the task {task} of an array of {count} that begins at {first} has no place in a row; use a range such as \
                 --array=0-{}, or give I/N",
                count.saturating_sub(1)
            ))
        })
    }

    /// Whether the day at this position of the list is in the part.
    pub fn has(self, position: usize) -> bool {
        position % self.count == self.index
    }

    /// Its name in those of files: `2-of-4`.
    pub(super) fn name(self) -> String {
        format!("{}-of-{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_their_texts_and_by_slurm() {
        let of = |text: &str, pairs: &[(&str, &str)]| {
            Shard::named(text, |name| pairs.iter().find(|(other, _)| *other == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of("2/4", &[]).unwrap(), Shard { index: 2, count: 4 });
        for wrong in ["4/4", "0/0", "2", "a/4", "-1/4", "1/4/2", "SLURM"] {
            assert_eq!(of(wrong, &[]).unwrap_err().exit_status(), 2, "{wrong}");
        }
        let array = |id: &'static str, min, max, count, step| {
            let pairs = [
                ("SLURM_ARRAY_TASK_ID", id),
                ("SLURM_ARRAY_TASK_MIN", min),
                ("SLURM_ARRAY_TASK_MAX", max),
                ("SLURM_ARRAY_TASK_COUNT", count),
                ("SLURM_ARRAY_TASK_STEP", step),
            ];
            of("slurm", &pairs)
        };
        assert_eq!(array("7", "5", "14", "10", "1").unwrap(), Shard { index: 2, count: 10 });
        // --array=0-6:2, and --array=0,1,3, where the last has no place.
        assert_eq!(array("4", "0", "6", "4", "2").unwrap(), Shard { index: 2, count: 4 });
        assert!(array("3", "0", "3", "3", "1").unwrap_err().to_string().contains("--array=0-2"));
        assert!(of("slurm", &[]).unwrap_err().to_string().contains("no task of a job array"));
    }

    #[test]
    fn every_day_is_in_one_part() {
        for count in 1..6 {
            for position in 0..20 {
                assert_eq!((0..count).filter(|index| Shard::new(*index, count).unwrap().has(position)).count(), 1);
            }
        }
    }
}
