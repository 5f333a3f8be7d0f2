//! Where maps come from, in the words that they and stacks of them carry.

use crate::data::about::{About, BandAbout};
use crate::data::day::Day;
use crate::tasks::{Band, Task};

/// Program, task, model and weights behind some maps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// What the model is called.
    pub model: String,
    bands: Vec<BandAbout>,
    items: Vec<(&'static str, String)>,
}

impl Origin {
    /// Of a model's maps; `weights` is the SHA-256 of its weights, empty where it has none.
    pub fn of(model: &str, task: &dyn Task, weights: &str) -> Origin {
        Origin::of_bands(model, task, task.bands(), weights)
    }

    /// As [`Origin::of`], of the file of further bands beside a map.
    pub fn beside(model: &str, task: &dyn Task, weights: &str) -> Origin {
        Origin::of_bands(model, task, task.beside(), weights)
    }

    fn of_bands(model: &str, task: &dyn Task, bands: &[Band], weights: &str) -> Origin {
        let bands = bands.iter().map(|band| BandAbout { description: band.long_name.into(), unit: band.unit.into() }).collect();
        let mut items = vec![("TASK", task.key().name().to_owned()), ("MODEL", model.to_owned())];
        items.extend((!weights.is_empty()).then(|| ("WEIGHTS_SHA256", weights.to_owned())));
        Origin { model: model.to_owned(), bands, items }
    }

    /// The program and its version.
    pub fn software() -> String {
        format!("meltcore {}", env!("CARGO_PKG_VERSION"))
    }

    /// What the map of a day says.
    pub fn about(&self, day: &Day) -> About {
        About { software: Origin::software(), day: *day, bands: self.bands.clone(), items: self.items.clone() }
    }

    /// What the raster of counts beside the map of a day says ([`crate::data::seen`]).
    pub fn about_counts(&self, day: &Day) -> About {
        let band = BandAbout { description: "number of observations".into(), unit: "1".into() };
        About { bands: vec![band], ..self.about(day) }
    }

    /// The same as attributes of a file of many days, whose names are in small letters by custom.
    pub fn attributes(&self) -> Vec<(String, String)> {
        self.items.iter().map(|(name, text)| (name.to_lowercase(), text.clone())).collect()
    }
}
