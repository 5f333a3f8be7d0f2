//! Parameter structs of kernels: one Rust struct and one WGSL struct each, proved equal by a test that reflects the WGSL. A struct stands
//! beside the host twin that reads it; those of kernels for GPUs only beside their launcher.

/// A parameter struct: 4-byte scalars only, so that offsets agree in both languages by construction of the same order.
pub trait Params: bytemuck::Pod + Sync {
    /// Stems whose `var<immediate>` has this layout.
    const STEMS: &'static [&'static str];
    /// Field names and types (`u32`, `i32`, `f32`) in order.
    const FIELDS: &'static [(&'static str, &'static str)];
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
