//! `meltcore config new`: a configuration drafted from data.

use super::Globals;
use super::device::open_device;
use super::output::{Table, print_json, print_line};
use super::watch::Watch;
use crate::data::day::{Day, Split};
use crate::data::stats::ChannelStats;
use crate::draft::{Draft, Found, Named, Request, draft};
use crate::error::Result;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Draft a configuration from folders of rasters, with lists of days, statistics and sizes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore config new --target wetsnow --input tb36=AMSR2 --input lwc=mar/lwc --static slope=slope.tif --mask land.tif --out run.yaml\n  \
    meltcore config new --target nir=data/nir --input rgb=data/rgb --out run.yaml\n\n\
    A daily variable is a folder with one GeoTIFF a day, called YYYY_MM_DD.tif or anything with one date in it (snow_2019-05-01.tif, \
    AMSR2_20190501.tif); all lie on the target's grid. Files of several bands become one input a band. The lists of days are drawn as \
    `meltcore split` draws them and stand, with all that is made later, in a folder beside the file that is called as it is.")]
pub struct Args {
    /// What maps are trained on: a folder with one raster a day; its name is the folder's unless given
    #[arg(long, value_name = "[NAME=]DIR", value_parser = named)]
    pub target: Named,
    /// An input of one raster a day; may be repeated
    #[arg(long = "input", value_name = "[NAME=]DIR", value_parser = named)]
    pub inputs: Vec<Named>,
    /// An input of one raster for all days, for example elevation; may be repeated
    #[arg(long = "static", value_name = "[NAME=]FILE", value_parser = named)]
    pub constants: Vec<Named>,
    /// A raster of land and ocean (0 and 1, or -1 and 1); pixels on ocean do not count
    #[arg(long, value_name = "FILE")]
    pub mask: Option<PathBuf>,
    /// The configuration to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace a configuration and its lists that are there
    #[arg(long)]
    pub force: bool,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Parses `NAME=PATH`; without a name it is that of the folder or file.
fn named(text: &str) -> std::result::Result<Named, String> {
    let is_name = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if let Some((name, path)) = text.split_once('=').filter(|(name, path)| is_name(name) && !path.is_empty()) {
        return Ok(Named { name: name.to_owned(), path: path.into() });
    }
    let stem =
        Path::new(text).file_stem().map(|stem| stem.to_string_lossy().into_owned()).ok_or("must be NAME=PATH or a path with a name")?;
    let name = stem.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    Ok(Named { name, path: text.into() })
}

/// Runs the command.
///
/// # Errors
/// As [`draft`]; no device.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let gpu = open_device(globals)?;
    let request = Request {
        target: args.target.clone(),
        inputs: args.inputs.clone(),
        constants: args.constants.clone(),
        mask: args.mask.clone(),
        out: args.out.clone(),
        force: args.force,
    };
    let mut watch = Watch::new(globals);
    let drafted = draft(&request, &gpu, &mut |event| watch.observe(event))?;
    watch.finish();
    if args.json {
        return print_json(&as_json(&drafted, &args.out));
    }
    table(&drafted).print()?;
    let lists = Split::ALL.into_iter().filter(|split| drafted.place.list(*split, &drafted.lists).is_some());
    let days: Vec<String> = lists.map(|split| format!("{} {split}", drafted.lists.of(split).len())).collect();
    print_line(&format!("\ndays: {}; training takes {:.0} MiB on {}", days.join(", "), mib(drafted.bytes), gpu.capabilities().name))?;
    if drafted.lists.test.is_empty() {
        globals.note("too few days to hold any back for a test: scores will be of days that the network has learnt");
    }
    print_line(&format!("written: {}\nnext:", args.out.display()))?;
    drafted.place.next(&drafted.lists, &args.out).iter().try_for_each(|command| print_line(&format!("  {command}")))
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The channels of a variable with their statistics.
fn channels<'a>(drafted: &'a Draft, found: &'a Found) -> impl Iterator<Item = (String, Option<&'a ChannelStats>)> {
    found.channels().into_iter().map(|name| {
        let stats = drafted.stats.iter().find(|stats| stats.name == name);
        (name, stats)
    })
}

fn table(drafted: &Draft) -> Table {
    let mut table = Table::new(&["variable", "of", "days", "first", "last", "smallest", "largest", "mean", "std", "unit", "title"]);
    let short = |x: f64| format!("{x:.4e}").parse::<f64>().unwrap_or(x).to_string();
    for found in &drafted.found {
        let day = |day: Option<&Day>| day.map_or_else(String::new, Day::to_string);
        for ((name, stats), words) in channels(drafted, found).zip(&found.bands) {
            let values = stats.map(|stats| [stats.ends[0], stats.ends[1], stats.moments.mean(), stats.moments.std()].map(short));
            let days = if found.days.is_empty() { String::new() } else { found.days.len().to_string() };
            let option = found.option.trim_start_matches('-').to_owned();
            let start = [name, option, days, day(found.days.first()), day(found.days.last())];
            table.row(start.into_iter().chain(values.unwrap_or_default()).chain([words.unit.clone(), words.title.clone()]));
        }
    }
    table
}

fn as_json(drafted: &Draft, out: &Path) -> Value {
    let of = |found: &Found| {
        let channels: Map<String, Value> = channels(drafted, found)
            .map(|(name, stats)| {
                let values = stats.map(|stats| json!({"range": stats.ends, "mean": stats.moments.mean(), "std": stats.moments.std()}));
                (name, values.unwrap_or_default())
            })
            .collect();
        json!({"name": found.name, "option": found.option, "path": found.path, "days": found.days.len(), "channels": channels})
    };
    let lists: Map<String, Value> = Split::ALL
        .into_iter()
        .filter_map(|split| {
            Some((
                split.name().to_owned(),
                json!({"file": drafted.place.list(split, &drafted.lists)?, "days": drafted.lists.of(split).len()}),
            ))
        })
        .collect();
    let next = drafted.place.next(&drafted.lists, out);
    json!({"config": out, "variables": drafted.found.iter().map(of).collect::<Vec<_>>(), "lists": lists, "bytes": drafted.bytes, "next": next})
}
