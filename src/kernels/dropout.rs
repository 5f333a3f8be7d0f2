//! Launcher of `dropout`, forward and gradient alike. Shader: `shaders/dropout.wgsl`.

use crate::error::{Error, Result};
use crate::gpu::{Cost, Launch, Plan};
use crate::host::dropout::DropoutParams;
use crate::tensor::Tensor;

/// Which elements are dropped: a function of these three and of the element's number alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Draw {
    /// Share that is dropped, from 0 to below 1.
    pub p: f64,
    /// Seed of the layer.
    pub seed: u64,
    /// Number of the pass.
    pub draw: u64,
}

impl Draw {
    /// Key of the generator: 64 well-mixed bits of seed and pass (splitmix64's finaliser, Steele, Lea & Flood 2014).
    pub fn key(&self) -> [u32; 2] {
        let mixed = mix(mix(self.seed).wrapping_add(self.draw));
        [(mixed >> 32) as u32, mixed as u32]
    }

    /// Random words below this are dropped.
    pub fn threshold(&self) -> u32 {
        (self.p * (f64::from(u32::MAX) + 1.0)) as u32
    }
}

fn mix(value: u64) -> u64 {
    let z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The input with the drawn elements 0 and the others times 1/(1 − p); on ∂L/∂y with the same draw, ∂L/∂x.
///
/// # Shapes
/// Any shape below 2³² elements.
///
/// # Errors
/// A share outside 0…1; out of memory.
pub fn dropout(input: &Tensor, draw: &Draw) -> Result<Tensor> {
    if !(0.0..1.0).contains(&draw.p) {
        return Err(Error::shape("dropout", format!("the share {} must be from 0 to below 1", draw.p)));
    }
    let output = Tensor::empty(input.gpu(), input.shape())?;
    let packs = input.len().div_ceil(4);
    let [key_a, key_b] = draw.key();
    let params = DropoutParams { packs: packs as u32, key_a, key_b, threshold: draw.threshold(), scale: (1.0 / (1.0 - draw.p)) as f32 };
    input.gpu().launch(&Launch {
        plan: Plan::each("dropout", packs),
        params: &params,
        buffers: &[input.buffer(), output.buffer()],
        cost: Cost::new(input.len() as f64, 2 * input.len()),
    })?;
    Ok(output)
}
