//! `meltcore train --plan`: what a step would take on other numbers of ranks.

use super::Globals;
use super::arguments::positive;
use super::device::open_device;
use super::output::{Table, print_json, print_line};
use crate::config::Config;
use crate::error::Result;
use crate::train::{self, Elsewhere, Measured, Planned};

/// Efficiency below which a further device is mostly waiting.
const WORTHWHILE: f64 = 0.5;

/// What to plan, and for what.
#[derive(Debug, Clone, clap::Args)]
pub struct PlanArgs {
    /// Instead of training, what a step would take by 1, 2, 4, … ranks: compute, bytes moved, memory, time. One step is measured here
    #[arg(long, conflicts_with_all = ["weights", "resume", "devices", "mpi"])]
    pub plan: bool,
    /// With --plan: ranks at most
    #[arg(long = "ranks", value_name = "N", requires = "plan", default_value = "8", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub most: u32,
    /// With --plan: what the network between two ranks carries, GB/s in each direction
    #[arg(long, value_name = "GB/s", requires = "plan", default_value = "12.5", value_parser = positive)]
    pub network: f64,
    /// With --plan: time that a message takes beside its bytes, microseconds
    #[arg(long, value_name = "US", requires = "plan", default_value = "5", value_parser = positive)]
    pub latency: f64,
    /// With --plan: time of a micro-batch on the ranks' devices, milliseconds, in place of that measured here
    #[arg(long, value_name = "MS", requires = "plan", value_parser = positive)]
    pub micro_batch: Option<f64>,
    /// With --plan: what goes between a device and its host, GB/s, in place of what is measured here
    #[arg(long, value_name = "GB/s", requires = "plan", value_parser = positive)]
    pub link: Option<f64>,
    /// With --plan: print JSON instead of a table
    #[arg(long, requires = "plan")]
    pub json: bool,
}

/// Prints the plan of a configuration.
///
/// # Errors
/// Those of [`train::plan`]; stdout cannot be written.
pub(super) fn run(config: &Config, args: &PlanArgs, globals: &Globals) -> Result<()> {
    let gpu = open_device(globals)?;
    let elsewhere = Elsewhere {
        network: args.network * 1e9,
        latency: args.latency * 1e-6,
        micro_batch: args.micro_batch.map(|ms| ms * 1e-3),
        link: args.link.map(|link| link * 1e9),
    };
    let (measured, rows) = train::plan(config, &gpu, &elsewhere, args.most as usize)?;
    if args.json {
        return print_json(&rows.iter().map(|row| json(row, &measured)).collect::<Vec<_>>());
    }
    let Measured { crops, words, statistics, work, micro_batch, update, staging, .. } = measured;
    globals.note(&format!(
        "a micro-batch: {crops} crops, {:.3} TFLOP and {:.2} GB by napkin, {:.1} ms; an update: {:.1} ms; {:.1} MB of gradients, {:.1} ms to the \
         host and back; {:.1} kB of batch statistics",
        work.flops / 1e12,
        work.bytes / 1e9,
        1e3 * micro_batch,
        1e3 * update,
        4e-6 * words as f64,
        1e3 * staging,
        4e-3 * statistics as f64
    ));
    globals.note(&format!("network: {} GB/s, {} us a message; nothing is taken to overlap", args.network, args.latency));
    let mut table = Table::new(&[
        "ranks",
        "micro-batches",
        "each",
        "compute ms",
        "sent MB",
        "exchange ms",
        "memory MiB",
        "step ms",
        "crops/s",
        "efficiency",
    ]);
    for row in &rows {
        table.row([
            row.ranks.to_string(),
            row.accumulate_steps.to_string(),
            format!("{}", row.accumulate_steps as f64 / row.ranks as f64),
            format!("{:.1}", 1e3 * row.compute),
            format!("{:.1}", 1e-6 * row.sent),
            format!("{:.1}", 1e3 * row.exchange),
            row.memory.map_or_else(|| "too little".into(), |bytes| format!("{:.0}", bytes as f64 / f64::from(1 << 20))),
            format!("{:.1}", 1e3 * row.seconds()),
            format!("{:.1}", (row.accumulate_steps * crops) as f64 / row.seconds()),
            format!("{:.2}", row.efficiency(&measured)),
        ]);
    }
    table.print()?;
    let worthwhile = rows.iter().rev().find(|row| row.efficiency(&measured) >= WORTHWHILE).map_or(1, |row| row.ranks);
    let last = rows.last().map_or(1, |row| row.ranks);
    print_line(&match worthwhile < last {
        true => format!("beyond {worthwhile} ranks more than half of each device's time goes into the exchange"),
        false => format!("up to {last} ranks at least half of each device's time is spent on micro-batches"),
    })
}

fn json(row: &Planned, measured: &Measured) -> serde_json::Value {
    serde_json::json!({
        "ranks": row.ranks, "accumulate_steps": row.accumulate_steps, "compute_s": row.compute, "exchange_s": row.exchange,
        "sent_bytes": row.sent, "memory_bytes": row.memory, "step_s": row.seconds(), "efficiency": row.efficiency(measured),
    })
}
