//! What commands print: lines, aligned tables and JSON on stdout; notes and errors on stderr.
//!
//! A reader of stdout that has seen enough (`meltcore devices | head -1`) ends the process quietly with status 0.
//! Nothing here colours anything.

use crate::error::{Error, Result};
use std::io::{ErrorKind, Write};

/// Prints one line on stdout.
///
/// # Errors
/// Stdout cannot be written, for example because the disk behind it is full.
pub fn print_line(text: &str) -> Result<()> {
    print_bytes(format!("{text}\n").as_bytes())
}

/// Prints a value as indented JSON on stdout.
///
/// # Errors
/// As [`print_line`].
pub fn print_json(value: &impl serde::Serialize) -> Result<()> {
    print_bytes(json_text(value)?.as_bytes())
}

/// A value as indented JSON with a line break at the end.
///
/// # Errors
/// The value has no JSON form.
pub fn json_text(value: &impl serde::Serialize) -> Result<String> {
    let text = serde_json::to_string_pretty(value);
    text.map(|text| text + "\n")
        .map_err(|e| Error::Encoding(format!("the result has no JSON form ({e}); print a table instead")).because(e))
}

/// Prints bytes on stdout as they are.
///
/// # Errors
/// As [`print_line`].
pub fn print_bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(e) => Err(Error::output("standard output", format!("cannot be written ({e})"))),
    }
}

/// Prints one line on stderr; where stderr is gone there is nobody left to tell.
pub fn print_note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints an error as one paragraph on stderr; with `causes`, what lies behind it in lines of its own.
pub fn print_error(error: &Error, causes: bool) {
    let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    print_note(&format!("error: {}", one_line(error.to_string())));
    let mut source = std::error::Error::source(error).filter(|_| causes);
    while let Some(cause) = source {
        print_note(&format!("caused by: {}", one_line(cause.to_string())));
        source = cause.source();
    }
}

/// A table whose columns are aligned, to the right where all their cells are numbers.
#[derive(Debug, Clone)]
pub struct Table {
    headers: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these column heads.
    pub fn new(headers: &[&str]) -> Table {
        Table { headers: headers.iter().map(|h| h.to_string()).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty, further cells make columns without a head.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The column heads, and the rows.
    pub fn cells(&self) -> (&[String], &[Vec<String>]) {
        (&self.headers, &self.rows)
    }

    /// The table as text, two spaces between columns, without spaces at the ends of lines.
    pub fn to_text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).chain([self.headers.len()]).max().unwrap_or(0);
        let cell = |row: &[String], column: usize| row.get(column).cloned().unwrap_or_default();
        let all_rows = || std::iter::once(&self.headers).chain(&self.rows);
        let widths: Vec<usize> = (0..columns).map(|c| all_rows().map(|row| cell(row, c).chars().count()).max().unwrap_or(0)).collect();
        let to_the_right: Vec<bool> = (0..columns).map(|c| self.rows.iter().all(|row| is_number(&cell(row, c)))).collect();
        let mut text = String::new();
        for row in all_rows() {
            let mut line = String::new();
            for column in 0..columns {
                let (content, width) = (cell(row, column), widths[column]);
                let padded = if to_the_right[column] { format!("{content:>width$}") } else { format!("{content:<width$}") };
                line.push_str(if column == 0 { "" } else { "  " });
                line.push_str(&padded);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Prints the table on stdout.
    ///
    /// # Errors
    /// As [`print_line`].
    pub fn print(&self) -> Result<()> {
        print_bytes(self.to_text().as_bytes())
    }
}

/// Whether a cell belongs into a column of numbers: a number, a percentage, a dash or nothing.
fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    matches!(cell, "" | "-" | "–") || cell.trim_end_matches('%').trim_end().parse::<f64>().is_ok()
}
