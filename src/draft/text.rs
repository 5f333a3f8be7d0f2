//! The text of a drafted configuration: every key with a comment, its meaning or what was found.

use std::path::Path;

use super::scale::Scale;
use super::sizes::Sizes;
use super::{Found, Place, Request};
use crate::config::{Config, Key};
use crate::data::day::Split;
use crate::data::split::Lists;
use crate::data::stats::ChannelStats;
use crate::domains::{DomainKey, Source};

/// All that the text depends on beside sizes.
pub(super) struct Drafted<'a> {
    pub found: &'a [Found],
    pub request: &'a Request,
    pub place: &'a Place,
    /// The configuration of the variables alone, with how days were drawn.
    pub look: &'a Config,
    pub stats: &'a [ChannelStats],
    pub scale: &'a Scale,
    pub lists: &'a Lists,
}

/// Lines of keys.
#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn heading(&mut self, words: &str) {
        self.text.push_str(&format!("{}# {words}\n", if self.text.is_empty() { "" } else { "\n" }));
    }

    /// A key with what was found about it, or else its meaning.
    fn add(&mut self, key: &str, value: impl std::fmt::Display, said: &str) {
        let family = || crate::config::KEYS.iter().find(|line| line.is_family() && stands_for(line, key));
        let meaning = Key::find(key).or_else(family).map_or("", |line| line.meaning);
        self.text.push_str(&format!("{key}: {value}  # {}\n", if said.is_empty() { meaning } else { said }));
    }
}

/// Whether a key's name is one of a family's.
fn stands_for(family: &Key, key: &str) -> bool {
    let (before, after) = (family.name.split('<').next().unwrap_or_default(), family.name.split('>').nth(1).unwrap_or_default());
    !before.is_empty() && key.starts_with(before) && key.ends_with(after)
}

/// A text in quotes: JSON strings are YAML strings.
fn quoted(text: impl AsRef<Path>) -> String {
    serde_json::Value::from(text.as_ref().to_string_lossy().into_owned()).to_string()
}

/// A number with at most seven significant digits and no noise behind them.
fn number(x: f64) -> String {
    format!("{x:.6e}").parse::<f64>().unwrap_or(x).to_string()
}

/// The configuration of the variables alone, as it can be read from any directory.
pub(super) fn to_look(found: &[Found], request: &Request, place: &Place) -> String {
    let mut lines = Lines::default();
    lines.add("model_key", "unet", "");
    variables(&mut lines, found, request, place, &place.whole_root);
    lines.text
}

fn variables(lines: &mut Lines, found: &[Found], request: &Request, place: &Place, data_root: &Path) {
    let named = |source: Source| found[1..].iter().filter(move |found| found.source() == source).map(|found| found.name.as_str());
    let listed = |source: Source| format!("[{}]", named(source).collect::<Vec<_>>().join(", "));
    lines.add("data_root", quoted(data_root), "");
    if let Some(target) = found.first().filter(|target| target.name != DomainKey::default().domain().target.name) {
        lines.add("target", &target.name, "what maps are trained on");
    }
    lines.add("in_keys", listed(Source::Daily), "");
    lines.add("in_keys_static", listed(Source::Constant), "");
    lines.add("in_keys_aux", "[]", "[time_sin, time_cos] tells the network the season");
    let path = |path: &Path| quoted(place.of_variable(path).unwrap_or_else(|_| path.to_owned()));
    for found in found {
        let name = &found.name;
        let said = match found.days.len() {
            0 => "one file for all days".to_owned(),
            count => format!("a folder with {count} day(s)"),
        };
        lines.add(&format!("path_{name}"), path(&found.path), &said);
        if found.bands.len() > 1 {
            let bands: Vec<String> = (1..=found.bands.len()).map(|band| band.to_string()).collect();
            let said = format!("bands of its files that are inputs: {}", found.channels().join(", "));
            lines.add(&format!("bands_{name}"), format!("[{}]", bands.join(", ")), &said);
        }
    }
    if let Some(mask) = &request.mask {
        lines.add(&format!("path_{}", DomainKey::default().domain().mask), path(mask), "land and ocean; ocean does not count");
    }
}

