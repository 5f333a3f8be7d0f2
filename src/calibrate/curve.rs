//! A curve from what a network says to how often it is right.

use serde::{Deserialize, Serialize};

use super::reliability::Reliability;

/// Bins that kernels pass through, and errors are counted in.
pub const FITTED_BINS: usize = 100;

/// Largest ridge of [`Method::Ridge`], that of an empty bin.
const RIDGE: f64 = 0.01;

/// How a curve is made of the means of the bins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Method {
    /// The nearest curve that never falls, by weighted least squares (pool adjacent violators; Zadrozny and Elkan 2002,
    /// doi 10.1145/775047.775151), straight between the bins: pixels keep their order.
    #[default]
    Isotonic,
    /// Through every bin and through (0, 0) and (1, 1), by the kernel exp(−|x − x'|): GlaViTU's published curves (Maslov et al. 2025,
    /// doi 10.1038/s41467-024-54956-x). They may fall.
    Kernel,
    /// The same kernel with a ridge of (1 − w)/100 for each bin, w = (n / largest n)^0.1 of its n pixels: what the published program means.
    Ridge,
    /// σ(ln(x / (1 − x)) / T) with the temperature T of the greatest likelihood (Guo et al. 2017, arXiv 1706.04599); of two outcomes.
    Temperature,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 4] = [Method::Isotonic, Method::Kernel, Method::Ridge, Method::Temperature];

    /// Its name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Method::Isotonic => "isotonic",
            Method::Kernel => "kernel",
            Method::Ridge => "ridge",
            Method::Temperature => "temperature",
        }
    }
}

/// A fitted curve over 0…1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// How it was fitted, and is read.
    pub method: Method,
    /// Points along x, ascending.
    pub x: Vec<f64>,
    /// Of each point: isotonic its height, temperature itself at ½, where it moves nothing, else the coefficient of its kernel.
    pub values: Vec<f64>,
}

/// A point to fit: mean of what was said, share that was right, pixels.
struct Point {
    x: f64,
    y: f64,
    n: f64,
}

impl Curve {
    /// Fits a curve to pixels; none without one.
    pub fn fit(method: Method, pixels: &Reliability) -> Option<Curve> {
        let of_bin = |bin: &super::reliability::Bin| bin.means().map(|[x, y]| Point { x: x.clamp(0.0, 1.0), y, n: bin.valid_px as f64 });
        if method == Method::Isotonic {
            let (x, values) = never_falling(pixels.bins.iter().filter_map(of_bin));
            return (!x.is_empty()).then_some(Curve { method, x, values });
        }
        if method == Method::Temperature {
            let points: Vec<Point> = pixels.bins.iter().filter_map(of_bin).collect();
            return (!points.is_empty()).then(|| Curve { method, x: vec![0.5], values: vec![temperature(&points)] });
        }
        let points: Vec<Point> = pixels.coarser(FITTED_BINS).bins.iter().filter_map(of_bin).collect();
        let largest = points.iter().map(|point| point.n).reduce(f64::max)?;
        // The ends are certain, and stand for a bin of their own place.
        let end = |x: f64| Point { x, y: x, n: largest };
        let inner = points.into_iter().filter(|point| 0.0 < point.x && point.x < 1.0);
        let points: Vec<Point> = std::iter::once(end(0.0)).chain(inner).chain([end(1.0)]).collect();
        let ridge = |point: &Point| match method {
            Method::Ridge => (1.0 - (point.n / largest).powf(0.1)) * RIDGE,
            _ => 0.0,
        };
        let matrix: Vec<Vec<f64>> = (points.iter().enumerate())
            .map(|(i, point)| {
                let row = points.iter().map(|other| (-(point.x - other.x).abs()).exp());
                row.enumerate().map(|(j, k)| if i == j { k + ridge(point) } else { k }).collect()
            })
            .collect();
        let values = solved(matrix, points.iter().map(|point| point.y).collect());
        Some(Curve { method, x: points.iter().map(|point| point.x).collect(), values })
    }

    /// How often the network is right where it says `x`: 0…1, NaN of NaN.
    pub fn at(&self, x: f64) -> f64 {
        match self.method {
            Method::Isotonic => self.between(x),
            Method::Temperature => self.values.first().map_or(x, |temperature| logistic(log_odds(x) / temperature)),
            Method::Kernel | Method::Ridge => {
                self.x.iter().zip(&self.values).map(|(at, value)| value * (-(x - at).abs()).exp()).sum::<f64>().clamp(0.0, 1.0)
            }
        }
    }

