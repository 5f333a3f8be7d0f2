//! A variable of a file with named axes (NetCDF, Zarr): read by its axes, in whatever order the file has them.
//!
//! Along evenly spaced horizontal axes its pixels are placed by their coordinates. Where only two-dimensional arrays of longitude and
//! latitude place them, the bands that GDAL makes of it are read instead (`gdal_source.rs`); what its samples mean is decided here all the
//! same.

use std::path::Path;

use super::arrays::{Array, Group};
use super::encoding::{Encoding, Stored};
use super::even_axis::even;
use super::horizontal::{Coordinates, find, lack};
use super::source_window::Part;
use super::steps::Axis;
use super::system::System;
use super::units::metres;
use super::variables::{Listed, choose, list};
use crate::data::crs::{Attributes, Crs};
use crate::data::geotags::GeoTransform;
use crate::error::{Error, Result};

/// Where the pixels lie.
pub(super) enum Placed {
    /// On an even grid: the transform from (column, row) of the axes as they are, rows upwards too.
    Grid(GeoTransform, System),
    /// Where arrays along the last two axes say.
    Arrays,
    /// Not where this knows: what lacks, as a clause.
    Unknown(String),
}

/// What picks one of the variables of a file, where it has any; an error is a message.
type Choice<'a> = &'a dyn Fn(&[Listed]) -> Result<Option<Listed>, String>;

/// Axes of more values are not read: no grid has as many rows, and no record as many steps.
const MOST_COORDINATES: usize = 1 << 24;

/// An opened variable.
pub(super) struct Cube {
    array: Array,
    coordinates: Vec<Coordinates>,
    /// Its axes as they are listed to users and taken apart into steps.
    labels: Vec<Axis>,
    /// Which axes are x and y.
    x: usize,
    y: usize,
    /// Name with its groups.
    pub name: String,
    /// What its samples mean.
    pub encoding: Encoding,
    pub placed: Placed,
}

impl Cube {
    /// Opens the wanted variable of a file, or its only one; none in a file without such variables.
    ///
    /// # Errors
    /// [`Error::Input`] where the variable is not there or not the only one, or its place or samples cannot be understood.
    pub fn of(root: &Group, path: &Path, wanted: Option<&str>, given: Option<&System>) -> Result<Option<Cube>> {
        Self::of_one(root, path, &|variables| Ok(choose(variables, wanted)?.cloned()), given)
    }

