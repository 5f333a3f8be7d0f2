//! What has to be the same on all ranks of a run, compared before its first step and after every epoch.

use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::error::{Error, Result};
use crate::files::{Digest, digest_of_file};
use crate::gpu::Gpu;
use crate::ranks::Ranks;

/// What one rank goes by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Replica {
    program: String,
    config: String,
    data: String,
    device: String,
    step: u64,
    /// Digest of the values that it begins with.
    weights: String,
}

impl Replica {
    /// That of a run on these data (the bytes of their list) that begins after `step` steps with these weights (the bytes of their file).
    pub(super) fn of(config: &Config, gpu: &Gpu, data: &[u8], step: u64, weights: &[u8]) -> Replica {
        Replica {
            program: format!("meltcore {} ({})", env!("CARGO_PKG_VERSION"), program()),
            config: all_but_paths(config),
            data: Digest::of(data).to_string(),
            device: gpu.capabilities().identity(),
            step,
            weights: Digest::of(weights).to_string(),
        }
    }

    /// What differs between the first rank's and another's, in words.
    fn difference(&self, other: &Replica) -> Option<String> {
        let compared = [
            ("the program", &self.program, &other.program, "start the same file everywhere"),
            ("the configuration", &self.config, &other.config, "give all ranks the same --config and --set"),
            ("the data set", &self.data, &other.data, "let all see the same files"),
            ("the device", &self.device, &other.device, "equal bits need equal devices: name them with --device or --devices"),
            ("the step that it begins at", &self.step.to_string(), &other.step.to_string(), "let all see the same path_checkpoints"),
            ("the file of weights that it begins with", &self.weights, &other.weights, "give all ranks the same --weights"),
        ];
        let (what, first, other, cure) = compared.into_iter().find(|(_, first, other, _)| first != other)?;
        Some(format!("{what} is another ({other}; on rank 0 {first}); {cure}"))
    }
}

/// A digest of all keys but the places of files, which may differ from one computer to the next: also of those that change no weights, such
/// as the number of epochs, by which ranks would wait for each other for ever.
fn all_but_paths(config: &Config) -> String {
    let mut keys = config.to_json();
    keys.retain(|key, _| !key.starts_with("path_") && key != "data_root");
    Digest::of(serde_json::Value::Object(keys).to_string().as_bytes()).to_string()
}

/// The digest of the program's own file.
fn program() -> &'static str {
    static DIGEST: OnceLock<String> = OnceLock::new();
    DIGEST.get_or_init(|| {
        let found = std::env::current_exe().and_then(|file| digest_of_file(&file));
        found.map_or_else(|_| "of unknown bytes".into(), |(digest, _)| digest.to_string())
    })
}

/// Refuses ranks that do not go by the same; `own` is what this one goes by.
///
/// # Errors
/// [`Error::Usage`] on the first rank, which says what differs, and [`Error::Elsewhere`] on the others.
pub(super) fn require_alike(ranks: &Ranks, own: impl FnOnce() -> Result<Replica>) -> Result<()> {
    if ranks.are_one() {
        return Ok(());
    }
    let encoded = |own| serde_json::to_vec(&own).map_err(|e| Error::Encoding(format!("a rank's description cannot be encoded ({e})")));
    let all = ranks.exchange(own().and_then(encoded))?;
    let first: Option<Replica> = serde_json::from_slice(&all[0]).ok();
    let differing = all.iter().enumerate().find_map(|(rank, other)| {
        let difference = match (&first, serde_json::from_slice(other).ok()) {
            (Some(first), Some(other)) => first.difference(&other)?,
            _ => "it is of another version; start the same file everywhere".into(),
        };
        Some(Error::Usage(format!("rank {rank} does not go with the others: {difference}")))
    });
    ranks.agree(differing.filter(|_| ranks.leads()).map_or(Ok(()), Err))
}

/// Refuses weights that are not the same on all ranks; `weights` are the bytes of their file.
///
/// # Errors
/// [`Error::Device`] on the first rank and [`Error::Elsewhere`] on the others.
pub(super) fn require_same_weights(ranks: &Ranks, epoch: usize, weights: &[u8]) -> Result<()> {
    if ranks.are_one() {
        return Ok(());
    }
    let all = ranks.exchange(Ok(Digest::of(weights).to_string().into_bytes()))?;
    let differing = all.iter().position(|digest| *digest != all[0]).map(|rank| {
        Error::Device(format!(
            "epoch {epoch}: the weights of rank {rank} are no longer those of rank 0, as equal devices would keep them: one of the two \
             computed wrongly. Go on from the last epoch (--resume auto), if it comes again on other devices (--devices, or other nodes)"
        ))
    });
    ranks.agree(differing.filter(|_| ranks.leads()).map_or(Ok(()), Err))
}
