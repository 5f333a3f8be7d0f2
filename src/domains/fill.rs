//! What takes the place of a value that a pixel of an input does not have.

use serde::{Serialize, Serializer};

/// What a pixel without a value gets, as `fill_<variable>` says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// The configured mean, which networks see as 0 where the variable is normalised.
    Mean,
    /// The value of the nearest pixel of the same raster that has one.
    Nearest,
    /// The value of the same pixel on the nearest day that has one; the mean where none is near enough.
    Time,
    /// This raw value.
    Value(f64),
}

impl Fill {
    /// The words of those that are no number.
    pub const WORDS: [&str; 3] = ["mean", "nearest", "time"];

    /// The one of a word of [`Fill::WORDS`].
    pub fn named(word: &str) -> Option<Fill> {
        match word {
            "mean" => Some(Fill::Mean),
            "nearest" => Some(Fill::Nearest),
            "time" => Some(Fill::Time),
            _ => None,
        }
    }

    /// Whether it gives values to a raster of which no pixel has one.
    pub fn serves_empty(self) -> bool {
        self != Fill::Nearest
    }
}

impl Serialize for Fill {
    /// As in a configuration: a word or a number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Fill::Mean => serializer.serialize_str("mean"),
            Fill::Nearest => serializer.serialize_str("nearest"),
            Fill::Time => serializer.serialize_str("time"),
            Fill::Value(value) => serializer.serialize_f64(*value),
        }
    }
}
