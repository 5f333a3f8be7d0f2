//! pixel_shuffle and pixel_unshuffle: between channels and space.

/// y[n, c, h·r + i, w·r + j] = x[n, c·r² + i·r + j, h, w]; `shape` is the input's.
pub fn pixel_shuffle(input: &[f64], shape: [usize; 4], r: usize) -> (Vec<f64>, [usize; 4]) {
    let [n, c_in, h, w] = shape;
    let c = c_in / (r * r);
    let mut output = vec![0.0; input.len()];
    for image in 0..n {
        for channel in 0..c_in {
            for y in 0..h {
                for x in 0..w {
                    let (target, i, j) = (channel / (r * r), channel / r % r, channel % r);
                    let at = ((image * c + target) * h * r + y * r + i) * w * r + x * r + j;
                    output[at] = input[((image * c_in + channel) * h + y) * w + x];
                }
            }
        }
    }
    (output, [n, c, h * r, w * r])
}
