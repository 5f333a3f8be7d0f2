//! `meltcore weights`: weight files inspected, checked, made, compared and converted.

use super::Globals;
use super::arguments::{ConfigArgs, at_least_0};
use super::device::open_device;
use super::output::{Table, print_json, print_line};
use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::write_atomically;
use crate::gpu::Gpu;
use crate::models::{self, Model};
use crate::nn::{Value, state_dict};
use crate::weights::diff::Comparison;
use crate::weights::fit::{Fault, Misfit, misfits};
use crate::weights::guard::{Condition, STATE_FILE, condition_of_checkpoint, condition_of_file};
use crate::weights::info::Info;
use crate::weights::provenance::Provenance;
use crate::weights::{WeightFile, intact_weight_file};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Inspect, check, make, compare and convert weight files
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore weights info best.safetensors\n  \
    meltcore weights check best.safetensors --config run.yaml\n  \
    meltcore weights init --config run.yaml --seed 7 --out fresh.safetensors\n  \
    meltcore weights diff a.safetensors b.safetensors --tolerance 1e-6\n  \
    meltcore weights convert best.safetensors --to float16 --out small.safetensors\n\n\
    FILE is a safetensors file with a PyTorch state dict, or a checkpoint folder.\n\
    tools/export_weights.py makes such files of .pth checkpoints, and .pth of such files.\n\
    `info` says of files of a run (a checkpoint's, best.safetensors) whether they are intact, by the digests in state.json.\n\
    Exit status: 0 fits, equal, done; 1 does not fit, differs, damaged (info); 2 no usable weight file.")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub action: Action,
}

/// The subcommands; each one's description is its help.
#[derive(Debug, clap::Subcommand)]
pub enum Action {
    /// Say what a file holds: the model told from names and shapes, parameters, types, digest, damage, values that are not finite, and the
    /// configuration that it carries
    Info {
        /// Weight file or checkpoint folder
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Also list every tensor
        #[arg(long)]
        tensors: bool,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Compare a file's tensors with those of the configured model: missing, extra, mis-shaped, one a line
    Check {
        /// Weight file or checkpoint folder
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// The configuration and its overrides.
        #[command(flatten)]
        config: ConfigArgs,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Write fresh weights by PyTorch's initialisation rules (those that `train` starts from, without `encoder_weights`)
    Init {
        /// The configuration and its overrides.
        #[command(flatten)]
        config: ConfigArgs,
        /// Draw from this seed instead of the configuration's
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
        /// Where and how to write.
        #[command(flatten)]
        out: OutArgs,
    },
    /// Tabulate by how much the tensors of two files differ, the largest relative difference first
    #[command(after_help = "`max_abs` is the largest |a - b| of a tensor, `max_rel` that over its largest |value| in either file.")]
    Diff {
        /// First weight file or checkpoint folder
        #[arg(value_name = "A")]
        a: PathBuf,
        /// Second weight file or checkpoint folder
        #[arg(value_name = "B")]
        b: PathBuf,
        /// Largest max_rel that counts as equal
        #[arg(long, value_name = "X", default_value = "0", value_parser = at_least_0)]
        tolerance: f64,
        /// Print JSON instead of a table
        #[arg(long)]
        json: bool,
    },
    /// Write weights of any type as float32, or as float16, which takes half the room and loads as well
    #[command(
        after_help = "The configuration that a file carries goes along. --config gives one to weights without any, such as PyTorch's, or \
        in place of theirs."
    )]
    Convert {
        /// Weight file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// YAML configuration that the written file is to carry
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Override one key of that configuration, the value as YAML; may be repeated
        #[arg(long, value_name = "KEY=VALUE", requires = "config")]
        set: Vec<String>,
        /// Type of the values to write
        #[arg(long, value_name = "TYPE", default_value = "float32")]
        to: Precision,
        /// Leave out what follows from the network's settings, such as tyrion's index tables and masks: meltcore never reads them; PyTorch
        /// loads such a file with strict=False
        #[arg(long)]
        without_buffers: bool,
        /// Where and how to write.
        #[command(flatten)]
        out: OutArgs,
    },
}

/// Types that weights are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Precision {
    /// IEEE single precision
    Float32,
    /// IEEE half precision
    Float16,
}

/// The file that is written.
#[derive(Debug, clap::Args)]
pub struct OutArgs {
    /// Safetensors file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Replace the file where it exists
    #[arg(long)]
    pub force: bool,
}

impl OutArgs {
    /// The path, unless something would be lost there.
    fn path(&self) -> Result<&Path> {
        if self.force || !self.out.exists() {
            return Ok(&self.out);
        }
        Err(Error::output(&self.out, "exists already; choose another --out, or replace it with --force"))
    }
}

