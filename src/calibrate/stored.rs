//! The file of a curve, beside the weights that it is of: `best.calibration.json` beside `best.safetensors`.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::curve::{Curve, FITTED_BINS};
use super::reliability::Reliability;
use crate::error::{Error, Result};
use crate::files::write_atomically;

/// What the file calls itself.
const FORMAT: &str = "meltcore-calibration/1";

/// A curve, and what it was fitted on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    format: String,
    /// SHA-256 of the weight file.
    pub weights: String,
    /// How maps were made.
    pub options: Value,
    /// The split whose pixels it was fitted on.
    pub split: String,
    /// Their number.
    pub valid_px: u64,
    /// Their expected calibration error in 100 bins, before and after.
    pub expected_calibration_error: [f64; 2],
    /// The curve.
    pub curve: Curve,
}

impl Calibration {
    /// A curve fitted on the fine bins `pixels`.
    pub fn new(curve: Curve, pixels: &Reliability, weights: String, options: Value, split: &str) -> Calibration {
        let error = |pixels: Reliability| pixels.coarser(FITTED_BINS).expected_calibration_error().unwrap_or_default();
        let expected_calibration_error = [error(pixels.clone()), error(pixels.mapped(|x| curve.at(x)))];
        let (format, valid_px) = (FORMAT.to_owned(), pixels.valid_px());
        Calibration { format, weights, options, split: split.to_owned(), valid_px, expected_calibration_error, curve }
    }

    /// Where the curve of a weight file is.
    pub fn beside(weights: &Path) -> PathBuf {
        weights.with_extension("calibration.json")
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
