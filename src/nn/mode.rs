//! Training or evaluation, as `torch.nn.Module.train` and `.eval`, or an evaluation in which dropout drops.

/// How a forward pass treats batch norm and dropout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Running statistics normalise, nothing is dropped, nothing is updated.
    Eval,
    /// Running statistics normalise, as in evaluation, and dropout drops: one of several maps that are averaged (Gal and Ghahramani 2016,
    /// arXiv 1506.02142).
    Sample {
        /// As that of training.
        draw: u64,
    },
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

    /// What decides what dropout drops; none where it drops nothing.
    pub fn draw(self) -> Option<u64> {
        match self {
            Mode::Eval => None,
            Mode::Sample { draw } | Mode::Train { draw } => Some(draw),
        }
    }
}
