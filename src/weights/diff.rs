//! How two weight files differ.
//!
//! Per tensor: the largest |a − b|, and that over the largest |value| of the tensor in either file.

use serde::Serialize;

use super::file::WeightFile;

/// The difference of one tensor.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TensorDifference {
    /// Its name.
    pub tensor: String,
    /// Its shape in both files.
    pub shape: Vec<usize>,
    /// Largest |a − b|; infinite (`null` in JSON) where only one of the two is finite.
    pub max_abs: f64,
    /// `max_abs` over the largest |value| of the tensor.
    pub max_rel: f64,
}

/// A tensor of different shapes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShapeDifference {
    /// Its name.
    pub tensor: String,
    /// Its shape in the first file.
    pub a: Vec<usize>,
    /// Its shape in the second file.
    pub b: Vec<usize>,
}

/// The comparison of two files.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Whether both hold the same tensors, and no `max_rel` is above the tolerance.
    pub equal: bool,
    /// Largest allowed `max_rel`.
    pub tolerance: f64,
    /// Number of tensors that both files hold.
    pub compared: usize,
    /// Tensors that differ at all, the largest `max_rel` first.
    pub differing: Vec<TensorDifference>,
    /// Tensors with other shapes.
    pub shapes: Vec<ShapeDifference>,
    /// Tensors that the second file lacks.
    pub only_in_a: Vec<String>,
    /// Tensors that the first file lacks.
    pub only_in_b: Vec<String>,
}

impl Comparison {
    /// Compares two files; types are no difference, values are compared in float64.
    pub fn of(a: &WeightFile, b: &WeightFile, tolerance: f64) -> Comparison {
        let only = |these: &WeightFile, those: &WeightFile| -> Vec<String> {
            these.tensors.keys().filter(|name| !those.tensors.contains_key(*name)).cloned().collect()
        };
        let (mut differing, mut shapes, mut compared) = (Vec::new(), Vec::new(), 0);
        for (name, in_a) in &a.tensors {
            let Some(in_b) = b.tensors.get(name) else { continue };
            compared += 1;
            if in_a.shape != in_b.shape {
                shapes.push(ShapeDifference { tensor: name.clone(), a: in_a.shape.clone(), b: in_b.shape.clone() });
                continue;
            }
            let (max_abs, max_rel) = difference(&in_a.values(), &in_b.values());
            if max_abs > 0.0 {
                differing.push(TensorDifference { tensor: name.clone(), shape: in_a.shape.clone(), max_abs, max_rel });
            }
        }
        differing.sort_by(|a, b| b.max_rel.total_cmp(&a.max_rel).then(b.max_abs.total_cmp(&a.max_abs)));
        let (only_in_a, only_in_b) = (only(a, b), only(b, a));
        let within = differing.iter().all(|tensor| tensor.max_rel <= tolerance);
        let equal = within && shapes.is_empty() && only_in_a.is_empty() && only_in_b.is_empty();
        Comparison { equal, tolerance, compared, differing, shapes, only_in_a, only_in_b }
    }
}

/// Largest |a − b|, and that over the largest |value|; NaN equals NaN, and is infinitely far from everything else.
fn difference(a: &[f64], b: &[f64]) -> (f64, f64) {
    let (mut largest, mut scale) = (0.0_f64, 0.0_f64);
    for (&a, &b) in a.iter().zip(b) {
        let apart = match (a - b).abs() {
            _ if a == b || (a.is_nan() && b.is_nan()) => 0.0,
            apart if apart.is_nan() => f64::INFINITY,
            apart => apart,
        };
        largest = largest.max(apart);
        // f64::max passes over NaN.
        scale = scale.max(a.abs()).max(b.abs());
    }
    let relative = match largest {
        0.0 => 0.0,
        f64::INFINITY => f64::INFINITY,
        _ => largest / scale,
    };
    (largest, relative)
}

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn values_that_are_not_finite_are_equal_to_themselves_alone() {
        let (nan, inf) = (f64::NAN, f64::INFINITY);
        assert_eq!(difference(&[1.0, nan, inf, -inf], &[1.0, nan, inf, -inf]), (0.0, 0.0));
        for (a, b) in [(nan, 1.0), (1.0, nan), (inf, -inf), (inf, 1.0), (nan, inf)] {
            assert_eq!(difference(&[2.0, a], &[2.0, b]), (inf, inf), "{a} {b}");
        }
        assert_eq!(difference(&[1.0, -4.0], &[2.0, -4.0]), (1.0, 0.25));
        assert_eq!(difference(&[inf, 1.0], &[inf, 2.0]), (1.0, 0.0));
        assert_eq!(difference(&[0.0], &[-0.0]), (0.0, 0.0));
    }
}
