//! Every 2×2 of pixels becomes one of four times the channels, in the order (row, column) = (0,0), (1,0), (0,1), (1,1): the patch merging
//! of Liu et al. 2021 (arXiv 2103.14030).

/// x `[n, h, w, c]`; gives `[n, h/2, w/2, 4c]`.
pub fn space_to_depth(x: &[f64], shape: [usize; 4]) -> Vec<f64> {
    places(shape).map(|place| x[place]).collect()
}

/// The gradient of the input: every gradient goes back to where its value came from.
pub fn space_to_depth_grad_input(grad_output: &[f64], shape: [usize; 4]) -> Vec<f64> {
    let mut grad_input = vec![0.0; grad_output.len()];
    places(shape).zip(grad_output).for_each(|(place, grad)| grad_input[place] = *grad);
    grad_input
}

/// Where the elements of the output lie in the input.
fn places([n, h, w, c]: [usize; 4]) -> impl Iterator<Item = usize> {
    (0..n * h * w * c).map(move |at| {
        let (channel, part, col) = (at % c, at / c % 4, at / (4 * c) % (w / 2));
        let (row, image) = (at / (2 * w * c) % (h / 2), at / (h * w * c));
        ((image * h + 2 * row + part % 2) * w + 2 * col + part / 2) * c + channel
    })
}