/// Runs the command.
///
/// # Errors
/// [`Error::CheckFailed`] where files do not fit or differ; [`Error::Weights`] for unusable ones; an unusable configuration; no device for
/// `check` and `init`; an output that cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    match &args.action {
        Action::Info { file, tensors, json } => info(file, *tensors, *json),
        Action::Check { file, config, json } => check(file, &config.load(globals)?, *json, globals),
        Action::Init { config, seed, out } => {
            let mut config = config.load(globals)?;
            config.seed = seed.unwrap_or(config.seed);
            init(&config, out.path()?, globals)
        }
        Action::Diff { a, b, tolerance, json } => diff(a, b, *tolerance, *json),
        Action::Convert { file, config, set, to, without_buffers, out } => {
            let config = config.as_ref().map(|config| ConfigArgs { config: config.clone(), set: set.clone() }.load(globals)).transpose()?;
            convert(file, config.as_ref(), (*to, *without_buffers), out.path()?, globals)
        }
    }
}

/// The configured model with initial weights; the data set need not be there.
fn build(gpu: &Gpu, config: &Config) -> Result<Box<dyn Model>> {
    config.require_model_key()?;
    models::untrained(gpu, config)
}

fn info(path: &Path, list: bool, json: bool) -> Result<()> {
    let file = WeightFile::open(path)?;
    // Of a checkpoint all files count, not the weights alone.
    let is_checkpoint = path.join(STATE_FILE).is_file();
    let condition = if is_checkpoint { condition_of_checkpoint(path) } else { condition_of_file(&file.path) };
    print_info(&file, &condition, list, json)?;
    match condition {
        Condition::Damaged(fault) => Err(Error::CheckFailed(format!(
            "{}: damaged: {fault}; use another checkpoint, or go on with the run (train --resume auto), which takes the newest intact one",
            file.path.display()
        ))),
        Condition::Intact | Condition::Unguarded => Ok(()),
    }
}

fn print_info(file: &WeightFile, condition: &Condition, list: bool, json: bool) -> Result<()> {
    let info = Info::of(file)?;
    if json {
        let mut value = serde_json::to_value(&info).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.insert("condition".into(), condition.name().into());
        }
        if list && let Some(map) = value.as_object_mut() {
            let tensors =
                file.tensors.iter().map(|(name, t)| serde_json::json!({"tensor": name, "dtype": t.kind.name(), "shape": t.shape}));
            map.insert("tensors".into(), tensors.collect());
        }
        return print_json(&value);
    }
    let mut rows = vec![("file", info.file.clone())];
    match &info.recognised {
        None => rows.push(("model", "not one of meltcore's".into())),
        Some(found) => {
            rows.extend([("model", found.model.to_owned()), ("input channels", found.in_channels.to_string())]);
            rows.extend(found.config.iter().map(|(key, value)| (key.as_str(), value.to_string())));
        }
    }
    let dtypes: Vec<String> = info.dtypes.iter().map(|(name, count)| format!("{name} ({count})")).collect();
    match &info.provenance {
        None => rows.push(("configuration", "not in the file".into())),
        Some(provenance) => rows.push(("trained by", format!("meltcore {}", provenance.version))),
    }
    rows.extend([
        ("parameters", info.parameters.to_string()),
        ("keys", info.keys.to_string()),
        ("bytes", info.bytes.to_string()),
        ("types", dtypes.join(", ")),
        ("sha256", info.sha256.clone()),
        ("condition", condition.describe()),
        ("not finite", if info.not_finite.is_empty() { "none".into() } else { info.not_finite.join(", ") }),
    ]);
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().try_for_each(|(name, value)| print_line(&format!("{name:<width$}  {value}")))?;
    if let Some(provenance) = &info.provenance {
        print_line("\nconfiguration of the training, paths aside:")?;
        provenance.config.iter().try_for_each(|(key, value)| print_line(&format!("{key}: {value}")))?;
    }
    if list {
        let mut table = Table::new(&["tensor", "type", "shape"]);
        file.tensors.iter().for_each(|(name, t)| table.row([name.clone(), t.kind.name().to_owned(), format!("{:?}", t.shape)]));
        print_line("")?;
        table.print()?;
    }
    Ok(())
}

fn check(path: &Path, config: &Config, json: bool, globals: &Globals) -> Result<()> {
    let file = WeightFile::open(&intact_weight_file(path)?)?;
    // Names and shapes are all that is compared: no memory for values.
    let model = build(&open_device(globals)?.planner(), config)?;
    let faults = misfits(&file, model.parameters());
    if json {
        print_json(&faults)?;
    } else if faults.is_empty() {
        let (path, model) = (file.path.display(), config.model_key.name());
        print_line(&format!("{path} fits {model} of {}: {} tensors", config.file, file.tensors.len()))?;
    } else {
        misfit_table(&faults).print()?;
    }
    if faults.is_empty() {
        return Ok(());
    }
    let convertible = |misfit: &Misfit| misfit.fault == Fault::Type && misfit.in_file.as_ref().is_some_and(|found| found.contains("float"));
    if faults.iter().all(convertible) {
        return Err(Error::CheckFailed(format!(
            "{0}: {1} of {2} tensors are of a type that models do not load; all else fits: `meltcore weights convert {0} --out FILE` writes \
             float32",
            file.path.display(),
            faults.len(),
            file.tensors.len()
        )));
    }
    let known = Info::of(&file)?.recognised.map(|found| {
        let keys: Vec<String> = found.config.iter().map(|(key, value)| format!(", {key}: {value}")).collect();
        format!("; by its names and shapes it is of {} with {} input channels{}", found.model, found.in_channels, keys.concat())
    });
    Err(Error::CheckFailed(format!(
        "{}: {} tensors do not fit {} of {}{}",
        file.path.display(),
        faults.len(),
        config.model_key.name(),
        config.file,
        known.unwrap_or_default()
    )))
}

