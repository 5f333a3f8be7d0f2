//! `meltcore bench`: throughput against the device's own ceilings.

use super::Globals;
use super::arguments::positive;
use super::device::{open_device, open_device_with};
use super::output::{self, Table};
use super::plans;
use super::progress::Progress;
use crate::bench::{self, CARDS, Exchanged, Needs, Options, Report, Row, StepOptions};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::gpu::DeviceKind;
use crate::ranks::Ranks;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Time every kernel and whole steps against the device's own ceilings
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore bench\n  meltcore bench --quick --filter conv2d\n  \
    meltcore bench --device 0 --json > bench.json\n  \
    meltcore bench --compare bench.json\n  \
    meltcore bench --step unet --set base_channels=8 --batch 8 --size 128x128 --profile\n  \
    meltcore bench --step unet_smp --batch 1 --size 256x256 --predict --seconds 5\n  \
    meltcore bench --step glavitu --batch 8 --size 384x384 --plan\n  \
    meltcore bench --filter 'conv2d ' --variant conv2d:OUT=16 --compare bench.json\n  \
    meltcore bench --plans --for all\n  \
    meltcore bench --ranks 2\n\n\
    `share` is the part of the ceiling that binds: of ceiling_fma's GFLOP/s or of the first ceiling_copy's GB/s, whichever is larger. It\n\
    can exceed 100 % where data stay in a cache. Operations and bytes are counted by napkin: the least that the kernels must do and move.\n\
    `spread` is the distance between the quartiles of the repetitions over their median. Every result is checked before it is timed.\n\
    Exit status: 0 measured; 1 some result is wrong (and has no time), or with --compare some row is slower by more than 5 % beyond its\n\
    spread; 2 no row has the wanted name, or a step that cannot be.")]
pub struct Args {
    /// Shorter and fewer repetitions
    #[arg(long)]
    pub quick: bool,
    /// Only rows whose name contains this text, or the one row whose name it is, and the ceilings
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Time this network's training step and prediction instead of the rows of every run
    #[arg(long, value_name = "MODEL", value_parser = NETWORKS)]
    pub step: Option<String>,
    /// With --step: override one key of the network's configuration, the value as YAML; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "step")]
    pub set: Vec<String>,
    /// With --step: crops in a batch
    #[arg(long, value_name = "N", requires = "step", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    pub batch: u32,
    /// With --step: rows and columns of a crop, in pixels
    #[arg(long, value_name = "HxW", requires = "step", default_value = "128x128", value_parser = size)]
    pub size: [usize; 2],
    /// With --step: only the forward pass
    #[arg(long, requires = "step")]
    pub predict: bool,
    /// With --step: instead of timing, what training takes of memory, from one crop in a batch to --batch, and which cards hold it
    #[arg(long, requires = "step", conflicts_with_all = ["predict", "filter", "profile", "compare"])]
    pub plan: bool,
    /// Instead of timing, what each row launches: kernels, their constants, workgroups, and what they take of the device
    #[arg(long, conflicts_with_all = ["plan", "profile", "compare", "seconds", "quick"])]
    pub plans: bool,
    /// With --plans: the plans on devices that are not here, by a part of their names, or `all`
    #[arg(long, value_name = "NAME|all", requires = "plans", conflicts_with = "variant",
        value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub r#for: Option<String>,
    /// Build a kernel in another way, KERNEL:NAME=VALUE[,NAME=VALUE], in place of those that a GPU takes for some shapes; may be repeated
    #[arg(long, value_name = "VARIANT")]
    pub variant: Vec<String>,
    /// Time each row but the ceilings for about so many seconds [default: 0.4, with --quick 0.06]
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Instead of the rows, the exchange of gradients between so many ranks by size, beside a copy in memory
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(2..=1024),
        conflicts_with_all = ["step", "filter", "plans", "variant", "compare", "profile"])]
    pub ranks: Option<u16>,
    /// As --ranks, between the processes that mpirun or srun has started (builds with the feature `mpi`)
    #[arg(long, conflicts_with_all = ["ranks", "step", "filter", "plans", "variant", "compare", "profile"])]
    pub mpi: bool,
    /// Leave the ceilings out, and with them the shares
    #[arg(long)]
    pub no_ceilings: bool,
    /// Device time by kernel behind the rows
    #[arg(long)]
    pub profile: bool,
    /// Compare with an earlier run's --json
    #[arg(long, value_name = "FILE")]
    pub compare: Option<PathBuf>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Networks whose steps can be made up.
