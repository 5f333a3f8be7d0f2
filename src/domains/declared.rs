//! Variables that a configuration names itself: a domain's table with them behind it.
//!
//! Such a table lives as long as the process, as the domains' own do, so that a variable is one `&'static` whatever it comes from. Equal
//! ones are made once: what stays in memory is bounded by what differs between the configurations that a process reads.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::{Domain, Gaps, Logarithm, Look, Source, Variable};
use crate::image::Colormap;

/// What a configuration says of a variable of its own.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// [`Source::Daily`] or [`Source::Constant`].
    pub source: Source,
    /// The variable whose files it is a band of, and which one, counted from 1.
    pub band_of: Option<(String, usize)>,
    /// The logarithm that is taken.
    pub logarithm: Option<Logarithm>,
    /// Title of its pictures.
    pub title: String,
    /// Its unit; empty where it has none.
    pub unit: String,
    /// The values at the ends of its colours.
    pub range: Option<(f32, f32)>,
    /// Its colours.
    pub colormap: Colormap,
}

/// The words for colours, as `colors_<variable>` takes them.
pub const COLORS: [&str; 4] = ["viridis", "grey", "elevation", "diverging"];

/// The colours of a word of [`COLORS`]; of any other word those that most variables have.
pub fn colormap_named(word: &str) -> Colormap {
    match word {
        "grey" => Colormap::Grey,
        "elevation" => Colormap::Elevation,
        "diverging" => Colormap::Diverging,
        _ => Colormap::Viridis,
    }
}

impl Declared {
    /// As a target or an input; as a target it is known where it has a value, and shown inside the mask only.
    pub fn variable(&self, is_target: bool) -> Variable {
        let name = interned(&self.name);
        let look = Look {
            title: interned(&self.title),
            unit: interned(&self.unit),
            colormap: self.colormap,
            range: self.range,
            masked: is_target,
        };
        Variable {
            name,
            source: self.source,
            gaps: if is_target { Gaps::Masked } else { Gaps::Refused },
            band_of: self.band_of.as_ref().map(|(files, band)| (interned(files), *band)),
            logarithm: self.logarithm,
            blur_like: Some(name),
            look,
            ..Variable::DAILY
        }
    }
}

impl Domain {
    /// This table with other inputs and another target.
    pub fn with(&'static self, inputs: Vec<Variable>, target: Variable) -> &'static Domain {
        static MADE: Mutex<Vec<&'static Domain>> = Mutex::new(Vec::new());
        if target == self.target && inputs == self.inputs {
            return self;
        }
        // A thread that panicked while it held the lock left nothing half-done.
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |other: &&&Domain| other.name == self.name && other.target == target && other.inputs == inputs;
        if let Some(same) = made.iter().find(is_same) {
            return same;
        }
        let Domain { name, mask, map_reference, unit, .. } = *self;
        let table = Box::leak(Box::new(Domain { name, inputs: Vec::leak(inputs), target, mask, map_reference, unit }));
        made.push(table);
        table
    }
}

/// The one copy of a text that lives as long as the process.
pub fn interned(text: &str) -> &'static str {
    static TEXTS: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    match texts.get(text) {
        Some(known) => known,
        None => {
            let copy: &'static str = String::leak(text.to_owned());
            texts.insert(copy);
            copy
        }
    }
}
