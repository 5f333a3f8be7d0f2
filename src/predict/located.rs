//! Maps of scenes by a network that sees where they lie.

use std::path::Path;

use super::location_search::{FoundLocation, LocationSearch, Search, location_file};
use super::{Options, Predictor};
use crate::config::Config;
use crate::data::dataset::Dataset;
use crate::data::framed::{Frame, Framed};
use crate::data::location::{Centre, Locations, of_unknown_region, one_region};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::preprocess::zeros;

/// Where scenes lie, by what they say of it themselves, or by what the options say.
pub(super) fn locations(config: &Config, framed: &Framed, options: &Options) -> Result<Locations> {
    let mut locations = Locations::of(config, framed, Centre::Scene)?;
    if let Some(code) = options.region {
        let region = one_region(config.region_place(code), config.location_numbers()?);
        (0..framed.dataset().days().len()).for_each(|scene| locations.set(scene, &region));
    }
    Ok(locations)
}

impl Predictor<'_> {
    /// Looks for the location of a day's scene, which its map is made with from then on.
    ///
    /// # Errors
    /// Those of [`LocationSearch::check`], of reading and of the network; [`Error::Interrupted`](crate::error::Error::Interrupted) after a
    /// signal.
    pub fn find_location(
        &mut self,
        config: &Config,
        settings: &LocationSearch,
        day: usize,
        observe: &mut dyn FnMut(Event),
    ) -> Result<FoundLocation> {
        settings.check(config)?;
        let (dataset, tile) = (self.framed.dataset().clone(), self.tiling.tile);
        let zeros = zeros(config, dataset.inputs())?;
        let search = Search {
            model: self.model,
            preprocessor: &self.preprocessor,
            framed: &Framed::new(dataset, zeros, |scene| Frame::at_least(scene, tile)).mirroring(self.mirrors),
            tile,
            numbers: config.location_numbers()?,
            batch_size: self.batch_size,
            recompute: config.recompute,
            stop: self.stop,
        };
        let remedy = "use `recompute: true` or a smaller prediction_batch_size";
        let found = search.find(settings, day, observe).map_err(|error| error.with_remedy(remedy))?;
        self.locations.set(day, &found.shares);
        Ok(found)
    }

    /// As [`Predictor::maps`]; where the options ask for it the location of each scene is looked for first, and written into `folder`.
    ///
    /// # Errors
    /// Those of [`Predictor::maps`] and [`Predictor::find_location`]; a location that cannot be written.
    pub(super) fn located_maps(
        &mut self,
        config: &Config,
        days: &[usize],
        folder: &Path,
        observe: &mut dyn FnMut(Event),
        take: &mut dyn FnMut(usize, Vec<f32>) -> Result<()>,
    ) -> Result<()> {
        let dataset = self.framed.dataset().clone();
        let Some(search) = self.options.location else {
            if self.options.region.is_none() {
                note_unknown_regions(config, &dataset, observe);
            }
            let maps = days.iter().map(|day| folder.join(dataset.days()[*day].file_name()));
            maps.map(|map| location_file(&map)).filter(|file| file.is_file()).try_for_each(|file| remove(&file))?;
            return self.maps(days, observe, take);
        };
        for &day in days {
            let date = &dataset.days()[day];
            let found = self.find_location(config, &search, day, observe)?;
            observe(Event::Note(format!("location of {date}: {}", found.words(config))));
            // First, so that no map is there without it.
            found.write(config, &folder.join(date.file_name()))?;
            self.maps(&[day], observe, take)?;
        }
        Ok(())
    }
}

/// Removes the location that an earlier map was made with.
fn remove(file: &Path) -> Result<()> {
    std::fs::remove_file(file).map_err(|e| Error::output(file, format!("is of an earlier map and cannot be removed ({e})")).because(e))
}

/// Says which scenes are mapped as of an unknown region.
fn note_unknown_regions(config: &Config, dataset: &Dataset, observe: &mut dyn FnMut(Event)) {
    let unknown = of_unknown_region(config, dataset);
    if !unknown.is_empty() {
        observe(Event::Note(format!(
            "{} of {} scenes are of no region that these weights know ({}), and mapped as of an unknown one: {}; --region CODE says otherwise, \
             and --optimise-location looks for the mixture of regions that fits",
            unknown.len(),
            dataset.days().len(),
            config.regions.join(", "),
            unknown.join(", ")
        )));
    }
}
