//! `meltcore bench`: throughput against the device's own ceilings.

use super::Globals;
use super::device::open_device;
use super::output::{self, Table};
use super::progress::Progress;
use crate::bench::{self, Options, Report};
use crate::error::{Error, Result};
use crate::event::Event;

/// Time every kernel and whole steps against the device's own ceilings
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  meltcore bench\n  meltcore bench --quick --filter conv2d\n  meltcore bench --device 0 --json > bench.json\n\n\
    `share` is the part of the ceiling that binds: of ceiling_fma's GFLOP/s or of ceiling_copy's GB/s, whichever is larger. It can exceed 100 %\n\
    where data stay in a cache. Operations and bytes are counted by napkin: the least that the kernels must do and move.\n\
    Every result is checked before it is timed.\n\
    Exit status: 0 measured; 1 some result is wrong (and has no time); 2 no row has the wanted name."
)]
pub struct Args {
    /// Shorter and fewer repetitions
    #[arg(long)]
    pub quick: bool,
    /// Only rows whose name contains this text, and the ceilings
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Measures and prints a row for each case.
///
/// # Errors
/// [`Error::CheckFailed`] where a result is wrong, after the others' rows were printed; whatever stops the device or stdout.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let gpu = open_device(globals)?;
    let options = Options { quick: args.quick, filter: args.filter.clone() };
    let mut progress = None;
    let report = bench::run(&gpu, &options, &mut |event| match event {
        Event::Start { label, total, unit } => progress = Some(Progress::start(label, total, unit, globals.quiet)),
        Event::Done(steps) => progress.iter().for_each(|progress| progress.advance(steps)),
        Event::Note(text) => globals.note(&text),
        Event::Message(text) => progress.iter().for_each(|progress| progress.set_message(&text)),
    });
    drop(progress);
    let report = report?;
    if args.json {
        output::print_json(&report.rows)?
    } else {
        table(&report).print()?
    }
    match report.wrong.as_slice() {
        [] => Ok(()),
        wrong => Err(Error::CheckFailed(format!("{} results are wrong and were not timed: {}", wrong.len(), wrong.join("; ")))),
    }
}

fn table(report: &Report) -> Table {
    let mut table = Table::new(&["name", "ms", "GFLOP/s", "GB/s", "share"]);
    for row in &report.rows {
        let share = format!("{:.1}%", 100.0 * row.share);
        table.row([row.name.clone(), digits(row.ms), digits(row.gflops), digits(row.gbps), share]);
    }
    table
}

/// Three digits where there are fewer before the point.
fn digits(value: f64) -> String {
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
