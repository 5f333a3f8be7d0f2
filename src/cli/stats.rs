//! `meltcore stats`: the statistics that a configuration needs, and the winter means.

use super::Globals;
use super::arguments::{ConfigArgs, split_names};
use super::baseline::number;
use super::output::{print_bytes, print_json};
use super::watch::Watch;
use crate::baselines::winter_mean::{WinterMean, write_winter_means};
use crate::config::Config;
use crate::data::day::Split;
use crate::data::stats::{ChannelStats, Values, channel_stats};
use crate::error::{Error, Result};
use serde_json::{Map, Value, json};

/// Print mean and standard deviation of every channel as configuration keys, or write winter means
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore stats --config run.yaml --split train >> run.yaml\n  \
    meltcore stats winter-mean --config run.yaml\n\n\
    All pixels of a scene count, of the target those on land that were seen; standard deviations are the population's.")]
pub struct Args {
    /// What to compute
    #[arg(value_name = "WHAT", default_value = "channels", hide_default_value = true)]
    pub what: What,
    /// The configuration and its overrides.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Days to read (channels) [default: train]
    #[arg(long, value_name = "NAME", value_parser = split_names())]
    pub split: Option<String>,
    /// Write winter means again that are there already
    #[arg(long)]
    pub force: bool,
    /// Print JSON instead of YAML
    #[arg(long)]
    pub json: bool,
}

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// Mean and standard deviation of the configured inputs and of the target (the default)
    Channels,
    /// Mean of January and February of each year of path_pmw, into path_pmw_winter_mean
    #[value(alias = "winter_mean")]
    WinterMean,
}

/// Runs the command.
///
/// # Errors
/// An unusable configuration; rasters that are missing or cannot be read; a winter mean that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let config = args.config.load(globals)?;
    match args.what {
        What::Channels if args.force => Err(Error::Usage("--force acts on winter-mean only; leave it out".into())),
        What::Channels => channels(args, &config, globals),
        What::WinterMean if args.split.is_some() => {
            Err(Error::Usage("winter-mean takes every winter in path_pmw, whatever the split; leave --split out".into()))
        }
        What::WinterMean => winter_mean(args, &config, globals),
    }
}

fn channels(args: &Args, config: &Config, globals: &Globals) -> Result<()> {
    let split: Split = args.split.as_deref().unwrap_or("train").parse()?;
    let mut watch = Watch::new(globals);
    let stats = channel_stats(config, split, Values::Prepared, &mut |event| watch.observe(event))?;
    watch.finish();
    let inputs = config.inputs()?;
    for channel in stats.iter().filter(|channel| channel.without_value > 0 && channel.name != config.domain().target.name) {
        let (name, left_out) = (channel.name, channel.without_value);
        let of_them = match inputs.iter().find(|input| input.name == name && input.refuses_gaps()) {
            Some(_) => format!("a network refuses such days; `fill_{name}` fills them (mean, nearest, time or a value)"),
            None => "a network gets filled ones there".to_owned(),
        };
        globals.note(&format!("`{name}`: {left_out} pixels without a value were left out; {of_them}"));
    }
    if args.json {
        return print_json(&as_json(split, &stats));
    }
    let mut text = format!("# {} days of the split {split}: mean and population standard deviation\n", days(&stats));
    for ChannelStats { name, moments, normalised, .. } in &stats {
        let (mean, std) = (number(moments.mean()), number(moments.std()));
        match normalised {
            // A field that never changes has nothing to be divided by.
            true if moments.std() > 0.0 => text.push_str(&format!("mean_{name}: {mean}\nstd_{name}: {std}\n")),
            true => text.push_str(&format!("# {name} is {mean} everywhere and cannot be normalised\n")),
            false => text.push_str(&format!("# {name} is never normalised: mean {mean}, standard deviation {std}\n")),
        }
    }
    print_bytes(text.as_bytes())
}

/// The most files of a variable: constant ones have a single file.
fn days(stats: &[ChannelStats]) -> usize {
    stats.iter().map(|channel| channel.files).max().unwrap_or(0)
}

fn as_json(split: Split, stats: &[ChannelStats]) -> Value {
    let of = |channel: &ChannelStats| {
        let ChannelStats { moments, without_value, files, normalised, .. } = channel;
        json!({
            "mean": moments.mean(), "std": moments.std(), "pixels": moments.count(), "without_value": without_value, "files": files,
            "normalised": normalised
        })
    };
    let channels: Map<String, Value> = stats.iter().map(|channel| (channel.name.to_owned(), of(channel))).collect();
    json!({ "split": split.name(), "channels": channels })
}

fn winter_mean(args: &Args, config: &Config, globals: &Globals) -> Result<()> {
    let mut watch = Watch::new(globals);
    let written = write_winter_means(config, args.force, &mut |event| watch.observe(event))?;
    watch.finish();
    for WinterMean { year, path, days, without_value, kept } in &written {
        let path = path.display();
        globals.note(&match (kept, without_value) {
            (true, _) => format!("{path} was there already and is kept; --force writes it again"),
            (false, 0) => format!("{path}: mean of {days} days of January and February {year}"),
            (false, count) => {
                format!("{path}: mean of {days} days of January and February {year}; {count} pixels never have a value (NaN)")
            }
        });
    }
    if args.json { print_json(&written) } else { Ok(()) }
}
