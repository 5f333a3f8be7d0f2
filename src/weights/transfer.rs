//! Weights of another network's training put into a network: all where all fit; otherwise what fits, the first convolution adapted to other
//! inputs ([`super::adapt`]), and everything else as the seed initialised it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::adapt::{by_name, repeated};
use super::provenance::{Provenance, listed};
use crate::config::{Carried, Config};
use crate::error::Result;
use crate::models;
use crate::nn::state_dict::{self, HostDict, HostTensor};
use crate::nn::{ParameterSet, Value};

/// So many tensors are named in a note, the others are counted.
const NAMED: usize = 8;

/// What became of a file's tensors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Taken {
    /// What there is to tell.
    pub notes: Vec<String>,
    /// Entries of the model that have the file's values, as they are.
    pub names: BTreeSet<String>,
}

/// Puts the weights of a file into the configured model, with initial values where they do not fit it.
///
/// Where the file names its inputs, the channels of the first convolution go by their names, also where their number fits.
///
/// # Errors
/// [`Error::Weights`](crate::error::Error::Weights) for a file that cannot be read, and for one of which no weight fits, saying why as
/// where all had to; the model is unchanged then.
pub fn load(model: &ParameterSet, config: &Config, path: &Path) -> Result<Taken> {
    let mut dict = state_dict::read(path)?;
    let provenance = Provenance::read(path)?;
    let then = provenance.as_ref().map(|provenance| provenance.config(path, &BTreeMap::new(), &[])?.inputs()).transpose()?;
    let now: Vec<&str> = config.inputs()?.iter().map(|input| input.name).collect();
    let then: Option<Vec<&str>> = then.map(|inputs| inputs.iter().map(|input| input.name).collect());
    let same_inputs = then.as_ref().is_none_or(|then| *then == now);
    let first = models::network(config)?.first;

    let (mut adapted, mut taken, mut fresh) = (None, BTreeSet::new(), Vec::new());
    let (mut known, mut weights) = (BTreeSet::new(), 0);
    for (name, value) in model.entries() {
        let stored = model.stored_names(name);
        if matches!(value, Value::Derived(_)) {
            known.extend(stored);
            continue;
        }
        let Some(tensor) = dict.get(&stored[0]) else {
            fresh.push(name.clone());
            continue;
        };
        let is_first = Some(name.as_str()) == first;
        if stored[1..].iter().filter_map(|copy| dict.get(copy)).any(|copy| copy != tensor) {
            // Which is no state dict of such a model, as is said there.
            return state_dict::apply(model, dict, path).map(|()| Taken::default());
        }
        known.extend(stored);
        match (value, tensor) {
            (Value::Parameter(to), HostTensor::F32(shape, values))
                if is_first && (!same_inputs || shape.get(1) != to.shape().dims().get(1)) =>
            {
                adapted = adapt(shape, values, to.shape().dims(), then.as_deref(), &now);
                if adapted.is_none() {
                    fresh.push(differing(name, shape, to.shape().dims()));
                }
            }
            _ if state_dict::fits(value, tensor) => {
                weights += usize::from(matches!((value, tensor), (Value::Parameter(_), HostTensor::F32(shape, _)) if shape.len() > 1));
                taken.insert(name.clone());
            }
            (Value::Parameter(to) | Value::Buffer(to), HostTensor::F32(shape, _)) => {
                fresh.push(differing(name, shape, to.shape().dims()));
            }
            _ => fresh.push(name.clone()),
        }
    }
    let unused: Vec<String> = dict.keys().filter(|name| !known.contains(*name)).cloned().collect();
    let fits_wholly = adapted.is_none() && fresh.is_empty() && unused.is_empty();
    if fits_wholly || weights == 0 {
        state_dict::apply(model, dict, path)?;
        return Ok(Taken { notes: differences(config, provenance.as_ref())?, names: taken });
    }
    let mut notes = vec![format!(
        "{}: {} of the network's {} tensors are taken as they are: {}",
        path.display(),
        taken.len(),
        model.entries().len(),
        by_module(&taken)
    )];
    let mut part: HostDict = taken.iter().filter_map(|name| dict.remove(name).map(|tensor| (name.clone(), tensor))).collect();
    if let (Some(name), Some((tensor, note))) = (first, adapted) {
        notes.push(format!("{name}: {note}"));
        part.insert(name.to_owned(), tensor);
    }
    notes.extend((!fresh.is_empty()).then(|| format!("initialised from the seed: {}", some(&fresh))));
    notes.extend((!unused.is_empty()).then(|| format!("not used of the file: {}", some(&unused))));
    notes.extend(differences(config, provenance.as_ref())?);
    state_dict::apply_part(model, part, path)?;
    Ok(Taken { notes, names: taken })
}

