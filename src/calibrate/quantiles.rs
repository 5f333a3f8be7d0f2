//! Quantiles of what is not known: what a distribution says that is known by some of them.
//!
//! Values v₁ ≤ … ≤ v_K at levels 0 < τ₁ < … < τ_K < 1 stand for a distribution in which each has a weight, the share of levels that are
//! nearest to its own. The pinball loss (Koenker and Bassett 1978, doi 10.2307/1913643) of all of them, twice and with those weights, is
//! the continuous ranked probability score of that distribution (Laio and Tamea 2007, doi 10.5194/hess-11-1267-2007), so that this is what
//! networks learn, and what scores call CRPS. The values of N maps in ascending order are its quantiles at (i − ½)/N, and their score is
//! that of the ensemble (Bröcker 2012, doi 10.1002/qj.1891).

/// How titles of bands of quantiles begin.
const TITLE: &str = "quantile ";

/// The title of a band that holds the quantile of a level.
pub fn title(level: f64) -> String {
    format!("{TITLE}{}", (level * 1e6).round() / 1e6)
}

/// The level that a band's title says.
pub fn level_of(title: &str) -> Option<f64> {
    title.strip_prefix(TITLE)?.parse().ok().filter(|level| 0.0 < *level && *level < 1.0)
}

/// Levels of the values of so many maps in ascending order.
pub fn of_members(count: usize) -> Vec<f64> {
    (0..count).map(|i| (i as f64 + 0.5) / count as f64).collect()
}

/// The share of all levels that each of some ascending ones stands for: those between the middles of its distances to its neighbours.
pub fn weights(levels: &[f64]) -> Vec<f64> {
    let middles = levels.windows(2).map(|pair| (pair[0] + pair[1]) / 2.0);
    let borders: Vec<f64> = std::iter::once(0.0).chain(middles).chain([1.0]).collect();
    borders.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

/// The continuous ranked probability score of one pixel, in the unit of its values; small is good, and of a single value it is its
/// absolute error.
///
/// # Shapes
/// `levels` with their `weights`, and `values`: the same number.
pub fn crps(levels: &[f64], weights: &[f64], values: impl Iterator<Item = f64>, seen: f64) -> f64 {
    let cost = |((level, weight), value): ((&f64, &f64), f64)| weight * f64::max((1.0 - level) * (value - seen), level * (seen - value));
    2.0 * levels.iter().zip(weights).zip(values).map(cost).sum::<f64>()
}

/// The share of a distribution that lies above a threshold: straight between the levels, and beyond the outermost values none.
///
/// # Shapes
/// `values`: ascending, as many as levels.
pub fn above(levels: &[f64], values: &[f32], threshold: f32) -> f64 {
    let below = values.partition_point(|value| *value <= threshold);
    let (Some(left), Some(right)) = (below.checked_sub(1), values.get(below)) else {
        return if below == 0 { 1.0 } else { 0.0 };
    };
    let part = f64::from(threshold - values[left]) / f64::from(right - values[left]);
    1.0 - (levels[left] + part * (levels[below] - levels[left]))
}

/// Sorts the values of each pixel, so that no quantile is above a higher one (Chernozhukov, Fernández-Val and Galichon 2010,
/// doi 10.3982/ECTA7880).
///
/// # Shapes
/// `planes`: any number of planes of `pixels`.
pub fn sort(planes: &mut [f32], pixels: usize) {
    let mut of_pixel = vec![0.0; planes.len() / pixels.max(1)];
    for pixel in 0..pixels {
        of_pixel.iter_mut().enumerate().for_each(|(k, value)| *value = planes[k * pixels + pixel]);
        of_pixel.sort_by(f32::total_cmp);
        of_pixel.iter().enumerate().for_each(|(k, value)| planes[k * pixels + pixel] = *value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_score_of_members_is_that_of_their_ensemble() {
        for members in [&[0.3f64][..], &[0.1, 0.4], &[0.05, 0.2, 0.2, 0.7, 0.95]] {
            for seen in [0.0, 0.2, 0.6, 1.0] {
                let n = members.len() as f64;
                let apart: f64 = members.iter().flat_map(|a| members.iter().map(move |b| (a - b).abs())).sum();
                let wanted = members.iter().map(|x| (x - seen).abs()).sum::<f64>() / n - apart / (2.0 * n * n);
                let levels = of_members(members.len());
                let got = crps(&levels, &weights(&levels), members.iter().copied(), seen);
                assert!((got - wanted).abs() < 1e-12, "{members:?} and {seen}: {got} for {wanted}");
            }
        }
    }

    #[test]
    fn weights_are_cells_and_shares_lie_between_levels() {
        let got = weights(&[0.1, 0.5, 0.9]);
        assert!(got.iter().zip([0.3, 0.4, 0.3]).all(|(got, wanted)| (got - wanted).abs() < 1e-12), "{got:?}");
        let of = |values: [f32; 3]| above(&[0.1, 0.5, 0.9], &values, 0.1);
        assert_eq!([of([0.2, 0.3, 0.4]), of([0.0, 0.0, 0.1])], [1.0, 0.0]);
        // A quarter of the way from the median to the upper level.
        assert!((of([0.0, 0.0, 0.4]) - (1.0 - 0.6)).abs() < 1e-6, "{}", of([0.0, 0.0, 0.4]));
    }

    #[test]
    fn crossing_quantiles_are_sorted() {
        let mut planes = [0.3, 0.1, 0.2, 0.2, 0.1, 0.3];
        sort(&mut planes, 2);
        assert_eq!(planes, [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]);
    }
}
