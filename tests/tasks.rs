//! Every task keeps its own word: the names that it gives are names of its scores, and its scores are those that it promises.

mod on_device;

use meltcore::autograd::Tape;
use meltcore::config::TaskKey;
use meltcore::models::Outputs;
use meltcore::tasks::{self, Better, Mean, Targets, Task};
use meltcore::tensor::Tensor;
use on_device::{gpu, noise};

const SIZE: [usize; 2] = [90, 83];

/// A scene's targets with gaps and ocean, and a settled and finished map of the same size.
fn scene(task: &dyn Task, seed: u64) -> (Targets, Tensor) {
    let (gpu, [rows, cols]) = (gpu(), SIZE);
    let pixels = rows * cols;
    let positive = |seed| noise(seed, pixels).into_iter().map(|value| 0.5 * (value + 1.0)).collect::<Vec<f32>>();
    let target: Vec<f32> = positive(seed).into_iter().map(|value| if value < 0.1 { f32::NAN } else { value }).collect();
    let ocean: Vec<f32> = positive(seed + 1).into_iter().map(|value| f32::from(value > 0.8)).collect();
    let (values, mask) = task.masked(&target, &ocean);
    assert!(values.iter().all(|value| value.is_finite()) && mask.contains(&0.0) && mask.contains(&1.0));
    let mut output: Vec<f32> = noise(seed + 2, task.heads() * pixels).into_iter().map(|value| 1.5 * value).collect();
    task.settle(&mut output, pixels);
    let map = task.finish(output, pixels);
    assert_eq!(map.len(), task.bands().len() * pixels);
    let targets = Targets::new(&gpu, [1, 1, rows, cols], &values, &mask).unwrap();
    (targets, Tensor::from_slice(&gpu, [1, task.bands().len(), rows, cols], &map).unwrap())
}

#[test]
fn names_are_those_of_columns() {
    for key in TaskKey::ALL {
        let task = tasks::by_key(key, None);
        assert_eq!(task.key(), key);
        let known: Vec<&str> = task.columns().iter().map(|column| column.name).collect();
        let roots = task.columns().iter().filter_map(|column| match column.mean {
            Mean::RootOf(other) => Some(other),
            Mean::Weighted => None,
        });
        let pooled = task.words().pooled.iter().map(|(name, _)| *name);
        let lists = [task.table(), task.headline(), task.summary(), task.watched()].into_iter().flatten().copied();
        for name in lists.chain(roots).chain(pooled) {
            assert!(known.contains(&name), "{key:?}: `{name}` is no column of src/tasks; columns are {known:?}");
        }
        assert!(!task.headline().is_empty() && !task.bands().is_empty());
        assert_eq!(known.last(), Some(&"valid_px"), "{key:?}: the report chooses scenes by their valid pixels");
        let mut twice = known.clone();
        twice.sort_unstable();
        twice.dedup();
        assert_eq!(twice.len(), known.len(), "{key:?}: a column is there twice");
    }
}

#[test]
fn scores_are_those_that_are_promised() {
    for key in TaskKey::ALL {
        let task = tasks::by_key(key, None);
        let (targets, map) = scene(task.as_ref(), 1);
        let scored = task.score(&map, &targets).unwrap();
        assert_eq!(scored.values.len(), task.columns().len(), "{key:?}");
        let valid = targets.mask.to_vec().unwrap().iter().filter(|mask| **mask == 0.0).count() as u64;
        assert_eq!(scored.valid, valid);
        let value = |name: &str| {
            let place = task.columns().iter().position(|column| column.name == name).unwrap();
            scored.values[place]
        };
        let watched = task.watch(&map, &targets).unwrap();
        assert_eq!(watched, task.watched().iter().map(|name| value(name)).collect::<Vec<_>>(), "{key:?}");
        for (column, score) in task.columns().iter().zip(&scored.values) {
            assert!(score.is_finite() && (column.better != Better::Neither || score.fract() == 0.0), "{key:?}: {} {score}", column.name);
        }
        // Over one scene pooled scores are the scene's; over two copies nothing changes.
        let mut twice = scored.tally.clone();
        twice.add(&scored.tally);
        let (once, twice) = (task.pooled(&scored.tally), task.pooled(&twice));
        for (name, of_scene) in &once {
            assert!((of_scene - value(name)).abs() < 1e-12, "{key:?}: pooled {name}");
        }
        assert_eq!(once, twice);
    }
}

#[test]
fn a_loss_is_zero_for_what_was_seen_and_falls_nowhere_below() {
    for key in TaskKey::ALL {
        let task = tasks::by_key(key, None);
        let (targets, map) = scene(task.as_ref(), 7);
        let tape = Tape::off();
        let loss = |map: Tensor| task.loss(&tape, &Outputs::from(map), &targets).unwrap().to_vec().unwrap()[0];
        let far = loss(map);
        assert!(far.is_finite() && far > 0.0, "{key:?}: {far}");
        if task.is_fraction() {
            assert_eq!(loss(targets.values.clone()), 0.0, "{key:?}");
        }
    }
}
