//! Pictures of scored scenes, one a day: the inputs in the first row; then one model's map, the target and the map's error, or of
//! several models map and error side by side, the target behind the inputs.
//!
//! Shown is the part of the scene that holds land, with a margin. Maps, target and errors are grey where they do not count.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::shown_inputs::cut;
use super::{SceneScores, Shown, ShownInputs};
use crate::config::Config;
use crate::data::day::Split;
use crate::error::Result;
use crate::files::write_atomically;
use crate::image::{Field, Panel};
use crate::tasks::{self, Better, Task};

/// Writes the panels of a split.
pub struct Panels {
    inputs: ShownInputs,
    task: Box<dyn Task>,
    folder: PathBuf,
}

impl Panels {
    /// Opens the inputs that the configuration names.
    ///
    /// # Errors
    /// Those of [`ShownInputs::open`].
    pub fn new(config: &Config, split: Split, folder: &Path) -> Result<Panels> {
        Ok(Panels { inputs: ShownInputs::open(config, split)?, task: tasks::of(config), folder: folder.to_owned() })
    }

    /// Writes `YYYY_MM_DD.png` for a scored scene.
    ///
    /// # Errors
    /// An input that cannot be read, a picture that cannot be written.
    pub fn write(&self, scene: &Shown) -> Result<()> {
        let part = self.inputs.part(scene.index)?;
        let (cols, window, ocean) = (self.inputs.dataset().scene(scene.index)[1], part.window, part.ocean.as_slice());
        let target = cut(&scene.sample.target, cols, window);
        let unseen: Vec<bool> = target.iter().zip(ocean).map(|(target, ocean)| *ocean || target.is_nan()).collect();
        let target = self.task.pictured(&target);
        let inputs = self.inputs.values(scene.index)?;
        let maps: Vec<Vec<f32>> = scene.models.iter().map(|(_, map, _)| cut(map, cols, window)).collect();
        let errors: Vec<Vec<f32>> = maps.iter().map(|map| self.task.bands()[0].errors(map, &target)).collect();
        let (mut pairs, band, size) = (Vec::new(), self.task.bands()[0], [window.height, window.width]);
        for (((name, ..), map), error) in scene.models.iter().zip(&maps).zip(&errors) {
            let title = band.error_title(name, "target");
            let error = band.error_field(&title, error, size, &unseen);
            pairs.push([band.field(name, map, size, ocean), error]);
        }
        let rows = layout(self.inputs.fields(&inputs, &part), band.field("Target", &target, size, &unseen), pairs);
        let png = Panel { headline: self.headline(scene), rows, grey: self.task.words().of.grey[1].into() }.draw()?.to_png()?;
        let name = PathBuf::from(scene.day.file_name()).with_extension("png");
        write_atomically(self.folder.join(name), |file| file.write_all(&png))
    }

    /// Date and, for each model, the task's foremost scores.
    fn headline(&self, scene: &Shown) -> String {
        if scene.models.iter().any(|(_, _, scores)| scores.scored.valid == 0) {
            return format!("{}   no valid pixel", scene.day);
        }
        let columns = self.task.columns();
        let of_model = |(name, _, scores): &(&str, Vec<f32>, SceneScores)| {
            let shown = self.task.headline().iter().filter_map(|wanted| {
                let place = columns.iter().position(|column| column.name == *wanted)?;
                let digits = if columns[place].better == Better::Less { 3 } else { 2 };
                Some(format!("{} {:.digits$}", columns[place].title, scores.scored.values[place]))
            });
            format!("   {name}: {}", shown.collect::<Vec<_>>().join(", "))
        };
        format!("{}{}", scene.day, scene.models.iter().map(of_model).collect::<String>())
    }
}

/// The maps in rows that suit a landscape page: see the head of this file.
fn layout<'a>(mut inputs: Vec<Field<'a>>, target: Field<'a>, pairs: Vec<[Field<'a>; 2]>) -> Vec<Vec<Field<'a>>> {
    let mut rows = match pairs.as_slice() {
        [[map, error]] => vec![inputs, vec![map.clone(), target, error.clone()]],
        _ => {
            inputs.push(target);
            let pairs_each = (inputs.len() / 2).max(1);
            let others = pairs.chunks(pairs_each).map(|pairs| pairs.iter().flatten().cloned().collect());
            std::iter::once(inputs).chain(others).collect()
        }
    };
    rows.retain(|row| !row.is_empty());
    rows
}
