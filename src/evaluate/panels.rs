//! Pictures of scored scenes, one a day: the inputs in the first row; then one model's map, the target and the map's error, or of
//! several models map and error side by side, the target behind the inputs.
//!
//! Shown is the part of the scene that holds land, with a margin. Maps, target and errors are grey where they do not count.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::{SceneScores, Shown};
use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::Dataset;
use crate::data::day::Split;
use crate::domains::{Look, Variable};
use crate::error::Result;
use crate::files::write_atomically;
use crate::image::{Field, Panel};
use crate::tasks::{self, Better, Task};

/// Days that set the range in which an input is shown.
const RANGE_DAYS: usize = 8;
/// Margin around the land, as a share of its extent.
const MARGIN: f64 = 0.06;

/// An input as it is shown on all panels.
struct Input {
    variable: &'static Variable,
    range: (f32, f32),
}

/// Writes the panels of a split.
pub struct Panels {
    dataset: Dataset,
    inputs: Vec<Input>,
    task: Box<dyn Task>,
    /// The part of the scene that is shown, and its ocean.
    window: Window,
    ocean: Vec<bool>,
    folder: PathBuf,
}

impl Panels {
    /// Opens the inputs that the configuration names and finds the range of each over some days of the split.
    ///
    /// # Errors
    /// Those of [`Dataset::open`]: a missing or unusable input.
    pub fn new(config: &Config, split: Split, folder: &Path) -> Result<Panels> {
        let dataset = Dataset::open(config, split)?;
        let ocean: Vec<bool> = dataset.ocean()?.iter().map(|ocean| *ocean > 0.5).collect();
        let window = around_land(&ocean, dataset.scene());
        let ocean = cut(&ocean, dataset.scene()[1], window);
        let mask = dataset.domain().mask;
        let shown = |input: &&&Variable| !input.is_scalar() && input.name != mask;
        let inputs: Vec<&Variable> = dataset.inputs().iter().filter(shown).copied().collect();
        let mut panels = Panels { dataset, inputs: Vec::new(), task: tasks::of(config), window, ocean, folder: folder.to_owned() };
        for variable in inputs {
            panels.inputs.push(Input { variable, range: panels.range(variable)? });
        }
        Ok(panels)
    }

    /// Writes `YYYY_MM_DD.png` for a scored scene.
    ///
    /// # Errors
    /// An input that cannot be read, a picture that cannot be written.
    pub fn write(&self, scene: &Shown) -> Result<()> {
        let cols = self.dataset.scene()[1];
        let target = cut(&scene.sample.target, cols, self.window);
        let unseen: Vec<bool> = target.iter().zip(&self.ocean).map(|(target, ocean)| *ocean || target.is_nan()).collect();
        let inputs = self.inputs.iter().map(|input| self.values(input.variable, scene.index)).collect::<Result<Vec<_>>>()?;
        self.dataset.release(scene.index);
        let inputs = self.inputs.iter().zip(&inputs).map(|(input, values)| self.input(input, values)).collect();
        let maps: Vec<Vec<f32>> = scene.models.iter().map(|(_, map, _)| cut(map, cols, self.window)).collect();
        let errors: Vec<Vec<f32>> = maps.iter().map(|map| difference(map, &target)).collect();
        let (mut pairs, band, size) = (Vec::new(), self.task.bands()[0], [self.window.height, self.window.width]);
        for (((name, ..), map), error) in scene.models.iter().zip(&maps).zip(&errors) {
            let title = format!("{name} − target");
            let error = band.error_field(&title, error, size, &unseen);
            pairs.push([band.field(name, map, size, &self.ocean), error]);
        }
        let rows = layout(inputs, band.field("Target", &target, size, &unseen), pairs);
        let png = Panel { headline: self.headline(scene), rows, grey: "ocean or not observed".into() }.draw()?.to_png()?;
        let name = PathBuf::from(scene.day.file_name()).with_extension("png");
        write_atomically(self.folder.join(name), |file| file.write_all(&png))
    }

    /// Date and, for each model, the task's foremost scores.
    fn headline(&self, scene: &Shown) -> String {
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

    /// An input; what has no meaning on the ocean is grey there, the others show the coast.
    fn input<'a>(&'a self, input: &Input, values: &'a [f32]) -> Field<'a> {
        let Look { title, unit, colormap, masked, .. } = input.variable.look;
        let (masked, coast) = if masked { (Some(&*self.ocean), None) } else { (None, Some(&*self.ocean)) };
        let Window { height: rows, width: cols, .. } = self.window;
        Field { title: title.into(), values, rows, cols, masked, range: input.range, colormap, unit: unit.into(), coast }
    }

    /// The shown part of an input on a day.
    fn values(&self, input: &Variable, day: usize) -> Result<Vec<f32>> {
        let mut values = vec![0.0; self.window.pixels()];
        self.dataset.input_raster(input, day)?.read_window(self.window, &mut values)?;
        Ok(values)
    }

    /// Least and largest value over some days of the split, so that panels of different days can be compared.
    fn range(&self, input: &Variable) -> Result<(f32, f32)> {
        if let Some(range) = input.look.range {
            return Ok(range);
        }
        let days = if input.is_constant() { 1 } else { self.dataset.days().len() };
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for day in (0..days).step_by(days.div_ceil(RANGE_DAYS).max(1)) {
            let values = self.values(input, day)?;
            self.dataset.release(day);
            let counts = |(value, ocean): &(&f32, &bool)| value.is_finite() && !(**ocean && input.look.masked);
            for (value, _) in values.iter().zip(&self.ocean).filter(counts) {
                (low, high) = (low.min(*value), high.max(*value));
            }
        }
        Ok(if low < high { (low, high) } else { (0.0, 1.0) })
    }
}

/// The smallest window that holds all land, with a margin; the whole scene where there is none.
pub fn around_land(ocean: &[bool], [rows, cols]: [usize; 2]) -> Window {
    let land_rows: Vec<usize> = (0..rows).filter(|row| (0..cols).any(|col| !ocean[row * cols + col])).collect();
    let land_cols: Vec<usize> = (0..cols).filter(|col| (0..rows).any(|row| !ocean[row * cols + col])).collect();
    let (Some((top, bottom)), Some((left, right))) = (ends(&land_rows), ends(&land_cols)) else { return Window::whole(rows, cols) };
    let margin = (MARGIN * (bottom - top).max(right - left) as f64).ceil() as usize;
    let (row, col) = (top.saturating_sub(margin), left.saturating_sub(margin));
    Window { row, col, height: (bottom + margin + 1).min(rows) - row, width: (right + margin + 1).min(cols) - col }
}

/// First and last.
fn ends(numbers: &[usize]) -> Option<(usize, usize)> {
    Some((*numbers.first()?, *numbers.last()?))
}

/// The values of a window of a raster with `cols` columns.
pub fn cut<T: Copy>(values: &[T], cols: usize, window: Window) -> Vec<T> {
    let rows = values.chunks_exact(cols).skip(window.row).take(window.height);
    rows.flat_map(|row| row[window.col..window.col + window.width].iter().copied()).collect()
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

/// Map minus target; NaN in a map counts as 0, as in its score.
pub fn difference(map: &[f32], target: &[f32]) -> Vec<f32> {
    map.iter().zip(target).map(|(map, target)| if map.is_nan() { -target } else { map - target }).collect()
}
