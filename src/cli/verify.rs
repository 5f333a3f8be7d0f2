//! `meltcore verify`: replays of numerical fixtures exported from PyTorch.

use super::Globals;
use super::arguments::positive;
use super::device::open_device;
use super::output::{self, Table};
use super::progress::Progress;
use crate::error::{Error, Result};
use crate::verify::{Row, replay};
use std::path::{Path, PathBuf};

/// Compute what PyTorch computed and stored in files (fixtures), and say how far the two are apart
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore verify tests/fixtures\n  \
    meltcore verify conv2d__stride2.safetensors --rtol-scale 10 --json\n\n\
    `ratio` is the largest error of the worst tensor over its allowance: 1 or less passes.\n\
    Files that cannot be computed again are told on stderr; the others are still compared.\n\
    Exit status: 0 all pass; 1 some fail; 2 some cannot be computed again.")]
pub struct Args {
    /// Fixture files, or folders for all .safetensors files in them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Multiply every relative tolerance by this
    #[arg(long, value_name = "X", default_value = "1", value_parser = positive)]
    pub rtol_scale: f64,
    /// Print JSON instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Replays the fixtures and prints a row for each that can be compared.
///
/// # Errors
/// That of the last file that cannot be replayed (the others' are printed); [`Error::CheckFailed`] where all can be and some fail;
/// whatever stops the device or stdout.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    let files = fixtures(&args.files)?;
    let gpu = open_device(globals)?;
    let progress = Progress::start("verify", files.len(), "fixtures", globals.quiet || files.len() == 1);
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for file in &files {
        match replay(&gpu, file, args.rtol_scale) {
            Ok(row) => rows.push(row),
            Err(error) => {
                // A device that failed would fail again; any other trouble, its memory included, is this file's own.
                let stop = matches!(error, Error::Device(_));
                errors.push(error);
                if stop {
                    break;
                }
            }
        }
        progress.advance(1);
    }
    drop(progress);
    if args.json {
        print_json(&rows)?
    } else if !rows.is_empty() {
        print_table(&rows, errors.len())?
    }
    // Every error is printed once: the last one, which decides the exit status, by whoever gets this function's answer.
    errors.sort_by_key(Error::exit_status);
    let last = errors.pop();
    errors.iter().for_each(|error| output::print_error(error, globals.verbose > 0));
    last.map_or_else(|| judge(&rows), Err)
}

/// The answer where everything could be compared.
fn judge(rows: &[Row]) -> Result<()> {
    let failed: Vec<&Row> = rows.iter().filter(|row| !row.pass).collect();
    let Some(worst) = failed.iter().max_by(|a, b| a.ratio.total_cmp(&b.ratio)) else { return Ok(()) };
    Err(Error::CheckFailed(format!(
        "{} of {} fixtures out of tolerance, worst {}: {} is {} times its allowance away",
        failed.len(),
        rows.len(),
        worst.file,
        worst.worst,
        ratio_text(worst.ratio)
    )))
}

/// The files as given, a folder replaced by the .safetensors files directly in it, sorted.
fn fixtures(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let mut inside =
            safetensors_in(path).map_err(|e| Error::input(path, format!("cannot be listed ({e}); check its permissions")).because(e))?;
        if inside.is_empty() {
            return Err(Error::input(path, "no .safetensors file lies directly in this folder; name the folder that holds the fixtures"));
        }
        inside.sort();
        files.append(&mut inside);
    }
    Ok(files)
}

fn safetensors_in(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") && path.is_file() {
            found.push(path);
        }
    }
    Ok(found)
}

fn print_table(rows: &[Row], unusable: usize) -> Result<()> {
    let mut table = Table::new(&["file", "op", "worst", "ratio", "verdict"]);
    for row in rows {
        let verdict = if row.pass { "pass" } else { "FAIL" };
        table.row([row.file.as_str(), &row.op, &row.worst, &ratio_text(row.ratio), verdict]);
    }
    table.print()?;
    let passed = rows.iter().filter(|row| row.pass).count();
    output::print_line(&format!("{passed} pass, {} FAIL, {unusable} not replayed", rows.len() - passed))
}

fn ratio_text(ratio: f64) -> String {
    if ratio.is_finite() && ratio >= 1e5 { format!("{ratio:.1e}") } else { format!("{ratio:.3}") }
}

/// JSON has no infinity: a ratio that is not finite becomes the largest number, so that it always is a number.
fn print_json(rows: &[Row]) -> Result<()> {
    let finite = |row: &Row| Row { ratio: if row.ratio.is_finite() { row.ratio } else { f64::MAX }, ..row.clone() };
    output::print_json(&rows.iter().map(finite).collect::<Vec<_>>())
}
