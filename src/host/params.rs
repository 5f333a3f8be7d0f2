//! Parameter structs of kernels: one Rust struct and one WGSL struct each, proved equal by a test that reflects the WGSL. A struct stands
//! beside the host twin that reads it; those of kernels for GPUs only beside their launcher.

/// A parameter struct: 4-byte scalars only, so that offsets agree in both languages by construction of the same order.
pub trait Params: bytemuck::Pod + Sync {
    /// Stems whose `var<immediate>` has this layout.
    const STEMS: &'static [&'static str];
    /// Field names and types (`u32`, `i32`, `f32`) in order.
    const FIELDS: &'static [(&'static str, &'static str)];
}

/// Layout of one parameter struct, for the test that compares it with the WGSL files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Stems that use it.
    pub stems: &'static [&'static str],
    /// Field names and types in order.
    pub fields: &'static [(&'static str, &'static str)],
    /// Size of the Rust struct, bytes.
    pub size: usize,
}

impl Layout {
    pub(crate) const fn of<P: Params>() -> Self {
        Layout { stems: P::STEMS, fields: P::FIELDS, size: size_of::<P>() }
    }
}

/// Declares a parameter struct: `params!(/// doc Name for "stem", "stem" { field: u32, … });`.
macro_rules! params {
    ($(#[$meta:meta])* $name:ident for $($stem:literal),+ { $($field:ident : $ty:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Debug, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
        pub(crate) struct $name { $(pub(crate) $field: $ty),+ }
        impl $crate::host::params::Params for $name {
            const STEMS: &'static [&'static str] = &[$($stem),+];
            const FIELDS: &'static [(&'static str, &'static str)] = &[$((stringify!($field), stringify!($ty))),+];
        }
    };
}
pub(crate) use params;
