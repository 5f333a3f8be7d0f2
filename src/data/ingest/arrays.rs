//! Variables with named axes and their attributes, whichever reader they come from: NetCDF from `netcdf.rs`, and where GDAL is built in all
//! that it knows from `gdal_arrays.rs`.

use std::rc::Rc;

use super::encoding::Stored;

/// A group of variables.
#[derive(Default)]
pub(super) struct Group {
    /// Groups inside, with their names.
    pub groups: Vec<(String, Group)>,
    /// Variables inside, with their names.
    pub arrays: Vec<(String, Array)>,
}

/// Reads the samples of a block: where it starts and how many there are along each axis, within the axes. An error is a message.
pub(super) type ReadBlock = dyn Fn(&[usize], &[usize]) -> Result<Vec<f64>, String>;

/// A variable.
#[derive(Clone)]
pub(super) struct Array {
    /// Axes in the order of the file, the last of them fastest.
    pub dimensions: Vec<Dimension>,
    /// How its samples are stored; none where they are no numbers.
    pub stored: Option<Stored>,
    /// Attributes with values, by name.
    pub attributes: Vec<(String, Attribute)>,
    /// The value that stands for none, where the format has a place of its own for it.
    pub no_data: Option<f64>,
    /// The coordinate system as a text, where its reader knows it.
    pub crs: Option<String>,
    /// Where the samples come from.
    pub read_block: Rc<ReadBlock>,
}

/// An axis of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dimension {
    pub name: String,
    pub size: usize,
}

/// An attribute of a variable.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Attribute {
    /// Whole numbers.
    Integers(Vec<f64>),
    /// Floating-point numbers.
    Floats(Vec<f64>),
    /// Text; of several the first.
    Text(String),
}

impl Group {
    /// A group inside.
    pub fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|(other, _)| other == name).map(|(_, group)| group)
    }

    /// A variable inside.
    pub fn array(&self, name: &str) -> Option<&Array> {
        self.arrays.iter().find(|(other, _)| other == name).map(|(_, array)| array)
    }
}

impl Array {
    /// An attribute; none where it is absent or has no value.
    pub fn attribute(&self, name: &str) -> Option<Attribute> {
        self.attributes.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }

    /// An attribute of text.
    pub fn text_of(&self, name: &str) -> Option<String> {
        match self.attribute(name)? {
            Attribute::Text(text) => Some(text),
            _ => None,
        }
    }

    /// An attribute of numbers.
    pub fn numbers_of(&self, name: &str) -> Option<Vec<f64>> {
        match self.attribute(name)? {
            Attribute::Integers(numbers) | Attribute::Floats(numbers) => Some(numbers),
            Attribute::Text(_) => None,
        }
    }

    /// The unit.
    pub fn unit(&self) -> Option<String> {
        self.text_of("units")
    }

    /// The samples of a block as float64, the last axis fastest; an error is a message.
    pub fn read(&self, start: &[usize], count: &[usize]) -> Result<Vec<f64>, String> {
        let axes = self.dimensions.len();
        if start.len() != axes || count.len() != axes {
            return Err(format!("{} axes are read of {axes}", start.len()));
        }
        let inside = |(axis, (start, count)): (&Dimension, (&usize, &usize))| start.checked_add(*count).is_some_and(|end| end <= axis.size);
        if !self.dimensions.iter().zip(start.iter().zip(count)).all(inside) {
            return Err("the block lies outside its axes".into());
        }
        let samples = count.iter().try_fold(1usize, |product, count| product.checked_mul(*count)).ok_or("it is too large")?;
        let values = (self.read_block)(start, count)?;
        if values.len() != samples { Err(format!("{} values were read of {samples}", values.len())) } else { Ok(values) }
    }

    /// All samples.
    pub fn read_all(&self) -> Result<Vec<f64>, String> {
        let count: Vec<usize> = self.dimensions.iter().map(|dimension| dimension.size).collect();
        self.read(&vec![0; count.len()], &count)
    }
}
