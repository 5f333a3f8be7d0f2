//! The learning-rate schedules: two as PyTorch's classes of the same names (the rate after each step), two by the number of an update.

use std::f64::consts::PI;

/// `ReduceLROnPlateau` (a cut multiplies by `factor`; relative threshold 1e-4, eps 1e-8): a rate for every loss in `values`.
pub fn reduce_lr_on_plateau(lr: f64, patience: usize, factor: f64, values: &[f64]) -> Vec<f64> {
    let (mut lr, mut best, mut bad_steps) = (lr, f64::INFINITY, 0);
    let mut rates = Vec::new();
    for &value in values {
        if value < best * (1.0 - 1e-4) {
            best = value;
            bad_steps = 0;
        } else {
            bad_steps += 1;
        }
        if bad_steps > patience {
            // A cut of 1e-8 or less is not worth making.
            if lr - lr * factor > 1e-8 {
                lr *= factor;
            }
            bad_steps = 0;
        }
        rates.push(lr);
    }
    rates
}

/// `CosineAnnealingWarmRestarts`: a rate for every (fractional) epoch; period n has t_0 · t_mult^n epochs.
pub fn cosine_annealing_warm_restarts(lr: f64, t_0: usize, t_mult: usize, eta_min: f64, epochs: &[f64]) -> Vec<f64> {
    let (first, growth) = (t_0 as f64, t_mult as f64);
    let rate = |epoch: f64| {
        let (since_restart, period) = if epoch < first {
            (epoch, first)
        } else if t_mult == 1 {
            (epoch % first, first)
        } else {
            // PyTorch takes the period's number from a quotient of logarithms, and so do we: at a restart its rounding decides.
            let number = ((epoch / first * (growth - 1.0) + 1.0).ln() / growth.ln()) as i32;
            let elapsed = first * (growth.powi(number) - 1.0) / (growth - 1.0);
            (epoch - elapsed, first * growth.powi(number))
        };
        eta_min + (lr - eta_min) * (1.0 + (PI * since_restart / period).cos()) / 2.0
    };
    epochs.iter().map(|&epoch| rate(epoch)).collect()
}

/// Cosine decay from `start` to 0 between one restart and the next: the rate of each of `updates`, counted from 0. The last restart is the
/// end, from which on the rate is 0.
pub fn cosine_restarts_at(start: f64, restarts: &[f64], updates: &[f64]) -> Vec<f64> {
    let rate = |update: f64| {
        let low = restarts.iter().copied().filter(|&at| at <= update).fold(0.0, f64::max);
        let high = restarts.iter().copied().filter(|&at| at > update).fold(f64::INFINITY, f64::min);
        if high.is_infinite() { 0.0 } else { 0.5 * start * (1.0 + (PI * (update - low) / (high - low)).cos()) }
    };
    updates.iter().map(|&update| rate(update)).collect()
}

/// A linear rise from 0 over `warmup` updates, then cosine decay to `eta_min` at update `total`, `eta_min` from there on: the rate of each
/// of `updates`, counted from 0.
pub fn warmup_cosine(lr: f64, [warmup, total]: [f64; 2], eta_min: f64, updates: &[f64]) -> Vec<f64> {
    let rate = |update: f64| {
        if update < warmup {
            lr * update / warmup
        } else if update < total {
            eta_min + (lr - eta_min) * (1.0 + (PI * (update - warmup) / (total - warmup)).cos()) / 2.0
        } else {
            eta_min
        }
    };
    updates.iter().map(|&update| rate(update)).collect()
}
