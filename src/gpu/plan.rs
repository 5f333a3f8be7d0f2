//! A dispatch as plain data, made from what a device can do and from extents alone, and the choices that are left open in it.
//!
//! Launchers run plans; where there is something to choose they have a function `plan` from [`crate::gpu::Capabilities`] and extents that
//! needs no device.

use std::collections::BTreeMap;

use crate::gpu::Capabilities;
use crate::gpu::shader::Variant;

/// Invocations of a workgroup: all kernels have as many, unless their plan says another number.
const GROUP: usize = 64;
/// Workgroups along an axis at most, on every device.
const MOST_GROUPS: usize = 65_535;

/// One dispatch: which kernel, how it is built, and how many workgroups.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Plan {
    /// WGSL file, entry point, host twin and label.
    pub stem: &'static str,
    /// Constants, and the width of memory accesses.
    pub variant: Variant,
    /// Workgroups along x, y, z.
    pub groups: [u32; 3],
    /// Words of partial results that the launcher sets aside; another kernel adds them up.
    pub scratch: usize,
}

impl Plan {
    /// `count` workgroups of the kernel as its file is. Past the limit of an axis they are folded into x and y, so that kernels use
    /// `flat_group`.
    pub fn new(stem: &'static str, count: usize) -> Plan {
        let count = count.max(1);
        let y = count.div_ceil(MOST_GROUPS);
        Plan { stem, variant: Variant::default(), groups: [count.div_ceil(y) as u32, y as u32, 1], scratch: 0 }
    }

    /// An invocation for each of `items`.
    pub fn each(stem: &'static str, items: usize) -> Plan {
        Plan::new(stem, items.div_ceil(GROUP))
    }

    /// The plan with these values of `const NAME = …u;` lines, too.
    pub fn with(mut self, consts: impl IntoIterator<Item = (&'static str, u32)>) -> Plan {
        self.variant.consts.extend(consts);
        self
    }

    /// The plan with memory read one by one (true), or four elements at a time.
    pub fn scalar(mut self, scalar: bool) -> Plan {
        self.variant.scalar = scalar;
        self
    }

    /// The plan with words of partial results.
    pub fn scratch(mut self, words: usize) -> Plan {
        self.scratch = words;
        self
    }
}

impl std::fmt::Display for Plan {
    /// `conv2d OUT=8 ACTIVATION=1, 128 groups`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [x, y, z] = self.groups.map(u64::from);
        write!(f, "{}", self.stem)?;
        self.variant.consts.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))?;
        write!(f, "{}, {} groups", if self.variant.scalar { " scalar" } else { "" }, x * y * z)?;
        if self.scratch > 0 { write!(f, ", {} words of partial results", self.scratch) } else { Ok(()) }
    }
}

/// Constants of a kernel that may be chosen freely: each sum has the same terms in the same order whichever is taken, so that results have
/// the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selectable {
    /// The kernel.
    pub stem: &'static str,
    /// The constants that are set together.
    pub names: &'static [&'static str],
    /// The values that they may have, in the order of `names`.
    pub values: &'static [&'static [u32]],
    /// The kernel through workgroup memory that stands for this one where all values are [`LEAST_TILE`] or more; not on the host.
    pub tile: Option<&'static str>,
}

/// The least side of a tile that a workgroup computes together; smaller ones are those of an invocation.
pub const LEAST_TILE: u32 = 32;

impl Selectable {
    /// Whether there is such a choice, of values in the order of `names`.
    pub fn has(&self, values: &[u32]) -> bool {
        self.values.contains(&values)
    }

    /// The kernel that a device runs for these values: the host has one for all.
    pub fn stem_on(&self, able: &Capabilities, values: &[u32]) -> &'static str {
        if able.is_host() { self.stem } else { self.stem_of(values) }
    }

    /// The kernel that these values are of.
    pub fn stem_of(&self, values: &[u32]) -> &'static str {
        self.tile.filter(|_| values.iter().all(|value| *value >= LEAST_TILE)).unwrap_or(self.stem)
    }
}

