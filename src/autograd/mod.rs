//! Reverse-mode differentiation: a tape of closures, and nothing else.
//!
//! An op computes its output, then records one closure that turns the output's gradient into its inputs' gradients. [`Tape::backward`]
//! runs them last to first and drops each after use, so tensors saved for it go back to the pool as the pass consumes them.
//!
//! A recomputing tape keeps of a [`Tape::segment`] only what its closure holds and computes the rest again when the backward pass gets
//! there (Chen et al. 2016, arXiv 1604.06174): about one more forward pass of time, far fewer activations in memory, the same bits.

mod gradients;
mod kept;
mod segment;

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Weak;

pub use gradients::Gradients;
pub use kept::Kept;

use crate::error::Result;
use crate::kernels::batch_norm::{RunningUpdate, batch_norm_running};
use crate::kernels::operands::Operands;
use crate::tensor::{Tensor, TensorId};

type Backward = Box<dyn FnOnce(Tensor, &mut Gradients) -> Result<()>>;

struct Node {
    output: TensorId,
    backward: Backward,
}

/// What becomes of the ops that a tape sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Keep {
    /// Nothing: inference.
    #[default]
    Nothing,
    /// Only which tensors depend on watched ones: the first pass over a segment.
    Tracks,
    /// The closure of every op.
    All,
}

/// Records ops while it is on; one tape serves one forward and one backward pass.
#[derive(Default)]
pub struct Tape {
    keep: Keep,
    recomputing: bool,
    replaying: bool,
    operands: Cell<Operands>,
    nodes: RefCell<Vec<Node>>,
    tracked: RefCell<HashSet<TensorId>>,
    updates: RefCell<Vec<RunningUpdate>>,
    /// What convolutions left for the norms behind them.
    moments: RefCell<HashMap<TensorId, Tensor>>,
    /// Activations kept as f16.
    halves: RefCell<HashMap<TensorId, Weak<Tensor>>>,
}

impl Tape {
    /// A tape that records.
    pub fn recording() -> Self {
        Tape { keep: Keep::All, ..Default::default() }
    }

    /// A tape that records, and computes segments a second time in the backward pass instead of keeping what is inside them.
    pub fn recomputing() -> Self {
        Tape { keep: Keep::All, recomputing: true, ..Default::default() }
    }

    /// A tape that records nothing: inference.
    pub fn off() -> Self {
        Tape::default()
    }

    /// Runs a part of the forward pass in which products are made of such operands, as `torch.autocast` does; their gradients are, too.
    pub fn autocast<T>(&self, operands: Operands, forward: impl FnOnce() -> T) -> T {
        let before = self.operands.replace(operands);
        let made = forward();
        self.operands.set(before);
        made
    }

    /// What convolutions, linear layers and attention make products of at present. All else is computed in f32.
    pub fn operands(&self) -> Operands {
        self.operands.get()
    }

    /// The same tape for a batch that went through before: what a forward pass changes (running statistics) stays as it is.
    pub fn again(self) -> Self {
        Tape { replaying: true, ..self }
    }

    /// True while a segment is computed for the second time, or a batch: what a forward pass changes (running statistics) is to stay as it
    /// is.
    pub fn is_replaying(&self) -> bool {
        self.replaying
    }

    /// Asks for the gradient of a leaf (a parameter, or an input under test).
    pub fn watch(&self, leaf: &Tensor) {
        if self.keep != Keep::Nothing {
            self.tracked.borrow_mut().insert(leaf.id());
        }
    }

    /// True where the gradient of `tensor` is wanted: it is watched, or computed from something that is.
    pub fn tracks(&self, tensor: &Tensor) -> bool {
        self.keep != Keep::Nothing && self.tracked.borrow().contains(&tensor.id())
    }

    /// Records how `output`'s gradient flows back, if any of `inputs` is tracked. The closure takes the gradient of `output`
    /// and adds to those of the inputs through [`Gradients::accumulate`].
    pub fn record(&self, inputs: &[&Tensor], output: &Tensor, backward: impl FnOnce(&Tensor, &mut Gradients) -> Result<()> + 'static) {
        if inputs.iter().any(|input| self.tracks(input)) {
            self.tracked.borrow_mut().insert(output.id());
            if self.keep == Keep::All {
                let backward = Box::new(|gradient: Tensor, gradients: &mut Gradients| backward(&gradient, gradients));
                self.nodes.borrow_mut().push(Node { output: output.id(), backward });
            }
        }
    }

    /// Keeps an update of running statistics for the end of the forward pass: [`Tape::backward`] makes those of the pass in their order, a
    /// layer that was used twice is updated twice. A tape that is off makes it at once; one that [is replaying](Tape::is_replaying) never,
    /// as the first pass has kept it.
    ///
    /// # Errors
    /// Those of [`batch_norm_running`].
    pub fn update_running(&self, update: RunningUpdate) -> Result<()> {
        match self.keep {
            _ if self.replaying => {}
            Keep::Nothing => batch_norm_running(&update)?,
            Keep::Tracks | Keep::All => self.updates.borrow_mut().push(update),
        }
        Ok(())
    }

    /// Leaves the moments of a convolution's `output`, `[c, chunks, 4]`, for the batch norm behind it: the statistics of the batch follow
    /// from them without another pass over the output.
    pub fn leave_moments(&self, output: &Tensor, moments: Tensor) {
        self.moments.borrow_mut().insert(output.id(), moments);
    }

    /// Takes the moments that a convolution left of its output.
    pub fn take_moments(&self, output: &Tensor) -> Option<Tensor> {
        self.moments.borrow_mut().remove(&output.id())
    }

    /// Takes the updates kept so far, which whoever takes them makes: [`Tape::backward`] then makes none.
    pub fn take_updates(&self) -> Vec<RunningUpdate> {
        self.updates.take()
    }

    /// Makes the updates kept so far: for a pass that nobody goes back through.
    ///
    /// # Errors
    /// Those of [`batch_norm_running`].
    pub fn make_updates(&self) -> Result<()> {
        self.updates.take().iter().try_for_each(batch_norm_running)
    }

    /// Gradients of all watched leaves, starting from the gradients `seeds` of some outputs; running statistics are updated first.
    ///
    /// # Errors
    /// Those of the gradient kernels and of [`Tape::make_updates`].
    pub fn backward(self, seeds: &[(&Tensor, Tensor)]) -> Result<Gradients> {
        // Before the pass, so that it has their memory.
        self.make_updates()?;
        let mut gradients = Gradients::tracking(self.tracked.into_inner());
        for (output, gradient) in seeds {
            gradients.accumulate(output, gradient.clone())?;
        }
        run_back(self.nodes.into_inner(), &mut gradients)?;
        Ok(gradients)
    }
}

/// Runs closures last to first, each dropped after use.
fn run_back(mut nodes: Vec<Node>, gradients: &mut Gradients) -> Result<()> {
    while let Some(node) = nodes.pop() {
        if let Some(gradient) = gradients.take_id(node.output) {
            (node.backward)(gradient, gradients)?;
        }
    }
    Ok(())
}
