//! `meltcore predict`: maps of whole scenes from trained weights.

use super::Globals;
use super::arguments::{ConfigArgs, map_folder, split_names};
use super::averaging::AveragingArgs;
use super::device::open_device;
use super::overwrite::{holds, refuse_foreign};
use super::watch::Watch;
use crate::config::{Config, TaskKey};
use crate::data::day::{Day, Split, read_split_csv};
use crate::data::polygons;
use crate::data::stack::{self, StackMeta};
use crate::domains::Unit;
use crate::error::{Error, Result};
use crate::files::is_same;
use crate::predict::manifest::{Maker, Manifest, weights_digest_of};
use crate::predict::origin::Origin;
use crate::predict::{Calibrating, Destination, LocationSearch, Options, OutlineOptions, Request, Scene, Shard, write_maps};
use crate::tasks::{self, MAPS_FILE};
use crate::weights::intact_weight_files;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Write full-scene daily maps by mosaicking tiles
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore predict --config run.yaml --weights checkpoints/best.safetensors --split test\n  \
    meltcore predict --config run.yaml --weights checkpoints/best.safetensors --split deploy --out maps --set prediction_stride=58 --netcdf maps.nc\n  \
    meltcore predict --config run.yaml --weights checkpoints/best.safetensors --split deploy --shard slurm\n  \
    meltcore predict --weights best.safetensors scene --out maps\n  \
    meltcore predict --weights best.safetensors pmw=amsr/2019_05_01.tif dem=dem.tif --out maps\n  \
    meltcore predict --weights best.safetensors optical=scene.tif dem=dem.tif --out maps --median 3 --outlines --smallest-area 10000\n\n\
    Weights carry the configuration of their training, paths aside (`meltcore weights info FILE` shows it). Under another one they mean \
    something else: where --config differs in what maps depend on, the command names both values and ends with 2, unless \
    --accept-changed-config says to go on. How tiles are laid, clipped and masked is a choice, and may differ.\n\n\
    With SCENE in place of --config and --split nothing but the weights' own configuration is needed. SCENE is a folder with one entry for \
    each input, named as the input: a sub-folder of files YYYY_MM_DD.tif, of which every day that all inputs have is mapped, or one file \
    (pmw.tif, dem.tif); NAME=PATH says where else an input is. All rasters lie on one grid (`meltcore pack` sees to that). landmask.tif is \
    taken where it is there. Files without a date in their names give one map, map.tif; a radar scene gives one of its own name.")]