    /// Opens the only variable of a file whose grid others are brought to; none in a file without variables.
    ///
    /// # Errors
    /// As [`Cube::of`].
    pub fn of_only(root: &Group, path: &Path) -> Result<Option<Cube>> {
        let only = |variables: &'_ [Listed]| match variables.iter().filter(|variable| variable.is_map && !variable.serves).count() {
            0 | 1 => choose(variables, None).map(|found| found.cloned()),
            _ => Err("has several variables where --like takes a raster of one; extract one of them (ncks -v NAME)".to_owned()),
        };
        Self::of_one(root, path, &only, None)
    }

    fn of_one(root: &Group, path: &Path, choose: Choice, given: Option<&System>) -> Result<Option<Cube>> {
        let wrong = |message: String| Error::input(path, message);
        let Some(variable) = choose(&list(root)).map_err(wrong)? else { return Ok(None) };
        let mut groups = vec![root];
        let (name, path_to) = variable.path.split_last().map_or(("", &[][..]), |(name, groups)| (name, groups));
        for group in path_to {
            let inner = groups.last().and_then(|outer| outer.group(group));
            groups.push(inner.ok_or_else(|| wrong(format!("its group {group} cannot be opened")))?);
        }
        let array = groups.last().and_then(|group| group.array(name));
        let array = array.ok_or_else(|| wrong(format!("its variable {} cannot be opened", variable.full_name())))?;
        let opened = Self::of_array(array.clone(), &groups, variable.full_name(), given);
        opened.map(Some).map_err(|message| wrong(format!("variable {}: {message}", variable.full_name())))
    }

    fn of_array(array: Array, groups: &[&Group], name: String, given: Option<&System>) -> Result<Cube, String> {
        let stored = array.stored.ok_or("its samples are no numbers")?;
        // The NetCDF library's no-data is among the attributes; others keep theirs elsewhere.
        let of_format = array.no_data.filter(|_| array.attribute("_FillValue").is_none() && array.attribute("missing_value").is_none());
        let encoding = Encoding::new(stored, &|name| array.attribute(name), of_format)?;
        let auxiliary = auxiliary(&array, groups);
        let mut coordinates = Vec::new();
        let mut labels = Vec::new();
        for dimension in &array.dimensions {
            let own =
                groups.iter().rev().find_map(|group| group.array(&dimension.name).filter(|own| own.dimensions == [dimension.clone()]));
            let own = own.filter(|own| own.stored.is_some());
            let labelled = || auxiliary.iter().copied().find(|other| other.dimensions == [dimension.clone()] && says_what_it_is(other));
            let found = own.or_else(labelled);
            let axis = Coordinates { axis: dimension.name.clone(), ..Coordinates::default() };
            let axis = found.map_or(Ok(axis), |found| coordinates_of(found, groups, &dimension.name))?;
            labels.push(label(&axis, dimension.size, found.and_then(|found| found.stored)));
            coordinates.push(axis);
        }
        let count = coordinates.len();
        let mut cube =
            Cube { array, coordinates, labels, x: count - 1, y: count - 2, name, encoding, placed: Placed::Unknown(String::new()) };
        cube.placed = cube.place(groups, &auxiliary, given)?;
        Ok(cube)
    }

    fn place(&mut self, groups: &[&Group], auxiliary: &[&Array], given: Option<&System>) -> Result<Placed, String> {
        let (x, y) = find(&self.coordinates);
        let count = self.coordinates.len();
        let along: Vec<&Array> = auxiliary.iter().copied().filter(|array| array.dimensions.len() == 2 && array.stored.is_some()).collect();
        let order = || {
            let names: Vec<&str> = self.coordinates.iter().map(|axis| &axis.axis[..]).collect();
            format!(
                "its axes are in the order ({}), and without evenly spaced coordinates they are read in the order (…, y, x) only; \
                 reorder them first (ncpdq -a, or xarray's transpose)",
                names.join(", ")
            )
        };
        if let (Some(x), Some(y)) = (x, y)
            && let (Some(xs), Some(ys)) = (&self.coordinates[x].values, &self.coordinates[y].values)
        {
            if x == y {
                return Err(order());
            }
            let degrees = self.coordinates[x].is_degrees() && self.coordinates[y].is_degrees();
            let mapping = self.grid_mapping(groups);
            // A mapping that is not understood is none of longitude and latitude.
            let wgs84 = || if degrees && mapping.is_none() { System::wgs84() } else { None };
            if let Some(crs) = given.cloned().or_else(|| self.system(mapping, x)).or_else(wgs84) {
                let turn = crs.geographic.then_some(360.0);
                let axis = |index: usize, values: &[f64], turn: Option<f64>| {
                    let found = even(values, self.coordinates[index].bounds, turn);
                    found.map_err(|clause| format!("its axis `{}` {clause}", self.coordinates[index].axis))
                };
                let (mut x_first, x_step) = axis(x, xs, turn)?;
                let (y_first, y_step) = axis(y, ys, None)?;
                if let Some(turn) = turn {
                    // The middle between −180 and 180, where other maps have it.
                    let middle = x_first + x_step * (xs.len() as f64 - 1.0) / 2.0;
                    x_first -= (middle / turn).round() * turn;
                }
                let (x_unit, y_unit) = (self.unit(x, groups, &crs), self.unit(y, groups, &crs));
                let transform = GeoTransform {
                    origin_x: (x_first - x_step / 2.0) * x_unit,
                    origin_y: (y_first - y_step / 2.0) * y_unit,
                    col_x: x_step * x_unit,
                    row_x: 0.0,
                    col_y: 0.0,
                    row_y: y_step * y_unit,
                };
                (self.x, self.y) = (x, y);
                return Ok(Placed::Grid(transform, crs));
            }
            if along.len() < 2 {
                let named =
                    self.array.text_of("grid_mapping").map(|name| format!(" (none is understood in its grid mapping `{}`)", name.trim()));
                let lack = format!(
                    "has no coordinate system{}; give it with --source-crs, for example \"EPSG:3413\" or a PROJ string",
                    named.as_deref().unwrap_or_default()
                );
                return if named.is_some() { Ok(Placed::Unknown(format!("variable {}: {lack}", self.name))) } else { Err(lack) };
            }
        }
        // From here on GDAL places it, which takes the last two axes for y and x.
        if x.is_some_and(|x| x != count - 1) || y.is_some_and(|y| y != count - 2) {
            return Err(order());
        }
        if along.len() >= 2 {
            let last = &self.array.dimensions[count - 2..];
            if along.iter().all(|array| array.dimensions == last) {
                return Ok(Placed::Arrays);
            }
            let names: Vec<&str> = last.iter().map(|axis| &axis.name[..]).collect();
            let names = names.join(", ");
            return Err(format!(
                "its arrays of coordinates must lie along its last two axes, in that order ({names}); transpose them first"
            ));
        }
        Ok(Placed::Unknown(format!("has no georeference that can be used: {}", lack(&self.coordinates, (x, y)))))
    }

    /// The variable that its attribute `grid_mapping` names, in its group or one around it.
    fn grid_mapping<'a>(&self, groups: &[&'a Group]) -> Option<&'a Array> {
        let name = self.array.text_of("grid_mapping")?;
        // The extended form lists coordinates behind a colon.
        let name = name.split_whitespace().next()?.trim_end_matches(':');
        groups.iter().rev().find_map(|group| group.array(name))
    }

    /// The coordinate system that its reader knows, or that the grid mapping spells out.
    fn system(&self, mapping: Option<&Array>, x: usize) -> Option<System> {
        if let Some(words) = &self.array.crs {
            return System::of_words(words);
        }
        let mapping = mapping?;
        let metres = self.coordinates[x].units.as_deref().and_then(metres).unwrap_or(1.0);
        let attributes = Attributes { numbers: &|name| mapping.numbers_of(name), text: &|name| mapping.text_of(name), metres };
        match Crs::of_grid_mapping(&attributes) {
            Some(crs) => Some(System::of(crs)),
            None => ["crs_wkt", "spatial_ref"].into_iter().filter_map(|name| System::of_words(&mapping.text_of(name)?)).next(),
        }
    }

    /// Units of the coordinate system in one of an axis: axes in km are common, and those of satellites may be angles.
    fn unit(&self, axis: usize, groups: &[&Group], system: &System) -> f64 {
        let unit = self.coordinates[axis].units.as_deref().unwrap_or_default();
        if system.geographic {
            return 1.0;
        }
        let height = || self.grid_mapping(groups)?.numbers_of("perspective_point_height")?.first().copied();
        let metres = match unit.trim() {
            "rad" | "radian" | "radians" => height(),
            "microradian" | "microradians" => height().map(|height| height * 1e-6),
            _ => metres(unit),
        };
        metres.map_or(1.0, |metres| metres / system.metres)
    }

    /// Columns and rows.
    pub fn size(&self) -> (usize, usize) {
        (self.array.dimensions[self.x].size, self.array.dimensions[self.y].size)
    }

    /// Its axes but the horizontal ones, in order.
    pub fn axes(&self) -> Vec<Axis> {
        (0..self.labels.len()).filter(|index| *index != self.x && *index != self.y).map(|index| self.labels[index].clone()).collect()
    }

    /// The values of a part in one step (from 1, as [`super::steps`] counts), row by row; NaN where there is none. An error is a message.
    pub fn read(&self, step: usize, part: Part) -> Result<Vec<f64>, String> {
        let axes = self.array.dimensions.len();
        let (mut start, mut count) = (vec![0; axes], vec![1; axes]);
        let mut rest = step - 1;
        for axis in (0..axes).rev().filter(|axis| *axis != self.x && *axis != self.y) {
            start[axis] = rest % self.array.dimensions[axis].size;
            rest /= self.array.dimensions[axis].size;
        }
        (start[self.x], count[self.x]) = (part.col, part.cols);
        (start[self.y], count[self.y]) = (part.row, part.rows);
        let samples = self.array.read(&start, &count)?;
        let value = |sample: &f64| self.encoding.value(*sample);
        if self.y < self.x {
            return Ok(samples.iter().map(value).collect());
        }
        let columns = |row: usize| samples[row..].iter().step_by(part.rows);
        Ok((0..part.rows).flat_map(columns).map(value).collect())
    }
}

