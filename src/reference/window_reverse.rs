//! Windows put back into maps, which are then rolled down and to the right by `shift`: the inverse of `window_partition`, and so its
//! gradient; its own gradient is `window_partition`.

use super::window_partition::places;

/// x `[n·windows, window², c]`; gives the map, of `shape` `[n, h, w, c]`.
pub fn window_reverse(x: &[f64], shape: [usize; 4], window: usize, shift: usize) -> Vec<f64> {
    let mut map = vec![0.0; x.len()];
    places(shape, window, shift).zip(x).for_each(|(place, value)| map[place] = *value);
    map
}
