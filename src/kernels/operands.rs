//! How the operands of products are held, as under `torch.autocast`: convolutions, linear layers and attention take them from f32 arrays,
//! and add their products in f32. A product of two f16 is exact in f32, so that a device's own f16 and f32 numbers rounded to f16 have the
//! same sums.

use crate::gpu::Capabilities;

/// Numbers that products are made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Operands {
    /// As they are stored.
    #[default]
    F32,
    /// Rounded to IEEE 754's binary16, to nearest, ties to even; past 65504 they become infinite.
    F16,
}

impl Operands {
    /// The constant of kernels that says so: by the device's own conversion where it has f16 and rounds so.
    pub(in crate::kernels) fn constant(self, able: &Capabilities) -> (&'static str, u32) {
        let value = match self {
            Operands::F32 => 0,
            Operands::F16 if able.f16 && able.f16_nearest => 2,
            Operands::F16 => 1,
        };
        ("HALF", value)
    }
}