/// The first convolution for other inputs, and how that was done; `None` where more differs than the inputs.
fn adapt(shape: &[usize], values: &[f32], wanted: &[usize], then: Option<&[&str]>, now: &[&str]) -> Option<(HostTensor, String)> {
    let (&[c_out, before, ref kernel @ ..], &[wanted_out, channels, ref wanted_kernel @ ..]) = (shape, wanted) else { return None };
    if c_out != wanted_out || kernel != wanted_kernel || values.is_empty() {
        return None;
    }
    let of = |names: Vec<&str>, what: &str| if names.is_empty() { String::new() } else { format!("; {what} {}", names.join(", ")) };
    // A network whose channels are not the configured inputs one by one has no names for them.
    if let Some(then) = then.filter(|then| then.len() == before && now.len() == channels)
        && let Some(adapted) = by_name(shape, values, then, now)
    {
        let both = now.iter().copied().filter(|name| then.contains(name)).collect();
        let begins = now.iter().copied().filter(|name| !then.contains(name)).collect();
        let left = then.iter().copied().filter(|name| !now.contains(name)).collect();
        let note = format!(
            "its input channels go by their names{}{}{}",
            of(both, "taken are"),
            of(begins, "from zero begin"),
            of(left, "left out are")
        );
        return Some((HostTensor::F32(wanted.to_vec(), adapted), note));
    }
    let note = match (then, channels) {
        (Some(_), n) if n == before => "no input has the name of one of the training; its channels are taken in their order".to_owned(),
        (_, 1) => format!("its {before} input channels are summed up"),
        _ => format!("its {before} input channels are repeated for {channels} and scaled by {before}/{channels}"),
    };
    Some((HostTensor::F32(wanted.to_vec(), repeated(shape, values, channels)), note))
}

/// What the configuration of the training says otherwise, inputs aside, which are told of.
fn differences(config: &Config, provenance: Option<&Provenance>) -> Result<Vec<String>> {
    let Some(provenance) = provenance else { return Ok(Vec::new()) };
    let mut found = config.differences(&provenance.config)?;
    let is_of_inputs = |key: &str| key.starts_with("in_keys");
    found.retain(|found| found.carried == Carried::Binding && found.then.is_some() && found.now.is_some() && !is_of_inputs(&found.key));
    Ok((!found.is_empty()).then(|| format!("the weights were trained under other values: {}", listed(&found))).into_iter().collect())
}

fn differing(name: &str, shape: &[usize], wanted: &[usize]) -> String {
    format!("{name} ({shape:?} in the file, {wanted:?} in the network)")
}

/// Numbers of tensors by the first part of their names.
fn by_module(names: &BTreeSet<String>) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    names.iter().for_each(|name| *counts.entry(name.split('.').next().unwrap_or(name)).or_default() += 1);
    counts.iter().map(|(module, count)| format!("{module} {count}")).collect::<Vec<_>>().join(", ")
}

/// The first few of some names, and how many more there are.
fn some(names: &[String]) -> String {
    let named = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
