//! Learning-rate schedules against their definitions, through a checkpoint after every step. Needs no device.

use meltcore::optim::{Schedule, SchedulerKind};
use meltcore::reference::lr_schedule as definition;

#[test]
fn reduce_lr_on_plateau_follows_its_definition() {
    let losses: Vec<f64> = (0..60).map(|i| 1.0 / (1.0 + f64::from(i / 7)) + 0.01 * f64::from(i % 3)).collect();
    let mut plateau = Schedule::new(SchedulerKind::ReduceLROnPlateau, 0.03, 2, 0, 0, 0.0);
    for (loss, want) in losses.iter().zip(definition::reduce_lr_on_plateau(0.03, 2, &losses)) {
        assert_eq!(plateau.observe(*loss), want);
        plateau = serde_json::from_str(&serde_json::to_string(&plateau).unwrap()).unwrap();
    }
}

#[test]
fn cosine_annealing_with_restarts_follows_its_definition() {
    let epochs: Vec<f64> = (0..400).map(|i| f64::from(i) / 3.0).collect();
    let mut cosine = Schedule::new(SchedulerKind::CosineAnnealingWarmRestarts, 0.01, 0, 5, 2, 1e-5);
    for (epoch, want) in epochs.iter().zip(definition::cosine_annealing_warm_restarts(0.01, 5, 2, 1e-5, &epochs)) {
        assert!((cosine.advance_to(*epoch) - want).abs() < 1e-15);
        let read: Schedule = serde_json::from_str(&serde_json::to_string(&cosine).unwrap()).unwrap();
        assert_eq!(read, cosine);
    }
    assert!(Schedule::new(SchedulerKind::CosineAnnealingWarmRestarts, 0.01, 0, 0, 0, 0.0).advance_to(7.5).is_finite());
}
