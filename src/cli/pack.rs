//! `meltcore pack`: rasters of any kind to aligned, mappable GeoTIFFs.

use super::Globals;
use super::output::Table;
use super::watch::Watch;
use crate::data::Window;
use crate::data::dated_names::Pattern;
use crate::data::day::Day;
use crate::data::ingest::{Dates, Outlines, PackOptions, Plan, Resampling};
use crate::data::inventory::name_some;
use crate::data::linear::Linear;
use crate::domains::Fill;
use crate::error::{Error, Result};
use crate::event::Event;
use std::path::PathBuf;

/// Bring rasters onto one grid, as uncompressed float32 GeoTIFFs that are memory-mapped
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore pack --like dem.tif --out melt compressed/*.tif\n  \
    meltcore pack --like dem.tif --out snow --date \"MOD10A1.A%Y%j.*\" snow/\n  \
    meltcore pack --window 0,0,480,655 --out optical --scene west image_rgb.tif image_nir.tif\n  \
    meltcore pack --like image_rgb.tif --window 0,0,480,655 --out dem --scene west --slope --resampling bilinear dem.tif\n  \
    meltcore pack --like image_rgb.tif --window 0,0,480,655 --out classes --scene west --outlines glaciers.gpkg --ignore clouds.tif\n  \
    meltcore pack --like dem.tif --out mar --variable WA1 --level 0 --resampling bilinear MAR-2020.nc\n  \
    meltcore pack --like dem.tif --out temperature --variable TT --level 0 --scale 1 --offset 273.15 \\\n    \
    --source-crs \"+proj=stere +lat_0=70.5 +lon_0=-40 +R=6371229\" --resampling bilinear MARv3.11.nc\n\n\
    A source with a time axis gives one file a day (YYYY_MM_DD.tif, the mean of the day's steps). Another one gives one file: of the \
    day in its name (2019-05-01, 2019_05_01, 2019.05.01 or 20190501; --date PATTERN for others), which is shown before anything is \
    written, or under its own name (with the variable's after it). No-data becomes NaN; the file's own scale and offset are applied. \
    Run it again after an interruption: finished files are kept while source and options are the same (pack.json in the folder says \
    so), and those of sources that are called otherwise now are replaced.\n\n\
    GeoTIFF and NetCDF on even grids of the usual projections are read by every build; other formats, codecs and projections take one with \
    GDAL (cargo build --release --features gdal; --version says what is built in). The README says what is read how, and what is refused.")]
pub struct Args {
    /// Raster whose grid the files get: size, place and coordinate system [default: the only source, or the first one of a --scene]
    #[arg(long, value_name = "RASTER", required_unless_present = "sources")]
    pub like: Option<PathBuf>,
    /// Part of that grid: its first column and row, from 0, its columns and its rows
    #[arg(long, value_name = "COLUMN,ROW,WIDTH,HEIGHT", value_parser = window)]
    pub window: Option<Window>,
    /// Folder for the files
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Make one file, NAME.tif, of all bands of all sources in their order: a scene of `task: segmentation`
    #[arg(long, value_name = "NAME", conflicts_with_all = ["date", "variable"])]
    pub scene: Option<String>,
    /// Of a scene of one band, elevations: add the slope in degrees as a second band
    #[arg(long, requires = "scene")]
    pub slope: bool,
    /// Instead of sources: polygons (GeoPackage, Shapefile) of which a class map is made, 1 where a pixel's centre lies in one, 0 elsewhere
    /// (with GDAL)
    #[arg(long, value_name = "FILE", requires = "scene", conflicts_with_all = OF_VALUES)]
    pub outlines: Option<PathBuf>,
    /// Rasters that are not 0 where nobody knows the class, for example under clouds: such pixels become 255
    #[arg(long, value_name = "MASK", requires = "outlines")]
    pub ignore: Vec<PathBuf>,
    /// Variable, where a source has several: NAME, or GROUP/NAME in a file with groups
    #[arg(long, value_name = "NAME")]
    pub variable: Option<String>,
    /// Index from 0 along the axis that is neither time nor space, or of the band of a raster with several
    #[arg(long, value_name = "N")]
    pub level: Option<usize>,
    /// Coordinate system of the sources (PROJ string, EPSG:CODE, WKT), where they have none or a wrong one
    #[arg(long, value_name = "PROJ")]
    pub source_crs: Option<String>,
    /// Values between the pixels of a source
    #[arg(long, value_name = "METHOD", value_enum, default_value_t)]
    pub resampling: Method,
    /// Factor on the values
    #[arg(long, value_name = "A", default_value_t = 1.0, allow_negative_numbers = true, value_parser = finite)]
    pub scale: f64,
    /// Added to the values after the factor
    #[arg(long, value_name = "B", default_value_t = 0.0, allow_negative_numbers = true, value_parser = finite)]
    pub offset: f64,
    /// Values are decibels after that, and become 10^(x/10): radar backscatter, before anything is averaged
    #[arg(long)]
    pub from_db: bool,
    /// Where names of sources without a time axis hold their day: strptime's words (%Y %m %d %j %b ...) and * for anything, or `none`:
    /// they keep their names [default: the only date in the name]
    #[arg(long, value_name = "PATTERN")]
    pub date: Option<String>,
    /// What pixels without a value get: nearest (the nearest pixel with one), or a value after --scale and --offset [default: NaN]
    #[arg(long, value_name = "nearest|VALUE", allow_negative_numbers = true, value_parser = fill)]
    pub fill: Option<Fill>,
    /// Files made at the same time [default: one a core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,
    /// Rasters, or folders of GeoTIFFs and NetCDF files
    #[arg(value_name = "SOURCE", required_unless_present = "outlines")]
    pub sources: Vec<PathBuf>,
}

/// Options that make no sense of outlines.
const OF_VALUES: [&str; 8] = ["sources", "slope", "level", "resampling", "scale", "offset", "from_db", "fill"];

/// Files that are shown with their days.
const SHOWN_DAYS: usize = 12;

/// Ways to find values between pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Method {
    /// The pixel that the target's centre lies in
    #[default]
    Nearest,
    /// Between the four nearest centres
    Bilinear,
    /// Mean over the target pixel
    Average,
}

/// The numbers of `--window`.
fn window(text: &str) -> std::result::Result<Window, String> {
    let numbers: Option<Vec<usize>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([col, row, width, height]) => Ok(Window { row: *row, col: *col, height: *height, width: *width }),
        _ => Err("must be four whole numbers, for example 0,0,480,655".into()),
    }
}

fn finite(text: &str) -> std::result::Result<f64, String> {
    text.parse::<f64>().ok().filter(|x| x.is_finite()).ok_or_else(|| "must be a finite number".into())
}

/// Says which days the names of sources were taken for, where files are called otherwise than their sources: the first and the last, with
/// `-v` all.
fn show_days(days: &[(PathBuf, Day)], globals: &Globals) {
    let name = |source: &PathBuf| source.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if days.iter().all(|(source, day)| name(source) == day.file_name()) {
        return;
    }
    let mut table = Table::new(&["file", "day"]);
    let left_out = if globals.verbose > 0 { 0 } else { days.len().saturating_sub(SHOWN_DAYS) };
    for (index, (source, day)) in days.iter().enumerate() {
        match index {
            _ if left_out == 0 || index + 1 < SHOWN_DAYS || index + 1 == days.len() => table.row([name(source), day.to_string()]),
            _ if index + 1 == SHOWN_DAYS => table.row([format!("({} more, -v shows them)", left_out), String::new()]),
            _ => {}
        }
    }
    globals.note(table.to_text().trim_end());
}

/// Says what the bands of a scene hold, and what that looks like.
fn show_ranges(ranges: &[Option<(f32, f32)>], args: &Args, globals: &Globals) {
    let words = |range: &Option<(f32, f32)>| range.map_or("no value".to_owned(), |(low, high)| format!("{low} to {high}"));
    if ranges.is_empty() {
        return;
    }
    globals.note(&format!("bands: {}", ranges.iter().map(words).collect::<Vec<_>>().join("; ")));
    if args.slope {
        return;
    }
    let most =
        |holds: &dyn Fn(f32, f32) -> bool| ranges.iter().flatten().filter(|(low, high)| holds(*low, *high)).count() * 2 > ranges.len();
    if most(&|low, high| low >= -1000.0 && (300.0..=30_000.0).contains(&high)) {
        globals
            .note("if these are reflectances times 10 000, give --scale 0.0001: networks for reflectances of 0 to 1 make nothing of them");
    }
    if !args.from_db && most(&|low, high| (-80.0..-3.0).contains(&low) && high <= 40.0) {
        globals.note("if these are decibels of radar backscatter, give --from-db: networks that take the logarithm need linear values");
    }
}

/// Says how much of a class map is what.
fn show_classes([outside, inside, ignored]: [usize; 3], globals: &Globals) {
    let share = |pixels: usize| 100.0 * pixels as f64 / (outside + inside + ignored).max(1) as f64;
    let known = format!("{inside} pixel(s) inside of outlines ({:.1} %), {outside} outside", share(inside));
    globals.note(&format!("classes: {known}, {ignored} ignored ({:.1} %)", share(ignored)));
    if inside == 0 {
        globals.note("no pixel is inside of an outline; where some should be, check the coordinate systems (--source-crs) and the window");
    }
}

/// The raster whose grid the files get.
///
/// # Errors
/// [`Error::Usage`] where it is left to sources that do not decide it.
fn like(args: &Args) -> Result<PathBuf> {
    match (&args.like, &args.sources[..]) {
        (Some(like), _) => Ok(like.clone()),
        (None, [only]) if !only.is_dir() => Ok(only.clone()),
        (None, [first, ..]) if args.scene.is_some() && !first.is_dir() => Ok(first.clone()),
        (None, _) => Err(Error::Usage(
            "whose grid the files shall get is open: name a raster with --like (a single file, or the first one of a --scene, has its own)"
                .into(),
        )),
    }
}

fn fill(text: &str) -> std::result::Result<Fill, String> {
    match Fill::named(text) {
        Some(Fill::Nearest) => Ok(Fill::Nearest),
        Some(_) => {
            Err(format!("must be nearest or a number; {text} takes a configuration: its key `fill_<variable>: {text}` fills what is read"))
        }
        None => match text.parse::<f64>() {
            Ok(value) if (value as f32).is_finite() => Ok(Fill::Value(value)),
            _ => Err("must be nearest or a finite number".into()),
        },
    }
}

/// Runs the command.
///
/// # Errors
/// A source that cannot be read or placed; options that do not fit it; a file that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    if args.scale == 0.0 {
        return Err(Error::Usage("--scale 0 makes every value the same; give the factor of the wanted unit".into()));
    }
    let options = PackOptions {
        like: like(args)?,
        outlines: args.outlines.clone().map(|file| Outlines { file, ignore: args.ignore.clone() }),
        slope: args.slope,
        from_db: args.from_db,
        window: args.window,
        scene: args.scene.clone(),
        out: args.out.clone(),
        variable: args.variable.clone(),
        level: args.level,
        source_crs: args.source_crs.clone(),
        resampling: match args.resampling {
            Method::Nearest => Resampling::Nearest,
            Method::Bilinear => Resampling::Bilinear,
            Method::Average => Resampling::Average,
        },
        unit: Linear { scale: args.scale, offset: args.offset },
        dates: match args.date.as_deref() {
            None => Dates::InNames,
            Some("none") => Dates::Ignored,
            Some(text) => Dates::Pattern(Pattern::parse(text)?),
        },
        fill: args.fill,
        workers: args.workers.map(usize::from),
    };
    let plan = Plan::of(&args.sources, &options)?;
    show_days(plan.days(), globals);
    let mut watch = Watch::new(globals);
    let packed = plan.make(&mut |event| watch.observe(event))?;
    if !packed.empty.is_empty() {
        let (count, some) = (packed.empty.len(), name_some(&packed.empty));
        watch.observe(Event::Note(format!(
            "{count} file(s) have no value anywhere: {some}; where the source should cover the grid, check its coordinate system (--source-crs)"
        )));
    }
    watch.finish();
    show_ranges(&packed.ranges, args, globals);
    if let Some(classes) = packed.classes {
        show_classes(classes, globals);
    }
    let kept = match packed.unchanged {
        0 => String::new(),
        count => format!(", {count} kept from before"),
    };
    let filled = if args.fill.is_some() { format!(", {} pixel(s) filled", packed.filled) } else { String::new() };
    globals.note(&format!("{}: {} file(s) written{filled}{kept}", args.out.display(), packed.written));
    Ok(())
}
