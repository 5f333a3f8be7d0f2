//! Scores as a task gives them: columns by name, and what is known of one map.

use crate::error::{Error, Result};

/// A score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column {
    /// Its name in files and tables.
    pub name: &'static str,
    /// Its name for readers.
    pub title: &'static str,
    /// Which values are good ones.
    pub better: Better,
    /// What it is over several scenes.
    pub mean: Mean,
}

/// Which values of a score are good ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// Small ones: an error.
    Less,
    /// Large ones.
    More,
    /// Neither: a count of pixels.
    Neither,
}

/// What a score is over several scenes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mean {
    /// Σ w·x / Σ w, with the valid pixels of each scene as weights.
    Weighted,
    /// The root of that mean of another column.
    RootOf(&'static str),
}

impl Column {
    /// A score of which little is good.
    pub const fn error(name: &'static str, title: &'static str) -> Column {
        Column { name, title, better: Better::Less, mean: Mean::Weighted }
    }

    /// A score of which much is good.
    pub const fn merit(name: &'static str, title: &'static str) -> Column {
        Column { name, title, better: Better::More, mean: Mean::Weighted }
    }

    /// A count of pixels.
    pub const fn count(name: &'static str, title: &'static str) -> Column {
        Column { name, title, better: Better::Neither, mean: Mean::Weighted }
    }
}

/// What is known of one map against its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    /// Valid pixels.
    pub valid: u64,
    /// The scores in the order of the task's columns.
    pub values: Vec<f64>,
    /// Sums that add up over maps, of which the task makes scores over many.
    pub tally: Tally,
}

/// Sums that add up over maps; what each is, the task knows.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally(pub Vec<f64>);

impl Tally {
    /// Adds another map's sums.
    pub fn add(&mut self, other: &Tally) {
        self.0.resize(self.0.len().max(other.0.len()), 0.0);
        self.0.iter_mut().zip(&other.0).for_each(|(sum, more)| *sum += more);
    }
}

/// The only map's scores of a batch of one.
///
/// # Errors
/// [`Error::Shape`] for another number of maps.
pub fn only<T>(mut of_maps: Vec<T>) -> Result<T> {
    let count = of_maps.len();
    of_maps.pop().filter(|_| count == 1).ok_or_else(|| Error::shape("scores", format!("{count} scores of one map")))
}
