//! `meltcore tune`: the fastest variants of the kernels that a configuration uses, found on the device at hand and kept for it.

use std::path::{Path, PathBuf};

use super::Globals;
use super::bench::{NETWORKS, digits, seconds, size};
use super::device::{TUNED, open_device_with};
use super::output::{self, Table};
use super::progress::Progress;
use super::signals::Interrupt;
use crate::bench::{self, Found, StepOptions, Tuned, cache_file};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::files::check_writable;
use crate::gpu::{AdapterSummary, Gpu, Plan, list_adapters};
use crate::train;

/// Find the fastest variants of the kernels that a configuration uses on this device, and keep them for all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore tune --config run.yaml\n  meltcore tune --step unet --batch 8 --size 256x256\n  \
    meltcore tune --config run.yaml --out tuned.json\n\n\
    Every variant sums the same terms in the same order, and each is compared with the usual one bit by bit before it is timed: results\n\
    do not depend on what is found. The winners go into a file of the user's caches (or --out, for MELTCORE_TUNED=FILE), from which every\n\
    command takes them on the same device with the same driver; --untuned or MELTCORE_TUNED=off leaves them aside. A signal ends it\n\
    behind the kernel that is timed; what was found by then is kept.\n\
    Exit status: 0 done; 1 some variant left other bits, and is not used; 2 the configuration cannot be used; 4 the file cannot be written.")]
#[command(group = clap::ArgGroup::new("what").required(true).args(["config", "step"]))]
pub struct Args {
    /// Configuration whose training is planned, with the data that it names
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// A network with inputs that are made up, instead of a configuration
    #[arg(long, value_name = "MODEL", value_parser = NETWORKS)]
    pub step: Option<String>,
    /// Override one key of the configuration, the value as YAML; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// With --step: crops in a batch
    #[arg(long, value_name = "N", requires = "step", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub batch: u32,
    /// With --step: rows and columns of a crop, in pixels
    #[arg(long, value_name = "HxW", requires = "step", default_value = "128x128", value_parser = size)]
    pub size: [usize; 2],
    /// Seconds for which each variant is timed
    #[arg(long, value_name = "S", default_value = "0.06", value_parser = seconds)]
    pub seconds: f64,
    /// File to write instead of that of the user's caches; one that `tune` made on another device is replaced
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Races the variants, prints the winners, and writes them.
///
/// # Errors
/// Those of the configuration and its data; device errors; [`Error::Output`]; [`Error::CheckFailed`] where a variant left other bits.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    // Neither needs nor reads what was tuned before.
    let gpu = open_device_with(globals, &[])?;
    let config = args.config.as_ref().map(|path| Config::load(path, &args.set)).transpose()?;
    let work = |planner: &Gpu| match &config {
        Some(config) => train::rehearse(config, planner),
        None => bench::rehearse(planner, &args.made_up()),
    };
    if gpu.capabilities().is_host() {
        // What is wrong with the configuration goes before.
        work(&gpu.planner())?;
        return Err(nothing_here(globals));
    }
    let file = file(args, &gpu)?;
    check_writable(&file)?;
    let is_cache = cache_file(gpu.capabilities()).is_some_and(|cache| cache == file);
    let earlier = match has_content(&file).then(|| Tuned::load(&file)).transpose() {
        // Whatever is broken in the folder of caches is ours.
        Err(error) if is_cache => {
            globals.note(&format!("{error}. It is replaced"));
            None
        }
        Err(_) => return Err(Error::output(&file, "exists and is no complete file of `meltcore tune`: remove it, or give another --out")),
        Ok(Some(earlier)) => match earlier.foreign_to(gpu.capabilities()) {
            Some(why) => {
                globals.note(&format!("{} is replaced: {why}", file.display()));
                None
            }
            None => Some(earlier),
        },
        Ok(None) => None,
    };
    let interrupt = Interrupt::install()?;
    let mut progress = None;
    let mut observe = |event| match event {
        Event::Start { label, total, unit } => progress = Some(Progress::start(label, total, unit, globals.quiet)),
        Event::Done(steps) => progress.iter().for_each(|progress| progress.advance(steps)),
        Event::Message(text) => progress.iter().for_each(|progress| progress.set_message(&text)),
        Event::Note(text) => globals.note(&text),
        Event::Detail(text) => globals.detail(&text),
    };
    let tuning = bench::tune(&gpu, &work, args.seconds, &|| interrupt.pending().is_some(), &mut observe)?;
    drop(progress);
    let mut tuned = tuning.tuned;
    let chosen = tuned.len();
    if let Some(earlier) = earlier {
        // What is usual now was not faster this time: only launches that were not raced keep their choice.
        tuned.keep(earlier, &tuning.raced);
    }
    tuned.save(&file)?;
    if args.json {
        output::print_json(&tuning.found.iter().map(json).collect::<Vec<_>>())?;
    } else {
        table(&tuning.found).print()?;
    }
    globals.note(&format!("{chosen} of {} launches have a faster variant: {}", tuning.found.len(), file.display()));
    if let Some(signal) = interrupt.pending().filter(|_| tuning.left > 0) {
        globals.note(&format!("stopped by signal {signal}: {} launches were not raced and stay as they were", tuning.left));
        return Err(Error::Interrupted(signal));
    }
    let refused: Vec<String> = tuning.found.iter().flat_map(|found| &found.refused).map(Plan::to_string).collect();
    match refused.is_empty() {
        true => Ok(()),
        false => Err(Error::CheckFailed(format!(
            "{} variants left other bits than the usual ones and are not used, a defect of meltcore or of the driver: {}",
            refused.len(),
            refused.join("; ")
        ))),
    }
}