pub(super) const NETWORKS: [&str; 6] = ["unet", "unet_smp", "deeplabv3", "glavitu", "tyrion", "linear_dem"];

impl Args {
    fn options(&self) -> Result<Options> {
        let step = self.step.as_ref().map(|model| StepOptions {
            model: model.clone(),
            set: self.set.clone(),
            batch: self.batch as usize,
            size: self.size,
            predict_only: self.predict,
        });
        let earlier = self.compare.as_deref().map(bench::load).transpose()?;
        let Args { quick, seconds, no_ceilings, profile, .. } = *self;
        Ok(Options { quick, seconds, filter: self.filter.clone(), step, no_ceilings, profile, earlier })
    }
}

/// Prints the times of exchanges.
fn print_exchange(rows: &[Exchanged], json: bool) -> Result<()> {
    if json {
        return output::print_json(&rows);
    }
    let mut table = Table::new(&["ranks", "MB", "exchange ms", "GB/s", "copy ms", "copies"]);
    for Exchanged { ranks, words, seconds, copy } in rows {
        let bytes = 4.0 * *words as f64;
        table.row([
            ranks.to_string(),
            format!("{:.3}", 1e-6 * bytes),
            format!("{:.3}", 1e3 * seconds),
            format!("{:.2}", 1e-9 * bytes / seconds),
            format!("{:.3}", 1e3 * copy),
            format!("{:.1}", seconds / copy),
        ]);
    }
    table.print()
}

/// Measures and prints a row for each case.
///
/// # Errors
/// [`Error::CheckFailed`] where a result is wrong or slower than before, after the rows were printed; whatever stops the device or stdout.
pub fn run(args: &Args, ranks: &Ranks, globals: &Globals) -> Result<()> {
    if args.mpi || args.ranks.is_some() {
        let rows = match args.ranks {
            Some(count) => bench::by_threads(usize::from(count))?,
            None => bench::exchange(ranks)?,
        };
        return if ranks.leads() { print_exchange(&rows, args.json) } else { Ok(()) };
    }
    let options = args.options()?;
    if let (true, Some(name)) = (args.plans, &args.r#for) {
        return plans::of_classes(name, &options, args.json);
    }
    let gpu = if args.variant.is_empty() { open_device(globals)? } else { open_device_with(globals, &args.variant)? };
    if args.plans {
        return plans::of_device(&gpu, &options, args.json);
    }
    if let (true, Some(step)) = (args.plan, &options.step) {
        return plan(&bench::needs(&gpu, step)?, args.json);
    }
    let mut progress = None;
    let report = bench::run(&gpu, &options, &mut |event| match event {
        Event::Start { label, total, unit } => progress = Some(Progress::start(label, total, unit, globals.quiet)),
        Event::Done(steps) => progress.iter().for_each(|progress| progress.advance(steps)),
        Event::Note(text) => globals.note(&text),
        Event::Detail(text) => globals.detail(&text),
        Event::Message(text) => progress.iter().for_each(|progress| progress.set_message(&text)),
    });
    drop(progress);
    let report = report?;
    if args.json {
        output::print_json(&report.rows)?
    } else {
        // The driver of a processor names its instruction set, without which its numbers say little.
        let found = gpu.capabilities();
        globals.note(&match found.kind {
            DeviceKind::Host => format!("measured on the processor ({})", found.driver),
            _ => format!("measured on {} ({}, {})", found.name, found.backend, found.driver),
        });
        rows(&report, args.compare.is_some()).print()?;
        if args.profile {
            output::print_line("")?;
            stems(&report).print()?
        }
    }
    verdict(&report)
}

