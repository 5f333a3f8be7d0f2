//! The table of twins: one line a stem. A stem that is not in it is a kernel for GPUs only, whose launcher chooses another on the host.

use super::job::{Raw, Run};

macro_rules! twins {
    ($($stem:ident),* $(,)?) => {
        const TWINS: &[(&str, Run)] = &[$((stringify!($stem), |raw| raw.call(super::$stem::$stem))),*];
    };
}

twins! {
    activation,
    activation_grad,
    add,
    batch_norm,
    batch_norm_grad_input,
    batch_norm_grad_stats,
    batch_norm_grad_stats_merge,
    batch_norm_stats,
    batch_norm_stats_merge,
    batch_norm_stats_running,
    conv2d,
    conv2d_grad_bias,
    conv2d_grad_input,
    conv2d_grad_weight,
    depthwise_conv2d,
    depthwise_conv2d_grad_input,
    depthwise_conv2d_grad_weight,
    max_pool2d,
    max_pool2d_grad_input,
    pad,
    sum_partials,
}

/// Runs the twin of `stem`.
///
/// # Errors
/// Where there is none, or the launch's parameters or buffers are not those of the kernel.
pub(crate) fn run(raw: &Raw) -> Result<(), String> {
    match TWINS.binary_search_by_key(&raw.stem, |(name, _)| name) {
        Ok(found) => TWINS[found].1(raw),
        Err(_) => Err("the host device has no twin of this kernel".into()),
    }
}

/// Stems that have a twin, sorted.
pub fn stems() -> impl Iterator<Item = &'static str> {
    TWINS.iter().map(|(stem, _)| *stem)
}