fn misfit_table(faults: &[Misfit]) -> Table {
    let mut table = Table::new(&["fault", "tensor", "in the file", "in the model"]);
    for Misfit { fault, tensor, in_file, in_model } in faults {
        let cell = |text: &Option<String>| text.clone().unwrap_or("-".into());
        table.row([fault.name().to_owned(), tensor.clone(), cell(in_file), cell(in_model)]);
    }
    table
}

fn init(config: &Config, out: &Path, globals: &Globals) -> Result<()> {
    let model = build(&open_device(globals)?, config)?;
    state_dict::write(out, &state_dict::to_host(model.parameters())?, Provenance::of(config)?.metadata())?;
    let (count, name, seed) = (model.parameters().count(), config.model_key.name(), config.seed);
    globals.note(&format!("{}: {count} fresh parameters of {name} from seed {seed}", out.display()));
    Ok(())
}

fn diff(a: &Path, b: &Path, tolerance: f64, json: bool) -> Result<()> {
    let (a, b) = (WeightFile::open(a)?, WeightFile::open(b)?);
    let comparison = Comparison::of(&a, &b, tolerance);
    if json {
        print_json(&comparison)?;
    } else {
        print_differences(&comparison)?;
    }
    if comparison.equal {
        return Ok(());
    }
    let (a, b) = (a.path.display(), b.path.display());
    let above = comparison.differing.iter().filter(|tensor| tensor.max_rel > tolerance).count();
    let alone = comparison.only_in_a.len() + comparison.only_in_b.len();
    Err(Error::CheckFailed(format!(
        "{a} and {b} differ: {above} of {} tensors by more than {tolerance}, {} in shape, {alone} are in one file only",
        comparison.compared,
        comparison.shapes.len()
    )))
}

fn print_differences(comparison: &Comparison) -> Result<()> {
    let mut table = Table::new(&["tensor", "shape", "max_abs", "max_rel"]);
    for tensor in &comparison.differing {
        let numbers = [tensor.max_abs, tensor.max_rel].map(|x| format!("{x:.3e}"));
        table.row([tensor.tensor.clone(), format!("{:?}", tensor.shape)].into_iter().chain(numbers));
    }
    for tensor in &comparison.shapes {
        table.row([tensor.tensor.clone(), format!("{:?} and {:?}", tensor.a, tensor.b)]);
    }
    for (names, which) in [(&comparison.only_in_a, "only in A"), (&comparison.only_in_b, "only in B")] {
        names.iter().for_each(|name| table.row([name.as_str(), which]));
    }
    let differing = comparison.differing.len();
    if differing + comparison.shapes.len() + comparison.only_in_a.len() + comparison.only_in_b.len() > 0 {
        table.print()?;
    }
    print_line(&format!("{} tensors compared, {} equal", comparison.compared, {
        comparison.compared - differing - comparison.shapes.len()
    }))
}

fn convert(path: &Path, config: Option<&Config>, (to, without_buffers): (Precision, bool), out: &Path, globals: &Globals) -> Result<()> {
    let path = intact_weight_file(path)?;
    let mut file = WeightFile::open(&path)?;
    let built = |config: &Config| build(&open_device(globals)?.planner(), config);
    if let Some(config) = config {
        let model = built(config)?;
        if let Some(misfit) = misfits(&file, model.parameters()).iter().find(|misfit| misfit.fault != Fault::Type) {
            return Err(file.error(format!(
                "is not of the model of {}: `{}` is {}; `meltcore weights check` lists all that does not fit",
                config.file,
                misfit.tensor,
                misfit.fault.name()
            )));
        }
        file.notes.extend(Provenance::of(config)?.metadata());
    }
    if without_buffers {
        let carried = || Provenance::needed(&path, "name it with --config").and_then(|p| p.config(&path, &BTreeMap::new(), &[]));
        let config = config.map_or_else(carried, |config| Ok(config.clone()))?;
        for (name, _) in built(&config)?.parameters().entries().iter().filter(|(_, value)| matches!(value, Value::Derived(_))) {
            file.tensors.remove(name);
        }
    }
    let name = match to {
        Precision::Float32 => {
            state_dict::write(out, &file.to_float32()?, file.metadata())?;
            "float32"
        }
        Precision::Float16 => {
            let bytes = file.to_float16()?;
            write_atomically(out, |file| file.write_all(&bytes))?;
            "float16"
        }
    };
    globals.note(&format!("{}: {} tensors of {} in {name}", out.display(), file.tensors.len(), file.path.display()));
    Ok(())
}
