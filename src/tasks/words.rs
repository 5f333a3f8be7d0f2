//! What the report says of a task's maps.

/// Words and choices of the report.
#[derive(Debug, Clone, Copy)]
pub struct Words {
    /// The report's heading, where none is given.
    pub title: &'static str,
    /// The title of a file with the maps of many days.
    pub stack: &'static str,
    /// What the maps are, at the beginning of a sentence.
    pub maps: &'static str,
    /// The first headline score in full, and its unit.
    pub first_score: [&'static str; 2],
    /// What the scores of the table mean.
    pub scores: &'static str,
    /// Scores over all pixels at once that the table ends with, and their headings.
    pub pooled: &'static [(&'static str, &'static str)],
    /// How much is covered, day by day, where that says something.
    pub extent: Option<Extent>,
}

/// Pixels of the first band above a threshold, counted day by day.
#[derive(Debug, Clone, Copy)]
pub struct Extent {
    /// The section's heading.
    pub heading: &'static str,
    /// A pixel counts above it.
    pub threshold: f64,
    /// What the charts by year show.
    pub by_year: &'static str,
    /// What the chart by month shows.
    pub by_month: &'static str,
}
