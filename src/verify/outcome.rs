//! What a replayed case produced, by fixture tensor name.

use crate::error::Result;
use crate::tensor::Tensor;

/// Results under the names of the fixture's expectations (`out.y`, `grad.in.x`, …).
#[derive(Debug, Default)]
pub struct Outcome {
    pub(super) found: Vec<(String, Vec<f32>)>,
}

impl Outcome {
    /// `out.<name>`.
    pub fn output(&mut self, name: &str, tensor: &Tensor) -> Result<()> {
        self.host(name, tensor.to_vec()?);
        Ok(())
    }

    /// `out.<name>`, already on the host.
    pub fn host(&mut self, name: &str, values: Vec<f32>) {
        self.found.push((format!("out.{name}"), values));
    }

    /// `grad.in.<name>`; `None` where the backward pass did not reach it.
    pub fn grad_input(&mut self, name: &str, gradient: Option<&Tensor>) -> Result<()> {
        self.gradient(format!("grad.in.{name}"), gradient)
    }

    /// `grad.param.<name>`.
    pub fn grad_param(&mut self, name: &str, gradient: Option<&Tensor>) -> Result<()> {
        self.gradient(format!("grad.param.{name}"), gradient)
    }

    fn gradient(&mut self, name: String, gradient: Option<&Tensor>) -> Result<()> {
        if let Some(gradient) = gradient {
            self.found.push((name, gradient.to_vec()?));
        }
        Ok(())
    }
}
