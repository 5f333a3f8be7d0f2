//! A launch remembered, and carried out again with another plan: what `bench --plans` prints and `tune` times.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::error::{Error, Result};
use crate::gpu::{Buffer, Cost, Gpu, Launch, Parameters, Plan};

/// A launch without its arrays.
#[derive(Debug, Clone, PartialEq)]
pub struct Launched {
    /// What was launched.
    pub plan: Plan,
    /// The bytes of its parameters.
    pub params: Vec<u8>,
    /// Kernels that take such parameters.
    stems: &'static [&'static str],
    /// Its arrays in binding order: what is the same for the same array, and float32 words.
    arrays: Vec<((u64, u64, u64), usize)>,
    cost: Cost,
}

impl Parameters for Launched {
    fn stems(&self) -> &'static [&'static str] {
        self.stems
    }

    fn bytes(&self) -> &[u8] {
        &self.params
    }
}

impl Launched {
    pub(super) fn of(launch: &Launch) -> Launched {
        Launched {
            plan: launch.plan.clone(),
            params: launch.params.bytes().to_vec(),
            stems: launch.params.stems(),
            arrays: launch.buffers.iter().map(|buffer| (buffer.key(), (buffer.bytes() / 4) as usize)).collect(),
            cost: launch.cost,
        }
    }

    /// What it takes, by napkin.
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Whether `other` does the same work: the same parameters on arrays of the same sizes, by a kernel that takes them, whatever the plan.
    pub fn is_like(&self, other: &Launched) -> bool {
        let words = |launched: &Launched| launched.arrays.iter().map(|(_, words)| *words).collect::<Vec<_>>();
        self.stems == other.stems && self.params == other.params && words(self) == words(other)
    }

    /// The same launch with arrays of its own on a device.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`], and [`Error::Limit`] beyond what the device takes at once.
    pub fn again(&self, gpu: &Gpu) -> Result<Replay> {
        let mut buffers = BTreeMap::new();
        for &(key, words) in &self.arrays {
            if let Entry::Vacant(place) = buffers.entry(key) {
                place.insert((gpu.allocate(words)?, words));
            }
        }
        Ok(Replay { launched: self.clone(), gpu: gpu.clone(), buffers })
    }
}

/// A launch that can be carried out by several plans, on arrays of its own.
pub struct Replay {
    launched: Launched,
    gpu: Gpu,
    buffers: BTreeMap<(u64, u64, u64), (Buffer, usize)>,
}

impl Replay {
    /// Fills every array with the values of a function of its length.
    pub fn fill(&self, values: impl Fn(usize) -> Vec<f32>) {
        self.buffers.values().for_each(|(buffer, words)| self.gpu.write(buffer, &values(*words)));
    }

    /// Launches a plan.
    ///
    /// # Errors
    /// [`Error::Kernel`] for a plan of another kernel; device errors.
    pub fn run(&self, plan: &Plan) -> Result<()> {
        let Launched { plan: own, arrays, cost, .. } = &self.launched;
        if !self.launched.stems.contains(&plan.stem) {
            return Err(Error::Kernel { stem: plan.stem.into(), message: format!("is no plan for a launch of {}", own.stem) });
        }
        let buffers: Vec<&Buffer> = arrays.iter().filter_map(|(key, _)| self.buffers.get(key)).map(|(buffer, _)| buffer).collect();
        self.gpu.launch(&Launch { plan: plan.clone(), params: &self.launched, buffers: &buffers, cost: *cost })
    }

    /// The bits of all arrays, one after the other.
    ///
    /// # Errors
    /// [`Error::Device`].
    pub fn bits(&self) -> Result<Vec<u32>> {
        let mut bits = Vec::new();
        for (buffer, words) in self.buffers.values() {
            bits.extend(self.gpu.read(buffer, *words)?.into_iter().map(f32::to_bits));
        }
        Ok(bits)
    }
}
