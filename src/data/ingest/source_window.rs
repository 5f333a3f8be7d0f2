//! The part of a source that a map needs, so that a continent is not read for a glacier.

/// Sources up to so many pixels are read whole (256 MiB).
const WHOLE: usize = 1 << 25;
/// Positions looked up along each side of the map.
const SAMPLES: usize = 33;

/// A rectangle of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub col: usize,
    pub row: usize,
    pub cols: usize,
    pub rows: usize,
}

/// Places (row, column) all over a map of so many rows and columns, its edges among them.
pub(super) fn samples((height, width): (usize, usize)) -> impl Iterator<Item = (f64, f64)> {
    let at = |index: usize, size: usize| size as f64 * index as f64 / (SAMPLES - 1) as f64;
    (0..SAMPLES * SAMPLES).map(move |index| (at(index / SAMPLES, height), at(index % SAMPLES, width)))
}

/// The (column, row) in a source of a place (row, column) on the map, where there is one.
type Place<'a> = &'a dyn Fn(f64, f64) -> Option<(f64, f64)>;

/// The pixels of a source of so many columns and rows that lie under a map of so many rows and columns, or near it; an error is a message.
pub(super) fn part_around(place: Place, (height, width): (usize, usize), (cols, rows): (usize, usize)) -> Result<Part, String> {
    if cols.saturating_mul(rows) <= WHOLE {
        return Ok(Part { col: 0, row: 0, cols, rows });
    }
    let positions = samples((height, width)).filter_map(|(row, col)| place(row, col));
    let positions: Vec<(f64, f64)> = positions.filter(|(col, row)| col.is_finite() && row.is_finite()).collect();
    // Between the samples a curved edge may reach further out, and a coarse map takes more of the source for each of its pixels.
    let range = |values: &mut dyn Iterator<Item = f64>, size: usize| {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        let margin = 16.0 + 0.1 * (high - low);
        let (low, high) = ((low - margin).floor().clamp(0.0, size as f64), (high + margin).ceil().clamp(0.0, size as f64));
        (low as usize, (high - low).max(0.0) as usize)
    };
    let (col, cols) = range(&mut positions.iter().map(|position| position.0), cols);
    let (row, rows) = range(&mut positions.iter().map(|position| position.1), rows);
    if cols == 0 || rows == 0 {
        return Err("does not reach the grid; check its coordinate system (--source-crs)".into());
    }
    Ok(Part { col, row, cols, rows })
}
