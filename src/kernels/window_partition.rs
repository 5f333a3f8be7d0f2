//! Launchers of `window_partition` and `window_reverse`, each of which is the other's gradient. Shaders:
//! `shaders/window_partition.wgsl`, `shaders/window_reverse.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::window_partition::WindowParams;
use crate::kernels::image_groups::for_images;
use crate::tensor::Tensor;

/// Windows of a map of `h` × `w` tokens.
fn windows(op: &'static str, [h, w]: [usize; 2], window: usize, shift: usize) -> Result<usize> {
    if window == 0 || h == 0 || w == 0 || !h.is_multiple_of(window) || !w.is_multiple_of(window) {
        return Err(Error::shape(op, format!("windows of {window} do not fill a map of {h} × {w} tokens")));
    }
    if shift > 0 && shift >= window {
        return Err(Error::shape(op, format!("a map rolled by {shift}, and windows of {window}: less than a window was expected")));
    }
    Ok((h / window) * (w / window))
}

/// Windows in raster order of every map, images outermost, after the maps were rolled up and to the left by `shift`.
///
/// # Shapes
/// input `[n, h, w, c]`; output `[n·windows, window², c]`.
///
/// # Errors
/// Windows that do not fill the map; a roll of a window or more; out of memory.
pub fn window_partition(input: &Tensor, window: usize, shift: usize) -> Result<Tensor> {
    let op = "window_partition";
    let [n, h, w, c] = input.nchw(op)?;
    let windows = windows(op, [h, w], window, shift)?;
    let output = Tensor::empty(input.gpu(), [n * windows, window * window, c])?;
    launch(op, input, &output, [h, w, c], [window, shift])?;
    Ok(output)
}

/// The maps that [`window_partition`] cut.
///
/// # Shapes
/// input `[n·windows, window², c]`; output `[n, h, w, c]`.
///
/// # Errors
/// Windows that do not fill maps of this size; a roll of a window or more; out of memory.
pub fn window_reverse(input: &Tensor, window: usize, shift: usize, [h, w]: [usize; 2]) -> Result<Tensor> {
    let op = "window_reverse";
    let windows = windows(op, [h, w], window, shift)?;
    let &[all, tokens, c] = input.shape().dims() else {
        return Err(Error::shape(op, format!("{} has not three axes: windows, tokens, channels", input.shape())));
    };
    if tokens != window * window || !all.is_multiple_of(windows) {
        return Err(Error::shape(op, format!("{} are not the windows of {window} of maps of {h} × {w}", input.shape())));
    }
    let output = Tensor::empty(input.gpu(), [all / windows, h, w, c])?;
    launch(op, input, &output, [h, w, c], [window, shift])?;
    Ok(output)
}

/// Maps and windows may be on either side.
fn launch(op: &'static str, input: &Tensor, output: &Tensor, [h, w, c]: [usize; 3], [window, shift]: [usize; 2]) -> Result<()> {
    let gpu = input.gpu();
    let scalar = !c.is_multiple_of(4);
    let pack = if scalar { 1 } else { 4 };
    let of_maps = [input.len() / (h * w * c), h * w, c];
    for_images(op, [&input.reshaped(of_maps)?, &output.reshaped(of_maps)?], |[input, output]| {
        let packs = input.len() / pack;
        let [len, h, w, c, window, shift] = [packs, h, w, c / pack, window, shift].map(|extent| extent as u32);
        gpu.launch(&Launch {
            plan: Plan::each(op, packs).scalar(scalar),
            params: &WindowParams { len, h, w, c, window, shift },
            buffers: &[input.buffer(), output.buffer()],
            cost: Cost::new(0.0, 2 * input.len()),
        })
    })
}
