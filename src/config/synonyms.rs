//! What other programs call things, and what they are called here: asked for where a key or a word is unknown, never taken silently, since
//! values may mean something else there.

use super::keys;

/// Names of keys elsewhere, each with the key here.
const KEYS: [(&str, &str); 26] = [
    ("lr learningrate base_lr init_lr initial_lr lr_init max_lr", "learning_rate"),
    ("loss loss_fn lossfunction criterion", "loss_function"),
    ("bs batch batchsize train_batch_size per_device_train_batch_size", "batch_size"),
    ("eval_batch_size val_batch_size test_batch_size", "prediction_batch_size"),
    ("num_epochs max_epochs n_epochs nepochs num_train_epochs", "epochs"),
    ("wd weightdecay l2 l2_penalty", "weight_decay"),
    ("scheduler lr_schedule lr_decay schedule", "lr_scheduler"),
    ("patience", "lr_patience"),
    ("early_stopping_patience early_stop stop_patience early_stopping_rounds", "early_stopping"),
    ("crop_size tile_size image_size input_size chip_size imgsz", "img_size"),
    ("stride tile_stride", "prediction_stride"),
    ("model arch architecture network net model_name model_type", "model_key"),
    ("backbone encoder", "encoder_name"),
    ("pretrained pretrained_weights", "encoder_weights"),
    ("num_classes n_classes nclasses out_chans", "out_channels"),
    ("inputs features input_keys channels variables", "in_keys"),
    ("labels target_key targets", "target"),
    ("checkpoint checkpoints checkpoint_dir checkpoint_path ckpt ckpt_dir save_dir output_dir out_dir", "path_checkpoints"),
    ("predictions pred_dir prediction_dir", "path_predictions"),
    ("data_dir data_path dataset datadir dataset_path root root_dir", "data_root"),
    ("random_seed random_state manual_seed rng_seed", "seed"),
    ("grad_clip clip_grad clip_grad_norm max_grad_norm gradient_clip_val clipnorm", "gradient_clipping"),
    ("grad_accum accumulate_grad_batches gradient_accumulation_steps accumulation_steps", "accumulate_steps"),
    ("gradient_checkpointing activation_checkpointing", "recompute"),
    ("optim optimiser", "optimizer"),
    ("fp16 mixed_precision", "precision"),
];

/// Names of keys elsewhere for what is an option of commands here.
const OPTIONS: [(&str, &str); 4] = [
    ("device gpu gpus cuda accelerator use_gpu use_cuda", "`--device`"),
    ("workers num_workers n_workers threads n_threads n_jobs", "`--threads`"),
    ("resume resume_from resume_from_checkpoint", "`--resume` of `train`"),
    ("weights weight_file load_from", "`--weights` of `predict`"),
];

/// Words for choices elsewhere: the key, the words, the word here.
const WORDS: [(&str, &str, &str); 10] = [
    ("loss_function", "mae l1loss l1_loss", "l1"),
    ("loss_function", "l2 mseloss mse_loss l2_loss", "mse"),
    ("lr_scheduler", "plateau reduce_on_plateau reduce_lr_on_plateau", "ReduceLROnPlateau"),
    ("lr_scheduler", "cosine cosine_annealing warm_restarts cosine_warm_restarts sgdr", "CosineAnnealingWarmRestarts"),
    ("precision", "fp32 float32 32 full single", "f32"),
    ("precision", "amp fp16 f16 float16 half bf16 16 mixed_precision", "mixed"),
    ("model_key", "deeplab deeplabv3plus deeplabv3+ deeplabv3p", "deeplabv3"),
    ("model_key", "unet_xception xception_unet smp_unet smp.unet", "unet_smp"),
    ("out_activation", "none identity", "linear"),
    ("optimizer", "momentum sgd_momentum", "sgd"),
];

/// Whether a list of words holds one, letter case and hyphens aside.
fn holds(words: &str, given: &str) -> bool {
    let given = given.to_lowercase().replace('-', "_");
    words.split_whitespace().any(|word| word == given)
}

/// The option of commands that says what this key says elsewhere.
pub(super) fn option(key: &str) -> Option<&'static str> {
    OPTIONS.iter().find(|(words, _)| holds(words, key)).map(|(_, option)| *option)
}

/// What to say of an unknown key: what it is called here, or the nearest of the known keys, or where all are listed.
pub(super) fn advice<'a>(key: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    if let Some((_, name)) = KEYS.iter().find(|(words, _)| holds(words, key)) {
        return format!("it is `{name}` here. Correct it, or remove the line");
    }
    if let Some(option) = option(key) {
        return format!("the option {option} says it here. Remove the line");
    }
    match keys::nearest(key, known) {
        Some(near) => format!("did you mean `{near}`? Correct it, or remove the line"),
        None => "`meltcore config keys` lists those that there are. Correct it, or remove the line".into(),
    }
}

/// What to say, behind a message, of an unknown word for a key: what it is called here, or the nearest of the words, or nothing.
pub(super) fn hint(key: &str, given: &str, words: &[&str]) -> String {
    if let Some((_, _, word)) = WORDS.iter().find(|(of, elsewhere, _)| *of == key && holds(elsewhere, given)) {
        return format!("; it is {word} here");
    }
    keys::nearest(given, words.iter().copied()).map(|word| format!("; did you mean {word}?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Config, KEYS as TABLE};
    use super::*;

    #[test]
    fn synonyms_lead_to_keys_that_there_are_and_are_none_themselves() {
        let mut seen = Vec::new();
        for (words, name) in KEYS {
            assert!(TABLE.iter().any(|key| key.name == name), "{name}");
            seen.extend(words.split_whitespace());
        }
        seen.extend(OPTIONS.iter().flat_map(|(words, _)| words.split_whitespace()));
        for word in &seen {
            assert!(!TABLE.iter().any(|key| key.name == *word), "{word} is a key");
        }
        let count = seen.len();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), count, "a synonym leads to two keys");
    }

    #[test]
    fn words_lead_to_words_that_are_taken() {
        for (key, words, word) in WORDS {
            let taken = Config::from_yaml(&format!("{key}: {word}"), "x.yaml", &[]);
            assert!(taken.is_ok(), "{key}: {word}");
            for given in words.split_whitespace() {
                let refused = Config::from_yaml(&format!("{key}: \"{given}\""), "x.yaml", &[]).unwrap_err().to_string();
                assert!(refused.contains(&format!("it is {word} here")), "{key}: {given}: {refused}");
            }
        }
    }
}