impl Drafted<'_> {
    /// The whole file.
    pub fn yaml(&self, sizes: &Sizes) -> String {
        let mut lines = Lines::default();
        let [rows, cols] = self.found[0].scene();
        lines.heading(&format!("Drafted by `meltcore config new` of {rows} x {cols} pixels and {} day(s). Next:", self.lists.all.len()));
        for command in self.place.next(self.lists, &self.request.out) {
            lines.text.push_str(&format!("#   {command}\n"));
        }
        lines.heading("The task and the network");
        if !self.scale.is_fraction {
            lines.add("task", "regression", "");
            lines.add("out_activation", "linear", "maps take any value");
        }
        lines.add("model_key", "unet", "");
        lines.add("base_channels", sizes.base_channels, "");
        lines.add("seed", self.look.seed, "");
        lines.heading("Data. Relative paths are tried from the current directory, then from the folder of this file.");
        variables(&mut lines, self.found, self.request, self.place, &self.place.data_root);
        self.words(&mut lines);
        self.statistics(&mut lines);
        self.lists(&mut lines);
        self.training(&mut lines, sizes);
        lines.text
    }

    /// Titles and units.
    fn words(&self, lines: &mut Lines) {
        for (index, found) in self.found.iter().enumerate() {
            for (channel, words) in found.channels().iter().zip(&found.bands) {
                if !words.title.is_empty() {
                    lines.add(&format!("label_{channel}"), quoted(&words.title), "as its files say");
                }
                match (index, words.unit.as_str()) {
                    (_, "") => {}
                    (0, _) if self.scale.is_fraction => {}
                    (_, unit) => lines.add(&format!("unit_{channel}"), quoted(unit), "as its files say"),
                }
            }
        }
    }

    fn statistics(&self, lines: &mut Lines) {
        let Scale { divisor, is_fraction, ends: [low, high] } = self.scale;
        lines.heading("Values: of the target what maps reach, of inputs mean and standard deviation over the train days");
        let target = &self.found[0].name;
        if *divisor != 1.0 {
            let taken = if *is_fraction { "taken for percent" } else { "a network learns them divided by this" };
            let said = format!("its values are {} to {}, {taken}", number(*low), number(*high));
            lines.add(&format!("max_{target}"), divisor, &said);
        }
        if !*is_fraction {
            // A target that is the same everywhere has no range.
            if low < high {
                lines.add(&format!("range_{target}"), format!("[{}, {}]", number(*low), number(*high)), "ends of its colours");
            }
        }
        for stats in self.stats.iter().filter(|stats| stats.normalised && stats.name != target) {
            let [low, high] = stats.ends.map(number);
            lines.add(&format!("mean_{}", stats.name), number(stats.moments.mean()), &format!("its values are {low} to {high}"));
            lines.add(&format!("std_{}", stats.name), number(stats.moments.std()), "");
        }
        for found in &self.found[1..] {
            let channels = found.channels();
            let of_input = || self.stats.iter().filter(|stats| channels.iter().any(|channel| channel == stats.name));
            let (without, with) =
                of_input().fold((0, 0), |(without, with), stats| (without + stats.without_value, with + stats.moments.count()));
            // Days that no statistics were taken of may have gaps where the train days have none.
            if without > 0 || found.source() == Source::Daily {
                let share = number(100.0 * without as f64 / (without + with).max(1) as f64);
                let said =
                    format!("what its gaps take, {share} % of the pixels of the train days; `nearest`, `time` or a number are other ways");
                lines.add(&format!("fill_{}", found.name), "mean", &said);
            }
        }
        if self.request.mask.is_some() {
            lines.add("mask_outputs", true, "");
        }
    }

    fn lists(&self, lines: &mut Lines) {
        lines.heading("Days: lists that `meltcore split` draws again with other settings");
        for split in Split::ALL.into_iter().filter(|split| self.place.list(*split, self.lists).is_some()) {
            let key = format!("path_{split}_split_csv");
            let said = match split {
                Split::Train => "learnt from",
                Split::Val => "choose the best epoch",
                Split::Test => "scored at the end",
                Split::All | Split::Eval => "every one with a target",
                Split::Deploy => "every one with all inputs, to be mapped",
            };
            lines.add(&key, quoted(self.place.list_in_file(split)), &format!("{} day(s): {said}", self.lists.of(split).len()));
        }
        lines.add("split_cfg", &self.look.split_cfg, "");
        match self.look.split_cfg.as_str() {
            "day" => {
                lines.add("val_percent", self.look.val_percent, "");
                lines.add("test_percent", self.look.test_percent, "");
            }
            _ => lines.add("n_imgs_per_month", self.look.n_imgs_per_month, ""),
        }
    }

    fn training(&self, lines: &mut Lines, sizes: &Sizes) {
        lines.heading("Training: one cosine over all epochs");
        lines.add("img_size", format!("[{0}, {0}]", sizes.side), "");
        lines.add("batch_size", sizes.batch_size, "");
        if sizes.accumulate > 1 {
            lines.add("accumulate_steps", sizes.accumulate, "");
        }
        lines.add("epochs", sizes.epochs, "");
        lines.add("learning_rate", sizes.learning_rate, "");
        lines.add("loss_function", "l1", "");
        lines.add("lr_scheduler", "CosineAnnealingWarmRestarts", "");
        lines.add("T_0", sizes.epochs, "one period: all epochs");
        lines.add("T_mult", 1, "");
        lines.add("epochs_between_checkpoint_save", sizes.epochs.div_ceil(3), "");
        lines.heading("Maps and outputs");
        lines.add("prediction_batch_size", sizes.batch_size, "");
        lines.add("prediction_stride", sizes.stride, "pixels between tiles, which overlap by the rest");
        lines.add("erode_size", sizes.erode, "");
        for (key, folder) in [("path_checkpoints", "checkpoints"), ("path_predictions", "predictions"), ("path_deploy", "deploy")] {
            lines.add(key, quoted(format!("{}/{folder}", self.place.beside)), "");
        }
    }
}

impl Place {
    /// The commands that come next.
    pub fn next(&self, lists: &Lists, out: &Path) -> Vec<String> {
        let shown = |path: &Path| {
            let text = path.display().to_string();
            if text.contains(char::is_whitespace) { format!("\"{text}\"") } else { text }
        };
        let (config, split) = (shown(out), if lists.test.is_empty() { "all" } else { "test" });
        let inside = |name: &str| shown(&self.inside(name));
        let maps = format!("--config {config} --split {split} --pred unet={}", inside("predictions"));
        vec![
            format!("meltcore train --config {config}"),
            format!("meltcore predict --config {config} --weights {} --split {split}", inside("checkpoints/best.safetensors")),
            format!("meltcore eval {maps} --out {}", inside("scores")),
            format!("meltcore report {maps} --scores {} --out {}", inside("scores"), inside("report.html")),
        ]
    }
}
