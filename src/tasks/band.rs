//! What a band of a map shows, and its colours.

use crate::image::{Colormap, Field};

/// A band of a task's maps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Its name as a variable of a NetCDF file.
    pub name: &'static str,
    /// What its values are, for people who read that file, or a map.
    pub long_name: &'static str,
    /// Their unit, in files; `1` for fractions, empty where it is not known.
    pub unit: &'static str,
    /// What its values are, for legends.
    pub quantity: &'static str,
    /// The values at the ends of the colours.
    pub range: (f32, f32),
    /// Its colours.
    pub colormap: Colormap,
    /// Names of the classes that its values are numbers of; none of other values.
    pub classes: &'static [&'static str],
}

impl Band {
    /// The band as a picture's field.
    ///
    /// # Shapes
    /// `values`, `masked` (shown in grey): rows × cols.
    pub fn field<'a>(&self, title: &str, values: &'a [f32], [rows, cols]: [usize; 2], masked: &'a [bool]) -> Field<'a> {
        Field {
            title: title.to_owned(),
            values,
            rows,
            cols,
            masked: Some(masked),
            range: self.range,
            colormap: self.colormap,
            unit: self.quantity.into(),
            coast: None,
            classes: self.classes,
        }
    }

    /// Whether errors are places where a map is wrong: numbers of more than two classes have no difference that means anything.
    pub fn has_wrong_places(&self) -> bool {
        self.classes.len() > 2
    }

    /// Map minus target, or 1 where a map of more than two classes is wrong and 0 elsewhere; NaN in a map counts as 0, as in its score.
    ///
    /// # Shapes
    /// All: any number of pixels, the same.
    pub fn errors(&self, map: &[f32], target: &[f32]) -> Vec<f32> {
        let error = |(map, target): (&f32, &f32)| {
            let map = if map.is_nan() { 0.0 } else { *map };
            if self.has_wrong_places() { f32::from(u8::from(map != *target)) } else { map - target }
        };
        map.iter().zip(target).map(error).collect()
    }

    /// What [`Band::errors`] of a model are called beside a target of this name.
    pub fn error_title(&self, model: &str, target: &str) -> String {
        if self.has_wrong_places() { format!("{model}, where wrong") } else { format!("{model} − {target}") }
    }

    /// Errors as a picture's field, in colours around 0.
    ///
    /// # Shapes
    /// As [`Band::field`].
    pub fn error_field<'a>(&self, title: &str, values: &'a [f32], size: [usize; 2], masked: &'a [bool]) -> Field<'a> {
        let field = self.field(title, values, size, masked);
        if self.has_wrong_places() {
            return Field { range: (-1.0, 1.0), colormap: Colormap::Diverging, classes: &["right", "wrong"], unit: String::new(), ..field };
        }
        let most = if self.classes.is_empty() { self.range.1 - self.range.0 } else { 1.0 };
        Field { range: (-most, most), colormap: Colormap::Diverging, classes: &[], ..field }
    }
}