    /// Whether a file holds a curve: as many values as points, ascending, all finite, and heights 0…1.
    pub fn is_whole(&self) -> bool {
        let finite = self.x.iter().chain(&self.values).all(|number| number.is_finite());
        let shares = |numbers: &[f64]| numbers.iter().all(|number| (0.0..=1.0).contains(number));
        let values = match self.method {
            Method::Isotonic => shares(&self.values),
            Method::Temperature => self.values.len() == 1 && self.values[0] > 0.0,
            Method::Kernel | Method::Ridge => true,
        };
        let in_range = shares(&self.x) && values;
        in_range && !self.x.is_empty() && self.x.len() == self.values.len() && finite && self.x.windows(2).all(|pair| pair[0] < pair[1])
    }

    /// On the straight line between the neighbours; beyond the ends as there.
    fn between(&self, x: f64) -> f64 {
        if x.is_nan() {
            return f64::NAN;
        }
        let above = self.x.partition_point(|point| *point < x);
        match (above.checked_sub(1).and_then(|below| Some((self.x.get(below)?, self.values.get(below)?))), self.x.get(above)) {
            (Some((left, low)), Some(right)) => low + (self.values[above] - low) * (x - left) / (right - left),
            (Some((_, last)), None) => *last,
            (None, _) => self.values.first().copied().unwrap_or(x),
        }
    }
}

/// What is nearer to 0 or 1 is taken to be as near as this.
const NEAREST: f64 = 1e-6;

fn log_odds(share: f64) -> f64 {
    let share = share.clamp(NEAREST, 1.0 - NEAREST);
    (share / (1.0 - share)).ln()
}

fn logistic(odds: f64) -> f64 {
    1.0 / (1.0 + (-odds).exp())
}

/// The temperature under which what was seen is likeliest: where Σ n·z·(σ(z / T) − y), z the logarithm of the odds, is 0. The sum grows
/// with 1/T, so that halving an interval finds it, between 0.01 and 100.
fn temperature(points: &[Point]) -> f64 {
    let slope = |inverse: f64| -> f64 {
        let of = |point: &Point| {
            let odds = log_odds(point.x);
            point.n * odds * (logistic(odds * inverse) - point.y)
        };
        points.iter().map(of).sum()
    };
    let (mut low, mut high) = (0.01f64, 100.0f64);
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if slope(middle) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    1.0 / (low * high).sqrt()
}

/// Points of equal height.
struct Block {
    /// Σ n·y.
    right: f64,
    /// Σ n.
    n: f64,
    first: f64,
    last: f64,
}

impl Block {
    fn height(&self) -> f64 {
        self.right / self.n
    }
}

/// The nearest curve that never falls, by the ends of its level parts.
fn never_falling(points: impl Iterator<Item = Point>) -> (Vec<f64>, Vec<f64>) {
    let mut blocks: Vec<Block> = Vec::new();
    for Point { x, y, n } in points {
        let mut block = Block { right: n * y, n, first: x, last: x };
        while let Some(before) = blocks.pop_if(|before| before.height() >= block.height()) {
            block = Block { right: before.right + block.right, n: before.n + block.n, first: before.first, last: block.last };
        }
        blocks.push(block);
    }
    let ends = |block: &Block| {
        let first = (block.first, block.height());
        [Some(first), (block.last > block.first).then_some((block.last, first.1))].into_iter().flatten()
    };
    blocks.iter().flat_map(ends).unzip()
}