/// Prints what steps take of memory.
fn plan(needs: &[Needs], json: bool) -> Result<()> {
    if json {
        let row = |needs: &Needs| {
            let cards: Vec<u64> = CARDS.into_iter().filter(|gib| needs.fits(*gib)).collect();
            let bytes = needs.bytes.as_ref();
            serde_json::json!({
                "batch": needs.batch, "recompute": needs.recompute, "mib": bytes.ok().map(|bytes| bytes >> 20), "fits_gib": cards,
                "refused": bytes.err(),
            })
        };
        return output::print_json(&needs.iter().map(row).collect::<Vec<_>>());
    }
    let cards = CARDS.map(|gib| format!("{gib} GiB"));
    let mut table = Table::new(&[&["batch", "recompute", "MiB"], cards.each_ref().map(String::as_str).as_slice()].concat());
    for row in needs {
        let mib = row.bytes.as_ref().map_or_else(|_| "refused".into(), |bytes| (bytes >> 20).to_string());
        let fits = CARDS.map(|gib| if row.fits(gib) { "fits" } else { "-" }.to_owned());
        table.row([row.batch.to_string(), row.recompute.to_string(), mib].into_iter().chain(fits).collect::<Vec<_>>());
    }
    table.print()?;
    let refusals: BTreeSet<&String> = needs.iter().filter_map(|row| row.bytes.as_ref().err()).collect();
    refusals.into_iter().try_for_each(|refusal| output::print_line(&format!("refused: {refusal}")))
}

fn verdict(report: &Report) -> Result<()> {
    let change = |row: &Row| row.change.filter(|change| change.slower).map(|change| format!("{} ({:.2} times)", row.name, change.ratio));
    let slower: Vec<String> = report.rows.iter().filter_map(change).collect();
    let mut faults = Vec::new();
    if !report.wrong.is_empty() {
        faults.push(format!("{} results are wrong and were not timed: {}", report.wrong.len(), report.wrong.join("; ")));
    }
    if !slower.is_empty() {
        faults.push(format!("{} rows are slower by more than 5 % beyond their spread: {}", slower.len(), slower.join("; ")));
    }
    if faults.is_empty() { Ok(()) } else { Err(Error::CheckFailed(faults.join(". "))) }
}

fn rows(report: &Report, compared: bool) -> Table {
    let changes: &[&str] = if compared { &["before", "ratio", "is"] } else { &[] };
    let mut table = Table::new(&[&["name", "ms", "spread", "GFLOP/s", "GB/s", "share"], changes].concat());
    for row in report.rows.iter().filter(|row| row.part.is_none()) {
        let [ms, gflops, gbps] = [row.ms, row.gflops, row.gbps].map(digits);
        let mut cells = vec![row.name.clone(), ms, percent(row.spread), gflops, gbps, percent(row.share)];
        match row.change {
            Some(change) => {
                let is = if change.slower { "SLOWER" } else { "" };
                cells.extend([digits(change.before_ms), format!("{:.3}", change.ratio), is.into()]);
            }
            None if compared => cells.extend(["-", "-", "new"].map(String::from)),
            None => {}
        }
        table.row(cells);
    }
    table
}

fn stems(report: &Report) -> Table {
    let mut table = Table::new(&["kernels of one run of each row", "calls", "ms", "of time", "GFLOP/s", "GB/s", "share"]);
    for (row, part) in report.rows.iter().filter_map(|row| row.part.map(|part| (row, part))) {
        let name = row.name.trim_start_matches("profile ").to_owned();
        let [ms, gflops, gbps] = [row.ms, row.gflops, row.gbps].map(digits);
        table.row([name, part.calls.to_string(), ms, percent(Some(part.time_share)), gflops, gbps, percent(row.share)]);
    }
    table
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |share| format!("{:.1}%", 100.0 * share))
}

/// Three digits where there are fewer before the point.
pub(super) fn digits(value: f64) -> String {
    let places = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else if value >= 1.0 {
        2
    } else {
        3
    };
    format!("{value:.places$}")
}

/// Parses rows and columns, `HxW`.
pub(super) fn size(text: &str) -> std::result::Result<[usize; 2], String> {
    let side = |text: &str| text.parse::<usize>().ok().filter(|side| (1..=65_535).contains(side));
    let sides = text.split_once('x').and_then(|(h, w)| Some([side(h)?, side(w)?]));
    sides.ok_or_else(|| "must be rows x columns, each a whole number from 1 to 65535, for example 128x128".into())
}

/// Parses a time that a person would wait for.
pub(super) fn seconds(text: &str) -> std::result::Result<f64, String> {
    positive(text).ok().filter(|s| *s <= 3600.0).ok_or_else(|| "must be a number of seconds above 0, up to 3600".into())
}