pub struct Args {
    /// Folder with an entry for each input of the weights, or NAME=PATH for one; takes the place of --config and --split
    #[arg(value_name = "SCENE", conflicts_with_all = ["config", "split"], requires = "out")]
    pub scene: Vec<String>,
    /// YAML configuration
    #[arg(long, value_name = "FILE", required_unless_present = "scene")]
    pub config: Option<PathBuf>,
    /// Override one key of the configuration, the value as YAML; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Trained weights: a safetensors file, a checkpoint folder, or a folder of several files; repeated, or of several, maps are means over
    /// trainings of one configuration, and those of calving fronts say how far these are apart
    #[arg(long, value_name = "FILE|DIR", required = true)]
    pub weights: Vec<PathBuf>,
    /// Days to map
    #[arg(long, value_name = "NAME", value_parser = split_names(), required_unless_present = "scene")]
    pub split: Option<String>,
    /// Folder for the maps; without it `path_predictions`, for deploy `path_deploy`
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on although the weights were trained under another configuration
    #[arg(long)]
    pub accept_changed_config: bool,
    /// Write no picture (YYYY_MM_DD.png) beside each map
    #[arg(long)]
    pub no_png: bool,
    /// Make maps again that are finished; without it they are skipped while weights, settings and inputs are unchanged
    #[arg(long)]
    pub overwrite: bool,
    /// Write into a folder that holds files under the names of maps which its maps.json does not list; replace a --netcdf file that is no
    /// stack of meltcore
    #[arg(long)]
    pub force: bool,
    /// What maps are averages of.
    #[command(flatten)]
    pub averaging: AveragingArgs,
    /// Say beside each map of melt, in probability/, how sure it is: the share above 0.1 and its calibrated probability, the standard
    /// deviation over networks, turns, --tta and --mc-dropout, and quantiles of a network that learns them, or those of several networks'
    /// maps; beside maps of classes, which always do, the standard deviation also over --tta and --mc-dropout
    #[arg(long)]
    pub uncertainty: bool,
    /// Calibration of how sure maps are (`meltcore calibrate`); without it that beside the weights, where there is one of them
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// Use no calibration
    #[arg(long, conflicts_with = "calibration")]
    pub uncalibrated: bool,
    /// Give each pixel of a map of classes the median class of SIZE × SIZE pixels around it; an odd number, 3 takes away what is single
    #[arg(long, value_name = "SIZE")]
    pub median: Option<usize>,
    /// Write the polygons of every class but the first beside each map, as GeoPackage NAME.gpkg (maps of classes; builds with GDAL)
    #[arg(long)]
    pub outlines: bool,
    /// Leave out smaller polygons, in square metres; the maps keep them
    #[arg(long, value_name = "M2", value_parser = area, requires = "outlines")]
    pub smallest_area: Option<f64>,
    /// The region that all scenes are taken to be of, or `unknown`, whatever their names say; of weights with `location: region`
    #[arg(long, value_name = "CODE", conflicts_with = "optimise_location")]
    pub region: Option<String>,
    /// Look, without labels, for the mixture of regions under which the network is surest of each scene, and map with that;
    /// NAME.location.json says what was found
    #[arg(long, alias = "optimize-location")]
    pub optimise_location: bool,
    /// Learning rate of --optimise-location: how far one of its updates moves a region's logit
    #[arg(long, value_name = "RATE", default_value_t = 1e-4, requires = "optimise_location")]
    pub location_rate: f64,
    /// Make a part of the maps: days with position mod N = I in the list, or `slurm` for the part of a task of a job array. Several tasks
    /// fill one folder at the same time; run once more without it, the command makes what is missing and leaves one list
    #[arg(long, value_name = "I/N|slurm", conflicts_with_all = ["outlines", "netcdf", "zarr"])]
    pub shard: Option<String>,
    /// Write a copy of each map as cloud-optimized GeoTIFF into this folder, too (builds with GDAL)
    #[arg(long, value_name = "DIR")]
    pub cog: Option<PathBuf>,
    /// Write all maps as one CF-conforming NetCDF time stack, too (builds with GDAL)
    #[arg(long, value_name = "FILE")]
    pub netcdf: Option<PathBuf>,
    /// Write all maps as one Zarr time stack, too (builds with GDAL)
    #[arg(long, value_name = "DIR")]
    pub zarr: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// An unusable configuration, dataset or weight file; no device; a map that is not finite or cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let shard = args.shard.as_ref().map(|text| Shard::named(text, |name| std::env::var(name).ok())).transpose()?;
    let members = args.weights.iter().map(|weights| intact_weight_files(weights)).collect::<Result<Vec<_>>>()?.concat();
    let [first, others @ ..] = &members[..] else {
        return Err(Error::Usage("--weights is missing; name a safetensors file".into()));
    };
    if members != args.weights {
        let named: Vec<String> = members.iter().map(|member| member.display().to_string()).collect();
        globals.note(&format!("weights: {}", named.join(", ")));
    }
    let work = Work { shard, ..Work::of(args, first, globals)? };
    if args.cog.is_some() || args.netcdf.is_some() || args.zarr.is_some() {
        stack::check_available()?;
    }
    if args.outlines {
        polygons::check_available()?;
    }
    if args.uncertainty && (args.cog.is_some() || args.netcdf.is_some() || args.zarr.is_some()) {
        globals.note("--cog, --netcdf and --zarr hold the maps; what --uncertainty says of them is in probability/ alone");
    }
    if args.calibration.is_some() && !args.uncertainty && work.config.task == TaskKey::MeltFraction {
        return Err(Error::Usage("--calibration is of what maps of melt say with --uncertainty alone; give that, too".into()));
    }
    let copies = Copies::open(args, &work)?;
    let gpu = open_device(globals)?;
    let mut watch = Watch::new(globals);
    let destination = Destination { folder: &work.folder, pictures: !args.no_png, replace: args.force };
    let averaged = args.averaging.options(&work.config);
    let options = with_location(args, &work.config, Options { median: args.median, uncertainty: args.uncertainty, ..averaged })?;
    let calibrating = match &args.calibration {
        Some(file) => Calibrating::File(file),
        None if args.uncalibrated => Calibrating::Off,
        None => Calibrating::Beside,
    };
    let request = Request {
        split: work.split,
        days: work.days.as_deref(),
        shard: work.shard,
        weights: first,
        others,
        options,
        outlines: outlines(args),
        overwrite: args.overwrite,
        accept_changed_config: args.accept_changed_config,
        calibrating,
    };
    let maps = write_maps(&gpu, &work.config, &request, destination, &mut |event| watch.observe(event))?;
    watch.finish();
    let of = if work.days.is_some() { "scene".to_owned() } else { format!("split {}", work.split) };
    globals.note(&format!("maps of the {of} are in {}", work.folder.display()));
    copies.write(args, &work.config, &members, &maps, globals)
}

