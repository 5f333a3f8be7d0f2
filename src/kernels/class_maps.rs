//! What the launchers of class maps check: a plane a class, and maps of one plane beside it.

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The extents of maps `[n, classes, h, w]`, for the op of this name.
pub(super) struct ClassMaps {
    op: &'static str,
    size: [usize; 2],
    pub(super) images: usize,
    pub(super) classes: usize,
    /// Pixels of an image.
    pub(super) pixels: usize,
}

impl ClassMaps {
    /// # Errors
    /// [`Error::Shape`] for another number of axes, or an empty one.
    pub(super) fn of(op: &'static str, maps: &Tensor) -> Result<ClassMaps> {
        let [images, classes, h, w] = maps.nchw(op)?;
        if maps.is_empty() {
            return Err(Error::shape(op, format!("the maps are empty ({})", maps.shape())));
        }
        Ok(ClassMaps { op, size: [h, w], images, classes, pixels: h * w })
    }

    /// Refuses maps that are not `[n, 1, h, w]`.
    pub(super) fn check_beside(&self, others: &[(&str, &Tensor)]) -> Result<()> {
        let wanted = [self.images, 1, self.size[0], self.size[1]];
        match others.iter().find(|(_, map)| map.shape().dims() != wanted) {
            Some((name, map)) => {
                let message = format!("{name} has shape {}, beside these maps {wanted:?} was expected", map.shape());
                Err(Error::shape(self.op, message))
            }
            None => Ok(()),
        }
    }

    /// Refuses a smoothing outside 0…1, and weights that are not one a class.
    pub(super) fn check_attrs(&self, label_smoothing: f64, class_weights: Option<&Tensor>) -> Result<()> {
        if !(0.0..=1.0).contains(&label_smoothing) {
            return Err(Error::shape(self.op, format!("label_smoothing must be from 0 to 1, got {label_smoothing}")));
        }
        match class_weights {
            Some(weights) if weights.shape().dims() != [self.classes] => {
                let message = format!("class_weights have shape {}, expected one a class, [{}]", weights.shape(), self.classes);
                Err(Error::shape(self.op, message))
            }
            _ => Ok(()),
        }
    }
}

/// Refuses tensors that do not hold one value.
pub(super) fn one_value(op: &'static str, tensors: &[(&str, &Tensor)]) -> Result<()> {
    match tensors.iter().find(|(_, tensor)| tensor.len() != 1) {
        Some((name, tensor)) => Err(Error::shape(op, format!("{name} is one value, got shape {}", tensor.shape()))),
        None => Ok(()),
    }
}
