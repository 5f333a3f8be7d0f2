//! Pictures of scored scenes, one a day: the inputs in the first row, then the maps with the target, then their errors.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{Shown, table};
use crate::config::Config;
use crate::data::channel::Channel;
use crate::data::dataset::Dataset;
use crate::data::day::Split;
use crate::data::writer::write_atomically;
use crate::error::Result;
use crate::image::{Colormap, Field, Panel};

/// Days that set the range in which an input is shown.
const RANGE_DAYS: usize = 8;

/// An input as it is shown on all panels.
struct Input {
    channel: Channel,
    range: (f32, f32),
}

/// Writes the panels of a split.
pub struct Panels {
    dataset: Dataset,
    inputs: Vec<Input>,
    folder: PathBuf,
}

impl Panels {
    /// Opens the inputs that the configuration names and finds the range of each over some days of the split.
    ///
    /// # Errors
    /// Those of [`Dataset::open`]: a missing or unusable input.
    pub fn new(config: &Config, split: Split, folder: &Path) -> Result<Panels> {
        let dataset = Dataset::open(config, split)?;
        let shown = |channel: &&Channel| !channel.is_scalar() && **channel != Channel::Landmask;
        let channels: Vec<Channel> = dataset.channels().iter().filter(shown).copied().collect();
        let inputs = channels.into_iter().map(|channel| Ok(Input { channel, range: range(&dataset, channel)? }));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        Ok(Panels { dataset, inputs, folder: folder.to_owned() })
    }

    /// Writes `YYYY_MM_DD.png` for a scored scene.
    ///
    /// # Errors
    /// An input that cannot be read, a picture that cannot be written.
    pub fn write(&self, scene: &Shown) -> Result<()> {
        let [rows, cols] = self.dataset.scene();
        let ocean: Vec<bool> = scene.sample.ocean.iter().map(|ocean| *ocean > 0.5).collect();
        let unseen: Vec<bool> = scene.sample.target.iter().zip(&ocean).map(|(target, ocean)| *ocean || target.is_nan()).collect();
        let melt = |title: &str, values, masked| Field {
            title: title.to_owned(),
            values,
            rows,
            cols,
            masked: Some(masked),
            range: (0.0, 1.0),
            colormap: Colormap::Viridis,
            unit: String::new(),
            coast: None,
        };

        let rasters = self.inputs.iter().map(|input| Ok(self.dataset.channel_raster(input.channel, scene.index)?.read_all()));
        let rasters = rasters.collect::<Result<Vec<_>>>()?;
        let inputs = self.inputs.iter().zip(&rasters).map(|(input, values)| {
            let (title, unit, colormap) = appearance(input.channel);
            let of_land = input.channel == Channel::TimeInterpolateSar;
            let masked = of_land.then_some(ocean.as_slice());
            let coast = (!of_land).then_some(ocean.as_slice());
            Field { title: title.into(), values, rows, cols, masked, range: input.range, colormap, unit: unit.into(), coast }
        });
        let inputs: Vec<Field> = inputs.collect();

        let errors: Vec<Vec<f32>> = scene.models.iter().map(|(_, map, _)| difference(map, &scene.sample.target)).collect();
        let target = melt("Target: radar", &scene.sample.target, &unseen);
        let maps = scene.models.iter().map(|(name, map, _)| melt(name, map, &ocean));
        let differences = scene.models.iter().zip(&errors).map(|((name, ..), values)| Field {
            range: (-1.0, 1.0),
            colormap: Colormap::Diverging,
            ..melt(&format!("{name} − target"), values, &unseen)
        });
        let mut rows_of_maps = vec![inputs];
        match scene.models.len() {
            1 => rows_of_maps.push(maps.chain([target]).chain(differences).collect()),
            _ => rows_of_maps.extend([maps.chain([target]).collect(), differences.collect::<Vec<_>>()]),
        }
        rows_of_maps.retain(|row| !row.is_empty());
        let panel = Panel { headline: headline(scene), rows: rows_of_maps, grey: "ocean or not observed".into() };
        let png = panel.draw()?.to_png()?;
        let name = PathBuf::from(scene.day.file_name()).with_extension("png");
        write_atomically(self.folder.join(name), |file| file.write_all(&png))
    }
}

/// Date and, for each model, mean absolute error and F1.
fn headline(scene: &Shown) -> String {
    let scores = scene.models.iter().map(|(name, _, scores)| {
        let [mae, .., f1, _, _] = table::values(scores);
        format!("   {name}: MAE {mae:.3}, F1 {f1:.2}")
    });
    format!("{}{}", scene.day, scores.collect::<String>())
}

/// Map minus target; NaN in a map counts as 0, as in its score.
fn difference(map: &[f32], target: &[f32]) -> Vec<f32> {
    map.iter().zip(target).map(|(map, target)| if map.is_nan() { -target } else { map - target }).collect()
}

/// Title, unit and colours of an input.
fn appearance(channel: Channel) -> (&'static str, &'static str, Colormap) {
    match channel {
        Channel::Pmw => ("Brightness temperature", "K", Colormap::Viridis),
        Channel::PmwWinterMean => ("Winter mean", "K", Colormap::Viridis),
        Channel::MarWa1 => ("MAR liquid water", "", Colormap::Viridis),
        Channel::ModisB1 => ("MODIS band 1", "", Colormap::Grey),
        Channel::ModisB2 => ("MODIS band 2", "", Colormap::Grey),
        Channel::TimeInterpolateSar => ("Running mean of radar", "", Colormap::Viridis),
        Channel::Dem => ("Elevation", "m", Colormap::Elevation),
        other => (other.name(), "", Colormap::Viridis),
    }
}

/// Least and largest value over some days of the split, so that panels of different days can be compared; melt is always 0…1.
fn range(dataset: &Dataset, channel: Channel) -> Result<(f32, f32)> {
    if channel == Channel::TimeInterpolateSar {
        return Ok((0.0, 1.0));
    }
    let days = if channel.is_static() { 1 } else { dataset.days().len() };
    let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
    for day in (0..days).step_by(days.div_ceil(RANGE_DAYS).max(1)) {
        for value in dataset.channel_raster(channel, day)?.read_all().into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
        }
    }
    Ok(if low < high { (low, high) } else { (0.0, 1.0) })
}
