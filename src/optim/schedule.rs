//! Learning-rate schedules on the host, in f64, with PyTorch's arithmetic; their state is serialisable for checkpoints.

use std::f64::consts::PI;

/// A cut must exceed this to be made.
const SMALLEST_CUT: f64 = 1e-8;
/// Factor of a cut where nobody says another.
pub const CUT: f64 = 0.1;
/// A loss is better if it is below the best one by this share.
const THRESHOLD: f64 = 1e-4;

/// The rule by which the learning rate changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum SchedulerKind {
    /// The same rate throughout.
    #[serde(rename = "constant")]
    Constant,
    /// A cut, tenfold by default, when the validation loss stalls for a number of epochs.
    ReduceLROnPlateau,
    /// SGDR: cosine decay restarted after t_0, t_0·t_mult, … epochs.
    CosineAnnealingWarmRestarts,
    /// Cosine decay to 0 restarted at given epochs, exact to the update.
    CosineRestartsAt,
    /// Linear rise from 0, then one cosine decay, exact to the update.
    WarmupCosine,
}

/// A learning-rate schedule with its state.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub enum Schedule {
    /// The same rate throughout.
    Constant {
        /// The rate.
        learning_rate: f64,
    },
    /// A cut after more than `patience` epochs without a loss 1e-4 (relative) below the best one.
    ReduceLROnPlateau {
        /// The rate in force.
        learning_rate: f64,
        /// Epochs without improvement that are tolerated.
        patience: usize,
        /// What the rate is multiplied by; absent where it is 0.1, as in versions before.
        #[serde(default = "cut", skip_serializing_if = "is_cut")]
        factor: f64,
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
    /// Cosine decay from `learning_rate` to 0, from one restart to the next.
    CosineRestartsAt {
        /// The rate of update 0 and of every restart.
        learning_rate: f64,
        /// Numbers of the updates that restart, ascending; at the last one and behind it the rate is 0.
        restarts: Vec<u64>,
        /// Number of the next update, from 0.
        update: u64,
    },
    /// learning_rate · s / warmup, then cosine decay to `eta_min` at update `total`, `eta_min` from there on.
    WarmupCosine {
        /// The rate where the decay begins.
        learning_rate: f64,
        /// The rate at the end.
        eta_min: f64,
        /// Updates of the rise.
        warmup: u64,
        /// Updates in all.
        total: u64,
        /// Number of the next update, from 0.
        update: u64,
    },
}

impl Schedule {
    /// [`Schedule::ReduceLROnPlateau`] at its start; `factor` is what a cut multiplies the rate by.
    pub fn plateau(learning_rate: f64, patience: usize, factor: f64) -> Self {
        Schedule::ReduceLROnPlateau { learning_rate, patience, factor, best: None, stalled: 0 }
    }

    /// [`Schedule::CosineAnnealingWarmRestarts`] at its start; a `t_0` or `t_mult` of 0 counts as 1.
    pub fn cosine(learning_rate: f64, t_0: usize, t_mult: usize, eta_min: f64) -> Self {
        Schedule::CosineAnnealingWarmRestarts { learning_rate, eta_min, t_0: t_0.max(1), t_mult: t_mult.max(1), epoch: 0.0 }
    }

    /// [`Schedule::CosineRestartsAt`] at its start.
    pub fn restarts_at(learning_rate: f64, restarts: Vec<u64>) -> Self {
        Schedule::CosineRestartsAt { learning_rate, restarts, update: 0 }
    }

    /// [`Schedule::WarmupCosine`] at its start, with the updates of the rise and those in all.
    pub fn warmup(learning_rate: f64, warmup: u64, total: u64, eta_min: f64) -> Self {
        Schedule::WarmupCosine { learning_rate, eta_min, warmup, total, update: 0 }
    }

    /// The rate in force.
    pub fn learning_rate(&self) -> f64 {
        match *self {
            Schedule::Constant { learning_rate } | Schedule::ReduceLROnPlateau { learning_rate, .. } => learning_rate,
            Schedule::CosineAnnealingWarmRestarts { learning_rate, eta_min, t_0, t_mult, epoch } => {
                let (elapsed, period) = position(epoch, t_0 as f64, t_mult as f64);
                eta_min + (learning_rate - eta_min) * (1.0 + (PI * elapsed / period).cos()) / 2.0
            }
            Schedule::CosineRestartsAt { learning_rate, ref restarts, update } => {
                let low = restarts.iter().copied().filter(|&at| at <= update).max().unwrap_or(0);
                restarts.iter().find(|&&at| at > update).map_or(0.0, |&high| decayed([learning_rate, 0.0], update - low, high - low))
            }
            Schedule::WarmupCosine { learning_rate, eta_min, warmup, total, update } => match update {
                update if update < warmup => learning_rate * (update as f64 / warmup as f64),
                update if update < total => decayed([learning_rate, eta_min], update - warmup, total - warmup),
                _ => eta_min,
            },
        }
    }

    /// Tells the schedule an epoch's validation loss (a loss that is NaN is no improvement); only that of the plateau listens.
    pub fn observe(&mut self, loss: f64) -> f64 {
        if let Schedule::ReduceLROnPlateau { learning_rate, patience, factor, best, stalled } = self {
            if loss < best.unwrap_or(f64::INFINITY) * (1.0 - THRESHOLD) {
                *best = Some(loss);
                *stalled = 0;
            } else {
                *stalled = stalled.saturating_add(1);
            }
            if *stalled > *patience {
                *stalled = 0;
                if *learning_rate - *learning_rate * *factor > SMALLEST_CUT {
                    *learning_rate *= *factor;
                }
            }
        }
        self.learning_rate()
    }

    /// Moves a schedule by update to one of them, forwards or back; the others ignore it.
    pub fn advance_to_update(&mut self, to: u64) -> f64 {
        if let Schedule::CosineRestartsAt { update, .. } | Schedule::WarmupCosine { update, .. } = self {
            *update = to;
        }
        self.learning_rate()
    }

    /// Tells a schedule by update that one was made; the others ignore it.
    pub fn count_update(&mut self) {
        if let Schedule::CosineRestartsAt { update, .. } | Schedule::WarmupCosine { update, .. } = self {
            *update = update.saturating_add(1);
        }
    }

    /// Whether it has the course of another one, wherever either stands.
    pub fn is_course_of(&self, other: &Schedule) -> bool {
        match (self, other) {
            (Schedule::CosineRestartsAt { restarts: own, .. }, Schedule::CosineRestartsAt { restarts, .. }) => own == restarts,
            (Schedule::WarmupCosine { warmup, total, .. }, Schedule::WarmupCosine { warmup: other, total: all, .. }) => {
                (warmup, total) == (other, all)
            }
            _ => std::mem::discriminant(self) == std::mem::discriminant(other),
        }
    }

    /// Moves the schedule with warm restarts to a fractional epoch, forwards or back; the others ignore it.
    pub fn advance_to(&mut self, to: f64) -> f64 {
        if let Schedule::CosineAnnealingWarmRestarts { epoch, .. } = self {
            *epoch = to.max(0.0);
        }
        self.learning_rate()
    }
}

fn cut() -> f64 {
    CUT
}

fn is_cut(factor: &f64) -> bool {
    *factor == CUT
}

/// The cosine from the first rate to the second, after some of all updates.
fn decayed([first, last]: [f64; 2], elapsed: u64, all: u64) -> f64 {
    last + 0.5 * (first - last) * (1.0 + (PI * elapsed as f64 / all as f64).cos())
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
