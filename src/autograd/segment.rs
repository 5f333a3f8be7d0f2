//! Segments of a forward pass that a recomputing tape runs twice.

use std::cell::RefCell;
use std::collections::HashSet;
use std::mem;

use super::{Gradients, Keep, Node, Tape, run_back};
use crate::error::Result;
use crate::tensor::{Tensor, TensorId};

impl Tape {
    /// Runs a part of the forward pass with one output. On a tape of [`Tape::recomputing`] only what `forward` holds and its output are
    /// kept; the backward pass runs it again, on a tape that [is replaying](Tape::is_replaying), and goes back through it at once.
    ///
    /// Both runs launch the same kernels on the same values, so gradients have the bits that they have without a segment. `forward` must
    /// use the tape that it is given, and its result must depend on nothing that changes between the two passes.
    ///
    /// # Errors
    /// Those of `forward`.
    pub fn segment(&self, forward: impl Fn(&Tape) -> Result<Tensor> + 'static) -> Result<Tensor> {
        if self.keep != Keep::All || !self.recomputing {
            return forward(self);
        }
        let first = self.sibling(Keep::Tracks, self.replaying, self.tracked.take());
        let output = forward(&first)?;
        *self.tracked.borrow_mut() = first.tracked.into_inner();
        self.updates.borrow_mut().append(&mut first.updates.take());
        if !self.tracks(&output) {
            return Ok(output);
        }
        let second = self.sibling(Keep::All, true, Default::default());
        let backward = move |grad_output: Tensor, gradients: &mut Gradients| {
            *second.tracked.borrow_mut() = mem::take(&mut gradients.tracked);
            let again = forward(&second)?;
            gradients.tracked = second.tracked.into_inner();
            gradients.accumulate(&again, grad_output)?;
            // From here on the ops' own closures hold what they need, so that it goes back to the pool as they run.
            drop((forward, again));
            run_back(second.nodes.into_inner(), gradients)
        };
        self.nodes.borrow_mut().push(Node { output: output.id(), backward: Box::new(backward) });
        Ok(output)
    }

    fn sibling(&self, keep: Keep, replaying: bool, tracked: HashSet<TensorId>) -> Tape {
        Tape {
            keep,
            recomputing: self.recomputing,
            replaying,
            operands: self.operands.clone(),
            tracked: RefCell::new(tracked),
            ..Default::default()
        }
    }
}
