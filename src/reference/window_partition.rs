//! Maps cut into square windows (Liu et al. 2021, arXiv 2103.14030): first rolled up and to the left by `shift`, then windows in raster
//! order, images outermost.

/// x `[n, h, w, c]`; gives `[n·windows, window², c]`.
pub fn window_partition(x: &[f64], shape: [usize; 4], window: usize, shift: usize) -> Vec<f64> {
    places(shape, window, shift).map(|place| x[place]).collect()
}

/// Where the elements of the windows lie in the map.
pub(super) fn places([n, h, w, c]: [usize; 4], window: usize, shift: usize) -> impl Iterator<Item = usize> {
    (0..n * h * w * c).map(move |at| {
        let (channel, token, number) = (at % c, at / c % (window * window), at / (c * window * window));
        let (across, down) = (w / window, h / window);
        let row = (number / across % down * window + token / window + shift) % h;
        let col = (number % across * window + token % window + shift) % w;
        ((number / (across * down) * h + row) * w + col) * c + channel
    })
}