fn area(text: &str) -> std::result::Result<f64, String> {
    let area = text.parse::<f64>().ok().filter(|area| area.is_finite() && *area >= 0.0);
    area.ok_or_else(|| "must be a number of square metres, 10000 for example".into())
}

/// The outlines that are asked for.
fn outlines(args: &Args) -> Option<OutlineOptions> {
    let smallest_area = args.smallest_area.unwrap_or(0.0);
    args.outlines.then_some(OutlineOptions { smallest_area, replace: args.force, overwrite: args.overwrite })
}

/// These options with what the arguments say of where scenes lie.
fn with_location(args: &Args, config: &Config, options: Options) -> Result<Options> {
    let options = args.region.iter().try_fold(options, |options, code| options.of_region(config, code))?;
    if !args.optimise_location {
        return Ok(options);
    }
    let search = LocationSearch { seed: config.seed, rate: args.location_rate };
    search.check(config)?;
    Ok(Options { location: Some(search), ..options })
}

/// What is to be mapped, under which configuration, and where to.
struct Work {
    config: Config,
    split: Split,
    /// The days of a scene; none: those of the split's list.
    days: Option<Vec<Day>>,
    shard: Option<Shard>,
    folder: PathBuf,
}

impl Work {
    fn of(args: &Args, weights: &Path, globals: &Globals) -> Result<Work> {
        let (Some(config), Some(split)) = (&args.config, &args.split) else {
            let Scene { config, days, notes } = Scene::open(weights, &args.scene, &args.set)?;
            notes.iter().for_each(|note| globals.note(note));
            let is_stack = args.netcdf.is_some() || args.zarr.is_some();
            if is_stack && days.contains(&Day::UNDATED) {
                let message = "--netcdf and --zarr make stacks of days, and the scene has no date: name its files after it, for example \
                               2017_06_04.tif, or leave these options out";
                return Err(Error::Usage(message.into()));
            }
            let folder = map_folder(args.out.as_deref(), &config, "deploy")?;
            refuse_folder_of_inputs(&folder, &config)?;
            return Ok(Work { config, split: Split::Deploy, days: Some(days), shard: None, folder });
        };
        let config = ConfigArgs { config: config.clone(), set: args.set.clone() }.load(globals)?;
        config.require_model_key()?;
        if config.domain().unit == Unit::Scene && (args.netcdf.is_some() || args.zarr.is_some()) {
            let message = "--netcdf and --zarr make stacks of days on one grid, and these are scenes, each on a grid of its own; leave them out \
                           (--cog makes copies of single maps)";
            return Err(Error::Usage(message.into()));
        }
        let folder = map_folder(args.out.as_deref(), &config, split)?;
        Ok(Work { config, split: split.parse()?, days: None, shard: None, folder })
    }

    /// The days that are mapped.
    fn days(&self) -> Result<Vec<Day>> {
        let all = match &self.days {
            Some(days) => days.clone(),
            None => read_split_csv(self.config.require_split_csv(self.split.name())?, self.config.domain().unit)?,
        };
        let own = all.into_iter().enumerate().filter(|(position, _)| self.shard.is_none_or(|shard| shard.has(*position)));
        Ok(own.map(|(_, day)| day).collect())
    }
}

