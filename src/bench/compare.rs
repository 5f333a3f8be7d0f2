//! Rows against those of an earlier run, which `meltcore bench --json` wrote.

use std::path::Path;

use serde::Deserialize;

use crate::bench::row::{Change, Row};
use crate::error::{Error, Result};

/// How much slower a row may be beyond the spread of both runs.
const ALLOWED: f64 = 0.05;

/// What matters of an earlier row; files of versions without spread count as having none.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Earlier {
    name: String,
    ms: f64,
    #[serde(default)]
    spread: Option<f64>,
}

/// Reads the rows of an earlier run.
///
/// # Errors
/// [`Error::Input`] for a file that cannot be read, is no list of rows, or holds a time that is not above 0.
pub fn load(file: &Path) -> Result<Vec<Earlier>> {
    let hint = "give --compare a file that `meltcore bench --json` wrote";
    let text = std::fs::read_to_string(file).map_err(|e| Error::input(file, format!("cannot be read ({e}); {hint}")).because(e))?;
    let rows: Vec<Earlier> =
        serde_json::from_str(&text).map_err(|e| Error::input(file, format!("is no list of rows ({e}); {hint}")).because(e))?;
    match rows.iter().find(|row| !(row.ms.is_finite() && row.ms > 0.0)) {
        Some(row) => Err(Error::input(file, format!("the row `{}` has a time of {} ms; {hint}", row.name, row.ms))),
        None => Ok(rows),
    }
}

/// Notes in every row what became of the earlier one of its name; returns how many rows have one.
pub(super) fn note_changes(rows: &mut [Row], earlier: &[Earlier]) -> usize {
    for row in rows.iter_mut() {
        row.change = earlier.iter().find(|old| old.name == row.name).map(|old| change(row, old));
    }
    rows.iter().filter(|row| row.change.is_some()).count()
}

fn change(row: &Row, old: &Earlier) -> Change {
    let ratio = row.ms / old.ms;
    let ratio_spread = row.spread.unwrap_or(0.0).max(old.spread.unwrap_or(0.0));
    // Times of a profile are too few to judge by.
    let judged = !row.name.starts_with("ceiling_") && row.part.is_none();
    Change { before_ms: old.ms, ratio, ratio_spread, slower: judged && ratio > 1.0 + ALLOWED + ratio_spread }
}

#[cfg(test)]
mod tests {
    use super::{Earlier, note_changes};
    use crate::bench::row::Row;

    fn row(name: &str, ms: f64, spread: f64) -> Row {
        Row { name: name.into(), ms, spread: Some(spread), gflops: 0.0, gbps: 0.0, share: None, part: None, change: None }
    }

    fn earlier(name: &str, ms: f64, spread: Option<f64>) -> Earlier {
        Earlier { name: name.into(), ms, spread }
    }

    #[test]
    fn slower_is_what_exceeds_five_percent_and_the_larger_spread_and_no_ceiling() {
        let old =
            [earlier("a", 2.0, None), earlier("b", 2.0, Some(0.2)), earlier("c", 2.0, None), earlier("ceiling_copy 64MiB", 1.0, None)];
        let mut rows =
            [row("a", 2.12, 0.0), row("b", 2.48, 0.1), row("c", 2.08, 0.0), row("ceiling_copy 64MiB", 3.0, 0.0), row("new", 1.0, 0.0)];
        assert_eq!(note_changes(&mut rows, &old), 4);
        let slower: Vec<Option<bool>> = rows.iter().map(|row| row.change.map(|change| change.slower)).collect();
        assert_eq!(slower, [Some(true), Some(false), Some(false), Some(false), None]);
        rows[1].ms = 2.52;
        note_changes(&mut rows, &old);
        let change = rows[1].change.unwrap();
        assert!(change.slower && change.before_ms == 2.0 && (change.ratio - 1.26).abs() < 1e-9 && change.ratio_spread == 0.2);
    }
}
