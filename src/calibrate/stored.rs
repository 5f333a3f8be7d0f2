//! The file of a curve, beside the weights that it is of: `best.calibration.json` beside `best.safetensors`.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::curve::{Curve, FITTED_BINS, Method};
use super::reliability::Reliability;
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// What the file calls itself.
const FORMAT: &str = "meltcore-calibration/1";

/// A curve, and what it was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    format: String,
    /// SHA-256 of the weight file; of several all of them, joined by `+`.
    pub weights: String,
    /// How maps were made.
    pub options: Value,
    /// The split whose pixels it was fitted on.
    pub split: String,
    /// Their number.
    pub valid_px: u64,
    /// Their expected calibration error in 100 bins: as the network says it, and by curves that were fitted to the other half of them.
    pub expected_calibration_error: [f64; 2],
    /// The curve.
    pub curve: Curve,
}

impl Calibration {
    /// Fits a curve to pixels, and tells by their halves how far it holds on others; none without a pixel. Halves of different scenes say
    /// more than halves of the same one.
    pub fn fit(method: Method, halves: &[Reliability; 2], weights: String, options: Value, split: &str) -> Option<Calibration> {
        let [one, other] = halves;
        let mut pixels = one.clone();
        pixels.merge(other);
        let curve = Curve::fit(method, &pixels)?;
        let mut crossed = Reliability::of_bins(pixels.bins.len());
        for [fitted, held_out] in [[one, other], [other, one]] {
            // Where one half is empty nothing is held out.
            let curve = Curve::fit(method, fitted).unwrap_or_else(|| curve.clone());
            crossed.merge(&held_out.mapped(|x| curve.at(x)));
        }
        let error = |pixels: &Reliability| pixels.coarser(FITTED_BINS).expected_calibration_error().unwrap_or_default();
        let (format, valid_px) = (FORMAT.to_owned(), pixels.valid_px());
        let expected_calibration_error = [error(&pixels), error(&crossed)];
        Some(Calibration { format, weights, options, split: split.to_owned(), valid_px, expected_calibration_error, curve })
    }

    /// Where the curve of a weight file is, or that of several whose maps are averaged: `ensemble.calibration.json` beside the first.
    pub fn beside(weights: &[PathBuf]) -> PathBuf {
        match weights {
            [only] => only.with_extension("calibration.json"),
            several => several.first().map(PathBuf::as_path).unwrap_or(Path::new("")).with_file_name("ensemble.calibration.json"),
        }
    }

    /// Reads a file; none where it is not there.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be read or is something else.
    pub fn read(path: &Path) -> Result<Option<Calibration>> {
        let unusable = |what: String| Error::input(path, format!("{what}; make it again with `meltcore calibrate`, or delete it"));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(unusable(format!("the calibration cannot be read ({e})")).because(e)),
        };
        let read: Calibration = serde_json::from_str(&text).map_err(|e| unusable(format!("this is no calibration ({e})")).because(e))?;
        match read.format == FORMAT && read.curve.is_whole() {
            true => Ok(Some(read)),
            false => Err(unusable(format!("this is no calibration of the format {FORMAT}"))),
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// Those of [`write_atomically`].
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        write_atomically(path, |file| writeln!(file, "{text}"))
    }
}
