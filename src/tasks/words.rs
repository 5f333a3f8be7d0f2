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
    /// The first headline score in full, and its unit, empty where it has none.
    pub first_score: [&'static str; 2],
    /// What the scores of the table mean.
    pub scores: &'static str,
    /// Scores over all pixels at once that the table ends with, and their headings.
    pub pooled: &'static [(&'static str, &'static str)],
    /// How much is covered, day by day, where that says something.
    pub extent: Option<Extent>,
    /// What they say of how sure they are.
    pub sure: &'static Sure,
    /// What its maps are of.
    pub of: &'static Subject,
}

/// How sure maps are, in words.
#[derive(Debug, PartialEq, Eq)]
pub struct Sure {
    /// What is said, as the network says it and calibrated.
    pub said: [&'static str; 2],
    /// What is seen where that is said.
    pub seen: &'static str,
    /// What a chart of both shows.
    pub note: &'static str,
}

impl Sure {
    /// Of classes.
    pub const CLASS: Sure = Sure {
        said: ["confidence", "calibrated confidence"],
        seen: "share of pixels that are right",
        note: "Pixels sorted into ten bins by how sure the map is of their class, and how many of each bin have the right one",
    };
    /// Of fractions that count above 0.1.
    pub const FRACTION: Sure = Sure {
        said: ["share above 0.1 as the network says it", "calibrated probability of a fraction above 0.1"],
        seen: "share of pixels above 0.1",
        note: "Pixels sorted into ten bins by how likely the map says that their fraction is above 0.1, and of how many of each bin it is",
    };
}

/// What each map of a task is of, in words.
#[derive(Debug, PartialEq, Eq)]
pub struct Subject {
    /// One, and several of them.
    pub names: [&'static str; 2],
    /// Whether they have dates, by which they stand in an order and belong together.
    pub dated: bool,
    /// Where maps are grey, and where targets are.
    pub grey: [&'static str; 2],
    /// What targets may cover.
    pub all: &'static str,
    /// The parts of them all that each show one.
    pub parts: &'static str,
}

impl Subject {
    /// Daily maps of one place.
    pub const DAYS: Subject =
        Subject { names: ["day", "days"], dated: true, grey: ["ocean", "ocean or not observed"], all: "the land", parts: "the season" };
    /// Scenes of many places, called by name.
    pub const SCENES: Subject =
        Subject { names: ["scene", "scenes"], dated: false, grey: ["not mapped", "no class known"], all: "the scene", parts: "the list" };
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
