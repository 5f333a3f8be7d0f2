//! Learning-rate schedules on the host, in f64, with PyTorch's arithmetic; their state is serialisable for checkpoints.

use std::f64::consts::PI;

/// A cut must exceed this to be made.
const SMALLEST_CUT: f64 = 1e-8;
/// Factor of a cut.
const CUT: f64 = 0.1;
/// A loss is better if it is below the best one by this share.
const THRESHOLD: f64 = 1e-4;

/// The rule by which the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SchedulerKind {
    /// Tenfold cut when the validation loss stalls for a number of epochs.
    ReduceLROnPlateau,
    /// SGDR: cosine decay restarted after t_0, t_0·t_mult, … epochs.
    CosineAnnealingWarmRestarts,
}

/// A learning-rate schedule with its state.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Schedule {
    /// Tenfold cut after more than `patience` epochs without a loss 1e-4 (relative) below the best one.
    ReduceLROnPlateau {
        /// The rate in force.
        learning_rate: f64,
        /// Epochs without improvement that are tolerated.
        patience: usize,
        /// Best loss so far.
        best: Option<f64>,
        /// Epochs since the best loss, or since the last cut.
        stalled: usize,
    },
    /// Cosine decay from `learning_rate` to `eta_min` over t_0, t_0·t_mult, t_0·t_mult², … epochs (Loshchilov and Hutter 2017).
    CosineAnnealingWarmRestarts {
        /// The rate at each restart.
        learning_rate: f64,
        /// The rate at the end of each period.
        eta_min: f64,
        /// Length of the first period, epochs.
        t_0: usize,
        /// Growth of the periods.
        t_mult: usize,
        /// Where the schedule stands, epochs.
        epoch: f64,
    },
}

impl Schedule {
    /// The schedule at its start; `patience` is that of the plateau. A `t_0` or `t_mult` of 0 counts as 1.
    pub fn new(kind: SchedulerKind, learning_rate: f64, patience: usize, t_0: usize, t_mult: usize, eta_min: f64) -> Self {
        match kind {
            SchedulerKind::ReduceLROnPlateau => Schedule::ReduceLROnPlateau { learning_rate, patience, best: None, stalled: 0 },
            SchedulerKind::CosineAnnealingWarmRestarts => {
                Schedule::CosineAnnealingWarmRestarts { learning_rate, eta_min, t_0: t_0.max(1), t_mult: t_mult.max(1), epoch: 0.0 }
            }
        }
    }

    /// The rate in force.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Schedule::ReduceLROnPlateau { learning_rate, .. } => learning_rate,
            Schedule::CosineAnnealingWarmRestarts { learning_rate, eta_min, t_0, t_mult, epoch } => {
                let (elapsed, period) = position(epoch, t_0 as f64, t_mult as f64);
                eta_min + (learning_rate - eta_min) * (1.0 + (PI * elapsed / period).cos()) / 2.0
            }
        }
    }

    /// Tells the schedule an epoch's validation loss (a loss that is NaN is no improvement); the cosine schedule ignores it.
    pub fn observe(&mut self, loss: f64) -> f64 {
        if let Schedule::ReduceLROnPlateau { learning_rate, patience, best, stalled } = self {
            if loss < best.unwrap_or(f64::INFINITY) * (1.0 - THRESHOLD) {
                *best = Some(loss);
                *stalled = 0;
            } else {
                *stalled = stalled.saturating_add(1);
            }
            if *stalled > *patience {
                *stalled = 0;
                if *learning_rate - *learning_rate * CUT > SMALLEST_CUT {
                    *learning_rate *= CUT;
                }
            }
        }
        self.learning_rate()
    }

    /// Moves the cosine schedule to a fractional epoch, forwards or back; the plateau schedule ignores it.
    pub fn advance_to(&mut self, to: f64) -> f64 {
        if let Schedule::CosineAnnealingWarmRestarts { epoch, .. } = self {
            *epoch = to.max(0.0);
        }
        self.learning_rate()
    }
}

/// Epochs since the last restart, and the length of the period.
fn position(epoch: f64, first: f64, growth: f64) -> (f64, f64) {
    if epoch < first {
        return (epoch, first);
    }
    if growth == 1.0 {
        return (epoch % first, first);
    }
    // PyTorch takes the period's number from this quotient of logarithms, whose rounding decides at a restart.
    let number = ((epoch / first * (growth - 1.0) + 1.0).ln() / growth.ln()).floor();
    let period = first * growth.powf(number);
    (epoch - first * (growth.powf(number) - 1.0) / (growth - 1.0), period)
}
