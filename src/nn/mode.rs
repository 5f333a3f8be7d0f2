//! Training or evaluation, as `torch.nn.Module.train` and `.eval`.

/// How a forward pass treats batch norm and dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics normalise, nothing is dropped, nothing is updated.
    Eval,
    /// The batch's statistics normalise and running ones are updated; dropout drops.
    Train {
        /// Number of the pass within its run: with the model's seed it decides what dropout drops, so that a resumed run draws the same.
        draw: u64,
    },
}

impl Mode {
    /// True in training.
    pub fn is_training(self) -> bool {
        matches!(self, Mode::Train { .. })
    }
}
