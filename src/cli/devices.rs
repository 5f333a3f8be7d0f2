//! `meltcore devices`: the devices of this machine.

use super::Globals;
use super::output::{self, Table};
use crate::error::Result;
use crate::gpu::{AdapterSummary, list_adapters};

/// List devices with their limits and features, and mark the one that would be used
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  meltcore devices\n  meltcore devices --device 1 --json")]
pub struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Prints the devices, the one that `--device` or `MELTCORE_DEVICE` chooses marked.
///
/// # Errors
/// [`crate::error::Error::Device`] where there is none, or none that fits the choice; stdout cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let (adapters, missing) = list_adapters(globals.device.as_deref())?;
    if let Some(missing) = missing {
        globals.note(missing);
    }
    if args.json { output::print_json(&adapters) } else { table(&adapters).print() }
}

/// One row a device; `*` marks the one in use.
pub(super) fn table(adapters: &[AdapterSummary]) -> Table {
    let heads = ["used", "index", "name", "kind", "backend", "driver", "subgroup", "binding MiB", "buffer MiB", "invocations", "features"];
    let mut table = Table::new(&heads);
    for adapter in adapters {
        let subgroup = match adapter.subgroup {
            [smallest, largest] if smallest == largest => largest.to_string(),
            [smallest, largest] => format!("{smallest}..{largest}"),
        };
        table.row([
            if adapter.used { "*" } else { "" }.to_owned(),
            adapter.index.to_string(),
            adapter.name.clone(),
            adapter.kind.clone(),
            adapter.backend.clone(),
            adapter.driver.clone(),
            subgroup,
            adapter.max_binding_mib.to_string(),
            adapter.max_buffer_mib.to_string(),
            adapter.max_invocations.to_string(),
            adapter.features.join(", "),
        ]);
    }
    table
}
