//! Training steps on one device after another: what a warm one takes anew.

use meltcore::config::Config;
use meltcore::gpu::Gpu;
use meltcore::tensor::Tensor;
use meltcore::{models, train};

use crate::case::{Case, Checked, ensure};

pub fn cases() -> Vec<Case> {
    vec![Case::new("takes_the_same_buffers", same_buffers)]
}

fn same_buffers(gpu: &Gpu) -> Checked {
    let attrs = r#"{"model_key": "unet", "base_channels": 2, "optimizer": "adam", "learning_rate": 0.001, "loss_function": "l1"}"#;
    let config = Config::from_json(&serde_json::from_str(attrs)?)?;
    let before = gpu.bind_groups_made();
    let model = models::untrained_for(gpu, &config, 1)?;
    let mut optimizer = train::optimizer(&config);
    let [input, target, mask] = [0.5, 1.0, 0.0].map(|value| Tensor::full(gpu, [2, 1, 32, 32], value).unwrap());
    let mut after = Vec::new();
    for _ in 0..5 {
        train::training_step(model.as_ref(), &mut optimizer, 0, &(&input).into(), &train::masked_loss(config.loss_kind(), &target, &mask))?;
        after.push((gpu.bind_groups_made() - before, gpu.memory().allocated));
    }
    gpu.synchronize()?;
    let found = format!("bind groups made and bytes allocated after each step: {after:?}");
    // The host makes no bind groups; elsewhere a step has far more launches than that.
    ensure(if gpu.capabilities().is_host() { after[4].0 == 0 } else { after[0].0 > 100 }, found.as_str())?;
    ensure(after[3] == after[4], found)
}
