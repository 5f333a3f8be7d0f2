//! Which list a day goes to: seeded draws of train, val and test, and the lists that follow from them.
//!
//! `stratified_time`: of every month of every year but the first `n_imgs_per_month` days go to test, then as many to val (fewer where
//! the month has not so many), the rest and the whole first year to train. `day`: of all days the shares `test_percent` and
//! `val_percent`, rounded down; the rest is train. The eval list holds up to three days of val, evenly spread in time (ours: the
//! days of the maps drawn during training should be few); all holds every day with a target. Lists are in order of time.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use super::complete::CompleteDays;
use super::day::{Day, Split};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::random::{Draw, Purpose};

/// Most days of the eval list.
const EVAL_DAYS: usize = 3;

/// The days of every split, in order of time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lists {
    /// Days that the weights are fitted to.
    pub train: Vec<Day>,
    /// Days that choose the best checkpoint.
    pub val: Vec<Day>,
    /// Days that are scored at the end.
    pub test: Vec<Day>,
    /// Days of the maps drawn during training.
    pub eval: Vec<Day>,
    /// Every day with a target.
    pub all: Vec<Day>,
    /// Days to be mapped.
    pub deploy: Vec<Day>,
}

impl Lists {
    /// Draws the lists as `split_cfg` says; the draw of `stratified_time` in one month does not depend on the other months.
    ///
    /// # Errors
    /// [`Error::Config`] for `split_cfg: csv`; [`Error::Usage`] where no day is left for train.
    pub fn draw(config: &Config, days: &CompleteDays) -> Result<Lists> {
        let mut all = days.with_target.clone();
        all.sort_unstable();
        let mut lists = match config.split_cfg.as_str() {
            "stratified_time" => stratified(&all, config.n_imgs_per_month, config.seed),
            "day" => by_day(&all, config.test_percent, config.val_percent, config.seed),
            _ => {
                let message = "says that the lists are files already; to draw them give --set split_cfg=stratified_time (so many days a \
                               month, see n_imgs_per_month) or --set split_cfg=day (val_percent and test_percent)";
                return Err(config.key_error("split_cfg", message));
            }
        };
        if lists.train.is_empty() {
            let count = all.len();
            let message = format!(
                "of {count} complete day(s) with a target none is left for train; check the folders of the inputs and of path_{}, \
                 and n_imgs_per_month, val_percent and test_percent",
                config.domain().target.name
            );
            return Err(Error::Usage(message));
        }
        for list in [&mut lists.train, &mut lists.val, &mut lists.test] {
            list.sort_unstable();
        }
        let step = lists.val.len().div_ceil(EVAL_DAYS).max(1);
        lists.eval = lists.val.iter().step_by(step).cloned().collect();
        lists.all = all;
        lists.deploy = days.deploy.clone();
        Ok(lists)
    }

    /// The days of one split.
    pub fn of(&self, split: Split) -> &[Day] {
        match split {
            Split::Train => &self.train,
            Split::Val => &self.val,
            Split::Test => &self.test,
            Split::Eval => &self.eval,
            Split::All => &self.all,
            Split::Deploy => &self.deploy,
        }
    }
}

fn stratified(days: &[Day], a_month: usize, seed: u64) -> Lists {
    let mut months: BTreeMap<(u16, u8), Vec<Day>> = BTreeMap::new();
    for day in days {
        months.entry((day.year, day.month)).or_default().push(*day);
    }
    let first_year = days.first().map_or(0, |day| day.year);
    let mut lists = Lists::default();
    for ((year, month), mut days) in months {
        if year == first_year {
            lists.train.append(&mut days);
            continue;
        }
        Draw::new(seed, Purpose::Split, i64::from(year) * 12 + i64::from(month)).shuffle(&mut days);
        let mut days = days.into_iter();
        lists.test.extend(days.by_ref().take(a_month));
        lists.val.extend(days.by_ref().take(a_month));
        lists.train.extend(days);
    }
    lists
}

fn by_day(days: &[Day], test: f64, val: f64, seed: u64) -> Lists {
    let mut days = days.to_vec();
    Draw::new(seed, Purpose::Split, 0).shuffle(&mut days);
    let count = |share: f64| (share * days.len() as f64).floor() as usize;
    let (test, val) = (count(test), count(val));
    let mut days = days.into_iter();
    let mut take = |count: usize| days.by_ref().take(count).collect();
    let (test, val) = (take(test), take(val));
    Lists { test, val, train: days.collect(), ..Lists::default() }
}

/// The text of a split file: one `YYYY_MM_DD.tif` a line, no header.
pub fn split_csv(days: &[Day]) -> String {
    days.iter().map(|day| format!("{}\n", day.file_name())).collect()
}

/// Writes a split file ([`split_csv`]).
///
/// # Errors
/// [`Error::Output`] where it cannot be written.
pub fn write_split_csv(path: &Path, days: &[Day]) -> Result<()> {
    write_atomically(path, |file| file.write_all(split_csv(days).as_bytes()))
}
