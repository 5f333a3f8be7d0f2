//! How far two fronts of one scene are from each other.
//!
//! Of each pixel of one front the distance from its centre to the nearest centre of the other's pixels, exactly ([`Nearest`]), and the
//! other way round. Where either is empty there are none: that scene's front is missing, and it takes no part in any mean.

use crate::data::nearest::Nearest;
use crate::error::{Error, Result};

/// The fronts of one scene, beside each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Compared {
    /// Pixels of the drawn front.
    pub predicted: usize,
    /// Pixels of the true one.
    pub observed: usize,
    /// Of each pixel of the drawn front, row after row, the distance to the true one, m.
    pub to_observed: Vec<f64>,
    /// Of each pixel of the true front the distance to the drawn one, m.
    pub to_predicted: Vec<f64>,
}

impl Compared {
    /// Compares two fronts.
    ///
    /// # Shapes
    /// `predicted` and `observed`: which pixels are on them, rows × columns, row after row; `pixel`: metres from a pixel to the next one
    /// beside it, and to the next one below.
    ///
    /// # Errors
    /// [`Error::Shape`] where the numbers of pixels differ.
    pub fn of(predicted: &[bool], observed: &[bool], [rows, cols]: [usize; 2], pixel: (f64, f64)) -> Result<Compared> {
        if predicted.len() != observed.len() || rows.checked_mul(cols) != Some(predicted.len()) {
            let message = format!("{} and {} pixels of {rows} rows × {cols} columns", predicted.len(), observed.len());
            return Err(Error::shape("front distances", message));
        }
        let count = |front: &[bool]| front.iter().filter(|pixel| **pixel).count();
        Ok(Compared {
            predicted: count(predicted),
            observed: count(observed),
            to_observed: distances(predicted, observed, cols, pixel),
            to_predicted: distances(observed, predicted, cols, pixel),
        })
    }

    /// Whether there is nothing to compare, since one of both is empty.
    pub fn is_missing(&self) -> bool {
        self.predicted == 0 || self.observed == 0
    }

    /// All distances, both ways.
    pub fn all(&self) -> impl Iterator<Item = f64> {
        self.to_observed.iter().chain(&self.to_predicted).copied()
    }

    /// Their mean, m; none of a missing front.
    pub fn mean(&self) -> Option<f64> {
        let count = self.to_observed.len() + self.to_predicted.len();
        (count > 0).then(|| self.all().sum::<f64>() / count as f64)
    }
}

/// How far each pixel of one front is from the nearest of another, row after row.
fn distances(of: &[bool], to: &[bool], cols: usize, (across, down): (f64, f64)) -> Vec<f64> {
    let mut nearest = Nearest::of(to.len(), cols, |pixel| to[pixel]);
    let mut found = Vec::new();
    for (row, _) in of.chunks(cols.max(1)).enumerate().filter(|(_, pixels)| pixels.contains(&true)) {
        nearest.along(row, (across, down), |pixel, other| {
            if of[pixel] {
                let [rows, cols] = [row.abs_diff(other / cols) as f64, (pixel % cols).abs_diff(other % cols) as f64];
                found.push(((cols * across).powi(2) + (rows * down).powi(2)).sqrt());
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(size: [usize; 2], is_one: impl Fn(usize, usize) -> bool) -> Vec<bool> {
        (0..size[0] * size[1]).map(|at| is_one(at / size[1], at % size[1])).collect()
    }

    #[test]
    fn parallel_fronts_are_as_far_as_their_columns() {
        let size = [200, 40];
        let (drawn, label) = (front(size, |_, col| col == 4), front(size, |_, col| col == 7));
        let compared = Compared::of(&drawn, &label, size, (7.0, 7.0)).unwrap();
        assert_eq!((compared.predicted, compared.observed, compared.mean()), (200, 200, Some(21.0)));
        assert!(compared.all().all(|distance| distance == 21.0));
    }

    #[test]
    fn one_pixel_is_pooled_with_all_of_the_label() {
        let size = [101, 60];
        let (drawn, label) = (front(size, |row, col| (row, col) == (50, 10)), front(size, |_, col| col == 40));
        let compared = Compared::of(&drawn, &label, size, (1.0, 1.0)).unwrap();
        assert_eq!(compared.to_observed, [30.0]);
        let wanted: Vec<f64> = (0..101).map(|row| ((row as f64 - 50.0).powi(2) + 900.0).sqrt()).collect();
        assert_eq!(compared.to_predicted, wanted);
        let mean = (30.0 + wanted.iter().sum::<f64>()) / 102.0;
        assert!((compared.mean().unwrap() - mean).abs() < 1e-12 * mean);
    }

    #[test]
    fn fronts_that_are_not_there_have_no_distance() {
        let size = [3, 4];
        let (some, none) = (front(size, |row, _| row == 1), [false; 12]);
        for (predicted, observed) in [(&some[..], &none[..]), (&none, &some), (&none, &none)] {
            let compared = Compared::of(predicted, observed, size, (1.0, 1.0)).unwrap();
            assert!(compared.is_missing() && compared.mean().is_none() && compared.all().count() == 0);
        }
        assert!(!Compared::of(&some, &some, size, (1.0, 1.0)).unwrap().is_missing());
        assert!(Compared::of(&some, &some[1..], size, (1.0, 1.0)).is_err());
    }

    #[test]
    fn pixels_need_not_be_square() {
        let (drawn, label) = ([true, false, false, false], [false, false, false, true]);
        assert_eq!(Compared::of(&drawn, &label, [2, 2], (3.0, 4.0)).unwrap().mean(), Some(5.0));
    }
}
