//! What the page was made from: program, device, configuration, maps, runs.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::axis::grouped;
use super::run_log::RunLog;
use crate::config::Config;
use crate::data::day::{Day, now, read_split_csv};
use crate::domains::Unit;
use crate::event::duration;
use crate::tasks::{MAPS_FILE, Subject};

/// Names and values, in groups with a heading.
pub type Facts = Vec<(String, Vec<(String, String)>)>;

/// Everything that is known of how the page came about.
pub fn facts(
    config: Option<&Config>,
    split: &str,
    models: &[(String, PathBuf)],
    logs: &[RunLog],
    device: Option<&str>,
    of: &Subject,
) -> Facts {
    let mut page = vec![fact("meltcore", env!("CARGO_PKG_VERSION")), fact("made", &now())];
    page.extend(device.map(|device| fact("scored on", device)));
    if let Some(config) = config {
        page.push(fact("configuration", &config.file));
        page.push(fact("digest of the training keys", &config.digest()));
        page.push(fact("model_key", config.model_key.name()));
        let days = config.split_csv.get(split).filter(|file| file.exists()).map(|file| read_split_csv(file, config.domain().unit));
        let days = days.and_then(|days| days.map_or_else(|error| Some(error.to_string()), |days| span(&days, of)));
        page.extend(days.map(|days| fact(&format!("split {split}"), &days)));
    }
    let mut all = vec![("This page".to_owned(), page)];
    let unit = config.map_or(Unit::Day, |config| config.domain().unit);
    for (name, folder) in models {
        all.push((format!("Maps of {name}"), of_maps(folder, |file| Day::of_map(file, unit), of)));
    }
    all.extend(logs.iter().map(|log| ("Training".to_owned(), of_run(log, of))));
    all
}

fn fact(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A folder of maps: how many, and what they were made with.
fn of_maps(folder: &Path, map_of: impl Fn(&str) -> Option<Day>, of: &Subject) -> Vec<(String, String)> {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let days: Vec<Day> = files.filter_map(|entry| map_of(entry.file_name().to_str()?)).collect();
    let mut facts = vec![fact("folder", &folder.display().to_string())];
    facts.extend(span(&days, of).map(|days| fact("maps", &days)));
    // What the program that made the maps wrote beside them; the list of days is long.
    let shown = |(key, value): (&String, &Value)| Some(fact(key, &scalar(value).filter(|_| !value.is_array())?));
    let file = folder.join(MAPS_FILE);
    let record =
        file.exists().then(|| std::fs::read_to_string(&file).and_then(|text| Ok(serde_json::from_str::<Map<String, Value>>(&text)?)));
    match record {
        Some(Ok(record)) => facts.extend(record.iter().filter_map(shown)),
        Some(Err(e)) => facts.push(fact(MAPS_FILE, &format!("cannot be read ({e})"))),
        None => {}
    }
    facts
}

/// A run by its log.
fn of_run(log: &RunLog, of: &Subject) -> Vec<(String, String)> {
    let mut facts = vec![fact("log", &log.path.display().to_string())];
    let trained = format!("train {}", of.names[1]);
    for (key, name) in [("meltcore", "meltcore"), ("device", "device"), ("parameters", "parameters"), ("train_days", trained.as_str())] {
        facts.extend(log.said(key).map(|value| fact(name, &value)));
    }
    facts.push(fact("epochs", &log.epochs.len().to_string()));
    if let Some([_, steps]) = log.curve("step").last() {
        facts.push(fact("optimizer steps", &grouped(&steps.to_string())));
    }
    let seconds = log.total("seconds");
    if seconds > 0.0 {
        facts.push(fact("time", &duration(seconds)));
    }
    if let Some([_, speed]) = log.curve("crops_per_s").last() {
        facts.push(fact("crops a second, last epoch", &format!("{speed:.1}")));
    }
    if let Some([epoch, loss]) = log.curve("val_loss").iter().min_by(|a, b| a[1].total_cmp(&b[1])) {
        facts.push(fact("best validation loss", &format!("{loss:.5} in epoch {epoch}")));
    }
    facts
}

/// A plain value as text.
pub fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null | Value::Object(_) => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Number of days or scenes, the first and the last; none of none.
fn span(days: &[Day], of: &Subject) -> Option<String> {
    let (first, last) = (days.iter().min()?, days.iter().max()?);
    Some(format!("{} {}, {first} to {last}", days.len(), of.names[usize::from(days.len() > 1)]))
}