/// Refuses a folder for maps that holds one of the files they are made from, which may have a map's name.
fn refuse_folder_of_inputs(folder: &Path, config: &Config) -> Result<()> {
    let parent = |path: &Path| path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    match config.variable_paths.iter().find(|(_, path)| path.is_file() && is_same(&parent(path), folder)) {
        Some((name, path)) => Err(Error::Usage(format!(
            "maps cannot go to {}: the input {name} ({}) is in it, and a map could take its place; choose another with --out",
            folder.display(),
            path.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses a stack under the name of one of the maps, their pictures or their list, which would take its place.
fn refuse_name_of_map(file: &Path, args: &Args, work: &Work) -> Result<()> {
    let (maps, days) = (&work.folder, work.days()?);
    let stem = file.file_stem().unwrap_or_default();
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let is_map = |day: &Day| Path::new(&day.file_name()).file_stem() == Some(stem) && ["tif", "png"].contains(&extension);
    let taken = file.ends_with(MAPS_FILE) || days.iter().any(is_map);
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // The folder may not be there yet.
    let is_of = |folder: &Path| is_same(parent, folder) || std::path::absolute(parent).ok() == std::path::absolute(folder).ok();
    match [Some(maps), args.cog.as_ref()].into_iter().flatten().find(|folder| taken && is_of(folder)) {
        Some(folder) => {
            let message = format!("--netcdf {} has the name of a file of the maps in {}; choose another", file.display(), folder.display());
            Err(Error::Usage(message))
        }
        None => Ok(()),
    }
}

/// What other programs read more easily than single GeoTIFFs.
struct Copies {
    /// The list of the folder of cloud-optimized copies, which have the names of the maps.
    cog: Option<Manifest>,
}

impl Copies {
    /// Takes the places of the copies before the work begins.
    fn open(args: &Args, work: &Work) -> Result<Copies> {
        if let Some(file) = &args.netcdf {
            // NetCDF, with the attribute `source` of every stack.
            let is_netcdf = |head: &[u8]| head.starts_with(b"CDF") || head.starts_with(b"\x89HDF");
            refuse_foreign(file, "time stack", args.force, |head| is_netcdf(head) && holds(head, b"meltcore "))?;
            refuse_name_of_map(file, args, work)?;
        }
        if let Some(folder) = args.zarr.as_ref().filter(|folder| folder.exists()) {
            return Err(Error::output(folder, "exists already; remove it, or choose another name for the Zarr store"));
        }
        let Some(folder) = &args.cog else { return Ok(Copies { cog: None }) };
        let days = work.days()?;
        let maker = Maker { weights: String::new(), options: json!({ "copies": "COG" }), fills: None };
        let to = Destination { folder, pictures: false, replace: args.force };
        let wanted = days.iter().map(Day::file_name).collect();
        let (manifest, _) = Manifest::open_shared(to, &work.config, &maker, &wanted, work.shard)?;
        if is_same(folder, &work.folder) {
            let message = format!("--cog {} is the folder of the maps, which have the same names; choose another", folder.display());
            return Err(Error::Usage(message));
        }
        Ok(Copies { cog: Some(manifest) })
    }

    fn write(mut self, args: &Args, config: &Config, members: &[PathBuf], maps: &[(Day, PathBuf)], globals: &Globals) -> Result<()> {
        if let (Some(folder), Some(manifest)) = (&args.cog, &mut self.cog) {
            manifest.begin()?;
            for (day, map) in maps {
                stack::write_cog(map, &folder.join(day.file_name()))?;
                manifest.finish(&day.file_name(), None)?;
            }
            globals.note(&format!("cloud-optimized copies are in {}", folder.display()));
        }
        if args.netcdf.is_none() && args.zarr.is_none() {
            return Ok(());
        }
        let named: Vec<String> = args.weights.iter().map(|weights| weights.display().to_string()).collect();
        let (model, weights, digest) = (config.model_key.name(), named.join(", "), weights_digest_of(members)?);
        let task = tasks::of(config);
        let band = task.bands()[0];
        let meta = StackMeta {
            variable: band.name.into(),
            long_name: band.long_name.into(),
            units: band.unit.into(),
            title: task.words().stack.into(),
            source: format!("{}, {model}, weights {weights} (SHA-256 {digest})", Origin::software()),
            attributes: Origin::of(model, task.as_ref(), &digest).attributes(),
        };
        if let Some(file) = &args.netcdf {
            stack::write_netcdf(maps, file, &meta)?;
            globals.note(&format!("the stack of {} days is {}", maps.len(), file.display()));
        }
        if let Some(folder) = &args.zarr {
            stack::write_zarr(maps, folder, &meta)?;
            globals.note(&format!("the stack of {} days is {}", maps.len(), folder.display()));
        }
        Ok(())
    }
}
