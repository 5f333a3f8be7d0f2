//! The scenes of days without targets that the page shows: which ones, each model's map, and the inputs that it is made from.

use std::path::PathBuf;

use super::Part;
use super::extent::Extents;
use super::scenes::{MOST_COLS, Picture, ShownScene, pick};
use crate::data::dataset::Dataset;
use crate::data::day::Day;
use crate::data::raster::Raster;
use crate::data::seen::hide_unseen;
use crate::error::Result;
use crate::evaluate::ShownInputs;
use crate::evaluate::shown_inputs::Parts;
use crate::event::Event;
use crate::image::{Colormap, Field};
use crate::tasks::Task;

/// A key to the colours of an input.
#[derive(Debug, Clone)]
pub struct InputKey {
    /// Its title and unit.
    pub title: String,
    /// Its colours.
    pub colormap: Colormap,
    /// The values at their ends and in the middle, to three digits.
    pub labels: [f32; 3],
}

/// Chooses at most `most` of the days that every model has a map of: that of the largest extent by the first model, and of each part of the
/// season's year the middle one by that; without extents, days apart from each other.
pub fn choose(
    dataset: &Dataset,
    models: &[(String, PathBuf)],
    extents: Option<&Extents>,
    most: usize,
    place: impl Fn(&Day) -> f64,
) -> Vec<(Day, Option<&'static str>)> {
    let first = extents.and_then(|extents| extents.models.first()).map(|(_, days)| days);
    let is_mapped = |day: &&Day| models.iter().all(|(_, folder)| folder.join(day.file_name()).is_file());
    let mut days: Vec<Day> = dataset.days().iter().filter(is_mapped).copied().collect();
    days.sort_unstable();
    days.dedup();
    let covered = |day: &Day| first.and_then(|days| days.get(day)).map_or(0.0, |extent| extent.covered as f64);
    pick(days.into_iter().map(|day| (day, covered(&day))).collect(), first.map(|_| "largest extent"), most, place)
}

/// Draws the chosen scenes, with the inputs where they are there.
///
/// # Errors
/// A map or input that cannot be read or has another size.
pub fn draw(
    dataset: &Dataset,
    inputs: &Part<ShownInputs>,
    task: &dyn Task,
    models: &[(String, PathBuf)],
    chosen: &[(Day, Option<&'static str>)],
    observe: &mut dyn FnMut(Event),
) -> Result<(Vec<ShownScene>, Vec<InputKey>)> {
    let mut parts = Parts::default();
    let (mut scenes, mut keys) = (Vec::new(), Vec::new());
    observe(Event::Start { label: "scenes", total: chosen.len(), unit: "scenes" });
    for (day, note) in chosen {
        let Some(index) = dataset.days().iter().position(|other| other == day) else { continue };
        let part = parts.get(dataset, index)?;
        let (window, ocean) = (part.window, &part.ocean);
        let (size, reduce) = ([window.height, window.width], window.width.div_ceil(MOST_COLS));
        let picture = |title: &str, field: &Field| field.to_indexed_png(reduce).map(|png| Picture { title: title.to_owned(), png });
        let mut pictures = Vec::new();
        for (name, folder) in models {
            let mut map = vec![0.0; window.pixels()];
            let raster = Raster::open_band(folder.join(day.file_name()), 0)?;
            raster.read_window(window, &mut map)?;
            raster.refuse_infinite(&map)?;
            hide_unseen(raster.path(), window, &mut map)?;
            pictures.push(picture(name, &task.bands()[0].field("", &map, size, ocean))?);
        }
        if let Ok(inputs) = inputs {
            let values = inputs.values(index)?;
            let fields = inputs.fields(&values, &part);
            keys = fields.iter().map(InputKey::of).collect();
            for field in &fields {
                pictures.push(picture(&field.title, field)?);
            }
        }
        let size = [window.width.div_ceil(reduce), window.height.div_ceil(reduce)];
        scenes.push(ShownScene { day: *day, seen: None, note: *note, pictures, size, scores: Vec::new() });
        observe(Event::Done(1));
    }
    Ok((scenes, keys))
}

impl InputKey {
    fn of(field: &Field) -> InputKey {
        let title = if field.unit.is_empty() { field.title.clone() } else { format!("{}, {}", field.title, field.unit) };
        let (low, high) = field.range;
        InputKey { title, colormap: field.colormap, labels: [low, 0.5 * (low + high), high].map(to_three_digits) }
    }
}

fn to_three_digits(value: f32) -> f32 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::to_three_digits;

    #[test]
    fn labels_have_three_digits() {
        let labels = [0.0, 0.012_345, -273.15, 2_345.6, 1.0].map(|value| to_three_digits(value).to_string());
        assert_eq!(labels, ["0", "0.0123", "-273", "2350", "1"]);
    }
}
