//! Reverse-mode differentiation: a tape of closures, and nothing else.
//!
//! An op computes its output, then records one closure that turns the output's gradient into its inputs' gradients. [`Tape::backward`]
//! runs them last to first and drops each after use, so tensors saved for it go back to the pool as the pass consumes them.

mod gradients;

use std::cell::RefCell;
use std::collections::HashSet;

pub use gradients::Gradients;

use crate::error::Result;
use crate::tensor::{Tensor, TensorId};

type Backward = Box<dyn FnOnce(&Tensor, &mut Gradients) -> Result<()>>;

struct Node {
    output: TensorId,
    backward: Backward,
}

/// Records ops while it is on; one tape serves one forward and one backward pass.
#[derive(Default)]
pub struct Tape {
    recording: bool,
    nodes: RefCell<Vec<Node>>,
    tracked: RefCell<HashSet<TensorId>>,
}

impl Tape {
    /// A tape that records.
    pub fn recording() -> Self {
        Tape { recording: true, ..Default::default() }
    }

    /// A tape that records nothing: inference.
    pub fn off() -> Self {
        Tape::default()
    }

    /// Asks for the gradient of a leaf (a parameter, or an input under test).
    pub fn watch(&self, leaf: &Tensor) {
        if self.recording {
            self.tracked.borrow_mut().insert(leaf.id());
        }
    }

    /// True where the gradient of `tensor` is wanted: it is watched, or computed from something that is.
    pub fn tracks(&self, tensor: &Tensor) -> bool {
        self.recording && self.tracked.borrow().contains(&tensor.id())
    }

    /// Records how `output`'s gradient flows back, if any of `inputs` is tracked. The closure takes the gradient of `output`
    /// and adds to those of the inputs through [`Gradients::accumulate`].
    pub fn record(&self, inputs: &[&Tensor], output: &Tensor, backward: impl FnOnce(&Tensor, &mut Gradients) -> Result<()> + 'static) {
        if inputs.iter().any(|input| self.tracks(input)) {
            self.tracked.borrow_mut().insert(output.id());
            self.nodes.borrow_mut().push(Node { output: output.id(), backward: Box::new(backward) });
        }
    }

    /// Gradients of all watched leaves, starting from the gradients `seeds` of some outputs.
    ///
    /// # Errors
    /// Those of the gradient kernels.
    pub fn backward(self, seeds: &[(&Tensor, Tensor)]) -> Result<Gradients> {
        let mut gradients = Gradients::new(self.tracked.into_inner());
        for (output, gradient) in seeds {
            gradients.accumulate(output, gradient.clone())?;
        }
        let mut nodes = self.nodes.into_inner();
        while let Some(node) = nodes.pop() {
            if let Some(gradient) = gradients.take_id(node.output) {
                (node.backward)(&gradient, &mut gradients)?;
            }
        }
        Ok(gradients)
    }
}
