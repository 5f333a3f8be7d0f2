//! The commands that come after `synth`, ready for a shell in the current directory.

use std::path::Path;

use super::recipe::Model;

/// Folder of the running means, the input channel that the first command makes.
pub const RUNNING_MEANS: &str = "time_interpolate_sar";

/// The commands from a fresh dataset to a page about the small UNet and the baselines, in their order.
pub fn commands(out_dir: &Path) -> Vec<String> {
    let at = |name: &str| shell_word(&out_dir.join(name).to_string_lossy());
    let scored = |model: &str, folder: &str| format!("--pred {}", shell_word(&format!("{model}={}", out_dir.join(folder).display())));
    let predictions = [
        scored("unet", "runs/unet/predictions"),
        scored("running-mean", RUNNING_MEANS),
        scored("mar", "runs/interpolate_mar/predictions"),
        scored("pmw", "runs/threshold_pmw/predictions"),
    ];
    let (config, scores, predictions) = (at(Model::Unet.file()), at("runs/unet/scores"), predictions.join(" "));
    let mut list = Model::Unet.commands(out_dir);
    list.extend(Model::InterpolateMar.commands(out_dir));
    list.extend(Model::ThresholdPmw.commands(out_dir));
    list.push(format!("meltcore eval --config {config} --split test {predictions} --out {scores}"));
    list.push(format!("meltcore report --config {config} --split test {predictions} --scores {scores} --out {}", at("report.html")));
    list
}

impl Model {
    /// The commands from a fresh dataset to this model's maps of the test days, in their order.
    pub fn commands(self, out_dir: &Path) -> Vec<String> {
        let at = |name: &str| shell_word(&out_dir.join(name).to_string_lossy());
        let (config, name) = (at(self.file()), self.key().replace('_', "-"));
        let weights = at(&format!("{}/checkpoints/best.safetensors", self.run()));
        let means = format!("meltcore baseline time-interpolate-sar --config {config} --split all --out {}", at(RUNNING_MEANS));
        let train = format!("meltcore train --config {config}");
        match self {
            Model::Unet | Model::UnetSmp => {
                vec![means, train, format!("meltcore predict --config {config} --weights {weights} --split test")]
            }
            Model::LinearDem => vec![train, format!("meltcore baseline {name} --config {config} --weights {weights} --split test")],
            Model::InterpolateMar | Model::ThresholdPmw => vec![format!("meltcore baseline {name} --config {config} --split test")],
        }
    }
}

/// A word as a shell takes it: as it is where nothing in it is special, else quoted.
pub(super) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "_-./:=,+@".contains(c) || (cfg!(windows) && c == '\\');
    match (word.chars().all(plain), cfg!(windows)) {
        (true, _) => word.to_owned(),
        (false, true) => format!("\"{word}\""),
        (false, false) => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
