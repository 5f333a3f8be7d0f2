//! `meltcore split`: which days train, validate, test and are mapped.

use super::Globals;
use super::arguments::ConfigArgs;
use super::output::{Table, print_json};
use super::watch::Watch;
use crate::config::Config;
use crate::data::complete::{CompleteDays, Season};
use crate::data::day::{Day, MONTHS, Split, read_split_csv};
use crate::data::split::{Lists, split_csv, write_split_csv};
use crate::domains::Unit;
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Draw the lists of days to train, validate, test and map
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore split --config run.yaml --set split_cfg=stratified_time --set n_imgs_per_month=2\n  \
    meltcore split --config run.yaml --set split_cfg=day --set val_percent=0.1 --out splits --keep-31st\n\n\
    A day counts where it has all configured inputs (but time_interpolate_sar, which is made from the train days) and a target.\n\
    An input without a value anywhere counts where fill_<variable> helps it, a target with a value on land.\n\
    stratified_time: of every month but those of the first year n_imgs_per_month days to test, as many to val, the rest to train.\n\
    day: test_percent and val_percent of all days, or scenes. eval: up to three days of val; all: every day with a target;\n\
    deploy: every day with all inputs from deploy_start_time to deploy_end_time whose month and day of the month lie between theirs.")]
pub struct Args {
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Folder for train.csv, val.csv and so on; without it the files that path_train_split_csv and so on name
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace lists of other days
    #[arg(long)]
    pub force: bool,
    /// Keep days of the month outside those of deploy_start_time and deploy_end_time, for example the 31st with 04_01 to 09_30
    #[arg(long)]
    pub keep_31st: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// An unusable configuration; folders without complete days; lists of other days that are there already; files that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let config = args.config.load(globals)?;
    if config.split_cfg == "csv" {
        // Before any folder is looked through.
        Lists::draw(&config, &CompleteDays::default())?;
    }
    let files = files(args, &config, globals)?;
    let season = Season::of(&config, args.keep_31st);
    let mut watch = Watch::new(globals);
    let wants_deploy = files.contains_key(Split::Deploy.name());
    let days = CompleteDays::find(&config, wants_deploy.then_some(&season), &mut |event| watch.observe(event))?;
    watch.finish();
    let lists = Lists::draw(&config, &days)?;
    refuse_no_lists(&files, config.domain().unit)?;
    if !args.force {
        refuse_others(&files, &lists)?;
    }
    for split in Split::ALL {
        let Some(path) = files.get(split.name()) else { continue };
        if lists.of(split).is_empty() {
            globals.note(&format!("{}: no day; the file is empty: {}", split.name(), why_empty(split)));
        }
        write_split_csv(path, lists.of(split))?;
    }
    if args.json { print_json(&as_json(&lists, &files)) } else { table(&lists, &files).print() }
}

/// The file of each split that is to be written, by its name.
fn files(args: &Args, config: &Config, globals: &Globals) -> Result<BTreeMap<&'static str, PathBuf>> {
    let mut files = BTreeMap::new();
    for split in Split::ALL {
        let name = split.name();
        let path = match (&args.out, split) {
            (Some(folder), _) => folder.join(format!("{name}.csv")),
            (None, Split::Train | Split::Val | Split::Test) => config.require_split_csv(name)?.to_owned(),
            (None, _) => match config.split_csv.get(name) {
                Some(path) => path.clone(),
                None => {
                    globals.note(&format!("the list {name} is not written: the configuration has no path_{name}_split_csv"));
                    continue;
                }
            },
        };
        if let Some((other, _)) = files.iter().find(|(_, other)| **other == path) {
            let message = format!("names {}, as path_{other}_split_csv does; give each list a file of its own", path.display());
            return Err(config.key_error(&format!("path_{name}_split_csv"), message));
        }
        files.insert(name, path);
    }
    Ok(files)
}

/// Refuses to replace what is no list of days, whatever the options: a wrong path must not cost a configuration.
fn refuse_no_lists(files: &BTreeMap<&'static str, PathBuf>, unit: Unit) -> Result<()> {
    let has_text = |path: &PathBuf| std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() > 0);
    match files.values().find(|path| has_text(path) && read_split_csv(path, unit).is_err()) {
        Some(path) => Err(Error::Usage(format!(
            "{} is there already and is no list of days, so that it is not replaced; name another file, or remove it",
            path.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses to replace a list by another. One of the same days is of a run like this one, which may have been stopped before the others.
fn refuse_others(files: &BTreeMap<&'static str, PathBuf>, lists: &Lists) -> Result<()> {
    let differs = |split: &Split| {
        let path = files.get(split.name())?;
        let same = std::fs::read(path).is_ok_and(|bytes| bytes == split_csv(lists.of(*split)).as_bytes());
        (path.exists() && !same).then(|| path.display().to_string())
    };
    let others: Vec<String> = Split::ALL.iter().filter_map(differs).collect();
    if others.is_empty() {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{}: already there with other days; nothing was written. Give --force to replace, or --out another folder",
        others.join(", ")
    )))
}

fn why_empty(split: Split) -> &'static str {
    match split {
        Split::Deploy => "check deploy_start_time and deploy_end_time (both bound the day of the month, too, without --keep-31st)",
        _ => {
            "there are too few days (stratified_time draws from no month of the first year), or n_imgs_per_month or the percentage is too small"
        }
    }
}

/// Days by month for each split and year that has any.
fn table(lists: &Lists, files: &BTreeMap<&'static str, PathBuf>) -> Table {
    let written = || Split::ALL.into_iter().filter(|split| files.contains_key(split.name()));
    let months: BTreeSet<u8> =
        written().flat_map(|split| lists.of(split).iter().filter(|day| day.is_dated()).map(|day| day.month)).collect();
    let mut headers = vec!["split", "year"];
    headers.extend(months.iter().filter_map(|month| MONTHS.get(usize::from(*month) - 1)));
    headers.push(if written().any(|split| lists.of(split).iter().any(|day| day.scene.is_some())) { "scenes" } else { "days" });
    let mut table = Table::new(&headers);
    for split in written() {
        let days = lists.of(split);
        let row = |year: String, chosen: &dyn Fn(&Day) -> bool| {
            let count = |month: u8| days.iter().filter(|day| day.month == month && chosen(day)).count().to_string();
            let total = days.iter().filter(|day| chosen(day)).count().to_string();
            [split.name().to_owned(), year].into_iter().chain(months.iter().map(|month| count(*month))).chain([total]).collect::<Vec<_>>()
        };
        let years: BTreeSet<u16> = days.iter().filter(|day| day.is_dated()).map(|day| day.year).collect();
        for year in &years {
            table.row(row(year.to_string(), &|day| day.year == *year));
        }
        if years.len() != 1 {
            table.row(row(String::new(), &|_| true));
        }
    }
    table
}

/// File, number of days and days by month (`YYYY-MM`) of each split.
fn as_json(lists: &Lists, files: &BTreeMap<&'static str, PathBuf>) -> Value {
    let of = |path: &Path, days: &[Day]| {
        let mut by_month: BTreeMap<String, usize> = BTreeMap::new();
        for day in days.iter().filter(|day| day.is_dated()) {
            *by_month.entry(format!("{:04}-{:02}", day.year, day.month)).or_default() += 1;
        }
        json!({ "file": path.display().to_string(), "days": days.len(), "by_month": by_month })
    };
    let splits = Split::ALL.into_iter().filter_map(|split| Some((split.name(), of(files.get(split.name())?, lists.of(split)))));
    Value::Object(splits.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