/// The variables that its attribute `coordinates` names.
fn auxiliary<'a>(array: &Array, groups: &[&'a Group]) -> Vec<&'a Array> {
    let names = array.text_of("coordinates").unwrap_or_default();
    let find = |name: &str| groups.iter().rev().find_map(|group| group.array(name.trim_start_matches('/')));
    names.split_whitespace().filter_map(find).collect()
}

/// Whether a variable's attributes say along which axis it counts.
fn says_what_it_is(array: &Array) -> bool {
    array.stored.is_some() && (array.unit().is_some_and(|unit| unit.contains(" since ")) || array.text_of("axis").is_some())
}

/// Values and attributes of a coordinate variable of numbers.
fn coordinates_of(array: &Array, groups: &[&Group], axis: &str) -> Result<Coordinates, String> {
    let wrong = |message: String| format!("the coordinates of its axis `{axis}` cannot be read: {message}");
    let stored = array.stored.ok_or_else(|| wrong("they are no numbers".into()))?;
    let encoding = Encoding::new(stored, &|name| array.attribute(name), None).map_err(wrong)?;
    if array.dimensions.iter().any(|dimension| dimension.size > MOST_COORDINATES) {
        return Err(wrong(format!("there are more than {MOST_COORDINATES}")));
    }
    let decoded = |array: &Array| -> Result<Vec<f64>, String> {
        Ok(array.read_all().map_err(wrong)?.into_iter().map(|sample| encoding.value(sample)).collect())
    };
    let values = decoded(array)?;
    let bounds = array.text_of("bounds").filter(|_| values.len() == 1);
    let bounds = bounds.and_then(|name| groups.iter().rev().find_map(|group| group.array(name.trim())));
    // Bounds are packed as their coordinates are.
    let bounds = bounds.filter(|bounds| bounds.stored.is_some()).map(decoded).transpose()?;
    Ok(Coordinates {
        axis: axis.to_owned(),
        values: Some(values),
        bounds: bounds.and_then(|bounds| if let [low, high] = bounds[..] { Some((low, high)) } else { None }),
        units: array.unit(),
        kind: array.text_of("axis"),
        standard_name: array.text_of("standard_name"),
        calendar: array.text_of("calendar"),
    })
}

/// An axis as it is listed.
fn label(axis: &Coordinates, size: usize, stored: Option<Stored>) -> Axis {
    let text = |value: &f64| if stored == Some(Stored::Float32) { (*value as f32).to_string() } else { value.to_string() };
    Axis {
        name: axis.axis.clone(),
        size,
        values: axis.values.iter().flatten().map(text).collect(),
        units: axis.units.clone(),
        calendar: axis.calendar.clone(),
        is_time: axis.is_time(),
    }
}
