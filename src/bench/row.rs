//! What was measured: rows, their order, and what computed something wrong.

/// Times of one run, ms.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    /// The value that stands for the row.
    pub(super) ms: f64,
    /// Distance of the quartiles over the median.
    pub(super) spread: f64,
}

impl Times {
    /// The median of times, the shortest first; `ceiling` takes the shortest instead, which is what the device can do undisturbed.
    pub(super) fn of(sorted: &[f64], ceiling: bool) -> Times {
        let at = |quarter: usize| sorted[quarter * (sorted.len() - 1) / 4];
        let [low, median, high] = [1, 2, 3].map(at);
        Times { ms: if ceiling { sorted[0] } else { median }, spread: (high - low) / median }
    }
}

/// One measured row.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Row {
    /// Stem and shape; with `profile ` before it, a stem's part of the rows' time.
    pub name: String,
    /// Wall time of one run, ms: the median of several repetitions between synchronisations, of a ceiling the shortest.
    /// Of a profile row, device time of one run of every measured row.
    pub ms: f64,
    /// Distance between the upper and the lower quartile of the repetitions, over their median; absent from profile rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spread: Option<f64>,
    /// Operations by napkin over that time, 1e9/s.
    pub gflops: f64,
    /// Bytes by napkin over that time, 1e9/s.
    pub gbps: f64,
    /// Share of the ceiling that binds; null where no ceiling was measured.
    pub share: Option<f64>,
    /// Dispatches and share of the kernels' time; only in profile rows.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// Against an earlier run; only with one that has this row.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

/// A stem's part of what was measured.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Part {
    /// Dispatches in one run of every measured row.
    pub calls: u64,
    /// Share of all kernels' device time.
    pub time_share: f64,
}

/// A row's time against that of an earlier run.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Change {
    /// The earlier time, ms.
    pub before_ms: f64,
    /// New over old: above 1 is slower.
    pub ratio: f64,
    /// The larger spread of both.
    pub ratio_spread: f64,
    /// Slower by more than 5 % beyond that spread; never true of a ceiling, which tells of the machine and not of this program.
    pub slower: bool,
}

/// Rows in order, and what computed something wrong and was not timed.
#[derive(Debug, Default)]
pub struct Report {
    /// Measured rows, the ceilings first, stems of the profile last.
    pub rows: Vec<Row>,
    /// Names with what is wrong.
    pub wrong: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::Times;

    #[test]
    fn a_row_is_its_median_and_a_ceiling_its_shortest_time() {
        let sorted = [1.0, 2.0, 4.0, 5.0, 90.0];
        assert_eq!(Times::of(&sorted, false), Times { ms: 4.0, spread: 0.75 });
        assert_eq!(Times::of(&sorted, true), Times { ms: 1.0, spread: 0.75 });
        assert_eq!(Times::of(&[3.0], false), Times { ms: 3.0, spread: 0.0 });
    }
}
