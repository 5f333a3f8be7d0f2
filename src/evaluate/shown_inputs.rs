//! The inputs of a split as pictures show them: those with a raster, in one range each on all days, cut to the land with a margin.

use std::cell::RefCell;
use std::rc::Rc;

use crate::config::Config;
use crate::data::Window;
use crate::data::dataset::Dataset;
use crate::data::day::Split;
use crate::domains::{Look, Unit, Variable};
use crate::error::Result;
use crate::image::Field;

/// Days that set the range in which an input is shown.
const RANGE_DAYS: usize = 8;
/// Margin around the land, as a share of its extent.
const MARGIN: f64 = 0.06;

/// An input as it is shown on all days.
#[derive(Debug)]
struct Input {
    variable: &'static Variable,
    range: (f32, f32),
}

/// The inputs of a split, and the part of the scene that is shown.
#[derive(Debug)]
pub struct ShownInputs {
    dataset: Dataset,
    inputs: Vec<Input>,
    parts: RefCell<Parts>,
}

/// The part of a scene that is shown.
#[derive(Debug)]
pub struct Part {
    /// Where it lies.
    pub window: Window,
    /// Where that is ocean.
    pub ocean: Vec<bool>,
}

impl Part {
    /// That of a day: the land with a margin.
    ///
    /// # Errors
    /// A mask that cannot be read.
    pub fn of(dataset: &Dataset, day: usize) -> Result<Part> {
        let ocean: Vec<bool> = dataset.ocean(day)?.iter().map(|ocean| *ocean > 0.5).collect();
        let window = around_land(&ocean, dataset.scene(day));
        Ok(Part { ocean: cut(&ocean, dataset.scene(day)[1], window), window })
    }
}

/// The parts of a dataset's scenes: one for all days on one grid.
#[derive(Debug, Default)]
pub struct Parts(Option<(usize, Rc<Part>)>);

impl Parts {
    /// The part of a day's scene; that of the day before where it serves.
    ///
    /// # Errors
    /// Those of [`Part::of`].
    pub fn get(&mut self, dataset: &Dataset, day: usize) -> Result<Rc<Part>> {
        let key = if dataset.domain().unit == Unit::Day { 0 } else { day };
        let part = match self.0.take().filter(|(of, _)| *of == key) {
            Some((_, part)) => part,
            None => Rc::new(Part::of(dataset, day)?),
        };
        self.0 = Some((key, part.clone()));
        Ok(part)
    }
}

impl ShownInputs {
    /// Opens the inputs that the configuration names and finds the range of each over some days of the split.
    ///
    /// # Errors
    /// Those of [`Dataset::open`]: a missing or unusable input.
    pub fn open(config: &Config, split: Split) -> Result<ShownInputs> {
        let dataset = Dataset::open(config, split)?;
        let mask = dataset.domain().mask;
        let is_shown = |input: &&&'static Variable| !input.is_scalar() && input.gap_of.is_none() && input.name != mask;
        let variables: Vec<&Variable> = dataset.inputs().iter().filter(is_shown).copied().collect();
        let mut shown = ShownInputs { dataset, inputs: Vec::new(), parts: RefCell::default() };
        for variable in variables {
            shown.inputs.push(Input { variable, range: shown.range(variable)? });
        }
        Ok(shown)
    }

    /// The days with all that belongs to them.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The part of a day's scene that is shown.
    ///
    /// # Errors
    /// A mask that cannot be read.
    pub fn part(&self, day: usize) -> Result<Rc<Part>> {
        self.parts.borrow_mut().get(&self.dataset, day)
    }

    /// The values of all inputs on a day, given by its place in the split.
    ///
    /// # Errors
    /// An input that cannot be read.
    pub fn values(&self, day: usize) -> Result<Vec<Vec<f32>>> {
        let values = self.inputs.iter().map(|input| self.values_of(input.variable, day)).collect();
        self.dataset.release(day);
        values
    }

    /// Those values, in a part, as fields; what has no meaning on the ocean is grey there, the others show the coast.
    pub fn fields<'a>(&'a self, values: &'a [Vec<f32>], part: &'a Part) -> Vec<Field<'a>> {
        let Window { height: rows, width: cols, .. } = part.window;
        let field = |(input, values): (&Input, &'a Vec<f32>)| {
            let Look { title, unit, colormap, masked, .. } = input.variable.look;
            let (masked, coast) = if masked { (Some(&*part.ocean), None) } else { (None, Some(&*part.ocean)) };
            Field { title: title.into(), values, rows, cols, masked, range: input.range, colormap, unit: unit.into(), coast, classes: &[] }
        };
        self.inputs.iter().zip(values).map(field).collect()
    }

    fn values_of(&self, input: &Variable, day: usize) -> Result<Vec<f32>> {
        let window = self.part(day)?.window;
        let mut values = vec![0.0; window.pixels()];
        self.dataset.input_raster(input, day)?.read_window(window, &mut values)?;
        Ok(values)
    }

    /// Least and largest value over some days of the split, so that pictures of different days can be compared.
    fn range(&self, input: &Variable) -> Result<(f32, f32)> {
        if let Some(range) = input.look.range {
            return Ok(range);
        }
        let days = if input.is_constant() { 1 } else { self.dataset.days().len() };
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for day in (0..days).step_by(days.div_ceil(RANGE_DAYS).max(1)) {
            let values = self.values_of(input, day)?;
            self.dataset.release(day);
            let counts = |(value, ocean): &(&f32, &bool)| value.is_finite() && !(**ocean && input.look.masked);
            for (value, _) in values.iter().zip(&self.part(day)?.ocean).filter(counts) {
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
