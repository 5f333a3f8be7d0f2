//! Melt by brightness temperature: 1 where it exceeds 0.48 times the winter mean plus 128 K, 0 on ocean.

/// The map; `ocean` is 1 on ocean.
pub fn threshold_pmw(pmw: &[f64], winter_mean: &[f64], ocean: &[f64]) -> Vec<f64> {
    let mut map = vec![0.0; pmw.len()];
    for i in 0..pmw.len() {
        if pmw[i] > 0.48 * winter_mean[i] + 128.0 && ocean[i] == 0.0 {
            map[i] = 1.0;
        }
    }
    map
}
