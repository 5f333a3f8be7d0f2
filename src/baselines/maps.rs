//! Writing the maps of a split's days, as every baseline does: in order of time, one day in memory.

use crate::data::day::Day;
use crate::data::geotags::GeoTags;
use crate::error::Result;
use crate::event::Event;
use crate::predict::MapFiles;

/// Makes the map of a day from its index in the split file; news go to the observer.
pub(super) type MakeMap<'a> = dyn FnMut(usize, &mut dyn FnMut(Event)) -> Result<Vec<f32>> + 'a;

/// The days of a split and where their maps go.
pub(super) struct Maps<'a> {
    /// The baseline, for the progress.
    pub(super) label: &'static str,
    /// Days in the order of the split file.
    pub(super) days: &'a [Day],
    /// Writer of the maps.
    pub(super) files: MapFiles<'a>,
}

impl Maps<'_> {
    /// Makes and writes each day's map; `geo` and `map` take the day's index in the split file.
    pub(super) fn write(&self, observe: &mut dyn FnMut(Event), geo: &dyn Fn(usize) -> Result<GeoTags>, map: &mut MakeMap) -> Result<()> {
        let mut order: Vec<usize> = (0..self.days.len()).collect();
        order.sort_unstable_by_key(|&index| &self.days[index]);
        observe(Event::Start { label: self.label, total: self.days.len(), unit: "maps" });
        for index in order {
            self.files.write(&self.days[index], &map(index, observe)?, &geo(index)?)?;
            observe(Event::Done(1));
        }
        Ok(())
    }
}
