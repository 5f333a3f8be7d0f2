//! Writing the maps of a split's days, as every baseline does: in order of time, one day in memory.

use serde_json::{Value, json};

use crate::config::Config;
use crate::data::day::Day;
use crate::data::geotags::GeoTags;
use crate::error::Result;
use crate::event::Event;
use crate::predict::manifest::{Maker, Manifest};
use crate::predict::{Destination, MapFiles, Place};

/// Makes the map of a day from its index in the split file; news go to the observer.
pub(super) type MakeMap<'a> = dyn FnMut(usize, &mut dyn FnMut(Event)) -> Result<Made> + 'a;

/// A day's map, rows × columns, and how many observations each of its pixels rests on, where that is known.
pub(super) struct Made {
    pub(super) map: Vec<f32>,
    pub(super) seen: Option<Vec<f32>>,
}

impl From<Vec<f32>> for Made {
    fn from(map: Vec<f32>) -> Made {
        Made { map, seen: None }
    }
}

/// The days of a split and where their maps go.
pub(super) struct Maps<'a> {
    /// The baseline, for the progress and the list of maps.
    pub(super) label: &'static str,
    /// The configuration.
    pub(super) config: &'a Config,
    /// Where the maps go.
    pub(super) destination: Destination<'a>,
    /// The variable that these maps may be an input as.
    pub(super) fills: Option<&'static str>,
    /// What else determines the maps, for their list.
    pub(super) options: Value,
    /// Days in the order of the split file.
    pub(super) days: &'a [Day],
    /// Writer of the maps.
    pub(super) files: MapFiles<'a>,
    /// Rows and columns of all of them.
    pub(super) size: [usize; 2],
    /// 1 on ocean.
    pub(super) ocean: &'a [f32],
}

impl Maps<'_> {
    /// Takes the folder, then makes and writes each day's map; `geo` and `map` take the day's index in the split file.
    pub(super) fn write(&self, observe: &mut dyn FnMut(Event), geo: &dyn Fn(usize) -> Result<GeoTags>, map: &mut MakeMap) -> Result<()> {
        let mut order: Vec<usize> = (0..self.days.len()).collect();
        order.sort_unstable_by_key(|&index| &self.days[index]);
        let maker = Maker { weights: String::new(), options: self.options(), fills: self.fills };
        let wanted = self.days.iter().map(Day::file_name).collect();
        let (mut manifest, notes) = Manifest::open(self.destination, self.config, &maker, &wanted)?;
        notes.into_iter().for_each(|note| observe(Event::Note(note)));
        manifest.begin()?;
        observe(Event::Start { label: self.label, total: self.days.len(), unit: "maps" });
        for index in order {
            let day = &self.days[index];
            let Made { mut map, seen } = map(index, observe)?;
            let place = Place::new(self.size, geo(index)?, self.ocean);
            // What may be an input keeps the values that a network knows.
            if self.config.mask_outputs && self.fills.is_none() {
                place.mask(&mut map);
            }
            self.files.renew(day, &map, seen.as_deref(), &place)?;
            // All maps are made at every run: no state of inputs needs to be kept.
            manifest.finish(&day.file_name(), None)?;
            observe(Event::Done(1));
        }
        Ok(())
    }

    fn options(&self) -> Value {
        let mut options = json!({ "baseline": self.label });
        if let (Some(all), Some(own)) = (options.as_object_mut(), self.options.as_object()) {
            all.extend(own.clone());
        }
        options
    }
}
