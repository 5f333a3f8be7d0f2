//! Learning-rate schedules against their definitions, through a checkpoint after every step. Needs no device.

use meltcore::config::Config;
use meltcore::optim::Schedule;
use meltcore::reference::lr_schedule as definition;

#[test]
fn reduce_lr_on_plateau_follows_its_definition() {
    let losses: Vec<f64> = (0..60).map(|i| 1.0 / (1.0 + f64::from(i / 7)) + 0.01 * f64::from(i % 3)).collect();
    for (factor, said) in [(0.1, false), (0.5, true)] {
        let mut plateau = Schedule::plateau(0.03, 2, factor);
        for (loss, want) in losses.iter().zip(definition::reduce_lr_on_plateau(0.03, 2, factor, &losses)) {
            assert_eq!(plateau.observe(*loss), want);
            let state = serde_json::to_string(&plateau).unwrap();
            // States of versions before say no factor, and are the same today.
            assert_eq!(state.contains("factor"), said);
            plateau = serde_json::from_str(&state).unwrap();
        }
        assert!(plateau.learning_rate() < 0.03);
    }
    let halved = asked("lr_scheduler: ReduceLROnPlateau\nlr_patience: 0\nlr_factor: 0.5");
    assert_eq!(halved, Schedule::plateau(0.01, 0, 0.5));
}

#[test]
fn a_constant_rate_listens_to_nothing() {
    let mut constant = asked("lr_scheduler: constant");
    constant.count_update();
    assert_eq!(
        [constant.observe(f64::INFINITY), constant.observe(f64::NAN), constant.advance_to(9.5), constant.advance_to_update(7)],
        [0.01; 4]
    );
}

#[test]
fn cosine_annealing_with_restarts_follows_its_definition() {
    let epochs: Vec<f64> = (0..400).map(|i| f64::from(i) / 3.0).collect();
    let mut cosine = Schedule::cosine(0.01, 5, 2, 1e-5);
    for (epoch, want) in epochs.iter().zip(definition::cosine_annealing_warm_restarts(0.01, 5, 2, 1e-5, &epochs)) {
        assert!((cosine.advance_to(*epoch) - want).abs() < 1e-15);
        let read: Schedule = serde_json::from_str(&serde_json::to_string(&cosine).unwrap()).unwrap();
        assert_eq!(read, cosine);
    }
    assert!(Schedule::cosine(0.01, 0, 0, 0.0).advance_to(7.5).is_finite());
}

/// Counts the updates of a schedule through a checkpoint after every one, and compares each one's rate.
fn counted(mut schedule: Schedule, want: &[f64]) {
    let first = schedule.clone();
    for (update, want) in want.iter().enumerate() {
        assert!((schedule.learning_rate() - want).abs() < 1e-15, "update {update}: {} instead of {want}", schedule.learning_rate());
        let read: Schedule = serde_json::from_str(&serde_json::to_string(&schedule).unwrap()).unwrap();
        assert!(read == schedule && read.is_course_of(&first));
        schedule = read;
        schedule.count_update();
    }
}

/// What a configuration asks for with 7 updates an epoch.
fn asked(keys: &str) -> Schedule {
    let yaml = format!("model_key: unet\nlearning_rate: 0.01\n{keys}");
    meltcore::train::schedule(&Config::from_yaml(&yaml, "run.yaml", &[]).unwrap(), 7)
}

#[test]
fn schedules_by_update_follow_their_definitions() {
    let updates: Vec<f64> = (0..70).map(f64::from).collect();
    let restarts = asked("lr_scheduler: CosineRestartsAt\nrestarts_at: [1, 3, 9]\nepochs: 9");
    counted(restarts.clone(), &definition::cosine_restarts_at(0.01, &[7.0, 21.0, 63.0], &updates));
    let warmup = asked("lr_scheduler: WarmupCosine\nwarmup_epochs: 2\nepochs: 9\neta_min: 1.0e-5");
    counted(warmup.clone(), &definition::warmup_cosine(0.01, [14.0, 63.0], 1e-5, &updates));
    assert_eq!((restarts.learning_rate(), warmup.learning_rate()), (0.01, 0.0));
    // A run whose first epoch has another number begins at that epoch's first update; more epochs are another course.
    let later = asked("lr_scheduler: WarmupCosine\nwarmup_epochs: 2\nepochs: 10\neta_min: 1.0e-5\nstarting_epoch: 3");
    assert_eq!(later.learning_rate(), 0.01);
    assert!(!later.is_course_of(&warmup) && !restarts.is_course_of(&warmup));
    // Those that count epochs take no notice.
    let mut plateau = Schedule::plateau(0.03, 2, 0.1);
    plateau.count_update();
    assert_eq!(plateau.advance_to_update(40), 0.03);
}

#[test]
fn schedules_that_cannot_be_are_refused() {
    for (keys, words) in [
        ("lr_scheduler: CosineRestartsAt", ["restarts_at", "is missing"]),
        ("lr_scheduler: CosineRestartsAt\nrestarts_at: [10, 30]\nepochs: 31", ["restarts_at", "ends at epoch 30"]),
        ("restarts_at: [10, 10]", ["restarts_at", "each above the one before"]),
        ("restarts_at: []", ["restarts_at", "each above the one before"]),
        ("restarts_at: [0, 10]", ["restarts_at", "from 1"]),
        ("lr_scheduler: WarmupCosine\nwarmup_epochs: 9\nepochs: 8", ["warmup_epochs", "more than the 8"]),
        ("optimizer: sgd\neps_mode: keras", ["eps_mode", "adamw"]),
        ("eps: 0", ["eps", "above 0"]),
        ("lr_factor: 1", ["lr_factor", "cuts nothing"]),
        ("optimizer: adamw\nmomentum: 0.9", ["momentum", "of sgd and rmsprop"]),
    ] {
        let said = Config::from_yaml(&format!("model_key: unet\n{keys}"), "run.yaml", &[]).unwrap_err().to_string();
        assert!(words.iter().all(|word| said.contains(word)), "{keys}: {said}");
    }
}