/// x with M·x = b, M symmetric and positive definite (Cholesky's LDLᵀ).
fn solved(mut matrix: Vec<Vec<f64>>, mut b: Vec<f64>) -> Vec<f64> {
    let n = b.len();
    for j in 0..n {
        let (done, rest) = matrix.split_at_mut(j + 1);
        let (pivot, column) = (done[j][j], &done[j]);
        for (i, row) in rest.iter_mut().enumerate() {
            let factor = column[j + 1 + i] / pivot;
            row.iter_mut().zip(column).skip(j + 1).for_each(|(value, above)| *value -= factor * above);
            b[j + 1 + i] -= factor * b[j];
        }
    }
    for j in (0..n).rev() {
        let known: f64 = (j + 1..n).map(|i| matrix[j][i] * b[i]).sum();
        b[j] = (b[j] - known) / matrix[j][j];
    }
    b
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.105, 0.505 and 0.905 said of 10, 30 and 60 pixels, of which these shares are right.
    fn pixels(shares: [f64; 3]) -> Reliability {
        let mut of = Reliability::of_bins(1000);
        for ((said, n), share) in [(0.105, 10), (0.505, 30), (0.905, 60)].into_iter().zip(shares) {
            let right = (0..n).map(|i| f32::from(f64::from(i) < share * f64::from(n))).collect::<Vec<f32>>();
            of.add(&vec![said; right.len()], &right, &vec![0.0; right.len()]);
        }
        of
    }

    #[test]
    fn isotonic_curves_pool_what_falls() {
        let curve = Curve::fit(Method::Isotonic, &pixels([0.5, 0.4, 0.9])).unwrap();
        // 5 of 10 and 12 of 30: 17 of 40.
        let [low, middle, high] = [0.0, 0.505, 1.0].map(|x| curve.at(x));
        assert!((low - 0.425).abs() < 1e-6 && (middle - 0.425).abs() < 1e-6 && (high - 0.9).abs() < 1e-6, "{curve:?}");
        assert!((curve.at(0.705) - (0.425 + 0.9) / 2.0).abs() < 1e-4 && curve.at(f64::NAN).is_nan() && curve.is_whole());
    }

    #[test]
    fn kernel_curves_pass_through_their_points_and_the_ends() {
        let curve = Curve::fit(Method::Kernel, &pixels([0.5, 0.4, 0.9])).unwrap();
        for (x, y) in [(0.0, 0.0), (1.0, 1.0)].into_iter().chain(curve.x[1..4].iter().copied().zip([0.5, 0.4, 0.9])) {
            assert!((curve.at(x) - y).abs() < 1e-9, "{x}: {} for {y}", curve.at(x));
        }
        // Between two neighbours the interpolant of this kernel is a combination of hyperbolic sines of the distances.
        let (a, b, x) = (curve.x[1], curve.x[2], 0.3);
        let wanted = (0.5 * (b - x).sinh() + 0.4 * (x - a).sinh()) / (b - a).sinh();
        assert!((curve.at(x) - wanted).abs() < 1e-9, "{} for {wanted}", curve.at(x));
    }

    #[test]
    fn a_temperature_is_found_again() {
        // Shares that are those of what was said at twice the temperature.
        let said = [0.055, 0.305, 0.855, 0.985];
        let mut of = Reliability::of_bins(1000);
        for x in said {
            let right = logistic(log_odds(x) / 2.0);
            let n = 1000;
            let seen: Vec<f32> = (0..n).map(|i| f32::from(f64::from(i) < right * f64::from(n))).collect();
            of.add(&vec![x as f32; seen.len()], &seen, &vec![0.0; seen.len()]);
        }
        let curve = Curve::fit(Method::Temperature, &of).unwrap();
        assert!((curve.values[0] - 2.0).abs() < 0.02 && curve.is_whole(), "{curve:?}");
        let [low, half, high] = [0.055, 0.5, 1.0].map(|x| curve.at(x));
        assert!((low - logistic(log_odds(0.055) / 2.0)).abs() < 2e-3 && half == 0.5 && high > 0.99 && curve.at(f64::NAN).is_nan());
    }

    #[test]
    fn ridge_curves_leave_small_bins() {
        let [kernel, ridge] = [Method::Kernel, Method::Ridge].map(|method| Curve::fit(method, &pixels([0.9, 0.4, 0.9])).unwrap());
        let off = |curve: &Curve, at: usize, y: f64| (curve.at(curve.x[at]) - y).abs();
        assert!(off(&kernel, 1, 0.9) < 1e-9 && off(&ridge, 1, 0.9) > 1e-4, "{}", off(&ridge, 1, 0.9));
        assert!(off(&ridge, 3, 0.9) < 1e-9, "the largest bin has no ridge");
        assert_eq!(Curve::fit(Method::Ridge, &Reliability::of_bins(10)), None);
    }
}
