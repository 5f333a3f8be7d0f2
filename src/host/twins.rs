//! The table of twins: one line a stem. A stem that is not in it is a kernel for GPUs only, whose launcher chooses another on the host.

use super::job::{Raw, Run};

macro_rules! twins {
    ($($stem:ident),* $(,)?) => {
        const TWINS: &[(&str, Run)] = &[$((stringify!($stem), |raw| raw.call(super::$stem::$stem))),*];
    };
}

twins! {
    add,
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
