//! What of a network does not move while it is trained (`freeze`): no step of the optimizer, no weight decay, and its batch norms normalise
//! with running statistics that stay, as in PyTorch where frozen modules are set to `eval()`; so it is the same function in training and in
//! maps.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::config::{Config, Freeze};
use crate::error::Result;
use crate::models;
use crate::nn::{ParameterSet, Value};

/// The word for a network's encoder.
const ENCODER: &str = "encoder";

/// Parameters that stay for the first epochs of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Frozen {
    /// Their names.
    pub names: BTreeSet<String>,
    /// Number of the last epoch in which they stay.
    pub until: usize,
}

/// Freezes what stays for the whole run.
///
/// # Errors
/// [`Error::Config`](crate::error::Error::Config) for a module that the network has not, and where nothing would be left to train.
pub(super) fn of_names(config: &Config, parameters: &ParameterSet) -> Result<()> {
    let Some(Freeze::Names(names)) = &config.freeze else { return Ok(()) };
    let network = models::network(config)?;
    let all = parameter_names(parameters);
    let mut frozen = BTreeSet::new();
    for name in names {
        let is_encoder = name == ENCODER;
        if is_encoder && network.encoder.is_empty() {
            return Err(config.key_error("freeze", format!("names the encoder, and {} has none; name modules of it", network.key.name())));
        }
        let modules: &[&str] = if is_encoder { network.encoder } else { &[name.as_str()] };
        let is_of = |parameter: &&String| modules.iter().any(|module| is_inside(parameter, module));
        let found: Vec<&String> = all.iter().filter(is_of).collect();
        if found.is_empty() {
            let modules: BTreeSet<&str> = all.iter().filter_map(|name| name.split('.').next()).collect();
            let known = modules.into_iter().collect::<Vec<_>>().join(", ");
            let message = format!("names `{name}`, with which no parameter of {} begins; its modules are {known}", network.key.name());
            return Err(config.key_error("freeze", message));
        }
        frozen.extend(found.into_iter().cloned());
    }
    require_rest(config, &frozen, &all)?;
    parameters.freeze(&frozen);
    Ok(())
}

/// What stays for the first epochs of a run that begins with loaded values; `None` where the configuration does not ask for that.
///
/// # Errors
/// [`Error::Config`](crate::error::Error::Config) where nothing was loaded, or nothing would be left to train.
pub(super) fn of_epochs(config: &Config, loaded: &BTreeSet<String>, parameters: &ParameterSet) -> Result<Option<Frozen>> {
    let Some(Freeze::Epochs(epochs)) = config.freeze else { return Ok(None) };
    let all = parameter_names(parameters);
    let names: BTreeSet<String> = all.intersection(loaded).cloned().collect();
    if names.is_empty() {
        let message = format!(
            "is {epochs}, so that what was loaded stays for {epochs} epochs, and nothing was; give --weights or encoder_weights, or remove \
             the line"
        );
        return Err(config.key_error("freeze", message));
    }
    require_rest(config, &names, &all)?;
    Ok(Some(Frozen { names, until: config.starting_epoch - 1 + epochs }))
}

/// Freezes for an epoch what stays in it; says what changes.
pub(super) fn for_epoch(frozen: Option<&Frozen>, epoch: usize, parameters: &ParameterSet) -> Option<String> {
    let Frozen { names, until } = frozen?;
    let nothing = BTreeSet::new();
    parameters.freeze(if epoch <= *until { names } else { &nothing });
    (epoch == until + 1).then(|| format!("from epoch {epoch} on all parameters move"))
}

/// What there is to say of the part that stays.
pub(super) fn note(config: &Config, frozen: Option<&Frozen>, parameters: &ParameterSet) -> Option<String> {
    config.freeze.as_ref()?;
    let moving: usize = parameters.trainable().iter().map(|(_, tensor)| tensor.len()).sum();
    let (all, still) = (parameters.count(), parameters.count() - moving);
    let until = frozen.map_or("in the whole run".to_owned(), |frozen| format!("until epoch {}", frozen.until));
    (still > 0).then(|| format!("freeze: {still} of {all} parameters stay as they are {until}, their batch norms with running statistics"))
}

fn require_rest(config: &Config, frozen: &BTreeSet<String>, all: &BTreeSet<String>) -> Result<()> {
    if frozen.len() < all.len() {
        return Ok(());
    }
    Err(config.key_error("freeze", "holds every parameter of the network, so that nothing would be trained; freeze a part of it"))
}

fn parameter_names(parameters: &ParameterSet) -> BTreeSet<String> {
    let is_parameter = |(name, value): &(String, Value)| matches!(value, Value::Parameter(_)).then(|| name.clone());
    parameters.entries().iter().filter_map(is_parameter).collect()
}

/// Whether a parameter is of this name, or of a module of this name.
fn is_inside(parameter: &str, module: &str) -> bool {
    parameter.strip_prefix(module).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