impl Args {
    /// The step that stands for a configuration.
    fn made_up(&self) -> StepOptions {
        let model = self.step.clone().unwrap_or_default();
        StepOptions { model, set: self.set.clone(), batch: self.batch as usize, size: self.size, predict_only: false }
    }
}

/// The error on the processor, with the devices that can be named instead.
fn nothing_here(globals: &Globals) -> Error {
    let others = |(adapters, _): (Vec<AdapterSummary>, _)| {
        let names = adapters.into_iter().filter(|adapter| adapter.kind != "host").map(|adapter| adapter.name);
        names.collect::<Vec<_>>().join("; ")
    };
    let advice = match list_adapters(globals.device.as_deref()).map(others) {
        Ok(names) if !names.is_empty() => format!("--device names another: {names}"),
        _ => "no other device was found".into(),
    };
    Error::Usage(format!("there is nothing to tune on the processor: its kernels choose by themselves; {advice}"))
}

fn has_content(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|found| found.len() > 0)
}

/// Where the winners go.
fn file(args: &Args, gpu: &Gpu) -> Result<PathBuf> {
    let named = std::env::var_os(TUNED).filter(|value| !value.is_empty() && value != "off").map(PathBuf::from);
    let cached = || cache_file(gpu.capabilities());
    args.out.clone().or(named).or_else(cached).ok_or_else(|| Error::Usage("the system names no folder for caches: give --out FILE".into()))
}

fn table(found: &[Found]) -> Table {
    let mut table = Table::new(&["kernel", "usual", "ms", "fastest", "ms", "times faster", "tried"]);
    for race in found {
        table.row([
            race.usual.stem.to_owned(),
            race.constants(&race.usual),
            digits(race.usual_ms),
            if race.best == race.usual { "-".into() } else { race.constants(&race.best) },
            digits(race.best_ms),
            format!("{:.2}", race.usual_ms / race.best_ms),
            race.tried.to_string(),
        ]);
    }
    table
}

fn json(race: &Found) -> serde_json::Value {
    serde_json::json!({
        "kernel": race.usual.stem, "usual": race.constants(&race.usual), "usual_ms": race.usual_ms, "fastest": race.constants(&race.best),
        "fastest_ms": race.best_ms, "tried": race.tried, "refused": race.refused.iter().map(|plan| race.constants(plan)).collect::<Vec<_>>(),
    })
}