/// What was chosen: for a kernel whatever its parameters (forced), or for one set of parameters (tuned).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    forced: BTreeMap<&'static str, Vec<u32>>,
    tuned: BTreeMap<(&'static str, Vec<u8>), Vec<u32>>,
}

impl Choices {
    /// Takes `values` for every launch of the kernel; false where it has no such choice.
    pub fn force(&mut self, of: &Selectable, values: &[u32]) -> bool {
        let known = of.has(values);
        if known {
            self.forced.insert(of.stem, values.to_vec());
        }
        known
    }

    /// Takes `values` for launches of the kernel with these bytes of parameters; false where it has no such choice.
    pub fn tune(&mut self, of: &Selectable, params: &[u8], values: &[u32]) -> bool {
        let known = of.has(values);
        if known {
            self.tuned.insert((of.stem, params.to_vec()), values.to_vec());
        }
        known
    }

    /// The choice in force for a launch with these parameters: the forced one, else the tuned one, else `usual`.
    pub fn of<const N: usize>(&self, of: &Selectable, params: &dyn Parameters, usual: [u32; N]) -> [u32; N] {
        // Hardly anybody chooses, and every launch asks.
        if self.forced.is_empty() && self.tuned.is_empty() {
            return usual;
        }
        let tuned = || self.tuned.get(&(of.stem, params.bytes().to_vec()));
        let chosen = self.forced.get(of.stem).or_else(tuned);
        chosen.and_then(|values| values.as_slice().try_into().ok()).unwrap_or(usual)
    }

    /// Whether a choice of the kernel is taken for every launch.
    pub fn forces(&self, of: &Selectable) -> bool {
        self.forced.contains_key(of.stem)
    }

    /// True where nothing was chosen.
    pub fn is_empty(&self) -> bool {
        self.forced.is_empty() && self.tuned.is_empty()
    }
}

/// A kernel's parameter struct, whichever it is.
pub trait Parameters {
    /// Kernels that take it.
    fn stems(&self) -> &'static [&'static str];
    /// Its bytes (`var<immediate>`), at most 64: what browsers are to offer, half of what devices do.
    fn bytes(&self) -> &[u8];
}

impl<P: crate::host::params::Params> Parameters for P {
    fn stems(&self) -> &'static [&'static str] {
        P::STEMS
    }

    fn bytes(&self) -> &[u8] {
        bytemuck::bytes_of(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launches_past_the_limit_of_an_axis_are_folded() {
        assert_eq!(Plan::new("add", 0).groups, [1, 1, 1]);
        assert_eq!(Plan::new("add", 65_535).groups, [65_535, 1, 1]);
        let [x, y, z] = Plan::new("add", 200_001).groups;
        assert!(x <= 65_535 && y == 4 && z == 1 && x * y >= 200_001, "{x} × {y} × {z}");
        assert_eq!(Plan::each("add", 65).groups, [2, 1, 1]);
    }

    #[test]
    fn what_is_forced_goes_before_what_is_tuned_and_only_listed_values_are_taken() {
        const OUT: Selectable = Selectable { stem: "conv2d", names: &["OUT"], values: &[&[4], &[8], &[16]], tile: None };
        let params = crate::host::mul_scalar::MulScalarParams { packs: 7, factor: 1.0 };
        let mut choices = Choices::default();
        assert_eq!(choices.of(&OUT, &params, [8]), [8]);
        assert!(!choices.tune(&OUT, params.bytes(), &[5]));
        assert!(choices.tune(&OUT, params.bytes(), &[4]));
        assert_eq!(choices.of(&OUT, &params, [8]), [4]);
        assert_eq!(choices.of(&OUT, &crate::host::mul_scalar::MulScalarParams { packs: 8, ..params }, [8]), [8]);
        assert!(choices.force(&OUT, &[16]));
        assert_eq!(choices.of(&OUT, &params, [8]), [16]);
    }
}
